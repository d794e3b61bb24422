"""Schemas of other dialects into JSON Schema 2020-12: OpenAPI 2.0, 3.0 and 3.1, and older drafts.

What an older dialect says otherwise is said anew; what has no counterpart is a loss with its place.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import jsonschema_rs

from documents.importers import openapi_remarks as remarks
from documents.importers.report import Note

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

Resolve = Callable[[str, str], str | None]
"""A reference, and the file it stands in, to the reference that shall be written; None where it leads nowhere."""

MEMBERS: Final = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
"""Keywords whose value is an object of schemas."""

LISTS: Final = ("allOf", "anyOf", "oneOf", "prefixItems")

SCHEMAS: Final = (
    "items",
    "additionalProperties",
    "not",
    "if",
    "then",
    "else",
    "contains",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
    "additionalItems",
)
DROPPED: Final = frozenset(
    {"xml", "externalDocs", "example", "discriminator", "nullable", "collectionFormat", "id", "$schema"}
)
"""What says nothing of a message, or was said anew."""

COUNTS: Final = ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")


@dataclass(slots=True)
class Dialect:
    """Converts schemas of one description. `old`: ``nullable`` and truth values in ``exclusiveMinimum``, and nothing
    counts beside a reference (OpenAPI 2.0 and 3.0, drafts 3 and 4)."""

    resolve: Resolve
    old: bool
    notes: list[Note] = field(default_factory=list)

    def schema(self, given: Any, file: str, place: str) -> Any:
        """One schema, as JSON Schema 2020-12."""
        if isinstance(given, bool):
            return given
        if not isinstance(given, Mapping):
            return True
        if isinstance(given.get("$ref"), str):
            return self._reference(given, file, place)
        made = {name: value for name, value in self._keywords(given, file, place) if value is not None}
        self._tuples(given, made)
        if self.old:
            _bounds(given, made)
            if given.get("nullable") is True:
                return _nullable(made)
        return made

    def _reference(self, given: Mapping[str, Any], file: str, place: str) -> Any:
        found = self.resolve(given["$ref"], file)
        if found is None:
            self._note(remarks.REFERENCE, place, reference=str(given["$ref"])[:200])
            return True
        made: dict[str, Any] = {"$ref": found}
        if not self.old:
            rest = {name: value for name, value in given.items() if name != "$ref"}
            made |= {name: value for name, value in self._keywords(rest, file, place) if value is not None}
        return _nullable(made) if self.old and given.get("nullable") is True else made

    def _keywords(self, given: Mapping[str, Any], file: str, place: str) -> Iterator[tuple[str, Any]]:
        if isinstance(given.get("discriminator"), Mapping | str) and not (given.get("oneOf") or given.get("anyOf")):
            told = given["discriminator"]
            name = told.get("propertyName", "") if isinstance(told, Mapping) else told
            self._note(remarks.DISCRIMINATOR, place, name=str(name)[:100])
        for name, value in given.items():
            where = f"{place}/{name}"
            if name in DROPPED or name.startswith("x-"):
                continue
            if name in MEMBERS and not isinstance(value, Mapping):
                self._lost(name, where)
            elif name in MEMBERS:
                yield name, {str(key): self.schema(each, file, f"{where}/{key}") for key, each in value.items()}
            elif name in LISTS and not isinstance(value, list):
                self._lost(name, where)
            elif name in LISTS:
                yield name, [self.schema(each, file, f"{where}/{at}") for at, each in enumerate(value)] or None
            elif name in SCHEMAS:
                yield name, None if isinstance(value, list) else self.schema(value, file, where)
            else:
                yield name, self._plain(name, value, where)

    def _plain(self, name: str, value: Any, place: str) -> Any:
        """A keyword without schemas in it; None where it cannot be kept."""
        if name in COUNTS:
            return value if _is_count(value) else self._lost(name, place)
        handler = self._handlers.get(name)
        return value if handler is None else handler(value, place)

    @property
    def _handlers(self) -> Mapping[str, Callable[[Any, str], Any]]:
        return {
            "required": self._required,
            "$ref": lambda _, place: self._lost("$ref", place),
            "type": self._type,
            "pattern": self._pattern,
            "minimum": self._number,
            "maximum": self._number,
            "multipleOf": self._multiple,
            "enum": lambda value, _: value if isinstance(value, list) and value else None,
            "examples": lambda value, _: value if isinstance(value, list) else None,
            "exclusiveMinimum": lambda value, _: value if _is_number(value) else None,
            "exclusiveMaximum": lambda value, _: value if _is_number(value) else None,
            "dependencies": lambda _, __: None,
        }

    def _required(self, value: Any, place: str) -> Any:
        if not isinstance(value, list):
            return self._lost("required", place)
        return [*dict.fromkeys(each for each in value if isinstance(each, str))] or None

    def _number(self, value: Any, place: str) -> Any:
        if _is_number(value):
            return value
        return self._lost(place.rpartition("/")[2], place)

    def _multiple(self, value: Any, place: str) -> Any:
        if _is_number(value) and value > 0:
            return value
        return self._lost("multipleOf", place)

    def _type(self, value: Any, place: str) -> Any:
        known = {"string", "number", "integer", "boolean", "array", "object", "null"}
        given = value if isinstance(value, list) else [value]
        kinds = [each for each in given if isinstance(each, str) and each in known]
        if not kinds:
            return self._lost("type", place)
        return kinds if isinstance(value, list) else kinds[0]

    def _pattern(self, value: Any, place: str) -> Any:
        """The bus reads expressions that take linear time: no look-around, no back reference."""
        if isinstance(value, str):
            try:
                jsonschema_rs.Draft202012Validator(
                    {"pattern": value}, pattern_options=jsonschema_rs.RegexOptions(), offline=True
                )
            except ValueError:
                pass
            else:
                return value
        return self._note(remarks.PATTERN, place)

    def _tuples(self, given: Mapping[str, Any], made: dict[str, Any]) -> None:
        """A list of items is ``prefixItems`` since 2020-12 (JSON Schema core, §10.3.1.1)."""
        items = given.get("items")
        if isinstance(items, list):
            made["prefixItems"] = [self.schema(each, "", "") for each in items]
            rest = made.pop("additionalItems", None)
            if rest is not None:
                made["items"] = rest
        made.pop("additionalItems", None)
        if not made.get("prefixItems"):
            made.pop("prefixItems", None)
        if isinstance(given.get("dependencies"), Mapping):
            names = {key: value for key, value in given["dependencies"].items() if isinstance(value, list)}
            schemas = {
                key: self.schema(value, "", "") for key, value in given["dependencies"].items() if key not in names
            }
            made.update(
                {key: value for key, value in (("dependentRequired", names), ("dependentSchemas", schemas)) if value}
            )

    def _lost(self, keyword: str, place: str) -> None:
        self._note(remarks.KEYWORD, place, keyword=keyword)

    def _note(self, remark: Any, place: str, **facts: str) -> None:
        note = Note(remark, place[:300], facts)
        if note not in self.notes:
            self.notes.append(note)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _bounds(given: Mapping[str, Any], made: dict[str, Any]) -> None:
    """``exclusiveMinimum: true`` beside ``minimum: 5`` is ``exclusiveMinimum: 5`` (JSON Schema draft 6)."""
    for flag, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if given.get(flag) is True and bound in made:
            made[flag] = made.pop(bound)


def _nullable(made: dict[str, Any]) -> dict[str, Any]:
    """What may be null as well (OpenAPI 3.0.3, Schema Object)."""
    kind = made.get("type")
    if kind is None or {"const", "allOf", "anyOf", "oneOf", "$ref"} & set(made):
        return {"anyOf": [made, {"type": "null"}]}
    kinds = kind if isinstance(kind, list) else [kind]
    made["type"] = [*kinds, "null"] if "null" not in kinds else kinds
    if "enum" in made and None not in made["enum"]:
        made["enum"] = [*made["enum"], None]
    return made


def is_old_draft(uri: str) -> bool:
    """Whether a ``$schema`` names a draft in which nothing counts beside a reference and bounds are truth values."""
    return re.search(r"draft-0?[34]\b", uri) is not None
