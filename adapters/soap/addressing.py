"""WS-Addressing 1.0 (W3C, Core and SOAP Binding) of calls whose answer goes back where they came from.

Systems that are called may want its forerunner, the W3C submission of August 2004.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import quote
from uuid import UUID, uuid4
from xml.sax.saxutils import escape

from lxml import etree

from bus.errors import AddressingInvalid

WSA: Final = "http://www.w3.org/2005/08/addressing"
ANONYMOUS: Final = f"{WSA}/anonymous"
NONE: Final = f"{WSA}/none"
FAULT: Final = f"{WSA}/soap/fault"
"""The action of every fault (SOAP Binding §6)."""

UNSPECIFIED: Final = f"{WSA}/unspecified"
"""What a fault relates to that came of a call whose MessageID could not be read (SOAP Binding §6)."""

LONGEST: Final = 255
"""Characters of a MessageID, as of an Idempotency-Key."""

UNDERSTOOD: Final = frozenset(
    f"{{{WSA}}}{name}" for name in ("MessageID", "RelatesTo", "Action", "To", "From", "ReplyTo", "FaultTo")
)


class Edition(StrEnum):
    """An edition of WS-Addressing, by its year."""

    W3C = "2005"
    SUBMISSION = "2004"

    @property
    def namespace(self) -> str:
        """The namespace of its headers."""
        return WSA if self is Edition.W3C else "http://schemas.xmlsoap.org/ws/2004/08/addressing"

    @property
    def anonymous(self) -> str:
        """The address of who waits for the answer on the same connection."""
        return ANONYMOUS if self is Edition.W3C else f"{self.namespace}/role/anonymous"


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


def message_id(headers: Mapping[str, str]) -> str:
    """The MessageID of a call: out of its Idempotency-Key the same at each try of a delivery, else a new one."""
    key = headers.get("Idempotency-Key", "")
    try:
        return f"urn:uuid:{UUID(key)}"
    except ValueError:
        return f"urn:lgsp:delivery:{quote(key, safe='')}" if key else f"urn:uuid:{uuid4()}"


def asking(edition: Edition, to: str, action: str, message_id: str, understood: str = "") -> bytes:
    """The header blocks of a call. `understood` is the attribute mustUnderstand, as ``prefix:name="1"`` and the
    declaration of its prefix, for Action and To."""
    blocks = {"Action": escape(action), "MessageID": escape(message_id), "To": escape(to)}
    blocks["ReplyTo"] = f"<a:Address>{edition.anonymous}</a:Address>"
    marks = dict.fromkeys(("Action", "To"), understood)
    return "".join(
        f'<a:{name} xmlns:a="{edition.namespace}"{marks.get(name, "")}>{inside}</a:{name}>'
        for name, inside in blocks.items()
    ).encode()


def answers(headers: Sequence[etree._Element], edition: Edition, message_id: str) -> bool:
    """Whether an answer's headers do not say that it answers another call; many servers say nothing."""
    space = f"{{{edition.namespace}}}"
    related = [each for each in headers if each.tag == f"{space}RelatesTo" and _is_reply(each, edition)]
    said = {(each.text or "").strip() for each in related}
    return not said or not said.isdisjoint({message_id, UNSPECIFIED})


def _is_reply(related: etree._Element, edition: Edition) -> bool:
    """Core §3.1: there may be other relationships; the submission (§3.1) names this one by a qualified name."""
    kind = related.get("RelationshipType", "").strip()
    return kind in {"", f"{WSA}/reply"} or (edition is Edition.SUBMISSION and kind.rpartition(":")[2] == "Reply")
