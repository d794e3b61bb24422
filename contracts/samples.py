"""Values that a JSON Schema allows: for counter-examples, stand-ins and documentation.

They are made out of the schema's canonical form, which says each thing in one place, and each is held against the
schema before anybody sees it: what this module does not understand costs it attempts, never the truth.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import ceil, floor
from random import Random
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import unquote
from uuid import UUID

from rstr import Rstr

JsonSchema = bool | Mapping[str, Any]

DEPTH: Final = 8
"""Levels below which only what is required is made."""

DEEPEST: Final = 24
"""Levels at which an attempt is given up: the schema demands itself."""

MOST_ITEMS: Final = 5_000
MOST_TEXT: Final = 20_000

NAMES: Final = MappingProxyType(
    {
        "properties": "object",
        "required": "object",
        "propertyNames": "object",
        "items": "array",
        "prefixItems": "array",
        "contains": "array",
        "minItems": "array",
        "pattern": "string",
        "format": "string",
        "minLength": "string",
        "maxLength": "string",
        "minimum": "number",
        "maximum": "number",
        "multipleOf": "number",
    }
)
"""Keywords that speak of one type alone."""

WORDS: Final = ("Nguyễn Văn An", "Sở Y tế", "H57.05", "Trần Thị Bích", "xã Đông Hà", "hồ sơ", "01", "Lê Đức")


class Impossible(Exception):
    """Nothing could be made here; another attempt may choose otherwise."""


@dataclass(slots=True)
class Samples:
    """Makes values of one schema in canonical form; the same `chance` makes the same values."""

    schema: JsonSchema
    chance: Random

    def attempts(self, most: int) -> Iterator[Any]:
        """So many attempts; each must still be held against the schema. The first are the plainest."""
        for number in range(most):
            try:
                yield self._make(self.schema, 0, min(1.0, 0.25 * number))
            except Impossible:
                continue

    def _make(self, schema: JsonSchema, depth: int, rich: float) -> Any:
        if isinstance(schema, bool):
            if not schema:
                raise Impossible
            return self.chance.choice(WORDS)
        if depth > DEEPEST:
            raise Impossible
        if depth > DEPTH:
            rich = 0.0
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._among(schema["enum"])
        if merged := self._one_way(schema):
            return self._make(merged, depth + 1, rich)
        return self._typed(schema, depth, rich)

    def _one_way(self, schema: Mapping[str, Any]) -> JsonSchema | None:
        """The schema with one branch of what it leaves open; None where it leaves nothing open."""
        for keyword in ("anyOf", "oneOf"):
            if branches := schema.get(keyword):
                return _both(_without(schema, keyword), self._among(branches))
        if "$ref" in schema:
            return _both(_without(schema, "$ref"), self._resolve(schema["$ref"]))
        if positive := [each for each in schema.get("allOf", ()) if each is False or set(each) != {"not"}]:
            rest: JsonSchema = _without(schema, "allOf")
            for each in positive:
                rest = _both(rest, each)
            return rest
        return None

    def _resolve(self, reference: str) -> JsonSchema:
        found: Any = self.schema
        pointer = unquote(reference.removeprefix("#"))
        if not reference.startswith("#"):
            raise Impossible
        for step in pointer.split("/")[1:]:
            found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
        if found is None:
            raise Impossible
        return found  # type: ignore[no-any-return]

    def _typed(self, schema: Mapping[str, Any], depth: int, rich: float) -> Any:
        kinds = schema.get("type") or next((NAMES[word] for word in schema if word in NAMES), "string")
        kind = kinds if isinstance(kinds, str) else self._among(kinds)
        makers: Mapping[str, Callable[[], Any]] = {
            "null": lambda: None,
            "boolean": lambda: self._among([True, False]),
            "integer": lambda: self._number(schema, whole=True),
            "number": lambda: self._number(schema, whole=False),
            "string": lambda: self._text(schema),
            "array": lambda: self._array(schema, depth, rich),
            "object": lambda: self._object(schema, depth, rich),
        }
        return makers[kind]()

    def _object(self, schema: Mapping[str, Any], depth: int, rich: float) -> dict[str, Any]:
        members: Mapping[str, JsonSchema] = schema.get("properties", {})
        required = list(schema.get("required", ()))
        made: dict[str, Any] = {}
        for name in [*required, *(name for name in members if name not in required)]:
            wanted = name in required
            if not wanted and (members[name] is False or self.chance.random() >= rich):
                continue
            try:
                made[name] = self._make(members.get(name, schema.get("additionalProperties", True)), depth + 1, rich)
            except Impossible:
                if wanted:
                    raise
        self._fill(schema, made, depth)
        return made

    def _fill(self, schema: Mapping[str, Any], made: dict[str, Any], depth: int) -> None:
        """Members beyond the named ones, where some are asked for: by number, or because a name must be another."""
        wanted = schema.get("minProperties", 0)
        others = schema.get("not", {})
        if isinstance(others, Mapping) and "propertyNames" in others:
            allowed = _names(others["propertyNames"])
            free = [name for name in _names(schema.get("propertyNames", True)) if name not in allowed]
            for name in free[:1]:
                known: JsonSchema = schema.get("properties", {}).get(name, True)
                made.setdefault(name, self._make(known, depth + 1, 0.0))
        number = 0
        while len(made) < wanted and number < MOST_ITEMS:
            number += 1
            made.setdefault(f"x{number}", self._make(schema.get("additionalProperties", True), depth + 1, 0.0))

    def _array(self, schema: Mapping[str, Any], depth: int, rich: float) -> list[Any]:
        first: list[JsonSchema] = list(schema.get("prefixItems", ()))
        items: JsonSchema = schema.get("items", True)
        least = schema.get("minItems", 0)
        most = min(schema.get("maxItems", MOST_ITEMS), MOST_ITEMS)
        if least > MOST_ITEMS:
            raise Impossible
        length = max(least, min(most, 1 + (self.chance.random() < rich))) if items is not False else len(first)
        made = []
        if "contains" in schema:
            made = [
                self._make(_both(items, schema["contains"]), depth + 1, rich)
                for _ in range(schema.get("minContains", 1))
            ]
        for place in range(len(made), length):
            try:
                made.append(self._make(first[place] if place < len(first) else items, depth + 1, rich))
            except Impossible:
                if place < least:
                    raise
                break
        return made

    def _number(self, schema: Mapping[str, Any], *, whole: bool) -> int | float:
        low: Any = schema.get("minimum")
        high: Any = schema.get("maximum")
        step = schema.get("multipleOf", 1 if whole else 0)
        over, under = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
        nudge = step or 0.5
        low = over + nudge if over is not None and (low is None or over >= low) else low
        high = under - nudge if under is not None and (high is None or under <= high) else high
        if low is None and high is None:
            low, high = 0, 100
        low = high - 100 * nudge if low is None else low
        high = low + 100 * nudge if high is None else high
        if not step:
            return self._among([low, high, (low + high) / 2])  # type: ignore[no-any-return]
        first, last = ceil(low / step), floor(high / step)
        if first > last:
            raise Impossible
        return step * self._among([first, last, self.chance.randint(first, last)])  # type: ignore[no-any-return]

    def _text(self, schema: Mapping[str, Any]) -> str:
        least, most = schema.get("minLength", 0), schema.get("maxLength")
        if least > MOST_TEXT:
            raise Impossible
        if "pattern" in schema:
            text = self._matching(schema["pattern"])
        elif schema.get("format") in FORMATS:
            return FORMATS[schema["format"]](self.chance)
        else:
            text = self.chance.choice(WORDS)
        if "pattern" not in schema:
            text = text.ljust(least, "x")[: most if most is not None else None]
        return text

    def _matching(self, pattern: str) -> str:
        try:
            made: str = Rstr(self.chance).xeger(pattern)
        except Exception:  # noqa: BLE001 - it reads Python's expressions, which differ from ECMAScript's
            raise Impossible from None
        return made[:MOST_TEXT]

    def _among(self, several: Any) -> Any:
        several = list(several)
        if not several:
            raise Impossible
        return self.chance.choice(several)


def _digits(chance: Random, count: int) -> str:
    return "".join(chance.choice("0123456789") for _ in range(count))


def _date(chance: Random) -> str:
    return f"20{chance.randint(10, 29)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"


def _time(chance: Random) -> str:
    return f"{chance.randint(0, 23):02}:{chance.randint(0, 59):02}:{chance.randint(0, 59):02}Z"


FORMATS: Final[Mapping[str, Callable[[Random], str]]] = MappingProxyType(
    {
        "date": _date,
        "time": _time,
        "date-time": lambda chance: f"{_date(chance)}T{_time(chance)}",
        "duration": lambda chance: f"P{chance.randint(1, 30)}D",
        "email": lambda chance: f"can-bo{_digits(chance, 2)}@example.vn",
        "idn-email": lambda chance: f"can-bo{_digits(chance, 2)}@example.vn",
        "hostname": lambda chance: f"may-{_digits(chance, 2)}.example.vn",
        "idn-hostname": lambda chance: f"may-{_digits(chance, 2)}.example.vn",
        "ipv4": lambda chance: f"192.0.2.{chance.randint(1, 254)}",
        "ipv6": lambda chance: f"2001:db8::{chance.randint(1, 9999)}",
        "uri": lambda chance: f"https://example.vn/{_digits(chance, 4)}",
        "uri-reference": lambda chance: f"/{_digits(chance, 4)}",
        "iri": lambda chance: f"https://example.vn/{_digits(chance, 4)}",
        "iri-reference": lambda chance: f"/{_digits(chance, 4)}",
        "uuid": lambda chance: str(UUID(int=chance.getrandbits(128), version=4)),
        "json-pointer": lambda chance: f"/{_digits(chance, 2)}",
        "relative-json-pointer": lambda _: "0",
        "regex": lambda _: "^[0-9]+$",
        "uri-template": lambda _: "https://example.vn/{id}",
    }
)
"""Values of the formats of JSON Schema 2020-12 (validation, §7.3)."""


def _names(schema: JsonSchema) -> list[str]:
    """The names that a schema of names lists."""
    if isinstance(schema, bool):
        return []
    return [schema["const"]] if "const" in schema else list(schema.get("enum", ()))


def _without(schema: Mapping[str, Any], keyword: str) -> Mapping[str, Any]:
    return {name: value for name, value in schema.items() if name != keyword}


def _both(first: JsonSchema, second: JsonSchema) -> JsonSchema:
    """Roughly what satisfies both: good enough for attempts."""
    if first is False or second is False:
        return False
    if first is True or not first:
        return second
    if second is True or not second:
        return first
    merged = {**first, **second}
    if "properties" in first and "properties" in second:
        names = {**first["properties"], **second["properties"]}
        merged["properties"] = {
            name: _both(first["properties"].get(name, True), second["properties"].get(name, True)) for name in names
        }
    if "required" in first and "required" in second:
        merged["required"] = [*dict.fromkeys([*first["required"], *second["required"]])]
    if "type" in first and "type" in second and first["type"] != second["type"]:
        merged["type"] = _shared(first["type"], second["type"])
    return merged


def _shared(first: str | list[str], second: str | list[str]) -> list[str]:
    some, others = ([each] if isinstance(each, str) else each for each in (first, second))
    return [each for each in some if each in others or (each == "integer" and "number" in others)]
