"""From one shape and format to another: what lies between a contract and a system."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import orjson

from bus.envelope import Body, Format
from bus.errors import TransformFailed
from contracts.json_body import parse_json
from contracts.xml_body import parse_xml
from routes.model import Convert
from transforms.mapping import Mapping
from transforms.xml_view import XmlView


@dataclass(frozen=True, slots=True)
class End:
    """How bodies are written at one end: JSON, or XML with the JSON view of it."""

    view: XmlView | None = None

    @property
    def format(self) -> Format:
        return Format.JSON if self.view is None else Format.XML

    @property
    def reader(self) -> Callable[[Body], object]:
        return _read_json if self.view is None else partial(_read_xml, self.view)

    def writer(self, name: str) -> Callable[[object], Body]:
        """`name` is the transform's, for its errors."""
        return partial(_write_json, name) if self.view is None else partial(_write_xml, self.view)


JSON = End()


def conversion(source: End, target: End, mapping: Mapping | None) -> Convert | None:
    """Parse, map, write; None where the bytes go as they are.

    The conversion raises `TransformFailed`, or a `SenderFault` for bytes that cannot be read.
    """
    if mapping is None and source == target:
        return None
    read, write = source.reader, target.writer(mapping.name if mapping else "")
    if mapping is None:
        return lambda body: write(read(body))
    return lambda body: write(mapping(read(body)))


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
