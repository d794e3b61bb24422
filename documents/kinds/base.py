"""What every document and every part of one have in common."""

from collections.abc import Iterator
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from documents.kinds.values import FilePath, Value

V = TypeVar("V", bound=Value)


class Part(BaseModel):
    """A part of a document: named fields, none unknown, nothing converted that was not meant."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True, strict=True)


class Document(Part):
    """A document: one thing that an administrator says."""

    kind: str

    @property
    def key(self) -> tuple[str, str]:
        """Name and version: no two documents of a kind have the same. Only contracts have versions."""
        raise NotImplementedError

    @property
    def content(self) -> bytes:
        """What was written, as JSON: defaults are left out, and the order of fields within a mapping is kept."""
        return orjson.dumps(self.model_dump(mode="json", by_alias=True, exclude_unset=True))

    def file_paths(self) -> Iterator[tuple[tuple[str | int, ...], FilePath]]:
        """Each file that the document names, and where it does so."""
        yield from values_of(self, FilePath)


def values_of(document: object, sort: type[V], *steps: str | int) -> Iterator[tuple[tuple[str | int, ...], V]]:
    """Each value of one sort anywhere in a document, and where it stands."""
    if isinstance(document, sort):
        yield steps, document
    for step, member in _members(document):
        yield from values_of(member, sort, *steps, step)


def _members(value: object) -> Iterator[tuple[str | int, Any]]:
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        yield from ((field.alias or name, getattr(value, name)) for name, field in fields.items())
    elif isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list | tuple):
        yield from enumerate(value)
