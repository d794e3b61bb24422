"""The chain of audit events of one writer: numbered 1, 2, 3 … without a gap, each hashed over the one before.

``hash(n) = SHA-256(hash(n-1) ‖ content(n))``, with ``hash(0)`` thirty-two zero bytes. The content is JSON with sorted
keys in UTF-8; those exact bytes are stored, hashed and logged.
"""

import hashlib
from dataclasses import dataclass, field

import orjson

from bus.clock import iso
from journal.commands import Event, Reference

GENESIS = bytes(32)


@dataclass(frozen=True, slots=True)
class Link:
    """One event as it is stored."""

    reference: Reference
    event: Event
    at: int
    content: bytes
    hash: bytes


@dataclass(slots=True)
class Chain:
    """The links of one transaction on top of what is committed; `commit` keeps them, `rollback` forgets them."""

    writer: str
    number: int = 0
    head: bytes = GENESIS
    links: list[Link] = field(default_factory=list)

    def append(self, event: Event, at: int) -> Reference:
        before = self.links[-1] if self.links else None
        number = (before.reference.number if before else self.number) + 1
        content = orjson.dumps(
            {
                **event.facts,
                "actor": event.actor,
                "at": iso(at),
                "event": event.name,
                "message": str(event.message) if event.message else None,
                "number": number,
                "writer": self.writer,
            },
            option=orjson.OPT_SORT_KEYS,
        )
        reference = Reference(self.writer, number)
        self.links.append(Link(reference, event, at, content, link_hash(before.hash if before else self.head, content)))
        return reference

    def commit(self) -> None:
        if self.links:
            self.number, self.head = self.links[-1].reference.number, self.links[-1].hash
        self.links.clear()

    def rollback(self) -> None:
        self.links.clear()


def link_hash(before: bytes, content: bytes) -> bytes:
    return hashlib.sha256(before + content).digest()
