"""What documents say of one another: every name leads somewhere, and what belongs together is there."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date

from documents import kinds
from documents.bench import Bench
from documents.certificates import check_certificates
from documents.compile import newest
from documents.kinds.values import Reference
from documents.model import Documents, Written
from documents.problems import meant
from identity.secrets import Secrets
from transforms.condition import compile_condition, compile_select


def check_references(bench: Bench, today: date, secrets: Secrets | None = None) -> None:
    """Say everything that is wrong between documents. Transforms, and what routes name, are the compiler's to say."""
    _agencies(bench)
    _systems(bench, today, secrets)
    _contracts(bench)
    _grants(bench, today)
    _routes(bench)
    _unused(bench)
    check_certificates(bench, today)


# --- agencies --------------------------------------------------------------------------------------------------------


def _agencies(bench: Bench) -> None:
    agencies = bench.documents.named(kinds.Agency)
    bearers: dict[str, list[kinds.Agency]] = {}
    for written, agency in bench.documents.of(kinds.Agency):
        for step, code in (("parent", agency.parent), ("successor", agency.successor)):
            if code is not None:
                bench.lacks(written, "Agency", code, agencies, step)
        _circle(bench, written, agency, "parent", lambda code: agencies[code].parent if code in agencies else None)
        _circle(
            bench, written, agency, "successor", lambda code: agencies[code].successor if code in agencies else None
        )
        if agency.legacy_code is not None:
            _shared(bench, written, agency, bearers.setdefault(agency.legacy_code, []))


def _circle(
    bench: Bench, written: Written, agency: kinds.Agency, step: str, follow: Callable[[str], str | None]
) -> None:
    seen: list[str] = []
    code: str | None = agency.code
    while code is not None and code not in seen:
        seen.append(code)
        code = follow(code)
    if code == agency.code:
        bench.say(written, f"{step} leads in a circle: {' → '.join([*seen, code])}.", step)


def _shared(bench: Bench, written: Written, agency: kinds.Agency, earlier: list[kinds.Agency]) -> None:
    """One older code may have had several bearers, but not at the same time."""
    for other in earlier:
        if _begin(agency) <= _end(other) and _begin(other) <= _end(agency):
            message = f"{other.code} bears {agency.legacy_code} at the same time: look at validFrom and validUntil."
            bench.say(written, message, "legacyCode")
    earlier.append(agency)


def _begin(document: kinds.Agency | kinds.Grant) -> date:
    return document.valid_from or date.min


def _end(document: kinds.Agency | kinds.Grant) -> date:
    return document.valid_until or date.max


# --- systems and contracts -------------------------------------------------------------------------------------------


def _systems(bench: Bench, today: date, secrets: Secrets | None) -> None:
    agencies = bench.documents.named(kinds.Agency)
    for written, system in bench.documents.of(kinds.System):
        if not bench.lacks(written, "Agency", system.agency, agencies, "agency"):
            _closed(bench, written, agencies[system.agency], today, "agency")
        for name, operation in system.operations.items():
            _failure(bench, written, name, operation)
        if secrets is not None:
            _secrets(bench, written, system, secrets)


def _closed(bench: Bench, written: Written, agency: kinds.Agency, today: date, step: str) -> None:
    if _end(agency) < today:
        follows = f"; its successor is {agency.successor}" if agency.successor else ""
        bench.warn(written, f"the agency {agency.code} ended on {agency.valid_until}{follows}.", step)


def _failure(bench: Bench, written: Written, name: str, operation: kinds.Operation) -> None:
    failure, steps = operation.failure, ("operations", name, "failure")
    if failure is not None:
        bench.attempt(written, (*steps, "when"), lambda: compile_condition(failure.when))
        if failure.code is not None:
            code = failure.code
            bench.attempt(written, (*steps, "code"), lambda: compile_select(code))


def _secrets(bench: Bench, written: Written, system: kinds.System, secrets: Secrets) -> None:
    there = secrets.list(system.agency)
    for steps, secret in system.secrets():
        if secret.name not in there:
            command = f"lgsp secret set {system.agency} {secret.name}"
            bench.warn(
                written, f"the agency {system.agency} has no secret {secret.name}: set it with `{command}`.", *steps
            )


def unasked(documents: Documents, agency: str, name: str) -> Iterator[str]:
    """Why a secret that is being set may have been mistyped; nothing where there are no documents yet."""
    agencies = documents.named(kinds.Agency)
    if agencies and agency not in agencies:
        yield f"there is no agency {agency}: {meant(agency, agencies)}"
        return
    systems = documents.named(kinds.System).values()
    named = {secret.name for system in systems if system.agency == agency for _, secret in system.secrets()}
    if agencies and name not in named:
        yield f"no system of {agency} names the secret {name}: {meant(name, named)}"


