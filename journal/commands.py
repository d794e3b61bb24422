"""What can be written into the journal: each command is one change, whole or not at all, with the type of its result.

Many commands share a transaction (see `journal.committer`); none sees another of the same transaction. All times and
spans are milliseconds; due times, leases and lives are counted by the store's clock.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final, Generic, TypeAlias, TypeVar
from uuid import UUID

from bus.envelope import Attachment, Body, Envelope
from bus.states import Change, State
from journal.attachments import weight

R = TypeVar("R")

FOR_EVER: Final = 2**62
"""Milliseconds."""


@dataclass(frozen=True, slots=True)
class Event:
    """An audit event before it is numbered: who did what to which message. Facts are codes, names, sizes, hashes."""

    name: str
    actor: str
    message: UUID | None = None
    facts: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reference:
    """Where an audit event stands: the writer that chained it, and its number there."""

    writer: str
    number: int

    def __str__(self) -> str:
        return f"{self.writer}-{self.number}"


class Command(Generic[R]):
    """One change; `weight` is how many bytes it holds while it waits."""

    __slots__ = ()

    def weight(self) -> int:
        return 256


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """One message on its way to one system, as it is born: queued, pending, or dead with a reason; held instead of
    queued or pending where one of the same `order_key` is on its way."""

    id: UUID
    system: str
    state: State
    repeatable: bool
    order_key: bytes | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Once:
    """A key that may be used once by its owner until it expires: an Idempotency-Key, a nonce. `digest` is a keyed hash
    of what it was used for."""

    scope: str
    key: bytes
    digest: str
    life: int


@dataclass(frozen=True, slots=True)
class Use(Command[bool]):
    """Use a once-only key up for something that is no message; whether it was new. `by` is what it is used for, and
    may use it again."""

    once: Once
    by: UUID


@dataclass(frozen=True, slots=True)
class Accepted:
    """`message` is another than the one sent where the once-only key had been used: then `digest` says for what.
    `held` are the deliveries whose turn in their order has yet to come. `replayed`: nothing was written, since
    the nonce had been used."""

    message: UUID
    accepted_at: int
    expires_at: int
    digest: str | None = None
    held: frozenset[UUID] = frozenset()
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Accept(Command[Accepted]):
    """A message with its body, deliveries and audit event. `life` and `body_life` run from the commit's time. A `nonce`
    is a once-only key of which no second use is anything but a replay."""

    envelope: Envelope
    body: bytes = field(repr=False)
    salt: bytes = field(repr=False)
    digest: str
    life: int
    body_life: int
    deliveries: tuple[NewDelivery, ...]
    event: Event
    subject: str = ""
    once: Once | None = None
    nonce: Once | None = None
    attachments: tuple[Attachment, ...] = ()

    def weight(self) -> int:
        return 1024 + len(self.body) + weight(self.attachments)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery in this worker's hands until its lease ends; `sequence` is its place in its order, if it has one."""

    delivery: UUID
    message: UUID
    system: str
    attempt: int
    repeatable: bool
    now: int
    expires_at: int
    sequence: int | None = None


@dataclass(frozen=True, slots=True)
class Claim(Command[Claimed | None]):
    """Compare-and-set ``queued → delivering``; None: it is somebody else's, or ended."""

    delivery: UUID
    worker: str
    lease: int


@dataclass(frozen=True, slots=True)
class Reply:
    """What the receiver answered: a reply, a declared fault (`fault` is its name), or raw bytes that broke it."""

    KINDS: ClassVar = ("reply", "fault", "raw")
    kind: str
    body: Body
    fault: str = ""
    attachments: tuple[Attachment, ...] = ()

    def weight(self) -> int:
        return len(self.body.data) + weight(self.attachments)


@dataclass(frozen=True, slots=True)
class Lost:
    """A delivery that ended without having been delivered: `state` is dead or expired."""

    delivery: UUID
    system: str
    envelope: Envelope
    state: State
    reason: str
    code: str


Telling: TypeAlias = Callable[[Lost], Accept | None]
"""The message that tells somebody of a loss, where somebody wants to be told. Never raises."""


@dataclass(frozen=True, slots=True)
class Rung:
    """A delivery that was put into `queued` and that must be published now, without its body."""

    delivery: UUID
    system: str
    envelope: Envelope


@dataclass(frozen=True, slots=True)
class Settled:
    """`applied` is false where the lease had ended and the outcome came late; the attempt is still recorded. `rung` is
    the next one of the same order."""

    applied: bool
    rung: Rung | None = None


