"""Envelopes in several parts: SOAP with attachments (W3C note, 2000) and MTOM (W3C Recommendation, 2005).

The envelope is the part that ``start`` names, else the first (RFC 2387 §3.2). What an MTOM envelope keeps in other
parts is put back into it as base64, which is what its schema says; other parts are attachments.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from adapters.parts import Part, PartReader, PartsInvalid, media_type, read_parts, write_parts
from adapters.payload import Undecodable, to_utf8
from adapters.soap import xop
from bus.envelope import Attachment
from bus.errors import BodyTooLarge, CharsetUnsupported, MultipartInvalid, SenderFault

RELATED: Final = "multipart/related"
OCTETS: Final = "application/octet-stream"


class NotRelated(Exception):
    """It says that it is multipart/related, and has no such parts."""


@dataclass(frozen=True, slots=True)
class Related:
    """What is said of an envelope in several parts. `root` is the media type of its part, `kind` that which it would
    have alone: of XOP ``start-info``, where that is said (MTOM §3.2)."""

    boundary: str
    start: str
    root: str
    kind: str

    @property
    def is_xop(self) -> bool:
        return self.root == xop.MEDIA_TYPE


def related(content_type: str) -> Related | None:
    """None for what is in one part."""
    if content_type[: len(RELATED) + 8].strip().partition(";")[0].strip().lower() != RELATED:
        return None
    _, given = media_type(content_type)
    root = media_type(given.get("type", ""))[0]
    kind = media_type(given.get("start-info", ""))[0] if root == xop.MEDIA_TYPE else root
    return Related(given.get("boundary", ""), _bare(given.get("start", "")), root, kind)


def takes_xop(content_type: str, accept: str) -> bool:
    """Whether a caller reads MTOM: it sends it, or says so. That it takes multipart/related says nothing of it."""
    said = related(content_type)
    return (said is not None and said.is_xop) or xop.MEDIA_TYPE in accept.lower()


class RelatedReader:
    """Reads what a sender says to be an envelope in several parts, strictly; each method raises `MultipartInvalid`.
    `size` is how many bytes came."""

    def __init__(self, said: Related) -> None:
        self._said = said
        self.size = 0
        try:
            self._reader = PartReader(said.boundary)
        except PartsInvalid as error:
            raise MultipartInvalid(hint=error.hint) from None

    def feed(self, piece: bytes) -> None:
        """What comes next."""
        self.size += len(piece)
        try:
            self._reader.feed(piece)
        except PartsInvalid as error:
            raise MultipartInvalid(hint=error.hint) from None

    def envelope(self, limit: int) -> tuple[str, bytes, tuple[Attachment, ...]]:
        """Media type and bytes of the envelope, which has at most so many, and what is not of it.

        Raises also `BodyTooLarge`, and as `parse_xml` does.
        """
        try:
            return self._envelope(limit)
        except PartsInvalid as error:
            raise MultipartInvalid(hint=error.hint) from None
        except xop.TooLarge:
            raise BodyTooLarge(limit=limit) from None
        except Undecodable:
            raise CharsetUnsupported from None

    def _envelope(self, limit: int) -> tuple[str, bytes, tuple[Attachment, ...]]:
        parts = self._reader.parts()
        root = _root(parts, self._said.start)
        kind, given = media_type(root.content_type)
        if kind != self._said.root:
            raise PartsInvalid("its envelope is not of the type that it says")
        others = [each for each in parts if each is not root]
        if len(root.data) > limit:
            raise xop.TooLarge
        if not self._said.is_xop:
            return root.content_type, root.data, attachments_of(others)
        kind = self._said.kind or media_type(given.get("type", ""))[0]
        text = to_utf8(root.content_type, root.data)
        data, used = xop.put_back(text, {each.name: each.data for each in others if each.name}, limit)
        return f"{kind}; charset=utf-8", data, attachments_of(others, used)


def envelope_of(content_type: str, data: bytes, limit: int) -> tuple[str, bytes, tuple[Attachment, ...]]:
    """Media type and bytes of an answer's envelope, at most so many, and its attachments; of an answer in one part as
    they are. Whatever it says to be, what it includes is put back. Raises `NotRelated`."""
    said = related(content_type)
    if said is None:
        return content_type, data, ()
    try:
        parts = read_parts(said.boundary, data)
        root = _root(parts, said.start)
        others = [each for each in parts if each is not root]
        if xop.NAMESPACE.encode() not in root.data:
            return root.content_type or "text/xml", root.data, attachments_of(others)
        text = to_utf8(root.content_type, root.data)
        whole, used = xop.put_back(text, {each.name: each.data for each in others if each.name}, limit)
    except (PartsInvalid, Undecodable, xop.TooLarge, SenderFault):
        raise NotRelated from None
    return "text/xml; charset=utf-8", whole, attachments_of(others, used)


def attachments_of(parts: Iterable[Part], used: frozenset[str] = frozenset()) -> tuple[Attachment, ...]:
    """What is left of the parts, once those are `used` that the envelope includes."""
    return tuple(
        Attachment(each.name, each.content_type or OCTETS, each.data, secrets.token_bytes(16))
        for each in parts
        if each.name not in used
    )


def optimized(content_type: str, envelope: bytes, attachments: Sequence[Attachment] = ()) -> tuple[str, bytes]:
    """An envelope as MTOM where something in it is worth that, else as `with_attachments` has it."""
    smaller, parts = xop.take_out(envelope)
    if not parts:
        return with_attachments(content_type, envelope, attachments)
    return packaged(content_type, smaller, parts, attachments)


def with_attachments(content_type: str, envelope: bytes, attachments: Sequence[Attachment]) -> tuple[str, bytes]:
    """An envelope, whose media type would be `content_type`, with attachments; as it is where there are none. What it
    says to be stands before it."""
    if not attachments:
        return content_type, envelope
    kind, given = media_type(content_type)
    root = _root_name()
    boundary, data = write_parts([(_head(root, content_type), envelope), *map(_part, attachments)])
    action = f'; action="{_quoted(given["action"])}"' if "action" in given else ""
    return f'{RELATED}; type="{kind}"; start="<{root}>"; boundary="{boundary}"{action}', data


def packaged(
    content_type: str, envelope: bytes, parts: Sequence[Part], attachments: Sequence[Attachment] = ()
) -> tuple[str, bytes]:
    """An envelope, whose media type would be `content_type`, and the parts that it includes: as MTOM."""
    kind, given = media_type(content_type)
    root = _root_name()
    head = _head(root, f'{xop.MEDIA_TYPE}; charset={given.get("charset", "utf-8")}; type="{kind}"')
    included = [(_head(each.name, each.content_type), each.data) for each in parts]
    boundary, data = write_parts([(head, envelope), *included, *map(_part, attachments)])
    action = f'; action="{_quoted(given["action"])}"' if "action" in given else ""
    said = f'type="{xop.MEDIA_TYPE}"; start="<{root}>"; start-info="{kind}"; boundary="{boundary}"'
    return f"{RELATED}; {said}{action}", data


def _root_name() -> str:
    """The name of the envelope's part: none that an attachment has, whoever named it."""
    return f"{secrets.token_hex(16)}@lgsp"


def _part(attachment: Attachment) -> tuple[Mapping[str, str], bytes]:
    return _head(attachment.name, attachment.content_type), attachment.data


def _head(name: str, content_type: str) -> Mapping[str, str]:
    named = {"Content-ID": f"<{name}>"} if name else {}
    return {"Content-Type": content_type, "Content-Transfer-Encoding": "binary", **named}


def _root(parts: Sequence[Part], start: str) -> Part:
    if not start:
        return parts[0]
    found = [each for each in parts if each.name == start]
    if not found:
        raise PartsInvalid("its start names no part of it")
    return found[0]


def _bare(name: str) -> str:
    return name.strip().removeprefix("<").removesuffix(">")


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
