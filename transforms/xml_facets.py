"""The simple types of XML Schema as JSON Schema (2020-12): what `transforms.xml_scalar` reads them to.

A facet that JSON Schema says otherwise, or not at all, is left out rather than bent; `left_out` names it.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from transforms.xml_scalar import LEXICAL, Misfit, item_types, scalar_of

JsonSchema = dict[str, Any]

_BOUNDS: Final = {
    "minInclusive": "minimum",
    "maxInclusive": "maximum",
    "minExclusive": "exclusiveMinimum",
    "maxExclusive": "exclusiveMaximum",
}
_SIZES: Final = {"length": ("min", "max"), "minLength": ("min",), "maxLength": ("max",)}
# A number that no double holds exactly is a string (see `transforms.xml_scalar`).
_KINDS: Final[dict[str, JsonSchema]] = {
    "boolean": {"type": "boolean"},
    "integer": {"type": ["integer", "string"], "pattern": "^[-+]?[0-9]+$"},
    "decimal": {"type": ["number", "string"], "pattern": r"^[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)$"},
    "float": {"type": ["number", "string"], "pattern": "^(-?INF|NaN)$"},
    "double": {"type": ["number", "string"], "pattern": "^(-?INF|NaN)$"},
    "base64Binary": {"type": "string", "contentEncoding": "base64"},
}
_LEAST: Final = -(2**63)
_MOST: Final = 2**64 - 1
_LENGTHS_ARE_CHARACTERS: Final = {"string", "anyURI"}

# What a pattern of XML Schema (part 2, appendix F) may hold and one of JSON Schema may not: names and initials, blocks,
# a class less another.
_OTHER: Final = re.compile(r"\\[icIC]|\\p\{Is|\\P\{Is|-\[")
_ANCHOR: Final = re.compile(r"(?<!\\)(?:\\\\)*[$^]")


def simple_schema(simple: Any, left_out: list[str]) -> JsonSchema:
    """The JSON Schema of an xmlschema simple type; facets that are left out are added to `left_out`."""
    scalar = scalar_of(simple)
    facets = list(_facets(simple))
    schema = _or_text(scalar.name) if scalar.literal else _kind(simple, scalar.name, left_out)
    for name, facet in facets:
        if name == "pattern":
            _pattern(schema, facet.regexps, left_out)
        elif name in _SIZES:
            _size(schema, _SIZES[name], facet.value, scalar.name, left_out)
        elif name in _BOUNDS:
            _bound(schema, _BOUNDS[name], facet.value, scalar.name, left_out)
        elif name in {"totalDigits", "fractionDigits"} and scalar.name != "integer":
            left_out.append(name)
    values = next((facet.enumeration for name, facet in facets if name == "enumeration"), None)
    if values is not None and scalar.literal:
        left_out.append("enumeration")
    elif values is not None and (listed := list(_listed(values, scalar.read))):
        kept = {key: value for key, value in schema.items() if key == "type" and not isinstance(value, list)}
        return {**kept, "enum": listed}
    return schema


def _facets(simple: Any) -> Iterator[tuple[str, Any]]:
    """The facets of a type and of those it restricts, the nearest first."""
    while simple is not None:
        for name, facet in simple.facets.items():
            if name:
                yield str(name).rpartition("}")[2], facet
        simple = simple.base_type


def _kind(simple: Any, name: str, left_out: list[str]) -> JsonSchema:
    if name.startswith("list of "):
        items = [simple_schema(each, left_out) for each in item_types(simple)]
        return {"type": "array", "items": items[0] if len(items) == 1 else {"anyOf": items}}
    if name == "integer" and _fits(simple.min_value) and _fits(simple.max_value):
        return {"type": "integer"}
    if name in _KINDS:
        return dict(_KINDS[name])
    return {"type": "string", **({"pattern": f"^({LEXICAL[name]})$"} if name in LEXICAL else {})}


def _or_text(name: str) -> JsonSchema:
    kind = "number" if name in {"decimal", "double"} else name
    return {"type": [kind, "string"], "pattern": f"^({LEXICAL[name]})$"}


def _fits(bound: Any) -> bool:
    """Whether a bound is an integer of 64 bits, which JSON keeps."""
    return bound is not None and _LEAST <= bound <= _MOST


def _pattern(schema: JsonSchema, alternatives: list[str], left_out: list[str]) -> None:
    """One step's patterns are alternatives, those of several steps hold together (XSD 1.0 part 2 §4.3.4.3)."""
    if schema.get("type") != "string" or any(_OTHER.search(each) for each in alternatives):
        left_out.append("pattern")
        return
    anchored = "|".join(_ANCHOR.sub(lambda found: found[0][:-1] + "\\" + found[0][-1], each) for each in alternatives)
    pattern = f"^(?:{anchored})$"
    if "pattern" in schema:
        schema.setdefault("allOf", []).append({"pattern": pattern})
    else:
        schema["pattern"] = pattern


def _size(schema: JsonSchema, ends: tuple[str, ...], value: int, name: str, left_out: list[str]) -> None:
    if schema.get("type") == "array":
        what = "Items"
    elif name in _LENGTHS_ARE_CHARACTERS:
        what = "Length"
    else:
        left_out.append("length")
        return
    for end in ends:
        schema.setdefault(f"{end}{what}", value)


def _bound(schema: JsonSchema, keyword: str, value: Any, name: str, left_out: list[str]) -> None:
    if name not in {"integer", "decimal", "double", "float"}:
        left_out.append(keyword)
        return
    number = float(value)
    exact = int(value) if number.is_integer() and _fits(value) else number
    schema.setdefault(keyword, exact)


def _listed(values: list[Any], read: Any) -> Iterator[Any]:
    for value in values:
        try:
            yield read(str(value))
        except Misfit:
            continue
