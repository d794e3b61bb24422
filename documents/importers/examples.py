"""Example messages into a contract whose schema is what they have in common.

What is guessed is told: a member is required if every example has it, a text is a date if each one is. People look at
it before anybody sends by it.
"""

import re
from collections.abc import Iterable, Sequence
from types import MappingProxyType
from typing import Any, Final

import orjson

from bus.errors import BusError
from contracts.json_body import parse_json
from documents.importers import openapi_remarks as remarks
from documents.importers.dialects import DIALECT
from documents.importers.naming import Names, path_of, words_of
from documents.importers.plain_data import NOT_DATA
from documents.importers.report import Imported, Note
from documents.importers.source import Refused, Source
from documents.importers.target import Document, Target, consumer, json_payload
from documents.importers.xsd import SENDS

MOST_EXAMPLES: Final = 100

KINDS: Final = MappingProxyType(
    {type(None): "null", bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
)

FORMATS: Final = (
    ("date-time", re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")),
    ("date", re.compile(r"\d{4}-\d\d-\d\d")),
    ("uuid", re.compile(r"[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")),
    ("email", re.compile(r"[A-Za-z0-9._+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")),
    ("uri", re.compile(r"https?://[^\s]+")),
)
"""Formats that are told by how a text looks (JSON Schema 2020-12, validation §7.3)."""


def import_examples(source: Source, target: Target) -> Imported:
    """A contract of kind `document` in JSON with the examples, and the system that sends it. Raises `Refused`."""
    notes: list[Note] = []
    values: dict[str, Any] = {}
    for path in source.entries(".json", ".xml")[:MOST_EXAMPLES]:
        if path.lower().endswith(".xml"):
            notes.append(Note(remarks.XML_EXAMPLES, path))
            continue
        try:
            values[path] = parse_json(source.files[path])
        except BusError as wrong:
            line = str(wrong.facts.get("line", "1"))
            raise Refused(Note(NOT_DATA, path, {"line": line})) from None
    if not values:
        raise Refused(*notes, Note(remarks.NO_EXAMPLES, source.name))
    schema = {"$schema": DIALECT, **common(list(values.values()))}
    local = source.name.rpartition("/")[2].partition(".")[0]
    title, name = words_of(local), Names().new(target.contract_name(local))
    placed = path_of(target.folder, f"schemas/{target.contract_name(local).rpartition('.')[2]}.json")
    files = {placed: orjson.dumps(schema, option=orjson.OPT_INDENT_2) + b"\n"}
    files |= {path_of(target.folder, "examples", path.rpartition("/")[2]): source.files[path] for path in values}
    examples = {"valid": [each for each in files if each != placed]}
    documents: list[Document] = [
        consumer(target.system, target.agency),
        target.contract(name, title, "document", json_payload(placed), examples=examples),
        target.grant(name, target.system, "send", title),
    ]
    notes += [
        Note(SENDS, source.name, {"system": target.system}),
        Note(remarks.GUESSED, source.name, {"count": str(len(values))}),
    ]
    return Imported(tuple(documents), files, (*notes, *target.notes(documents)))


def common(values: Sequence[Any]) -> dict[str, Any]:
    """A schema that allows every value, and of what they have in common as much as can be told."""
    kinds = sorted({_kind(each) for each in values})
    if "integer" in kinds and "number" in kinds:
        kinds.remove("integer")
    made: dict[str, Any] = {"type": kinds[0] if len(kinds) == 1 else kinds} if kinds else {}
    objects = [each for each in values if isinstance(each, dict)]
    if objects:
        made |= _object(objects)
    items = [item for each in values if isinstance(each, list) for item in each]
    if items:
        made["items"] = common(items)
    texts = [each for each in values if isinstance(each, str)]
    if texts and (found := _format(texts)):
        made["format"] = found
    return made


def _object(objects: Sequence[dict[str, Any]]) -> dict[str, Any]:
    names = [*dict.fromkeys(name for each in objects for name in each)]
    required = [name for name in names if all(name in each for each in objects)]
    return {
        "properties": {name: common([each[name] for each in objects if name in each]) for name in names},
        **({"required": required} if required else {}),
    }


def _format(texts: Iterable[str]) -> str | None:
    return next((name for name, pattern in FORMATS if all(pattern.fullmatch(each) for each in texts)), None)


def _kind(value: Any) -> str:
    return KINDS[type(value)]
