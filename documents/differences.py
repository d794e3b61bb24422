"""What a conversion made against what was expected, as a person would say it."""

from collections.abc import Iterator
from itertools import islice, zip_longest

import orjson
from lxml import etree

from bus.envelope import Body, Format
from bus.errors import BusError
from contracts.json_body import parse_json
from contracts.xml_body import parse_xml

MOST = 5  # differences that are listed
LONGEST = 60  # characters of a value that are shown
NOTHING = object()


def differences(made: Body, expected: Body) -> list[str]:
    """At most five differences, empty where both say the same: JSON as values, XML in its canonical form (C14N 2.0),
    prefixes and indentation aside."""
    if made.format is not expected.format:
        return [f"{made.format.upper()} was made, and {expected.format.upper()} is expected"]
    try:
        if made.format is Format.JSON:
            found = _json(parse_json(made.data), parse_json(expected.data), "")
        else:
            found = _xml_documents(parse_xml(made.data), parse_xml(expected.data))
        return list(islice(found, MOST))
    except BusError as error:
        return [error.text]


def format_of(path: str) -> Format:
    """How a file of the province is written, by its name."""
    return Format.XML if path.endswith(".xml") else Format.JSON


def _json(made: object, expected: object, place: str) -> Iterator[str]:
    if isinstance(made, dict) and isinstance(expected, dict):
        for name in [*expected, *(name for name in made if name not in expected)]:
            yield from _json(made.get(name, NOTHING), expected.get(name, NOTHING), f"{place}/{name}")
    elif isinstance(made, list) and isinstance(expected, list):
        for index, (one, other) in enumerate(zip_longest(made, expected, fillvalue=NOTHING)):
            yield from _json(one, other, f"{place}/{index}")
    elif isinstance(made, str) and isinstance(expected, str) and made != expected and _is_xml(made, expected):
        yield from (f"in {place}, {each}" for each in _xml_documents(*map(_parsed, (made, expected))))
    elif (type(made) is not type(expected) and not _both_numbers(made, expected)) or made != expected:
        yield _said(place, _json_text(made), _json_text(expected))


def _is_xml(*texts: str) -> bool:
    """XML inside JSON is compared as XML."""
    return all(text.lstrip().startswith("<") for text in texts)


def _parsed(text: str) -> etree._Element:
    return parse_xml(text.encode())


def _both_numbers(*values: object) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def _xml_documents(made: etree._Element, expected: etree._Element) -> Iterator[str]:
    if _canonical(made) != _canonical(expected):
        found = list(_xml(made, expected, ""))
        yield from found or ["the canonical forms differ"]


def _canonical(root: etree._Element) -> str:
    for element in root.iter():
        if len(element):
            element.text = (element.text or "").strip()
        element.tail = (element.tail or "").strip() or None
    canonical: str = etree.canonicalize(etree.tostring(root, encoding="unicode"), rewrite_prefixes=True)
    return canonical


def _xml(made: etree._Element, expected: etree._Element, above: str) -> Iterator[str]:
    place = f"{above}/{etree.QName(expected).localname}"
    if made.tag != expected.tag:
        yield _said(place, f"<{made.tag}>", f"<{expected.tag}>")
        return
    for name in sorted({*made.attrib, *expected.attrib}):
        if made.get(name) != expected.get(name):
            yield _said(f"{place}/@{name}", _text(made.get(name)), _text(expected.get(name)))
    if (made.text or "") != (expected.text or ""):
        yield _said(place, _text(made.text), _text(expected.text))
    for one, other in zip_longest(made, expected):
        if one is not None and other is not None:
            yield from _xml(one, other, place)
        else:
            yield _said(place, _tag(one), _tag(other))


def _tag(element: etree._Element | None) -> str:
    return "nothing" if element is None else f"<{etree.QName(element).localname}>"


def _text(text: str | None) -> str:
    return "nothing" if text is None else _short(f'"{text}"')


def _json_text(value: object) -> str:
    return "nothing" if value is NOTHING else _short(orjson.dumps(value).decode())


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _said(place: str, made: str, expected: str) -> str:
    return f"at {place or '/'}: {made} was made, {expected} is expected"
