"""What travels: a body, the message it belongs to, and the deliveries that carry it to systems."""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import Final
from uuid import UUID

_MEDIA_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,60}/[a-z0-9][a-z0-9!#$&^_.+-]{0,100}")


class Exchange(StrEnum):
    """How a contract's messages are answered."""

    REQUEST = "request"  # one provider answers with a reply
    DOCUMENT = "document"  # point to point, acknowledged
    EVENT = "event"  # published to every subscriber


class Format(StrEnum):
    """How a payload is written."""

    JSON = "json"
    XML = "xml"

    @property
    def media_type(self) -> str:
        return f"application/{self}"


@dataclass(frozen=True, slots=True)
class Body:
    """A payload: the exact bytes, in UTF-8, and how they are written."""

    format: Format
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes along with a body. `name` is the Content-ID by which the body refers to it, without brackets
    (RFC 2392), or empty; `content_type` says what it is, at most 255 characters. Its `digest` is SHA-256 over a salt,
    which goes when it goes, and its bytes."""

    name: str
    content_type: str
    data: bytes = field(repr=False)
    salt: bytes = field(default=b"", repr=False, compare=False)

    @property
    def media_type(self) -> str:
        """Without parameters; of what is none, that of mere bytes."""
        given = self.content_type.partition(";")[0].strip().lower()
        return given if _MEDIA_TYPE.fullmatch(given) else "application/octet-stream"

    @property
    def digest(self) -> str:
        return sha256(self.salt + self.data).hexdigest()


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the bus says of a message, apart from its body.

    Times are milliseconds since the epoch, UTC. `traceparent` is the sender's own (W3C Trace Context) or one that the
    bus began. `waiter` names the process in which a caller waits for the reply.
    """

    message: UUID
    contract: str
    version: str
    exchange: Exchange
    sender: str
    accepted_at: int
    expires_at: int
    traceparent: str
    format: Format
    waiter: str = ""

    @property
    def major(self) -> int:
        return int(self.version.partition(".")[0])
