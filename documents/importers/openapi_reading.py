"""The files of an OpenAPI document, and the schemas that are reached from one place of it.

Each payload gets a schema file of its own, with what it refers to beneath ``$defs``: a change to one operation changes
the files of no other.
"""

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from documents.importers.dialects import DIALECT, Dialect
from documents.importers.naming import name_of
from documents.importers.plain_data import read_data
from documents.importers.report import Note
from documents.importers.source import Refused, Source

MOST_STEPS: Final = 50
"""References that lead to references."""


class Missing(LookupError):
    """A reference leads nowhere."""


@dataclass(slots=True)
class Files:
    """The parsed files of a source, each read when something leads to it."""

    source: Source
    _read: dict[str, Any] = field(default_factory=dict)

    def load(self, path: str) -> Any:
        if path not in self._read:
            self._read[path] = read_data(path, self.source.files[path])
        return self._read[path]

    def objects(self, *suffixes: str) -> dict[str, Mapping[str, Any]]:
        """Of the files by which reading may begin those that hold an object, by path; raises `Refused` where the only
        one cannot be read."""
        paths = self.source.entries(*suffixes)
        found = {}
        for path in paths:
            try:
                document = self.load(path)
            except Refused:
                if len(paths) == 1:
                    raise
                continue
            if isinstance(document, Mapping):
                found[path] = document
        return found

    def locate(self, reference: str, base: str) -> tuple[str, str]:
        """The file and the JSON Pointer that a reference names. Raises `Missing`."""
        where, _, pointer = reference.partition("#")
        if not where:
            return base, unquote(pointer)
        path = urlsplit(where).path
        beside = posixpath.normpath(posixpath.join(posixpath.dirname(base), unquote(path).lstrip("/")))
        for candidate in (beside, posixpath.join(posixpath.dirname(base), posixpath.basename(path))):
            if candidate in self.source.files:
                return candidate, unquote(pointer)
        raise Missing(reference)

    def at(self, path: str, pointer: str) -> Any:
        """What lies at a JSON Pointer (RFC 6901). Raises `Missing`."""
        try:
            found = self.load(path)
        except Refused:
            raise Missing(path) from None
        for step in pointer.split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            if isinstance(found, Mapping) and name in found:
                found = found[name]
            elif isinstance(found, list) and name.isdecimal() and int(name) < len(found):
                found = found[int(name)]
            else:
                raise Missing(pointer)
        return found

    def resolved(self, given: Any, base: str) -> tuple[Any, str]:
        """A value, or what its reference leads to, and the file that this stands in. Raises `Missing`."""
        for _ in range(MOST_STEPS):
            if not isinstance(given, Mapping) or not isinstance(given.get("$ref"), str):
                return given, base
            base, pointer = self.locate(given["$ref"], base)
            given = self.at(base, pointer)
        raise Missing("#")


@dataclass(slots=True)
class Schemas:
    """Makes schema files; `old` as in `dialects.Dialect`."""

    files: Files
    old: bool
    notes: list[Note] = field(default_factory=list)

    def closed(self, given: Any, base: str, place: str) -> dict[str, Any]:
        """A schema with everything that it refers to."""
        defs: dict[str, Any] = {}
        names: dict[tuple[str, str], str] = {}
        waiting: list[tuple[str, str, str]] = []

        def resolve(reference: str, file: str) -> str | None:
            try:
                path, pointer = self.files.locate(reference, file)
                self.files.at(path, pointer)
            except Missing:
                return None
            if (path, pointer) not in names:
                name = _fresh(pointer.rpartition("/")[2] or posixpath.basename(path), set(names.values()))
                names[path, pointer] = name
                waiting.append((path, pointer, name))
            return f"#/$defs/{names[path, pointer]}"

        dialect = Dialect(resolve, self.old, self.notes)
        made = dialect.schema(given, base, place)
        while waiting:
            path, pointer, name = waiting.pop()
            defs[name] = dialect.schema(self.files.at(path, pointer), path, f"{path}#{pointer}")
        whole = made if isinstance(made, dict) else {"not": {}} if made is False else {}
        own = whole.get("$defs", {})
        return {
            "$schema": DIALECT,
            **whole,
            **({"$defs": {**own, **dict(sorted(defs.items()))}} if own or defs else {}),
        }


def _fresh(wanted: str, taken: set[str]) -> str:
    """A name for ``$defs`` that needs no escaping, in the words of the description."""
    plain = "".join(each if (each.isalnum() and each.isascii()) or each in "-_." else "-" for each in wanted).strip("-")
    base = plain or name_of(wanted)
    name, number = base, 1
    while name in taken:
        number += 1
        name = f"{base}-{number}"
    return name
