"""Answers in several parts: SOAP with attachments (W3C note, 2000) and MTOM (2005), of which the envelope is read.

The envelope is the part that ``start`` names, else the first (RFC 2387 §3.2). What an MTOM envelope keeps in other
parts is put back into it as base64, which is what its schema says; other parts are attachments, and left.
"""

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import unquote

from lxml import etree

from bus.errors import SenderFault
from contracts.xml_body import parse_xml

MOST: Final = 1_000
"""Parts that are looked at."""

_TYPE: Final = re.compile(r"\s*multipart/related\b", re.IGNORECASE)
_PARAMETER: Final = re.compile(r";\s*([\w-]+)\s*=\s*(?:\"([^\"]{0,500})\"|([^\s;\"]{1,500}))")
_HEADER: Final = re.compile(r"([!-9;-~]{1,100}):[ \t]*([^\r\n]{0,1000})")
_INCLUDE: Final = "{http://www.w3.org/2004/08/xop/include}Include"


class NotRelated(Exception):
    """It says that it is multipart/related, and has no such parts."""


def envelope_of(content_type: str, data: bytes) -> tuple[str, bytes]:
    """Media type and bytes of the envelope; of an answer in one part as they are. Raises `NotRelated`."""
    if not _TYPE.match(content_type):
        return content_type, data
    given = {name.lower(): quoted or plain for name, quoted, plain in _PARAMETER.findall(content_type)}
    parts = list(_parts(data, given.get("boundary", "")))
    if not parts:
        raise NotRelated
    by_id = {headers.get("content-id", "").strip("<> "): content for headers, content in parts}
    root = next(
        (part for part in parts if part[0].get("content-id", "").strip("<> ") == given.get("start", "").strip("<> ")),
        parts[0],
    )
    kind = root[0].get("content-type", "text/xml")
    return kind, _whole(root[1], by_id) if _INCLUDE[1:].partition("}")[0].encode() in root[1] else root[1]


def _parts(data: bytes, boundary: str) -> Iterator[tuple[Mapping[str, str], bytes]]:
    """Headers, by lower-case names, and content of each part (RFC 2046 §5.1.1)."""
    if not boundary:
        return
    pieces = (b"\r\n" + data).split(b"\r\n--" + boundary.encode(), MOST)
    for piece in pieces[1:]:
        if piece.startswith(b"--"):
            return
        line, _, part = piece.partition(b"\r\n")
        if line.strip():
            continue  # a longer boundary that begins alike
        head, found, content = (b"\r\n" + part).partition(b"\r\n\r\n")
        if found:
            headers = {name.lower(): value.strip() for name, value in _HEADER.findall(head.decode("latin-1"))}
            yield headers, content


def _whole(envelope: bytes, by_id: Mapping[str, bytes]) -> bytes:
    """The envelope with what it refers to; as it is where it cannot be read or refers to nothing."""
    try:
        root = parse_xml(envelope)
    except SenderFault:
        return envelope
    for include in list(root.iter(_INCLUDE)):
        parent, content = include.getparent(), by_id.get(unquote(include.get("href", "").removeprefix("cid:")))
        if parent is None or content is None:
            raise NotRelated
        parent.remove(include)
        parent.text = b64encode(content).decode()
    return etree.tostring(root)