def _contracts(bench: Bench) -> None:
    agencies = bench.documents.named(kinds.Agency)
    every_route = not bench.lost("Route")
    routed = {route.contract for _, route in bench.documents.of(kinds.Route)}
    latest = newest(bench.documents)
    routed |= _migrated(latest, routed)
    for written, contract in bench.documents.of(kinds.Contract):
        bench.lacks(written, "Agency", contract.owner, agencies, "owner")
        if contract is not latest[contract.reference]:
            continue
        if every_route and contract.reference not in routed and contract.exchange != "event":
            bench.warn(written, f"no route leads {contract.reference} anywhere: its messages are refused.", "name")
        if not contract.examples.valid:
            bench.warn(
                written, "there is no valid example: examples: {valid: [FILE]} shows senders what to write.", "name"
            )


def _migrated(latest: Mapping[str, kinds.Contract], routed: set[Reference]) -> set[Reference]:
    """Contracts whose messages go on by migration to one that has a route, at whatever step."""
    found: set[Reference] = set()
    former = {reference: each.migrates.from_ for reference, each in latest.items() if each.migrates}
    for reference in routed:
        before = former.get(reference)
        while before is not None and before not in found:
            found.add(before)
            before = former.get(before)
    return found


# --- grants and routes -----------------------------------------------------------------------------------------------


def _grants(bench: Bench, today: date) -> None:
    systems, contracts = bench.documents.named(kinds.System), newest(bench.documents)
    for written, grant in bench.documents.of(kinds.Grant):
        bench.lacks(written, "System", grant.system, systems, "system")
        bench.lacks(written, "Contract", grant.contract, contracts, "contract")
        if _end(grant) < today:
            bench.warn(written, f"this grant ended on {grant.valid_until}: renew it, or take it away.", "validUntil")


def _routes(bench: Bench) -> None:
    systems, contracts = bench.documents.named(kinds.System), newest(bench.documents)
    receivers = {
        (grant.contract, grant.system) for _, grant in bench.documents.of(kinds.Grant) if grant.may == "receive"
    }
    together: dict[str, list[tuple[Written, kinds.Route]]] = {}
    for written, route in bench.documents.of(kinds.Route):
        together.setdefault(route.contract, []).append((written, route))
        if (route.contract, route.to) not in receivers and not bench.lost("Grant"):
            bench.say(written, f"{route.to} has no grant to receive {route.contract}: write one (kind: Grant).", "to")
        if route.to in systems and route.contract in contracts:
            _target(bench, written, route, systems[route.to], contracts[route.contract])
    for reference, routes in together.items():
        if reference in contracts and contracts[reference].exchange != "event":
            _one_receiver(bench, routes)


def _one_receiver(bench: Bench, routes: list[tuple[Written, kinds.Route]]) -> None:
    """A request or a document goes to one system, so that of several routes each must say when it is meant."""
    for written, route in routes:
        if len(routes) > 1 and route.when is None:
            others = ", ".join(other.to for _, other in routes if other is not route)
            bench.say(
                written,
                f"{route.contract} has one receiver, but also goes to {others}: say `when` each is meant.",
                "to",
            )


def _target(bench: Bench, written: Written, route: kinds.Route, system: kinds.System, contract: kinds.Contract) -> None:
    if system.adapter == "rest" and system.endpoint is None:
        bench.say(written, f"the system {system.name} has no `endpoint`: it can only send.", "to")
    if system.adapter == "inbox" and route.operation is not None:
        bench.say(written, f"{system.name} fetches its messages and has no operations: leave it away.", "operation")
    if system.adapter == "rest":
        _rest_faults(bench, written, route, system, contract)


def _rest_faults(
    bench: Bench, written: Written, route: kinds.Route, system: kinds.System, contract: kinds.Contract
) -> None:
    """Faults that the operation says and the contract does not know, and the other way round."""
    operation = system.operation(route.operation)
    said: set[str] = set(operation.failure.fault.values()) if operation and operation.failure else set()
    for fault in sorted(said - set(contract.faults)):
        bench.warn(
            written,
            f"the operation says the fault {fault}, which the contract lacks: {meant(fault, contract.faults)}",
            "to",
        )
    for name, declared in contract.faults.items():
        if declared.status is None and name not in said:
            bench.warn(
                written, f"{system.name} cannot say the fault {name}: no `status`, no `failure: {{fault}}`.", "to"
            )


# --- what nobody uses ------------------------------------------------------------------------------------------------


def _unused(bench: Bench) -> None:
    used = {name for _, route in bench.documents.of(kinds.Route) for _, name in route.transform.named()}
    used |= {
        name for _, each in bench.documents.of(kinds.Contract) if each.migrates for _, name in each.migrates.named()
    }
    for written, transform in bench.documents.of(kinds.Transform):
        if transform.name not in used and not bench.lost("Route"):
            bench.warn(written, f"nothing uses the transform {transform.name}.", "name")
    transforms = [transform for _, transform in bench.documents.of(kinds.Transform)]
    lists = {name for each in transforms for name in (*each.code_lists, *_code_lists(each.fields))}
    for written, code_list in bench.documents.of(kinds.CodeList):
        if code_list.name not in lists and not bench.lost("Transform"):
            bench.warn(written, f"no transform uses the code list {code_list.name}.", "name")


def _code_lists(value: object) -> Iterator[object]:
    members: Iterable[object] = ()
    if isinstance(value, Mapping):
        yield value.get("codeList")
        members = value.values()
    elif isinstance(value, list):
        members = value
    for member in members:
        yield from _code_lists(member)
