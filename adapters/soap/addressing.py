"""WS-Addressing 1.0 (W3C, Core and SOAP Binding) of calls whose answer goes back where they came from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

from lxml import etree

from bus.errors import AddressingInvalid

WSA: Final = "http://www.w3.org/2005/08/addressing"
ANONYMOUS: Final = f"{WSA}/anonymous"
NONE: Final = f"{WSA}/none"
FAULT: Final = f"{WSA}/soap/fault"
"""The action of every fault (SOAP Binding §6)."""

LONGEST: Final = 255
"""Characters of a MessageID, as of an Idempotency-Key."""

UNDERSTOOD: Final = frozenset(
    f"{{{WSA}}}{name}" for name in ("MessageID", "RelatesTo", "Action", "To", "From", "ReplyTo", "FaultTo")
)


@dataclass(frozen=True, slots=True)
class Addressing:
    """What the headers of a call say: which message it is, and what it asks for."""

    message_id: str | None = None
    action: str | None = None


def addressing(headers: Sequence[etree._Element]) -> Addressing | None:
    """None where there are no such headers. Raises `AddressingInvalid`."""
    found: dict[str, etree._Element] = {}
    for header in headers:
        name = str(header.tag)
        if name not in UNDERSTOOD or name == f"{{{WSA}}}RelatesTo":
            continue
        local = etree.QName(header).localname
        if local in found:
            raise AddressingInvalid(hint=f"{local} stands more than once")
        found[local] = header
    if not found:
        return None
    for name in ("ReplyTo", "FaultTo"):
        if name in found and (found[name].findtext(f"{{{WSA}}}Address") or "").strip() not in {ANONYMOUS, NONE}:
            raise AddressingInvalid(hint=f"{name} must be anonymous: the answer goes back on the same connection")
    return Addressing(_text(found, "MessageID"), _text(found, "Action"))


def _text(found: dict[str, etree._Element], name: str) -> str | None:
    if name not in found:
        return None
    text = (found[name].text or "").strip()
    if len(found[name]) or not 0 < len(text) <= LONGEST or not text.isascii() or not text.isprintable():
        raise AddressingInvalid(hint=f"{name} is 1 to {LONGEST} printable ASCII characters")
    return text


def answering(asked: Addressing, action: str, message_id: str) -> bytes:
    """The header blocks of an answer."""
    blocks = {"Action": action, "MessageID": message_id}
    if asked.message_id is not None:
        blocks["RelatesTo"] = asked.message_id
    return "".join(f'<a:{name} xmlns:a="{WSA}">{escape(text)}</a:{name}>' for name, text in blocks.items()).encode()
