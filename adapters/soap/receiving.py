"""Reading an envelope that somebody sends to the bus: strictly, for what one reader overlooks another may act upon."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from lxml import etree

from adapters.payload import Undecodable, to_utf8
from adapters.soap.envelope import NAMESPACES, VERSIONS, NotSoap, SoapVersion
from adapters.soap.multipart import related
from bus.envelope import Attachment
from bus.errors import CharsetUnsupported, EnvelopeInvalid, MediaTypeUnsupported, SoapVersionMismatch
from contracts.xml_body import parse_xml

MOST_HEADERS: Final = 100
"""Header blocks; a client with everything switched on sends about ten."""

ROOM: Final = 64 * 1024
"""Bytes of an envelope beyond its payload: a signed header with its certificates takes about ten thousand."""

SPACE: Final = re.compile(rb"[ \t\r\n]+(?=<)")
"""What envelopes made by hand have before their XML declaration, where XML allows nothing (XML 1.0 §2.8)."""

ADORNING: Final = frozenset(
    {*NAMESPACES.values(), "http://schemas.xmlsoap.org/soap/encoding/", "http://www.w3.org/2003/05/soap-encoding"}
)
"""The namespaces of attributes that toolkits write on the operation's element for a reader of SOAP encoding."""

MEDIA_TYPES: Final = {"text/xml": SoapVersion.V11, "application/soap+xml": SoapVersion.V12}

EXPECTED: Final = (
    "text/xml (SOAP 1.1), application/soap+xml (SOAP 1.2), or multipart/related with one of them or with MTOM"
)

NEXT: Final = frozenset(
    {
        "http://schemas.xmlsoap.org/soap/actor/next",
        "http://www.w3.org/2003/05/soap-envelope/role/next",
        "http://www.w3.org/2003/05/soap-envelope/role/ultimateReceiver",
        "",
    }
)
"""Whom a header block is for, where that is the bus (SOAP 1.1 §4.2.2, SOAP 1.2 Part 1 §2.2)."""


@dataclass(frozen=True, slots=True)
class Received:
    """An envelope that was read. `headers` are the blocks that are meant for the bus, `child` the one element of the
    Body, None where that is empty; `size` is in bytes."""

    version: SoapVersion
    size: int
    root: etree._Element = field(repr=False)
    headers: Sequence[etree._Element] = field(repr=False)
    child: etree._Element | None = field(repr=False)
    attachments: tuple[Attachment, ...] = ()

    def mandatory(self) -> Iterator[etree._Element]:
        """The blocks that their sender wants understood, or the message refused (SOAP 1.1 §4.2.3)."""
        name = f"{{{self.version.namespace}}}mustUnderstand"
        return (each for each in self.headers if (each.get(name) or "").strip() in {"1", "true"})


def version_of(content_type: str) -> SoapVersion:
    """SOAP 1.1 §6 or SOAP 1.2 Part 2 §7.1, by the media type; of an envelope in several parts, by that which it would
    have alone. Raises `MediaTypeUnsupported`."""
    said = related(content_type)
    kind = content_type.partition(";")[0].strip().lower() if said is None else said.kind
    if said and said.is_xop and not kind:
        return SoapVersion.V11  # its first part says better
    version = MEDIA_TYPES.get(kind)
    if version is None:
        raise MediaTypeUnsupported(expected=EXPECTED)
    return version


def receive(data: bytes, content_type: str, plain: Callable[[bytes], bytes] | None = None) -> Received:
    """`plain` is applied to the text in UTF-8 before it is read.

    Raises `MediaTypeUnsupported`, `CharsetUnsupported`, `XmlMalformed`, `XmlForbidden`, `SoapVersionMismatch` and
    `EnvelopeInvalid`.
    """
    expected = version_of(content_type)
    try:
        found = SPACE.match(data)
        text = to_utf8(content_type, data[found.end() :] if found else data)
        root = parse_xml(plain(text) if plain else text)
    except Undecodable:
        raise CharsetUnsupported from None
    except NotSoap:
        raise EnvelopeInvalid(hint="its references lead nowhere, or it is no XML") from None
    version = VERSIONS.get(str(root.tag))
    if version is not expected:
        if etree.QName(root).localname == "Envelope":
            raise SoapVersionMismatch
        raise EnvelopeInvalid(hint="its root is no Envelope")
    header, body = parts(root, version)
    if len(body) > 1:
        raise EnvelopeInvalid(hint="its Body has more than one element")
    if _has_text(body):
        raise EnvelopeInvalid(hint="its Body has text beside its element")
    return Received(version, len(text), root, _meant_for_us(header, version), body[0] if len(body) else None)


def unadorned(element: etree._Element) -> etree._Element:
    """The operation's element without what old toolkits write on it for SOAP encoding though there is none: Apache SOAP
    and Axis an ``encodingStyle``, kSOAP2 an ``id`` and that it is a ``root``. No schema has these."""
    for name in [str(each) for each in element.attrib]:
        namespace, _, local = name[1:].rpartition("}")
        if namespace in ADORNING:
            del element.attrib[name]
            if local == "root":
                element.attrib.pop("id", "")
    return element


def parts(root: etree._Element, version: SoapVersion) -> tuple[etree._Element | None, etree._Element]:
    """Header, if there is one, and Body: in this order, once each, and nothing else (WS-I Basic Profile 1.1, R1011).

    Raises `EnvelopeInvalid`.
    """
    header, body = f"{{{version.namespace}}}Header", f"{{{version.namespace}}}Body"
    tags = [str(each.tag) for each in islice(root, 4)]
    if tags == [body]:
        return None, root[0]
    if tags == [header, body]:
        return root[0], root[1]
    hint = "it has no Body" if body not in tags else "it has more than a Header and one Body, in this order"
    raise EnvelopeInvalid(hint=hint)


def _meant_for_us(header: etree._Element | None, version: SoapVersion) -> Sequence[etree._Element]:
    if header is None:
        return ()
    if len(header) > MOST_HEADERS:
        raise EnvelopeInvalid(hint=f"it has more than {MOST_HEADERS} header blocks")
    whom = f"{{{version.namespace}}}{'actor' if version is SoapVersion.V11 else 'role'}"
    return tuple(each for each in header if (each.get(whom) or "").strip() in NEXT)


def _has_text(body: etree._Element) -> bool:
    texts = [body.text, *(each.tail for each in body)]
    return any(text and text.strip(" \t\r\n") for text in texts)
