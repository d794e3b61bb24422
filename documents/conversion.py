"""From one shape and format to another: what lies between a contract and a system."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import orjson

from bus.envelope import Body, Format
from bus.errors import TransformFailed
from contracts.json_body import parse_json
from contracts.xml_body import parse_xml
from documents.shapes import invalid
from routes.model import Convert
from transforms.apart.languages import Jsonata, Stylesheet
from transforms.mapping import Mapping
from transforms.xml_view import XmlView


@dataclass(frozen=True, slots=True)
class End:
    """How bodies are written at one end: JSON, or XML with the JSON view of it."""

    view: XmlView | None = None
    bare: bool = False
    """XML of which nothing more is known, such as only a stylesheet reads and makes."""

    @property
    def format(self) -> Format:
        return Format.XML if self.view or self.bare else Format.JSON

    @property
    def reader(self) -> Callable[[Body], object]:
        return _read_json if self.view is None else partial(_read_xml, self.view)

    def writer(self, name: str) -> Callable[[object], Body]:
        """`name` is the transform's, for its errors."""
        return partial(_write_json, name) if self.view is None else partial(_write_xml, self.view)


JSON = End()
ANY_XML = End(bare=True)


Reshape = Mapping | Jsonata
"""From one JSON view to another."""


def conversion(source: End, target: End, mapping: Reshape | None) -> Convert | None:
    """Parse, map, write; None where the bytes go as they are.

    The conversion raises `TransformFailed`, or a `SenderFault` for bytes that cannot be read.
    """
    if mapping is None and source == target:
        return None
    read, write = source.reader, target.writer(mapping.name if mapping else "")
    if mapping is None:
        return lambda body: write(read(body))
    return lambda body: write(mapping(read(body)))


def styling(source: End, target: End, sheet: Stylesheet, given: End | None, made: End | None) -> Convert:
    """XML at both ends goes through the stylesheet as it is; JSON by the view of what the stylesheet is `given` or has
    `made`. Raises as `conversion` does; at once, `DocumentInvalid`, where JSON has no such view."""
    reads_json, makes_json = source.format is Format.JSON, target.format is Format.JSON
    if reads_json and given is None:
        raise invalid("a stylesheet reads XML, and here comes JSON: say by `from` which XML it is to be given as.")
    if makes_json and made is None:
        raise invalid("a stylesheet makes XML, and JSON is needed here: say by `to` which XML it makes.")
    before = given.writer(sheet.name) if reads_json and given else None
    after = made.reader if makes_json and made else None
    expected = target.view or (made.view if made else None)

    def convert(body: Body) -> Body:
        if before:
            body = before(parse_json(body.data))
        found = sheet(body.data, expected.element if expected else "")
        result = Body(Format.XML, found)
        return _write_json(sheet.name, after(result)) if after else result

    return convert


def _read_json(body: Body) -> object:
    return parse_json(body.data)


def _read_xml(view: XmlView, body: Body) -> object:
    return view.decode(parse_xml(body.data))


def _write_json(name: str, value: object) -> Body:
    try:
        return Body(Format.JSON, orjson.dumps(value))
    except orjson.JSONEncodeError:
        raise TransformFailed(transform=name, rule="a value that JSON cannot hold", place="/") from None


def _write_xml(view: XmlView, value: object) -> Body:
    return Body(Format.XML, view.encode(value))
