"""The documents of a province as one set, with the files they name."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

import orjson
from pydantic import ValidationError

from bus.errors import DocumentInvalid, Finding
from documents.kinds import KINDS, Contract, Document, Grant, Route
from documents.problems import Problem, Severity, pointer
from documents.standing import ACTIVE, UNSETTLED, Standing, State

D = TypeVar("D", bound=Document)


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """What a document is called: no two of a set have the same. Only contracts have versions."""

    kind: str
    name: str
    version: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}" + (f" {self.version}" if self.version else "")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a document was written: its file, and the line of each place in it, by JSON Pointer."""

    file: str = ""
    lines: Mapping[str, int] = field(default_factory=dict, repr=False)

    def line(self, place: str) -> int:
        """The line of a place, or of the nearest place around it; 0 where no lines are known."""
        while place and place not in self.lines:
            place = place.rpartition("/")[0]
        return self.lines.get(place, 0)


@dataclass(frozen=True, slots=True)
class Written:
    """A document and where it was written."""

    document: Document
    source: Source = field(default=Source(), compare=False)

    @property
    def key(self) -> Key:
        return Key(self.document.kind, *self.document.key)

    def problem(self, message: str, *steps: str | int, severity: Severity = Severity.ERROR) -> Problem:
        """A problem at a place of this document."""
        return self.problem_at(pointer(steps), message, severity)

    def problem_at(self, place: str, message: str, severity: Severity = Severity.ERROR) -> Problem:
        file = self.source.file or str(self.key)
        return Problem(file, self.source.line(place), place, message, severity)


@dataclass(frozen=True, slots=True)
class Row:
    """A document as the store keeps it: `content` is what was written, as JSON."""

    kind: str
    name: str
    version: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Documents:
    """A set of documents by key, the files that they name, by path from the province folder, and where those stand that
    do not stand as `lgsp apply` leaves them."""

    by_key: Mapping[Key, Written] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    standings: Mapping[Key, Standing] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Written]:
        return iter(self.by_key.values())

    def of(self, kind: type[D]) -> Iterator[tuple[Written, D]]:
        """Every document of a kind, with where it was written."""
        return ((written, written.document) for written in self if isinstance(written.document, kind))

    def named(self, kind: type[D]) -> dict[str, D]:
        """The documents of a kind without versions, by name."""
        return {document.key[0]: document for _, document in self.of(kind)}

    def standing(self, key: Key) -> Standing | None:
        """Where a document stands; None where there is no such document."""
        return self.standings.get(key, ACTIVE) if key in self.by_key else None

    def in_force(self, without: frozenset[State] = UNSETTLED) -> "Documents":
        """The set without what nobody may use, and without the routes and grants of a major of which no version is
        left."""
        out = {key for key, standing in self.standings.items() if standing.state in without}
        if not out:
            return self
        versions = [(written.key, each.reference) for written, each in self.of(Contract)]
        gone = {reference for key, reference in versions if key in out}
        gone -= {reference for key, reference in versions if key not in out}
        out |= {written.key for written, each in self.of(Route) if each.contract in gone}
        out |= {written.key for written, each in self.of(Grant) if each.contract in gone}
        return replace(self, by_key={key: written for key, written in self.by_key.items() if key not in out})

    def less(self, removed: Collection[Key]) -> "Documents":
        """The set without some of its documents."""
        by_key = {key: each for key, each in self.by_key.items() if key not in removed}
        standings = {key: each for key, each in self.standings.items() if key in by_key}
        return replace(self, by_key=by_key, standings=standings)

    def rows(self) -> Iterator[Row]:
        """What the store keeps; `of_rows` reads it back, with `files`, to an equal set."""
        for key, written in self.by_key.items():
            yield Row(key.kind, key.name, key.version, written.document.content)


def of_rows(
    rows: Iterable[Row], files: Mapping[str, bytes], standings: Mapping[Key, Standing] | None = None
) -> Documents:
    """The set that was kept. Raises `DocumentInvalid` for rows that no version of the bus wrote."""
    written = [Written(_document(row)) for row in rows]
    return Documents({each.key: each for each in written}, files, standings or {})


def _document(row: Row) -> Document:
    try:
        return KINDS[row.kind].model_validate(orjson.loads(row.content))
    except (KeyError, ValidationError, ValueError):
        raise unreadable(Key(row.kind, row.name, row.version)) from None


def unreadable(key: Key) -> DocumentInvalid:
    """What is raised for a row that no version of the bus wrote."""
    return DocumentInvalid(count=1, findings=[Finding(place=str(key), rule="it cannot be read back")])
