"""The contracts of a province, as they are compared with one another."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from bus.errors import DocumentInvalid
from documents import kinds
from documents.compile import newest
from documents.fields import Field, fields_of, meaning
from documents.kinds.contract import Payload
from documents.model import Documents
from documents.remembered import Remembered
from documents.shapes import Shapes
from documents.similarity import Described


def described(documents: Documents, file: Path | None = None) -> Iterator[tuple[kinds.Contract, Described]]:
    """The newest version of each major, with the fields of its request and reply. One whose schema cannot be used is
    left out: `lgsp check` says why. `file` remembers what was read of the schemas."""
    shapes, remembered = Shapes(documents.files), Remembered(file, documents.files) if file else None
    for contract in newest(documents).values():
        try:
            yield contract, describe(contract, shapes, remembered)
        except DocumentInvalid:
            continue
    if remembered:
        remembered.keep()


def describe(contract: kinds.Contract, shapes: Shapes, remembered: Remembered | None = None) -> Described:
    """Raises `DocumentInvalid` for a schema that cannot be used."""
    found: list[Field] = []
    for payload in (contract.request, contract.reply):
        if payload is not None:
            read = partial(_fields, payload, shapes)
            path, root = str(payload.schema_path), payload.element or ""
            found += remembered.fields(path, root, read) if remembered else read()
    title = meaning(" ".join([contract.name.replace("-", " "), *map(str, contract.title.values())]))
    return Described(f"{contract.name}@{contract.major}", title, tuple(dict.fromkeys(found)))


def _fields(payload: Payload, shapes: Shapes) -> list[Field]:
    path = str(payload.schema_path)
    if payload.format == "json":
        resources = shapes.json_resources(path)
        return fields_of(resources[path], resources, path)
    schema, _ = shapes.view(path, payload.element or "").json_schema()
    return fields_of(schema, {}, path)
