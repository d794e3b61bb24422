"""The seam to a broker. It carries and decides nothing: the journal does.

What a broker loses, delays, repeats or reorders costs time, never a message: the publish lease rings again, and a claim
is won once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol
from uuid import UUID

import orjson

from bus.envelope import Body, Envelope, Exchange, Format

LARGEST_CARRIED: Final = 64 * 1024
"""Bytes of a body that travels with its delivery; a larger one is read from the journal by whoever claims it."""


@dataclass(frozen=True, slots=True)
class Carried:
    """A delivery on its way to a worker."""

    delivery: UUID
    system: str
    envelope: Envelope
    body: bytes | None = field(default=None, repr=False)

    def encode(self) -> bytes:
        """One line of JSON, then the body's own bytes."""
        each = self.envelope
        head = (
            self.delivery,
            self.system,
            self.body is not None,
            each.message,
            each.contract,
            each.version,
            each.exchange,
            each.sender,
            each.accepted_at,
            each.expires_at,
            each.traceparent,
            each.format,
            each.waiter,
        )
        return orjson.dumps(head) + b"\n" + (self.body or b"")

    @classmethod
    def decode(cls, data: bytes) -> "Carried":
        line, _, body = data.partition(b"\n")
        delivery, system, with_body, message, contract, version, exchange, *rest = orjson.loads(line)
        sender, accepted_at, expires_at, traceparent, body_format, waiter = rest
        envelope = Envelope(
            UUID(message),
            contract,
            version,
            Exchange(exchange),
            sender,
            accepted_at,
            expires_at,
            traceparent,
            Format(body_format),
            waiter,
        )
        return cls(UUID(delivery), system, envelope, body if with_body else None)


@dataclass(frozen=True, slots=True)
class Signal:
    """A word to the process in which a caller waits: a delivery of this message has ended. `kind`, `body` and `fault`
    are the reply's (`journal.commands.Reply`) where there is one small enough to carry; else the journal has it.
    `status` is that of the receiver's HTTP answer, 0 where it gave none."""

    message: UUID
    kind: str = ""
    fault: str = ""
    body: Body | None = field(default=None, repr=False)
    status: int = 0

    def encode(self) -> bytes:
        head = (self.message, self.kind, self.fault, self.body.format if self.body else None, self.status)
        return orjson.dumps(head) + b"\n" + (self.body.data if self.body else b"")

    @classmethod
    def decode(cls, data: bytes) -> "Signal":
        """Of any version of the bus: processes of two run side by side during an upgrade."""
        line, _, body = data.partition(b"\n")
        message, kind, fault, body_format, *further = orjson.loads(line)
        signal = cls(UUID(message), kind, fault, status=further[0] if further else 0)
        return replace(signal, body=Body(Format(body_format), body)) if body_format else signal


Arrived = Callable[[Carried, Callable[[], None]], None]
"""Called in the event loop with what came, and how to acknowledge it; to acknowledge again, or what came by a
subscription that has ended, does nothing."""


class Broker(Protocol):
    """Carries deliveries to workers, a queue a system, and signals to processes."""

    @property
    def reachable(self) -> bool:
        """Whether it is worth while to publish now: false while the broker is away or takes nothing."""

    async def publish(self, batch: Sequence[Carried]) -> Sequence[Carried]:
        """Hand over; the result is what the broker did not take. Raises `ConnectionError` where it is away."""

    async def subscribe(self, system: str, prefetch: int, arrived: Arrived) -> None:
        """Have a system's deliveries come, at most `prefetch` unacknowledged."""

    async def unsubscribe(self, system: str) -> None:
        """Nothing more comes; what came and was not acknowledged may be lost."""

    async def signal(self, process: str, signal: Signal) -> None:
        """Tell a process; a signal that is lost costs its caller a look into the journal at the end of the wait."""

    async def listen(self, process: str, heard: Callable[[Signal], None], missed: Callable[[], None]) -> None:
        """Have the signals of a process come. `missed` is called whenever some may have been lost."""

    async def close(self) -> None:
        """End everything; what it still held may be lost."""
