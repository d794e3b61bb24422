"""Trying what documents carry: the examples of contracts, and the tests of routes."""

from collections.abc import Sequence

from bus.envelope import Body
from bus.errors import BusError, Finding
from contracts.model import Contract, Part
from documents import kinds
from documents.bench import Bench, Step
from documents.compile import Compiled, newest
from documents.differences import differences, format_of
from documents.kinds.conversions import Test
from documents.model import Written
from routes.model import Convert, Route

MOST_FINDINGS = 3  # in one message


def try_examples(bench: Bench, compiled: Compiled) -> None:
    """A valid example passes its contract's schema, an invalid one does not."""
    for written, document in bench.documents.of(kinds.Contract):
        contract = _version(compiled, document)
        if contract is None:
            continue
        for index, path in enumerate(document.examples.valid):
            if wrong := _wrong(bench, contract.request, path):
                bench.say(written, f"{path} must pass, but: {wrong}", "examples", "valid", index)
        for index, path in enumerate(document.examples.invalid):
            if path in bench.documents.files and not _wrong(bench, contract.request, path):
                message = f"{path} must be refused, but passes: mend the example, or make the schema stricter."
                bench.say(written, message, "examples", "invalid", index)


def try_routes(bench: Bench, compiled: Compiled) -> None:
    """Each test of a route makes what it expects."""
    contracts = newest(bench.documents)
    for written, document in bench.documents.of(kinds.Route):
        contract = contracts.get(document.contract)
        version = _version(compiled, contract) if contract else None
        route = next((each for each in compiled.routes.get(document.contract, ()) if each.system == document.to), None)
        if version is not None and route is not None:
            for index, test in enumerate(document.tests):
                _try(bench, written, version, route, test, ("tests", index))


def try_migrations(bench: Bench, compiled: Compiled) -> None:
    """Each test of a migration makes what it expects, and each valid example of the former contract a message that the
    one that follows accepts."""
    contracts = newest(bench.documents)
    for step in compiled.migrations:
        former, contract = contracts[step.source], contracts[step.target]
        old, new = _version(compiled, former), _version(compiled, contract)
        if old is None or new is None or contract.migrates is None:
            continue
        route = Route(old.name, former.major, "", request=step.request, reply=step.reply, faults=step.faults)
        for index, test in enumerate(contract.migrates.tests):
            _try(bench, step.written, old, route, test, ("migrates", "tests", index))
        for path in former.examples.valid:
            if wrong := _unmigrated(bench, old, new, step.request, path):
                message = f"{path}, an example of {step.source}, becomes a message that this contract refuses: {wrong}"
                bench.say(step.written, message, "migrates", "request")


def _unmigrated(bench: Bench, old: Contract, new: Contract, request: Convert | None, path: str) -> str:
    """Why an example that is right cannot go on; empty where it can."""
    data = bench.documents.files.get(path)
    body = None if data is None else Body(old.request.format, data)
    if body is None or _broken(old.request, body):
        return ""  # said where the former contract is written
    try:
        return _broken(new.request, _converted(request, body))
    except BusError as error:
        return error.text


def _version(compiled: Compiled, document: kinds.Contract) -> Contract | None:
    versions = compiled.contracts.get(document.name, ())
    return next((each for each in versions if each.version == document.version), None)


def _try(bench: Bench, written: Written, contract: Contract, route: Route, test: Test, steps: tuple[Step, ...]) -> None:
    files = bench.documents.files
    if test.fault is not None and test.fault not in contract.faults:
        bench.say(written, f"the contract declares no fault {test.fault}.", *steps, "fault")
        return
    source = test.input or test.reply or ""
    if source not in files or test.output not in files:
        return  # said when the folder was read
    if test.input and (wrong := _wrong(bench, contract.request, test.input)):
        bench.say(written, f"{test.input} breaks the contract: {wrong}", *steps, "input")
        return
    body = Body(contract.request.format if test.input else format_of(source), files[source])
    try:
        made = _converted(_conversion(route, test), body)
    except BusError as error:
        bench.say(written, f"{source} cannot be converted: {error.text}", *steps)
        return
    for difference in differences(made, Body(format_of(test.output), files[test.output])):
        bench.say(written, f"{source}: {difference} (in {test.output}).", *steps)
    promised = _promised(contract, test)
    if promised is not None and (wrong := _broken(promised, made)):
        bench.say(written, f"what {source} becomes breaks the contract: {wrong}", *steps)


def _conversion(route: Route, test: Test) -> Convert | None:
    if test.input is not None:
        return route.request
    return route.faults.get(test.fault) if test.fault is not None else route.reply


def _converted(convert: Convert | None, body: Body) -> Body:
    return convert(body) if convert else body


def _promised(contract: Contract, test: Test) -> Part | None:
    """What the contract asks of what comes out; nothing of a request, which is the receiver's business."""
    if test.input is not None:
        return None
    return contract.faults[test.fault].part if test.fault is not None else contract.reply


def _wrong(bench: Bench, part: Part, path: str) -> str:
    data = bench.documents.files.get(path)
    return "" if data is None else _broken(part, Body(part.format, data))


def _broken(part: Part, body: Body) -> str:
    """What is wrong with a body, in a few words; empty where nothing is."""
    if body.format is not part.format:
        return f"it is {body.format.upper()}, not {part.format.upper()}."
    try:
        _, findings = part.validator.check(body)
    except BusError as error:
        return error.text
    return _listed(findings)


def _listed(findings: Sequence[Finding]) -> str:
    listed = [f"{each.place or '/'} {each.rule} {each.limit}".rstrip() for each in findings[:MOST_FINDINGS]]
    more = [f"and {len(findings) - MOST_FINDINGS} more"] if len(findings) > MOST_FINDINGS else []
    return "; ".join([*listed, *more])
