"""A small document of a schema, as its JSON view: what an example shows, and what a stand-in answers.

Always the same: everything that must be there and nothing else, the first of listed values, a text that its pattern
allows. Whether it is valid is for a validator to say: a schema can ask for what nobody finds by construction.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from re import _parser as parser
from typing import Any, Final

from transforms.xml_facets import simple_schema
from transforms.xml_scalar import Misfit, item_types, scalar_of
from transforms.xml_shape import Group, Member, Shape

ops: Any = import_module("re._constants")
"""Of the parser of `re`: it has no public name, and type checkers disagree whether it is there."""

DEEPEST: Final = 40
"""Levels; a schema that asks for itself without end has no document at all."""

LARGEST: Final = 2_000
"""Elements; an example of more shows nothing."""

# The shortest lexical form of each primitive type whose values are texts (XSD 1.0 part 2 §3.2).
_TEXTS: Final[Mapping[str, str]] = {
    "date": "2026-01-01",
    "dateTime": "2026-01-01T08:00:00",
    "time": "08:00:00",
    "duration": "P1D",
    "gYear": "2026",
    "gYearMonth": "2026-01",
    "gMonth": "--01",
    "gMonthDay": "--01-01",
    "gDay": "---01",
    "anyURI": "urn:example",
    "base64Binary": "AAAA",
    "hexBinary": "00",
    "QName": "x",
    "NOTATION": "x",
}
_LONGEST: Final = 10_000


class NoSample(Exception):
    """A schema asks for a document that has no end."""


def sample(root: Member) -> object:
    """The view of a document of this root. Raises `NoSample`."""
    return _Sampling().member(root, 0)


class _Sampling:
    def __init__(self) -> None:
        self._left = LARGEST

    def member(self, member: Member, depth: int) -> object:
        self._left -= 1
        if depth > DEEPEST or self._left < 0:
            raise NoSample
        return self._shape(member.shape, depth + 1)

    def _shape(self, shape: Shape, depth: int) -> object:
        if shape.scalar is not None and not shape.attributes:
            return _value(shape.simple)
        view: dict[str, object] = {each.key: _value(each.simple) for each in shape.attributes if each.required}
        if shape.scalar is not None:
            view["$"] = _value(shape.simple)
        if shape.content is not None:
            self._group(shape.content, depth, view)
        return view

    def _group(self, group: Group, depth: int, view: dict[str, object]) -> None:
        parts = group.parts
        if group.choice and parts:
            parts = [min(parts, key=lambda each: (each.least > 0, isinstance(each, Group)))]
        for _ in range(group.least if any(each.least for each in parts) else 0):
            for part in parts:
                if isinstance(part, Group):
                    self._group(part, depth, view)
                else:
                    self._element(part, depth, view)

    def _element(self, part: Member, depth: int, view: dict[str, object]) -> None:
        for _ in range(part.least):
            made = self.member(part, depth)
            if part.many:
                items: Any = view.setdefault(part.key, [])
                items.append(made)
            else:
                view[part.key] = made


def _value(simple: Any) -> object:
    if simple is None:
        return "x"
    schema = simple_schema(simple, [])
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "array":
        return [_value(next(item_types(simple)))] * max(1, schema.get("minItems", 1))
    scalar = scalar_of(simple)
    name = scalar.name
    if scalar.literal and (text := next(filter(None, map(_matching, _patterns(simple))), None)):
        with suppress(Misfit):
            return scalar.read(text)
    if name in {"boolean", "integer", "decimal", "double", "float"}:
        return name == "boolean" or _number(schema)
    return _text(simple, name, schema)


def _number(schema: Mapping[str, Any]) -> object:
    least = schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1 if "exclusiveMinimum" in schema else None)
    most = schema.get("maximum", schema["exclusiveMaximum"] - 1 if "exclusiveMaximum" in schema else None)
    if least is not None and least > 1:
        return least
    return most if most is not None and most < 1 else 1


def _text(simple: Any, name: str, schema: Mapping[str, Any]) -> str:
    for pattern in _patterns(simple):
        if (made := _matching(pattern)) is not None:
            return made
    text = _TEXTS.get(name) or {"language": "vi"}.get(simple.local_name or "", "x")
    least: int = min(schema.get("minLength", 0), _LONGEST)
    return text + "x" * (least - len(text))


def _patterns(simple: Any) -> Iterator[str]:
    """The patterns of a type, the nearest first: one that narrows another is met by it."""
    while simple is not None:
        if simple.patterns is not None:
            yield from simple.patterns.regexps
        simple = simple.base_type


def _matching(pattern: str) -> str | None:
    """The shortest plain text that a pattern matches; None where it says more than `re` knows."""
    try:
        tree = parser.parse(pattern)
        made = _all(tree)
    except (re.error, KeyError, TypeError, ValueError, OverflowError, RecursionError):
        return None
    return made if len(made) <= _LONGEST else None


def _all(tree: Sequence[tuple[Any, Any]]) -> str:
    return "".join(_PIECES[op](argument) for op, argument in tree)


def _one_of(members: Sequence[tuple[Any, Any]]) -> str:
    """A character of a class, letters and digits before others."""
    fits = re.compile(_class(members)).fullmatch
    candidates = "A1a0Bb29Zz -_./@,:+" + "".join(chr(code) for code in range(33, 0x250))
    found = next((each for each in candidates if fits(each)), None)
    if found is None:
        raise KeyError(_class(members))
    return found


def _class(members: Sequence[tuple[Any, Any]]) -> str:
    inside = "".join(_CLASSES[op](argument) for op, argument in members)
    return f"[{inside}]"


def _escaped(code: int) -> str:
    return re.escape(chr(code))


_CATEGORIES: Final = {
    ops.CATEGORY_DIGIT: r"\d",
    ops.CATEGORY_NOT_DIGIT: r"\D",
    ops.CATEGORY_SPACE: r"\s",
    ops.CATEGORY_NOT_SPACE: r"\S",
    ops.CATEGORY_WORD: r"\w",
    ops.CATEGORY_NOT_WORD: r"\W",
}
_CLASSES: Final[Mapping[Any, Callable[[Any], str]]] = {
    ops.NEGATE: lambda _: "^",
    ops.LITERAL: _escaped,
    ops.RANGE: lambda ends: f"{_escaped(ends[0])}-{_escaped(ends[1])}",
    ops.CATEGORY: _CATEGORIES.__getitem__,
}
_PIECES: Final[Mapping[Any, Callable[[Any], str]]] = {
    ops.LITERAL: chr,
    ops.NOT_LITERAL: lambda code: "B" if code == ord("A") else "A",
    ops.ANY: lambda _: "x",
    ops.IN: _one_of,
    ops.BRANCH: lambda branches: min((_all(each) for each in branches[1]), key=len),
    ops.SUBPATTERN: lambda group: _all(group[3]),
    ops.MAX_REPEAT: lambda repeat: _all(repeat[2]) * min(repeat[0], _LONGEST),
    ops.AT: lambda _: "",
}
