"""Attachments in the journal: each is a row beside the body that it goes along with, in the same transaction, for the
same time, and gone with it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from bus.envelope import Attachment

FORMAT: Final = "bytes"
"""What stands where a body says how it is written."""

LONGEST_HEAD: Final = 1_200
"""Bytes of name and type, as they are written before the data: at most 255 characters each, every one escaped."""


@dataclass(frozen=True, slots=True)
class AttachmentView:
    """One of a `part`, the request or ``reply:DELIVERY``, by its `number` from 1; `size` in bytes."""

    part: str
    number: int
    name: str
    content_type: str
    size: int

    @property
    def media_type(self) -> str:
        """Without parameters."""
        return self.content_type.partition(";")[0].strip().lower()


def part(of: str, number: int) -> str:
    """Where an attachment lies, beside the body `of`."""
    return f"{of}.{number}"


def written(attachment: Attachment) -> bytes:
    """One line of JSON, then the attachment's own bytes."""
    return orjson.dumps((attachment.name, attachment.content_type)) + b"\n" + attachment.data


def read(data: bytes, salt: bytes = b"") -> Attachment:
    head, _, content = data.partition(b"\n")
    name, content_type = orjson.loads(head)
    return Attachment(name, content_type, content, salt)


def view(place: str, head: bytes, size: int) -> AttachmentView:
    """Of one whose data begin with `head` and are so long."""
    line = head.partition(b"\n")[0]
    name, content_type = orjson.loads(line)
    of, _, number = place.rpartition(".")
    return AttachmentView(of, int(number), name, content_type, size - len(line) - 1)


def fact(attachments: Iterable[Attachment]) -> str:
    """What an audit event tells of them: digest, size and media type of each, in their order."""
    return ", ".join(f"{each.digest} {len(each.data)} {each.media_type}" for each in attachments)


def weight(attachments: Sequence[Attachment]) -> int:
    return sum(1024 + len(each.data) for each in attachments)
