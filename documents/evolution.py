"""What a new version of a contract does to those who keep to the former one, proved or shown by an example.

Semantic versions (semver.org 2.0.0, §7 and §8) are kept by proof: under the same major every message that a sender of
the former version may send is still accepted, and every answer that it may get is one that it knows.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Final

from bus.errors import BusError, Finding
from contracts.compatibility import Covered, Verdict, covers
from contracts.json_body import parse_json
from contracts.xsd_compatibility import covers as xsd_covers
from contracts.xsd_counter_examples import with_example
from documents.bounded import TooCostly, run_bounded
from documents.kinds.contract import Contract, Fault, Payload
from documents.model import Documents, Key, Written
from documents.problems import Problem, Severity
from documents.shapes import Shapes
from documents.standing import ACTIVE, State

MOST_REASONS: Final = 3

SECONDS: Final = 30  # of processor time
MEMORY: Final = 2 * 1024**3  # bytes


class Toward(StrEnum):
    """Whom a change concerns: systems that send, or systems that receive."""

    SENDERS = "senders"
    RECEIVERS = "receivers"


@dataclass(frozen=True, slots=True)
class Change:
    """What one part of a contract became for one side. `example` is a body that shows it: one that was right and is
    wrong now, or the other way round; `reason` says what is wrong with it."""

    part: str
    toward: Toward
    verdict: Verdict
    reason: str = ""
    example: bytes | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a contract, and what the files say that it names."""

    contract: Contract
    shapes: Shapes
    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that changed from one version to another."""

    changes: tuple[Change, ...]

    def verdict(self, toward: Toward) -> Verdict:
        return Verdict.worst(each.verdict for each in self.changes if each.toward is toward)


def compare(old: Version, new: Version) -> Comparison:
    """From `old` to `new`, part by part. Raises `DocumentInvalid` for schemas that cannot be used."""
    before, after = old.contract, new.contract
    if before.exchange != after.exchange:
        reason = f"the exchange was {before.exchange} and is {after.exchange}"
        return Comparison(tuple(Change("exchange", side, Verdict.BREAKING, reason) for side in Toward))
    changes = [
        *_payload(old, new, "request", before.request, after.request, sent=True),
        *_reply(old, new),
        *_faults(old, new),
        *_limits(before, after),
        *_attachments("request", before.request, after.request, (Toward.SENDERS, Toward.RECEIVERS)),
        *_attachments("reply", before.reply, after.reply, (Toward.RECEIVERS, Toward.SENDERS)),
    ]
    return Comparison(tuple(changes))


def _payload(old: Version, new: Version, part: str, before: Payload, after: Payload, *, sent: bool) -> Iterator[Change]:
    """`sent`: senders write it and receivers read it; an answer is the other way round."""
    if (before.format, before.element) != (after.format, after.element):
        reason = f"it was {_written(before)} and is {_written(after)}"
        yield from (Change(part, side, Verdict.BREAKING, reason) for side in Toward)
        return
    writers, readers = (Toward.SENDERS, Toward.RECEIVERS) if sent else (Toward.RECEIVERS, Toward.SENDERS)
    kept = _covers(new, after, old, before, _examples(old) if part == "request" else ())
    known = _covers(old, before, new, after, _examples(new) if part == "request" else ())
    yield _change(part, writers, kept, "the new version refuses it")
    yield _change(part, readers, known, "the former version does not know it")


def _covers(wide: Version, one: Payload, narrow: Version, other: Payload, bodies: Iterable[bytes]) -> Covered:
    path, former = str(one.schema_path), str(other.schema_path)
    if one.format == "json":
        return covers(wide.shapes.json_validator(path), narrow.shapes.json_validator(former), _values(bodies))
    element = str(one.element)
    schemas = wide.shapes.xsd(path), narrow.shapes.xsd(former)
    return with_example(xsd_covers(*schemas, element), *schemas, element, bodies)


def _examples(version: Version) -> Iterator[bytes]:
    """The valid examples of a version: real messages say more than made ones."""
    for path in version.contract.examples.valid:
        if (data := version.files.get(str(path))) is not None:
            yield data


def _values(bodies: Iterable[bytes]) -> Iterator[object]:
    for data in bodies:
        with suppress(BusError):
            yield parse_json(data)


def _change(part: str, toward: Toward, covered: Covered, told: str) -> Change:
    if covered.verdict is Verdict.COMPATIBLE:
        note = "for messages without members that the schema does not name" if covered.declared else ""
        return Change(part, toward, covered.verdict, note)
    found = "; ".join(_told(each) for each in covered.findings[:MOST_REASONS])
    if covered.verdict is Verdict.UNKNOWN:
        return Change(part, toward, covered.verdict, found or "neither a proof nor an example was found")
    return Change(part, toward, covered.verdict, f"{told}: {found}" if found else told, covered.example)


def _told(finding: Finding) -> str:
    return " ".join(each for each in (finding.place or "the whole", finding.rule, finding.limit) if each)


def _written(payload: Payload) -> str:
    return payload.format + (f" {payload.element}" if payload.element else "")


def _reply(old: Version, new: Version) -> Iterator[Change]:
    before, after = old.contract.reply, new.contract.reply
    if before and after:
        yield from _payload(old, new, "reply", before, after, sent=False)
    elif before:
        yield Change("reply", Toward.SENDERS, Verdict.BREAKING, "there is no reply any more")
    elif after:
        yield Change("reply", Toward.RECEIVERS, Verdict.BREAKING, "a reply is asked for now")


def _faults(old: Version, new: Version) -> Iterator[Change]:
    before, after = old.contract.faults, new.contract.faults
    for name in sorted({*before, *after}):
        part = f"faults/{name}"
        if name not in before:
            yield Change(part, Toward.SENDERS, Verdict.BREAKING, "an answer that senders of the former do not know")
        elif name not in after:
            yield Change(part, Toward.RECEIVERS, Verdict.BREAKING, "an answer that receivers of the former may give")
        else:
            yield from _fault(old, new, part, before[name], after[name])


def _fault(old: Version, new: Version, part: str, before: Fault, after: Fault) -> Iterator[Change]:
    one, other = old.contract.fault_payload(before), new.contract.fault_payload(after)
    if one and other:
        yield from _payload(old, new, part, one, other, sent=False)
    elif one:
        yield Change(part, Toward.SENDERS, Verdict.BREAKING, "its body may be anything now")
    elif other:
        yield Change(part, Toward.RECEIVERS, Verdict.BREAKING, "its body must be right now")
    if (before.element, before.status) != (after.element, after.status):
        yield Change(part, Toward.RECEIVERS, Verdict.BREAKING, "receivers must say it in another way")


def _limits(before: Contract, after: Contract) -> Iterator[Change]:
    was, is_ = before.limits.max_bytes, after.limits.max_bytes
    if is_ < was:
        yield Change("limits/maxBytes", Toward.SENDERS, Verdict.BREAKING, f"at most {is_} bytes, it was {was}")
    elif is_ > was:
        yield Change("limits/maxBytes", Toward.RECEIVERS, Verdict.BREAKING, f"up to {is_} bytes, it was {was}")


def _attachments(
    part: str, before: Payload | None, after: Payload | None, sides: tuple[Toward, Toward]
) -> Iterator[Change]:
    """`sides`: who gives them, and who takes them."""
    was, is_ = (each.attachments if each else None for each in (before, after))
    gives, takes = sides
    if was and not (is_ and is_.allow(was)):
        yield Change(f"{part}/attachments", gives, Verdict.BREAKING, "fewer, smaller or other attachments than before")
    if is_ and not (was and was.allow(is_)):
        yield Change(f"{part}/attachments", takes, Verdict.BREAKING, "more, larger or other attachments than before")


def predecessor(documents: Documents, contract: Contract) -> Contract | None:
    """The version that this one follows under its major; nobody keeps to one that is retired."""
    lower = [
        each
        for written, each in documents.of(Contract)
        if each.reference == contract.reference and _order(each) < _order(contract) and not _retired(documents, written)
    ]
    return max(lower, key=_order, default=None)


def check_steps(documents: Documents, shapes: Shapes, versions: frozenset[Key] | None = None) -> Iterator[Problem]:
    """Every version that breaks its major, or may; of `versions` alone, if some are named."""
    for former, written, contract in _steps(documents):
        if versions is None or written.key in versions:
            yield from _check_step(documents, shapes, former, written, contract)


def _steps(documents: Documents) -> Iterator[tuple[Contract, Written, Contract]]:
    """Every version that follows another under its major, after that one; nothing that is retired."""
    majors: dict[str, list[tuple[Written, Contract]]] = {}
    for written, contract in documents.of(Contract):
        if not _retired(documents, written):
            majors.setdefault(contract.reference, []).append((written, contract))
    for versions in majors.values():
        ordered = sorted(versions, key=lambda each: _order(each[1]))
        yield from ((former, *each) for (_, former), each in pairwise(ordered))


def check_steps_bounded(documents: Documents, versions: frozenset[Key]) -> tuple[Problem, ...]:
    """As `check_steps`, in a child process of bounded time and memory."""
    following = {written.key for _, written, _ in _steps(documents) if written.key in versions}
    if not following:
        return ()
    try:
        return run_bounded(_steps_of, documents, frozenset(following), seconds=SECONDS, size=MEMORY)
    except TooCostly:
        message = f"comparing it with the version before took more than {SECONDS} s or {MEMORY >> 20} MiB."
        return tuple(documents.by_key[key].problem(message, "version") for key in sorted(following))


def _steps_of(documents: Documents, versions: frozenset[Key]) -> tuple[Problem, ...]:
    return tuple(check_steps(documents, Shapes(documents.files), versions))


def _check_step(
    documents: Documents, shapes: Shapes, former: Contract, written: Written, contract: Contract
) -> Iterator[Problem]:
    try:
        found = compare(Version(former, shapes, documents.files), Version(contract, shapes, documents.files))
    except BusError:
        return  # said where the schemas are compiled
    for change in found.changes:
        if change.toward is Toward.RECEIVERS or change.verdict is Verdict.COMPATIBLE:
            continue
        if change.verdict is Verdict.BREAKING:
            what, severity = f"breaks senders of {former.version}", Severity.ERROR
            advice = f"make it version {contract.major + 1}.0.0"
        else:
            what, severity = f"may break senders of {former.version}", Severity.WARNING
            advice = "compare the two before it is applied"
        message = f"{contract.name} {contract.version} {what} ({change.part}: {change.reason}): {advice}."
        yield written.problem(message, "version", severity=severity)


def _order(contract: Contract) -> tuple[int, ...]:
    return tuple(int(number) for number in contract.version.split("."))


def _retired(documents: Documents, written: Written) -> bool:
    return documents.standings.get(written.key, ACTIVE).state is State.RETIRED
