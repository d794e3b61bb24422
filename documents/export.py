"""The documents in force as a province folder, which applied again changes nothing.

A folder does not say where a document stands: what nobody may use is left out, and what is deprecated or retired stands
in it like any other.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from documents import kinds
from documents.files import closure
from documents.kinds import Document
from documents.model import Documents, Written
from documents.yaml_writing import write_yaml

ORDER = (kinds.Contract, kinds.Route, kinds.Grant)
"""Kinds that stand with their contract, in this order."""


def exported(documents: Documents) -> Mapping[str, bytes]:
    """Every file of the folder, by path. What documents name lies where they name it, byte for byte."""
    documents = documents.in_force()
    texts: dict[str, list[Written]] = {}
    for written in sorted(documents, key=_place):
        texts.setdefault(_file(written.document), []).append(written)
    files = closure((path for each in documents for _, path in each.document.file_paths()), documents.files)
    made = {
        _free(path, files): write_yaml(_value(each) for each in several).encode() for path, several in texts.items()
    }
    return {**made, **files}


def _value(written: Written) -> dict[str, Any]:
    value: dict[str, Any] = orjson.loads(written.document.content)
    return value


def _place(written: Written) -> tuple[int, str, tuple[int, ...]]:
    key, document = written.key, written.document
    kind = next((number for number, each in enumerate(ORDER) if isinstance(document, each)), 0)
    return kind, key.name, tuple(int(number) for number in key.version.split(".") if number)


def _file(document: Document) -> str:
    """All agencies in one file; a contract's versions with their routes and grants; every other document alone."""
    match document:
        case kinds.Agency():
            return "agencies.yaml"
        case kinds.Contract(name=name):
            return f"contracts/{name}.yaml"
        case kinds.Route(contract=contract) | kinds.Grant(contract=contract):
            return f"contracts/{contract.contract}.yaml"
    folder = {"System": "systems", "Transform": "transforms", "CodeList": "code-lists"}[document.kind]
    return f"{folder}/{document.key[0]}.yaml"


def _free(path: str, taken: Mapping[str, bytes]) -> str:
    """A file that documents name keeps its place."""
    return next(each for each in _names(path) if each not in taken)


def _names(path: str) -> Iterator[str]:
    stem = path.removesuffix(".yaml")
    yield path
    yield from (f"{stem}-{number}.yaml" for number in range(2, 1_000_000))
