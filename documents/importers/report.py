"""What came of an import: documents, the files they name, and all that was lost or is wrong."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from bus.errors import fill
from bus.languages import Language
from documents import importers
from documents.problems import Severity

__all__ = ["Imported", "Note", "Remark", "Severity"]


@dataclass(frozen=True, slots=True)
class Remark:
    """What may be said of a source, in both languages, with ``{facts}`` in braces.

    A warning is a loss: documents are made without it. An error stands in the way of documents.
    """

    code: str
    severity: Severity
    en: str
    vi: str


def every_remark() -> list[Remark]:
    """Every remark of every importer, by its code."""
    modules = [import_module(each.name) for each in iter_modules(importers.__path__, f"{importers.__name__}.")]
    found = {each.code: each for module in modules for each in vars(module).values() if isinstance(each, Remark)}
    return [found[code] for code in sorted(found)]


@dataclass(frozen=True, slots=True)
class Note:
    """A remark at a place: a file, and after it a line, an operation or a JSON Pointer, where that is known.

    A fact that is more than a name has its Vietnamese as an attribute ``vi``.
    """

    remark: Remark
    place: str
    facts: Mapping[str, str] = field(default_factory=dict)

    def say(self, language: Language) -> str:
        if language is Language.EN:
            return fill(self.remark.en, dict(self.facts))
        return fill(self.remark.vi, {name: getattr(fact, "vi", fact) for name, fact in self.facts.items()})

    def line(self, language: Language) -> str:
        """As `documents.problems.Problem` is shown: place, severity, what to do."""
        place = f"{self.place}: " if self.place else ""
        return f"{place}{self.remark.severity}: {self.say(language)} [{self.remark.code}]"

    def as_json(self) -> dict[str, Any]:
        words = {str(language): self.say(language) for language in Language}
        return {"code": self.remark.code, "severity": self.remark.severity, "place": self.place, "message": words}


@dataclass(frozen=True, slots=True)
class Imported:
    """Documents as plain values, in the order of writing; the files they name, by path from the province folder.

    With an error among the notes there may be documents all the same: those that are right.
    """

    documents: tuple[dict[str, Any], ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    notes: tuple[Note, ...] = ()

    @property
    def errors(self) -> tuple[Note, ...]:
        return tuple(note for note in self.notes if note.remark.severity is Severity.ERROR)

    def of(self, kind: str) -> Iterator[dict[str, Any]]:
        return (each for each in self.documents if each["kind"] == kind)
