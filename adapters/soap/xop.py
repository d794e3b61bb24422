"""XOP 1.0 (W3C Recommendation, 2005): what is base64 in an envelope travels as bytes beside it, and is put back."""

import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from secrets import token_hex
from typing import Final
from urllib.parse import quote, unquote

from lxml import etree

from adapters.parts import Part, PartsInvalid
from bus.errors import SenderFault
from contracts.xml_body import parse_xml

MEDIA_TYPE: Final = "application/xop+xml"
NAMESPACE: Final = "http://www.w3.org/2004/08/xop/include"
INCLUDE: Final = f"{{{NAMESPACE}}}Include"

LEAST: Final = 1_024
"""Bytes that are worth a part of their own, which costs about two hundred."""

MOST: Final = 100
"""Parts that are taken out of one envelope, the first ones."""

LONGEST: Final = 7_500_000
"""Bytes of a part that can be put back: base64 of more is a text that no XML of the bus may have (10 MB)."""

_WORTH: Final = re.compile(rb"[A-Za-z0-9+/]{%d}" % LEAST)


class TooLarge(ValueError):
    """With everything put back, the envelope would be larger than it may be."""


def put_back(envelope: bytes, parts: Mapping[str, bytes], limit: int) -> tuple[bytes, frozenset[str]]:
    """The envelope, in UTF-8, with the parts in it that it refers to, and their names.

    How large that will be is known before anything is put back, however often it refers to one part. Raises
    `PartsInvalid`, `TooLarge`, and as `parse_xml` does.
    """
    root = parse_xml(envelope)
    includes = [(each, _name(each)) for each in root.iter(INCLUDE)]
    size = len(envelope)
    for _, name in includes:
        if name not in parts:
            raise PartsInvalid("its envelope includes a part that it has not")
        if len(parts[name]) > LONGEST:
            raise PartsInvalid(f"a part of more than {LONGEST} bytes cannot stand in an envelope")
        size += (len(parts[name]) + 2) // 3 * 4
        if size > limit:
            raise TooLarge
    for include, name in includes:
        parent = include.getparent()
        if parent is not None:
            parent.remove(include)
            parent.text = b64encode(parts[name]).decode()
    return etree.tostring(root, encoding="utf-8"), frozenset(name for _, name in includes)


def take_out(envelope: bytes) -> tuple[bytes, tuple[Part, ...]]:
    """An envelope, in UTF-8, without the long base64 of its last child, the Body, and the parts that it refers to.

    Any text may go that is base64 exactly as XML Schema writes it, whatever it means: the same characters come back
    (XOP 1.0 §3). An envelope that has an Include of its own stays as it is.
    """
    if not _WORTH.search(envelope) or NAMESPACE.encode() in envelope:
        return envelope, ()
    try:
        root = parse_xml(envelope)
    except SenderFault:  # too deep, by what was put around it
        return envelope, ()
    mark, parts = token_hex(16), list[Part]()
    for element in root[-1].iter("*"):
        data = _binary(element)
        if data is None:
            continue
        name = f"{len(parts) + 1}.{mark}@lgsp"
        parts.append(Part(name, "application/octet-stream", data))
        element.text = None
        etree.SubElement(element, INCLUDE, {"href": f"cid:{quote(name)}"}, nsmap={"xop": NAMESPACE})
        if len(parts) == MOST:
            break
    return (etree.tostring(root, encoding="utf-8"), tuple(parts)) if parts else (envelope, ())


def _name(include: etree._Element) -> str:
    """Which part is meant (XOP 1.0 §2.1, RFC 2392 §2); an Include stands alone in its element, and has nothing else."""
    parent, href = include.getparent(), include.get("href", "")
    if parent is None or len(parent) > 1 or f"{parent.text or ''}{include.tail or ''}".strip(" \t\r\n"):
        raise PartsInvalid("an Include does not stand alone in its element")
    if len(include) or len(include.attrib) != 1 or (include.text or "").strip(" \t\r\n"):
        raise PartsInvalid("an Include has an href and nothing else")
    if href[:4].lower() != "cid:":
        raise PartsInvalid("an Include refers to no part (cid:)")
    return unquote(href[4:])


def _binary(element: etree._Element) -> bytes | None:
    """What an element says in base64, where that is all that it says and worth a part."""
    text = element.text
    if not text or len(element) or len(text) < LEAST // 3 * 4 or len(text) % 4 or not text.isascii():
        return None
    try:
        data = b64decode(text, validate=True)
    except ValueError:
        return None
    return data if len(data) >= LEAST and b64encode(data).decode() == text else None
