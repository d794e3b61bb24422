"""The SOAP envelope, 1.1 (W3C Note, 8 May 2000) and 1.2 (W3C Recommendation, Part 1): put on, and taken off."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from lxml import etree

from adapters.payload import undeclared
from bus.envelope import Attachment
from bus.errors import SenderFault
from contracts.xml_body import parse_xml


class SoapVersion(StrEnum):
    """A version of SOAP, by its number."""

    V11 = "1.1"
    V12 = "1.2"

    @property
    def namespace(self) -> str:
        """The namespace of its envelope."""
        return NAMESPACES[self]


NAMESPACES = {
    SoapVersion.V11: "http://schemas.xmlsoap.org/soap/envelope/",
    SoapVersion.V12: "http://www.w3.org/2003/05/soap-envelope",
}
PREFIX = "soap"
"""The prefix of what the bus writes, where a server wants no other."""

VERSIONS = {f"{{{namespace}}}Envelope": version for version, namespace in NAMESPACES.items()}


class NotSoap(ValueError):
    """What came back is not a SOAP envelope with at most one element in its Body."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An envelope that was read: the one child of its Body, None where there is none, and the blocks of its header.
    `is_proved`: it comes from where it should, as far as that was asked. `attachments` came along with it."""

    version: SoapVersion
    child: etree._Element | None
    headers: Sequence[etree._Element] = ()
    is_proved: bool = True
    attachments: tuple[Attachment, ...] = ()

    @property
    def is_fault(self) -> bool:
        return self.child is not None and self.child.tag == f"{{{self.version.namespace}}}Fault"


def enclose(version: SoapVersion, body: bytes, header: bytes = b"", prefix: str = PREFIX) -> bytes:
    """Put an envelope around the bytes of one element, and around header blocks, each a document of its own.

    The bytes stay as they are but for an XML declaration, which may stand only at the very beginning (XML 1.0 §2.8).
    """
    soap = prefix.encode()
    head = b"<%b:Header>%b</%b:Header>" % (soap, header, soap) if header else b""
    space, inside = version.namespace.encode(), undeclared(body)
    return b'<%b:Envelope xmlns:%b="%b">%b<%b:Body>%b</%b:Body></%b:Envelope>' % (
        soap, soap, space, head, soap, inside, soap, soap,
    )  # fmt: skip


def open_envelope(data: bytes) -> Opened:
    """Take an envelope off; the data in UTF-8. Raises `NotSoap`."""
    try:
        root = parse_xml(data)
    except SenderFault:
        raise NotSoap from None
    version = VERSIONS.get(str(root.tag))
    body = None if version is None else root.find(f"{{{version.namespace}}}Body")
    if version is None or body is None:
        raise NotSoap
    children = body.findall("*")
    if len(children) > 1:
        raise NotSoap
    headers = root.findall(f"{{{version.namespace}}}Header/*")
    return Opened(version, children[0] if children else None, headers)


def alone(element: etree._Element) -> bytes:
    """An element as a document of its own: with every namespace in its scope, since contents too use prefixes."""
    return etree.tostring(element, encoding="utf-8", xml_declaration=False, with_tail=False)
