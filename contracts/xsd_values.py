"""Texts of a simple type of XML Schema: plain ones, and those at the edges of its facets.

Out of the component model; what is not valid by it is left out, so a type whose patterns nobody meets has no texts.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from random import Random
from typing import Any, Final

from rstr import Rstr
from xmlschema import names

from contracts.samples import WORDS

LONGEST: Final = 20_000
"""Characters; a limit beyond is met by no example that anybody would read."""

# XSD 1.0 part 2 §3.2: some lexical forms of each primitive type.
_FORMS: Final[Mapping[str, Sequence[str]]] = {
    "boolean": ("true", "false", "1", "0"),
    "date": ("2026-01-01", "1999-12-31Z", "2026-02-28+07:00"),
    "dateTime": ("2026-01-01T08:00:00", "2026-01-01T08:00:00.5+07:00", "1999-12-31T23:59:59Z"),
    "time": ("08:00:00", "23:59:59Z"),
    "duration": ("P1D", "PT1H30M"),
    "gYear": ("2026", "1999"),
    "gYearMonth": ("2026-01",),
    "gMonth": ("--01",),
    "gMonthDay": ("--01-01",),
    "gDay": ("---01",),
    "anyURI": ("urn:example:1", "https://example.vn/a"),
    "QName": ("x",),
    "base64Binary": ("AAAA",),
    "hexBinary": ("00", "0aFF"),
}
_NUMBERS: Final = ("1", "0", "-1", "12", "100000", "99999999999", "1.5", "-0.125", "123456789012345678901234567890")
_WORDS: Final = ("x", "vi", "a1", "", " a  b ", *WORDS)
_DIGITS: Final = (names.XSD_TOTAL_DIGITS, names.XSD_FRACTION_DIGITS)
_OF_XML_SCHEMA: Final = ((r"\i", r"[A-Za-z_:]"), (r"\c", r"[-A-Za-z0-9._:]"))
_MATCHES: Final = 6


class Texts:
    """The texts of types, each found once. `hints` are limits of another schema, whose edges are texts too."""

    def __init__(self, chance: Random, hints: Sequence[str] = ()) -> None:
        self._chance = chance
        self._hints = [int(each) for each in hints if re.fullmatch("-?[0-9]{1,18}", each)]
        self._known: dict[int, list[str]] = {}
        self._ids = 0

    def of(self, simple: Any) -> str | None:
        """One of them; None for a type for which none was found."""
        if simple.is_derived(simple.maps.types[names.XSD_ID]):
            self._ids += 1
            return f"x{self._ids}"
        if id(simple) not in self._known:
            made = dict.fromkeys(self._candidates(simple, 0))
            self._known[id(simple)] = [each for each in made if len(each) <= LONGEST and _valid(simple, each)]
        known = self._known[id(simple)]
        return self._chance.choice(known) if known else None

    def _candidates(self, simple: Any, depth: int) -> Iterator[str]:
        if simple.enumeration:
            yield from map(_written, simple.enumeration)
            return
        if depth < 3:
            for pattern in _patterns(simple):
                yield from self._matching(pattern)
        if simple.variety == "list":
            yield from self._lists(simple, depth)
        elif simple.variety == "union":
            for member in _nearest(simple, "member_types"):
                yield from self._candidates(member, depth + 1)
        else:
            yield from self._atoms(simple)

    def _lists(self, simple: Any, depth: int) -> Iterator[str]:
        item = _nearest(simple, "item_type")
        items = [each for each in self._candidates(item, depth + 1) if _valid(item, each) and each.split() == [each]]
        if items:
            for length in (1, 2, *self._lengths(simple), 0):
                yield " ".join(self._chance.choice(items) for _ in range(min(length, LONGEST)))

    def _atoms(self, simple: Any) -> Iterator[str]:
        primitive = getattr(getattr(simple, "primitive_type", None), "local_name", None) or "string"
        if primitive in {"decimal", "float", "double"}:
            yield from self._numbers(simple, primitive)
            return
        forms = _FORMS.get(primitive, _WORDS)
        yield from forms
        yield from (str(each) for each in (simple.min_value, simple.max_value) if each is not None)
        for length in self._lengths(simple):
            if primitive == "hexBinary":
                yield "00" * length
            elif primitive == "base64Binary":
                yield "AAAA" * (length // 3) + ("", "AA==", "AAA=")[length % 3]
            else:
                yield "x" * length
                yield forms[0].ljust(length, "x")[:length]

    def _lengths(self, simple: Any) -> Iterator[int]:
        limits = {each for each in (simple.min_length, simple.max_length) if each is not None}
        for limit in sorted(limits | {each for each in self._hints if each >= 0}):
            yield from (each for each in (limit, limit + 1, limit - 1) if 0 <= each <= LONGEST)

    def _numbers(self, simple: Any, primitive: str) -> Iterator[str]:
        yield from _NUMBERS
        if primitive != "decimal":
            yield from ("1.5E3", "INF", "NaN")
        limits = [each for each in (simple.min_value, simple.max_value) if each is not None]
        for limit in [*limits, *self._hints]:
            try:
                value = Decimal(str(limit))
            except InvalidOperation:
                continue
            if value.is_finite():
                yield from (format(each, "f") for each in (value, value + 1, value - 1, value + Decimal("0.5")))
        digits = [facet.value for name in _DIGITS if (facet := simple.get_facet(name)) is not None]
        for count in (*digits, *(each + 1 for each in self._hints if 0 <= each < LONGEST)):
            if count:
                yield from ("9" * count, f"0.{'1' * count}", f"{'9' * (count - 1)}.1")

    def _matching(self, pattern: str) -> Iterator[str]:
        if "-[" in pattern:  # a class less another
            return
        for of_xml_schema, of_python in _OF_XML_SCHEMA:
            pattern = pattern.replace(of_xml_schema, of_python)
        for _ in range(_MATCHES):
            try:
                yield Rstr(self._chance).xeger(pattern)
            except Exception:  # noqa: BLE001 - it reads Python's expressions, which differ from those of XML Schema
                return


def _valid(simple: Any, text: str) -> bool:
    try:
        return bool(simple.is_valid(text))
    except OverflowError:  # a year that it has no form for
        return False


def _written(value: object) -> str:
    if isinstance(value, list):
        return " ".join(map(_written, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _patterns(simple: Any) -> Iterator[str]:
    """The patterns of a type, the nearest first: one that narrows another is met by it."""
    while simple is not None and not (simple.name or "").startswith(f"{{{names.XSD_NAMESPACE}}}"):
        if (found := simple.facets.get(names.XSD_PATTERN)) is not None:
            yield from found.regexps
        simple = simple.base_type


def _nearest(simple: Any, attribute: str) -> Any:
    """What the nearest type that `simple` restricts says."""
    while not getattr(simple, attribute, None):
        simple = simple.base_type
    return getattr(simple, attribute)
