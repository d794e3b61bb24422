"""How deliveries stand in the Body that an inbox answers with, and what a system says of them there (`inbox.wsdl`)."""

import codecs
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

from adapters.payload import as_received, undeclared
from adapters.soap.refusing import NO_XML
from bus.clock import iso
from bus.envelope import Body, Format
from bus.errors import OperationUnknown, PathUnknown, QueryInvalid
from contracts.descriptions.wsdl import SOAP, SOAP_12
from routes.inbox import NACKS, Item

NAMESPACE: Final = "urn:lgsp:inbox"

ADDRESS: Final = b"http://localhost/soap/inbox"

FIELDS: Final = {
    "fetch": ("wait", "max", "asText"),
    "ack": ("delivery", "attempt", "fault", "body", "text"),
    "nack": ("delivery", "attempt", "reason", "retry"),
}
"""The elements of each operation."""

NIL: Final = "{http://www.w3.org/2001/XMLSchema-instance}nil"


@cache
def _wsdl() -> bytes:
    return Path(__file__).with_name("inbox.wsdl").read_bytes()


def described(url: str, what: str) -> bytes:
    """The service at this address, for ``wsdl`` or ``wsdl12``. Raises `PathUnknown`."""
    if what not in {"wsdl", "wsdl12"}:
        raise PathUnknown
    text = _wsdl().replace(quoteattr(ADDRESS.decode()).encode(), quoteattr(url).encode())
    return text if what == "wsdl" else text.replace(f'"{SOAP}"'.encode(), f'"{SOAP_12}"'.encode())


class Said:
    """What stands in a Body: an operation and its elements. Raises `OperationUnknown`, `QueryInvalid`."""

    def __init__(self, element: etree._Element | None) -> None:
        name = etree.QName(element) if element is not None else None
        if element is None or name is None or name.namespace != NAMESPACE or name.localname not in FIELDS:
            raise OperationUnknown
        self.operation = name.localname
        allowed = {f"{{{NAMESPACE}}}{each}": each for each in FIELDS[self.operation]}
        self._given: dict[str, etree._Element] = {}
        for each in element:
            field = allowed.get(str(each.tag))
            if field is None or field in self._given:
                hint = f"once each, in {NAMESPACE}: {', '.join(FIELDS[self.operation])}"
                raise QueryInvalid(name=self.operation, hint=hint)
            self._given[field] = each

    def text(self, name: str) -> str | None:
        """None where it is absent, empty or nil."""
        element = self._given.get(name)
        if element is None or element.get(NIL) in {"true", "1"}:
            return None
        if len(element):
            raise QueryInvalid(name=name, hint="a text")
        return element.text or None

    def word(self, name: str) -> str:
        """A text that must be there, without the space around it."""
        text = (self.text(name) or "").strip()
        if not text:
            raise QueryInvalid(name=name, hint="as it was fetched")
        return text

    def flag(self, name: str, *, default: bool) -> bool:
        text = self.text(name)
        found = default if text is None else _BOOLEANS.get(text.strip())
        if found is None:
            raise QueryInvalid(name=name, hint="true, or false")
        return found

    def reason(self) -> str:
        text = (self.text("reason") or "other").strip()
        if text not in NACKS:
            raise QueryInvalid(name="reason", hint=", ".join(NACKS))
        return text

    def element(self) -> etree._Element | None:
        """The one that stands in `body`, if there is one."""
        body = self._given.get("body")
        if body is None or not len(body):
            return None
        if len(body) > 1 or self.text("text") is not None:
            raise QueryInvalid(name="body", hint="one element, or a text in its place")
        return body[0]

    def body(self) -> Body | None:
        """The text as a body: XML by its first character, else JSON."""
        text = self.text("text")
        return None if text is None else as_received(text.encode())


_BOOLEANS: Final = {"true": True, "1": True, "false": False, "0": False}


def empty(operation: str) -> bytes:
    return f'<i:{operation}Response xmlns:i="{NAMESPACE}"/>'.encode()


def fetched(shown: Sequence[tuple[Item, bytes | None]]) -> bytes:
    """Deliveries, each with the element of its body; None: as a text."""
    inside = b"".join(piece for item, element in shown for piece in _delivery(item, element))
    return b'<i:fetchResponse xmlns:i="%b">%b</i:fetchResponse>' % (NAMESPACE.encode(), inside)


def _delivery(item: Item, element: bytes | None) -> Iterator[bytes]:
    fetched, envelope = item.fetched, item.fetched.envelope
    yield b"<i:delivery>"
    for name, value in (
        ("id", fetched.delivery),
        ("message", envelope.message),
        ("contract", envelope.contract),
        ("version", envelope.version),
        ("exchange", envelope.exchange),
        ("sender", envelope.sender),
        ("acceptedAt", iso(envelope.accepted_at)),
        ("expiresAt", iso(envelope.expires_at)),
        ("attempt", fetched.attempt),
        ("leaseUntil", iso(fetched.lease_until)),
        ("traceparent", item.traceparent),
        ("migratedTo", item.migrated or None),
        ("sequence", fetched.sequence),
        ("format", item.body.format),
    ):
        if value is not None:
            yield f"<i:{name}>{escape(str(value))}</i:{name}>".encode()
    yield b"<i:text>%b</i:text>" % _as_text(item.body) if element is None else b"<i:body>%b</i:body>" % element
    yield b"</i:delivery>"


def as_element(body: Body) -> bytes:
    """A document of XML as it may stand inside another."""
    return undeclared(body.data.removeprefix(codecs.BOM_UTF8))


def _as_text(body: Body) -> bytes:
    """Escaped so that it is read as it was written. What XML cannot hold stands in no document of XML, and in JSON in
    strings alone, where it may be written by its number."""
    text = body.data.decode()
    if body.format is Format.JSON:
        text = NO_XML.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    return escape(text, {"\r": "&#13;"}).encode()