@dataclass(frozen=True, slots=True)
class Settle(Command[Settled]):
    """The end of one attempt: compare-and-set on (delivering, attempt). `delay` is until the next try. `revision` names
    the documents used. `notice` is accepted along with it, if it came in time. `fetched`: its system had it out of its
    inbox; so the next one of the same order is not rung, and an outcome that comes late is no attempt's."""

    delivery: UUID
    message: UUID
    system: str
    attempt: int
    change: Change
    result: str
    code: str
    actor: str
    started_at: int
    duration: int
    revision: int
    reason: str = ""
    http_status: int | None = None
    delay: int = 0
    reply: Reply | None = None
    reply_life: int = 0
    notice: Accept | None = None
    fetched: bool = False

    def weight(self) -> int:
        notice = self.notice.weight() if self.notice else 0
        return 1024 + notice + (self.reply.weight() if self.reply else 0)


@dataclass(frozen=True, slots=True)
class Unring(Command[None]):
    """The broker would not take it: ``queued → pending``, due after `delay`."""

    delivery: UUID
    delay: int


@dataclass(frozen=True, slots=True)
class Ended:
    """A delivery that the sweeper ended, and the process where a caller may be waiting for it."""

    delivery: UUID
    message: UUID
    waiter: str


@dataclass(frozen=True, slots=True)
class Swept:
    """`count`: it is for this process to count what waits, now; `now` is the store's time."""

    rung: tuple[Rung, ...]
    ended: tuple[Ended, ...]
    count: bool = False
    now: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Sweep(Command[Swept]):
    """Look at every delivery whose time has come: ring what is due (at most `room` of one system in the broker, none of
    the systems that are `closed`, nor of those that are `fetching` their deliveries, at most `limit` at once), take
    back ended leases, expire. `restart`: every lease and ring of earlier processes has ended. `count_every` is how old
    the counts may be. No lease of a call is taken back that ends later than `latest`, or is
    longer than `watched`, in milliseconds, whatever the store's clock says.
    `telling` makes what is told of losses, in the same transaction. `idle_orders`: look also for orders in which
    something is held and nothing on its way, which should never be."""

    actor: str
    room: int = 10_000
    closed: frozenset[str] = frozenset()
    fetching: frozenset[str] = frozenset()
    count_every: int = 2_000
    limit: int = 1_000
    restart: bool = False
    latest: int = FOR_EVER
    watched: int = FOR_EVER
    telling: Telling = lambda _: None
    idle_orders: bool = False

    def room_of(self, system: str) -> int:
        """Without room nothing goes into the broker, and what is there is left to it."""
        return 0 if system in self.closed or system in self.fetching else self.room


@dataclass(frozen=True, slots=True)
class Replay(Command[State | None]):
    """A person asks for another try: the state it was in before, or None where there is no such delivery. Raises
    `IllegalTransition` where it is still open, and `OutOfOrder` where a later one of its order is on its way, or
    has arrived or may have, unless `out_of_order`. Its life begins anew, as long as it was."""

    delivery: UUID
    actor: str
    out_of_order: bool = False


@dataclass(frozen=True, slots=True)
class TakeReply(Command[bool]):
    """The stored answer of a delivery that is dead as `reply-invalid` is right by now: ``dead → delivered``, and
    `reply` comes in its place. False: the delivery is not so any more. `revision` names the documents used."""

    delivery: UUID
    message: UUID
    actor: str
    revision: int
    reply: Reply
    reply_life: int

    def weight(self) -> int:
        return 1024 + self.reply.weight()


@dataclass(frozen=True, slots=True)
class Record(Command[Reference]):
    """An audit event alone: a refusal, a read."""

    event: Event


@dataclass(frozen=True, slots=True)
class Document:
    """One revision of one document or of one of its files; `content` None: removed."""

    kind: str
    name: str
    version: str
    content: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class PutDocuments(Command[int]):
    """Write documents at the next revision, which is the result. Raises `RegistryChanged` where documents were written
    after the revision `expected`: whoever made these has not seen those. `besides` are further events of the same
    transaction."""

    documents: tuple[Document, ...]
    event: Event
    expected: int | None = None
    besides: tuple[Event, ...] = ()

    def weight(self) -> int:
        return sum(len(document.content or b"") for document in self.documents)


@dataclass(frozen=True, slots=True)
class PutRow(Command[int]):
    """Write one row of these tables, replacing the one of its id; the result is the new revision. Raises
    `RegistryChanged` where anything was written after the revision `expected`, by which this one was decided."""

    TABLES: ClassVar = ("credentials", "keys", "people")
    table: str
    row: Mapping[str, str | int | bytes | None] = field(repr=False)
    event: Event
    expected: int | None = None
