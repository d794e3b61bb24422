"""One transform on one document: what goes in, what comes out, and what that differs in from what was expected."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from bus.envelope import Body
from bus.errors import BusError, QueryInvalid
from documents import kinds
from documents.bench import Bench
from documents.bounded import TooCostly, run_bounded
from documents.compile import Compiled, compile_on
from documents.differences import differences, format_of
from documents.model import Documents
from documents.of_the_bus import with_own
from documents.problems import meant
from documents.shapes import Shapes
from documents.transforming import alone
from routes.model import Convert
from transforms.apart.pool import Pool

SECONDS = 60.0
MEMORY = 3 * 1024**3


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of it: `use` is the route and the way on it, `made` the result, `error` why there is none."""

    use: str
    given: Body
    made: Body | None = None
    error: str = ""
    expected: Body | None = None
    differences: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return self.made is not None and not self.differences


@dataclass(frozen=True, slots=True)
class Attempt:
    """Which transform to try on what: `path` is where the document is, by whose end its format is known; `on` the
    beginning of the use to try, where there are several; `expected` a path and what is there."""

    transform: str
    path: str
    data: bytes
    on: str = ""
    expected: tuple[str, bytes] | None = None


def try_bounded(documents: Documents, attempt: Attempt) -> Trial:
    """Try it in a child process of bounded time and memory. Raises `QueryInvalid` where there is no such transform."""
    if not any(each.name == attempt.transform for _, each in documents.of(kinds.Transform)):
        there = documents.named(kinds.Transform)
        hint = f"there is no transform {attempt.transform}: {meant(attempt.transform, there)}"
        raise QueryInvalid(name="transform", hint=hint.rstrip(".?"))
    given = Body(format_of(attempt.path), attempt.data)
    try:
        return run_bounded(_try, documents, attempt, given, seconds=SECONDS, size=MEMORY)
    except TooCostly:
        return Trial("", given, error=f"it took more than {SECONDS:g} s or {MEMORY >> 20} MiB.")


def _try(documents: Documents, attempt: Attempt, given: Body) -> Trial:
    with Pool() as pool:
        bench = Bench(with_own(documents), Shapes(documents.files), pool, proving=True)
        compiled = compile_on(bench)
        uses = dict(_uses(bench, compiled, attempt.transform))
        use = next((each for each in uses if each.startswith(attempt.on)), None)
        if use is None:
            wrong = [problem for problem in bench.problems if attempt.transform in str(problem)] or bench.problems
            known = f"it has no use `{attempt.on}`: {meant(attempt.on, uses)}" if uses else ""
            return Trial("", given, error=known or "\n".join(map(str, wrong)) or "it cannot be compiled.")
        trial = _converted(Trial(use, given), uses[use])
    return _compared(trial, _expected(documents, attempt))


def _converted(trial: Trial, convert: Convert) -> Trial:
    try:
        return replace(trial, made=convert(trial.given))
    except BusError as error:
        found = "".join(f"\n{each.place or '/'}: {each.rule} {each.limit}".rstrip() for each in error.findings)
        return replace(trial, error=error.text + found)


def _compared(trial: Trial, expected: Body | None) -> Trial:
    if trial.made is None or expected is None:
        return replace(trial, expected=expected)
    return replace(trial, expected=expected, differences=tuple(differences(trial.made, expected)))


def _uses(bench: Bench, compiled: Compiled, name: str) -> Iterator[tuple[str, Convert]]:
    """Every way on which a route uses the transform, and the transform by itself where none does."""
    found = False
    for _, document in bench.documents.of(kinds.Route):
        routes = compiled.routes.get(document.contract, ())
        route = next((each for each in routes if each.system == document.to), None)
        if route is None:
            continue
        named = document.transform
        ways = {"request": (named.request, route.request), "reply": (named.reply, route.reply)}
        ways |= {f"faults/{fault}": (each, route.faults.get(fault)) for fault, each in named.faults.items()}
        for way, (used, convert) in ways.items():
            if used == name and convert is not None:
                found = True
                yield f"{document.contract}/{document.to} {way}", convert
    for step in compiled.migrations:
        said = step.written.document.migrates if isinstance(step.written.document, kinds.Contract) else None
        steps = {"request": step.request, "reply": step.reply} | {
            f"faults/{n}": each for n, each in step.faults.items()
        }
        for places, used in said.named() if said else ():
            convert = steps.get("/".join(places))
            if used == name and convert is not None:
                found = True
                yield f"{step.target} migrates {'/'.join(places)}", convert
    if not found and (convert := alone(bench, name)) is not None:
        yield "by itself", convert


def _expected(documents: Documents, attempt: Attempt) -> Body | None:
    """What is to come out: as it was given, else as a test with this document says."""
    if attempt.expected is not None:
        path, wanted = attempt.expected
        return Body(format_of(path), wanted)
    tested = [(route.transform, route.tests) for _, route in documents.of(kinds.Route)]
    tested += [(each.migrates, each.migrates.tests) for _, each in documents.of(kinds.Contract) if each.migrates]
    for named, tests in tested:
        for test in tests:
            fault = named.faults.get(test.fault) if test.fault else None
            used = named.request if test.input else fault if test.fault else named.reply
            data = documents.files.get(test.input or test.reply or "")
            if used == attempt.transform and data == attempt.data and test.output in documents.files:
                return Body(format_of(test.output), documents.files[test.output])
    return None
