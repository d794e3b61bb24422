"""The well-known schemas that others refer to, so that nothing need be fetched (see the README of `catalog`)."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

import orjson

FOLDER: Final = Path(__file__).parent / "catalog"
PREFIX: Final = "catalog:"
"""How a path into the catalogue begins; no file of a province has a colon in its name."""


def at(location: str) -> str | None:
    """The document that is published at an address, as a path into the catalogue."""
    return _path("locations", location.strip().replace("https://", "http://", 1).partition("#")[0])


def of(namespace: str) -> str | None:
    """The document that declares a namespace."""
    return _path("namespaces", namespace)


class Catalogued(Mapping[str, bytes]):
    """Somebody's files, and the catalogue's beside them."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    def __getitem__(self, path: str) -> bytes:
        return _read(path.removeprefix(PREFIX)) if path in _paths() else self._files[path]

    def __contains__(self, path: object) -> bool:
        return path in _paths() or path in self._files

    def __iter__(self) -> Iterator[str]:
        """Somebody's own alone: the catalogue's are met by reference."""
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


@cache
def _index() -> Mapping[str, Mapping[str, str]]:
    index: Mapping[str, Mapping[str, str]] = orjson.loads((FOLDER / "catalog.json").read_bytes())
    return index


@cache
def _paths() -> frozenset[str]:
    return frozenset(PREFIX + path for path in _index()["namespaces"].values())


@cache
def _read(path: str) -> bytes:
    return (FOLDER / path).read_bytes()


def _path(by: str, name: str) -> str | None:
    found = _index()[by].get(name)
    return None if found is None else PREFIX + found
