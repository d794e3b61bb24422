"""The operations of a system that others may call through the bus, found by the path of a call.

A path is taken apart into segments while it is still percent-encoded, and each is decoded once: an encoded slash stays
inside the value that holds it. A segment that is written in a template wins over one that has fields, and that over one
that is a field (OpenAPI 3.1, Paths Object).
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, unquote, unquote_to_bytes

from adapters.rest.target import FIELD, STATIC
from bus.envelope import Format

ESCAPE: Final = re.compile("%([0-9A-Fa-f]{2})")
BROKEN_ESCAPE: Final = re.compile("%(?![0-9A-Fa-f]{2})")
UNRESERVED: Final = re.compile("[A-Za-z0-9._~-]")
STEPS: Final = frozenset({"", ".", ".."})
"""What no value can be: it would move the path (`adapters.rest.target` fills none of them either)."""


@dataclass(frozen=True, slots=True)
class Kinds:
    """The JSON types that a contract's schema names for a field, and for the members of a list there."""

    of: frozenset[str] = frozenset()
    items: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Lead:
    """A contract that a route leads to an operation as it is: the operation's own shape is the contract's. `kinds` are
    those of the operation's fields."""

    contract: str
    major: int
    format: Format
    kinds: Mapping[str, Kinds] = field(default_factory=dict)

    @property
    def reference(self) -> str:
        return f"{self.contract}@{self.major}"


@dataclass(frozen=True, slots=True)
class Offer:
    """One operation as others may call it. `query` names for each parameter the field that it fills, `headers` are
    what the bus sends with every call; `max_age` is in seconds, None where each call is a new one."""

    name: str
    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    leads: tuple[Lead, ...] = ()
    max_age: float | None = None

    @property
    def fields(self) -> tuple[str, ...]:
        """Those of the path, as they stand in it."""
        return tuple(FIELD.findall(self.path))


@dataclass(frozen=True, slots=True)
class Place:
    """A template that a path fits: its operations by method, and the values of its fields, one for each."""

    offers: Mapping[str, Sequence[Offer]]
    values: tuple[str, ...] = field(repr=False)


@dataclass(slots=True)
class _Node:
    written: dict[str, "_Node"] = field(default_factory=dict)
    mixed: list[tuple[tuple[str, ...], "_Node"]] = field(default_factory=list)
    any: "_Node | None" = None
    offers: dict[str, list[Offer]] = field(default_factory=dict)


class Paths:
    """A system's operations, compiled. One whose path has fields side by side, which nobody could tell apart, is not
    found."""

    def __init__(self, offers: Iterable[Offer]) -> None:
        self.offers = tuple(each for each in offers if "}{" not in each.path)
        self._root = _Node()
        for each in self.offers:
            node = self._root
            for segment in each.path.split("/")[1:]:
                node = _step(node, segment)
            node.offers.setdefault(each.method.upper(), []).append(each)

    def at(self, path: str) -> Iterator[Place]:
        """Every template that a path fits, the most exact one first. The path is percent-encoded, and begins with a
        slash or is empty."""
        if BROKEN_ESCAPE.search(path) is None:
            yield from _places(self._root, path.split("/")[1:], ())


def _step(node: _Node, segment: str) -> _Node:
    """The node beneath for a segment of a template; made where it is not there."""
    pieces = tuple(FIELD.split(segment))
    if len(pieces) == 1:
        return node.written.setdefault(unquote(segment), _Node())
    if pieces[::2] == ("", ""):
        node.any = node.any or _Node()
        return node.any
    literals = tuple(_normal(quote(piece, safe=STATIC)) for piece in pieces[::2])
    for known, beneath in node.mixed:
        if known == literals:
            return beneath
    node.mixed.append((literals, _Node()))
    # What says more comes first, whichever operation was written first.
    node.mixed.sort(key=lambda each: -sum(map(len, each[0])))
    return next(beneath for known, beneath in node.mixed if known == literals)


def _places(node: _Node, segments: Sequence[str], values: tuple[str, ...]) -> Iterator[Place]:
    """No node is looked at twice, for each has one way to it."""
    if not segments:
        if node.offers:
            yield Place(node.offers, values)
        return
    segment, rest = segments[0], segments[1:]
    text = _decoded(segment)
    if text is None:
        return
    if (beneath := node.written.get(text)) is not None:
        yield from _places(beneath, rest, values)
    for literals, beneath in node.mixed:
        if (found := _between(literals, _normal(segment))) is not None:
            yield from _places(beneath, rest, (*values, *found))
    if node.any is not None and text not in STEPS:
        yield from _places(node.any, rest, (*values, text))


def _between(literals: tuple[str, ...], segment: str) -> tuple[str, ...] | None:
    """The values between texts, each as short as it can be; None where the segment does not fit. What a value holds of
    reserved characters is encoded, so none is taken for a text of the template."""
    first, *middle, last = literals
    if not segment.startswith(first) or not segment.endswith(last):
        return None
    at, end = len(first), len(segment) - len(last)
    values = []
    for literal in middle:
        found = segment.find(literal, at + 1, max(end, at))
        if found < 0:
            return None
        values.append(segment[at:found])
        at = found + len(literal)
    values.append(segment[at:end] if at < end else "")
    whole = [text for each in values if (text := _decoded(each)) is not None and text not in STEPS]
    return tuple(whole) if len(whole) == len(values) else None


def _decoded(segment: str) -> str | None:
    """None for what is not UTF-8 beneath its encoding."""
    try:
        return unquote_to_bytes(segment).decode()
    except UnicodeDecodeError:
        return None


def _normal(segment: str) -> str:
    """Two spellings of one segment made the same (RFC 3986 §6.2.2)."""

    def spelt(escape: re.Match[str]) -> str:
        character = chr(int(escape[1], 16))
        return character if UNRESERVED.fullmatch(character) else escape[0].upper()

    return ESCAPE.sub(spelt, segment)
