"""Versions of contracts, held against each other: what the command finds out and shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson
from rich.console import Console

from bus.clock import iso
from bus.errors import BusError, ContractUnknown, DocumentInvalid, QueryInvalid, VersionUnknown
from bus.languages import Language
from contracts.compatibility import Verdict
from contracts.descriptions.forms import FORMS
from contracts.descriptions.model import Subject
from documents import check
from documents.bounded import TooCostly, run_bounded
from documents.compile import numbers
from documents.evolution import MEMORY, SECONDS, Comparison, Toward, Version, compare
from documents.kinds.contract import Contract
from documents.load import load
from documents.model import Documents, Key
from documents.of_the_bus import with_own
from documents.shapes import Shapes
from documents.standing import Standing
from documents.store import read
from documents.subjects import subject_of as described
from running.home import Home
from running.printing import plain, print_json, table


@dataclass(frozen=True, slots=True)
class Compared:
    """Two versions and what changed between them."""

    former: Contract
    newer: Contract
    comparison: Comparison

    @property
    def allowed(self) -> bool:
        """Whether the newer one may have its number (semver.org 2.0.0 §8)."""
        kept = self.comparison.verdict(Toward.SENDERS) is Verdict.COMPATIBLE
        return kept or self.newer.major > self.former.major


def documents_of(home: Home, folder: Path | None) -> Documents:
    """The documents of a folder, or of the store. Raises `DocumentInvalid` for a folder that cannot be read."""
    return with_own(read(home.queries)) if folder is None else documents_in(folder)


def documents_in(folder: Path) -> Documents:
    """The documents of a folder. Raises `QueryInvalid` for one that cannot be read."""
    loaded = load(folder)
    if not loaded.documents.by_key and loaded.problems:
        raise QueryInvalid(name="folder", hint=str(loaded.problems[0]))
    return with_own(loaded.documents)


def compared(documents: Documents, former: str, newer: str) -> Compared:
    """Raises `ContractUnknown`, `VersionUnknown`, and `DocumentInvalid` for schemas that cannot be used or compared."""
    one, other = _version(documents, former), _version(documents, newer)
    try:
        found = run_bounded(_compare, documents, one, other, seconds=SECONDS, size=MEMORY)
    except TooCostly:
        raise QueryInvalid(
            name="contract", hint=f"comparing took more than {SECONDS} s or {MEMORY >> 20} MiB"
        ) from None
    if isinstance(found, BusError):
        raise found
    return Compared(one, other, found)


def _compare(documents: Documents, one: Contract, other: Contract) -> Comparison | BusError:
    shapes = Shapes(documents.files)
    try:
        return compare(Version(one, shapes, documents.files), Version(other, shapes, documents.files))
    except DocumentInvalid as invalid:
        return invalid


def _version(documents: Documents, reference: str) -> Contract:
    name, _, version = reference.partition("@")
    named = [each for _, each in documents.of(Contract) if each.name == name]
    if not named:
        raise ContractUnknown
    for each in named:
        if each.version == version:
            return each
    raise VersionUnknown(contract=name, version=version or "-")


def subject_of(documents: Documents, reference: str) -> Subject:
    """What descriptions of a contract are made of; of several versions that are meant, the newest in force. Raises
    `ContractUnknown`, `VersionUnknown`, `DocumentInvalid`."""
    name, _, version = reference.partition("@")
    named = [each for _, each in documents.of(Contract) if each.name == name]
    if not named:
        raise ContractUnknown
    meant = [each for each in named if not version or f"{each.version}.".startswith(f"{version}.")]
    if not meant:
        raise VersionUnknown(contract=name, version=version)
    usable = documents.in_force().by_key
    newest = max(meant, key=lambda each: (Key("Contract", *each.key) in usable, numbers(each.version)))
    return described(documents, newest)


def description_of(folder: Path, reference: str, form: str, url: str | None, language: Language) -> bytes:
    """A contract of a folder in one of `FORMS`, written in a child process with the bounds of a check, since nobody may
    have looked at its schemas. Raises as `subject_of` does, `SchemaInvalid` for what has no such description, and
    `QueryInvalid`."""
    try:
        found = run_bounded(_describe, folder, reference, form, url, language, seconds=check.SECONDS, size=check.MEMORY)
    except TooCostly:
        hint = f"describing took more than {check.SECONDS:g} s or {check.MEMORY >> 20} MiB"
        raise QueryInvalid(name="folder", hint=hint) from None
    if isinstance(found, BusError):
        raise found
    return found


def _describe(folder: Path, reference: str, form: str, url: str | None, language: Language) -> bytes | BusError:
    try:
        return FORMS[form].write(subject_of(documents_in(folder), reference), url, language)
    except BusError as error:
        return error


def show(out: Console, found: Compared, *, json: bool) -> None:
    """The verdict for each side, what it rests on, and the examples."""
    changes = found.comparison.changes
    verdicts = {side: found.comparison.verdict(side) for side in Toward}
    if json:
        listed = [
            {
                "part": each.part,
                "toward": each.toward,
                "verdict": each.verdict,
                "reason": each.reason,
                "example": each.example.decode() if each.example is not None else None,
            }
            for each in changes
        ]
        told: dict[str, object] = {str(side): verdict for side, verdict in verdicts.items()}
        print_json(out, told | {"allowed": found.allowed, "changes": listed})
        return
    rows = [(each.part, each.toward, each.verdict, each.reason) for each in changes]
    table(out, ("part", "for", "verdict", "because"), rows, "nothing that travels has changed")
    for each in changes:
        if each.example is not None:
            out.print(plain(f"\n{each.part}, {each.toward}: for example"))
            out.print(plain(f"  {each.example.decode()}"))
    step = f"{found.former.name} {found.former.version} → {found.newer.version}"
    out.print(plain(f"\n{step}: " + ", ".join(f"{verdict} for {side}" for side, verdict in verdicts.items()) + "."))
    if not found.allowed:
        out.print(plain(f"Under the same major this may not be: make it {found.former.major + 1}.0.0."), style="yellow")


def show_standings(out: Console, found: Sequence[tuple[Key, Standing]], *, json: bool) -> None:
    """Where versions stand, since when, until when, and who saw to it."""
    if json:
        print_json(out, [{"name": key.name, "version": key.version} | orjson.loads(at.content) for key, at in found])
        return
    rows = []
    for key, at in found:
        since, sunset = iso(at.since) if at.since else "", at.sunset or ""
        rows.append((key.name, key.version, at.state, since, sunset, at.proposed_by, at.decided_by))
    columns = ("contract", "version", "state", "since", "sunset", "proposed by", "decided by")
    table(out, columns, rows, "no contract")
