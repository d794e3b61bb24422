"""CloudEvents 1.0 over HTTP, as the bus writes them: attributes in headers beside the data, or one JSON document with
the data in it (HTTP protocol binding §3.1 and §3.2; JSON event format §3)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote_to_bytes

import orjson

from bus.envelope import Body, Format

SPECVERSION: Final = "1.0"
MEDIA_TYPE: Final = "application/cloudevents+json"
PREFIX: Final = "ce-"

PLAIN: Final = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '"%')
"""What stands in a header as it is (HTTP binding §3.1.3.2)."""

QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True)
class EventForm:
    """How a system is given its events. `base` is the address of the gateway, under which `dataschema` is found; where
    nobody knows it, that attribute is left out."""

    structured: bool
    base: str = ""

    def attributes(self, event: Mapping[str, str]) -> dict[str, str]:
        """The event's attributes for this system, `specversion` among them."""
        given = {"specversion": SPECVERSION} | dict(event)
        schema = given.pop("dataschema", "")
        return given | ({"dataschema": self.base.rstrip("/") + schema} if self.base and schema else {})


def as_headers(attributes: Mapping[str, str]) -> dict[str, str]:
    """Binary mode: each attribute as a header; the content type says what the data are."""
    return {PREFIX + name: quote(value, safe=PLAIN) for name, value in attributes.items()}


def as_document(attributes: Mapping[str, str], body: Body) -> bytes:
    """Structured mode. JSON data stand in it byte for byte, XML as a string."""
    head = orjson.dumps(dict(attributes) | {"datacontenttype": body.format.media_type})
    data = body.data if body.format is Format.JSON else orjson.dumps(body.data.decode())
    return b'%s,"data":%s}' % (head[:-1], data)


def from_header(value: str) -> str:
    """An attribute out of its header: a quoted string is opened, then percent-encoding, once. Raises `ValueError`."""
    quoted = QUOTED.fullmatch(value)
    text = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else value
    return unquote_to_bytes(text).decode()
