"""Fields of payloads, remembered from one command to the next: reading a thousand schemas takes longer than comparing
them. They are known by a digest of all that they were read from, so what was remembered is never wrong, only gone."""

import hashlib
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import orjson

from documents.fields import Field, named
from documents.files import closure

FORM: Final = "1"
"""To be counted up where the fields of the same schema become others."""


class Remembered:
    """The fields that `file` remembers of schemas among `files`. `keep` writes those that were asked for."""

    def __init__(self, file: Path, files: Mapping[str, bytes]) -> None:
        self._file, self._files = file, files
        self._known: Mapping[str, Any] = {}
        with suppress(OSError, ValueError):
            found = orjson.loads(file.read_bytes())
            self._known = found if isinstance(found, dict) else {}
        self._used: dict[str, Any] = {}
        self._sources: dict[str, bytes] = {}

    def fields(self, path: str, root: str, read: Callable[[], list[Field]]) -> list[Field]:
        """Those of the schema at `path` and the root element, else what `read` gives."""
        key = hashlib.sha256(b"\0".join((FORM.encode(), self._source(path), root.encode()))).hexdigest()
        if key not in self._used:
            self._used[key] = self._known.get(key) or [_written(each) for each in read()]
        return [_field(each) for each in self._used[key]]

    def _source(self, path: str) -> bytes:
        if path not in self._sources:
            digest = hashlib.sha256(path.encode())
            for name, data in closure([path], self._files).items():
                digest.update(hashlib.sha256(name.encode()).digest() + hashlib.sha256(data).digest())
            self._sources[path] = digest.digest()
        return self._sources[path]

    def keep(self) -> None:
        """Nothing where the file cannot be written: it saves time, and no more."""
        if self._used.keys() == self._known.keys():
            return
        aside = self._file.with_name(f"{self._file.name}.{os.getpid()}")
        with suppress(OSError):
            aside.write_bytes(orjson.dumps(self._used))
            aside.replace(self._file)


def _written(each: Field) -> list[Any]:
    return [list(each.path), each.kind, each.format, sorted(each.codes)]


def _field(written: list[Any]) -> Field:
    path, kind, form, codes = written
    return named(tuple(path), kind, form, frozenset(codes))
