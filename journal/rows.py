"""What a transaction inserts: the same rows and the same audit events, whatever the database."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from bus.envelope import Attachment
from bus.states import State
from journal import attachments as attached
from journal.chain import Chain
from journal.commands import Accept, Accepted, Event, Reference, Reply, Settle
from journal.leases import PUBLISH_LEASE
from journal.orders import Place

COLUMNS: Final = MappingProxyType(
    {
        "messages": "id, contract, version, exchange, sender, format, size, digest, subject, traceparent, waiter,"
        " accepted_at, expires_at",
        "bodies": "message, part, format, salt, data, expires_at",
        "deliveries": "id, message, system, state, reason, rings, repeatable, order_key, sequence, wake_at,"
        " expires_at, changed_at, attempt, worker",
        "attempts": "delivery, number, worker, started_at, duration, result, code, http_status, revision, late",
        "replies": "delivery, message, kind, fault, at",
        "audit_events": "writer, number, message, event, at, content, hash",
    }
)
"""What is inserted; a reply replaces that of an earlier attempt."""

DOCUMENTS_AT: Final = "coalesce(max(revision), 0) FROM documents"
"""The newest revision at which documents were written. Keys and credentials have revisions of their own."""

LONGEST_DURATION: Final = 2**31 - 1
"""What the column holds. A lease may have ended while everything stood still for longer than its 24 days."""


@dataclass(slots=True)
class Rows:
    """The rows of one transaction by table, in the order of `COLUMNS`; `now` is its time, `key` writes an identifier as
    the database wants it."""

    now: int
    chain: Chain
    key: Callable[[UUID], Any]
    of: dict[str, list[tuple[Any, ...]]] = field(default_factory=lambda: defaultdict(list))
    replaced: list[tuple[Any, str]] = field(default_factory=list)
    """Bodies, by message and part, that go with their attachments before the new ones come: they may lie in another
    partition."""

    def record(self, event: Event) -> Reference:
        return self.chain.append(event, self.now)

    def accept(self, command: Accept, places: Mapping[UUID, Place] = MappingProxyType({})) -> Accepted:
        """`places` are those of the ordered deliveries."""
        envelope, now = command.envelope, self.now
        expires_at = now + command.life
        message = self.key(envelope.message)
        self.of["messages"].append(
            (
                message,
                envelope.contract,
                envelope.version,
                envelope.exchange,
                envelope.sender,
                envelope.format,
                len(command.body),
                command.digest,
                command.subject,
                envelope.traceparent,
                envelope.waiter,
                now,
                expires_at,
            )
        )
        self.of["bodies"].append(
            (message, "request", envelope.format, command.salt, command.body, now + command.body_life)
        )
        self._attach(message, "request", command.attachments, now + command.body_life)
        for new in command.deliveries:
            place = places.get(new.id)
            state = State.HELD if place and place.held else new.state
            self.of["deliveries"].append(
                (
                    self.key(new.id),
                    message,
                    new.system,
                    state,
                    new.reason,
                    1 if state is State.QUEUED else 0,
                    new.repeatable,
                    new.order_key,
                    place and place.sequence,
                    _first_wake(state, now, expires_at),
                    expires_at,
                    now,
                    0,
                    "",
                )
            )
        self.record(command.event)
        held = frozenset(delivery for delivery, place in places.items() if place.held)
        return Accepted(envelope.message, now, expires_at, held=held)

    def settle(self, command: Settle, state: State | None) -> None:
        """The reply, the attempt and its event; `state` None: the outcome came after the lease had ended."""
        if state is None and command.fetched:
            return
        if state and command.reply:
            if command.attempt > 1:
                self.replace(command.delivery, command.message)
            self.reply(command.delivery, command.message, command.reply, command.reply_life)
        self.of["attempts"].append(
            (
                self.key(command.delivery),
                command.attempt,
                command.actor,
                command.started_at,
                min(command.duration, LONGEST_DURATION),
                command.result,
                command.code,
                command.http_status,
                command.revision,
                state is None,
            )
        )
        self.record(Event("attempt.ended", command.actor, command.message, _facts(command, state)))
        if state and command.notice:
            self.accept(command.notice)

    def replace(self, delivery: UUID, message: UUID) -> None:
        """The reply comes in the place of another."""
        self.replaced.append((self.key(message), f"reply:{delivery.hex}"))

    def reply(self, delivery: UUID, message: UUID, reply: Reply, life: int) -> None:
        key, part = self.key(message), f"reply:{delivery.hex}"
        self.of["replies"].append((self.key(delivery), key, reply.kind, reply.fault, self.now))
        self.of["bodies"].append((key, part, reply.body.format, b"", reply.body.data, self.now + life))
        self._attach(key, part, reply.attachments, self.now + life)

    def _attach(self, message: Any, part: str, attachments: Sequence[Attachment], expires_at: int) -> None:
        for number, each in enumerate(attachments, 1):
            place = attached.part(part, number)
            self.of["bodies"].append((message, place, attached.FORMAT, each.salt, attached.written(each), expires_at))

    def replay(self, delivery: UUID, message: UUID, system: str, before: State, actor: str) -> None:
        facts: dict[str, str | int] = {"delivery": str(delivery), "stateBefore": before, "system": system}
        self.record(Event("delivery.replayed", actor, message, facts))

    def chained(self) -> list[tuple[Any, ...]]:
        """The rows of the audit events, as they stand in the chain."""
        return [
            (
                link.reference.writer,
                link.reference.number,
                link.event.message and self.key(link.event.message),
                link.event.name,
                link.at,
                link.content.decode(),
                link.hash,
            )
            for link in self.chain.links
        ]


def _first_wake(state: State, now: int, expires_at: int) -> int | None:
    match state:
        case State.PENDING:
            return now
        case State.QUEUED:
            return min(now + PUBLISH_LEASE, expires_at)
        case State.HELD:
            return expires_at
        case _:
            return None


def _facts(ended: Settle, state: State | None) -> dict[str, str | int]:
    facts: dict[str, str | int] = {
        "attempt": ended.attempt,
        "code": ended.code,
        "delivery": str(ended.delivery),
        "durationMs": ended.duration,
        "result": ended.result,
        "revision": ended.revision,
        "state": state or "late",
        "system": ended.system,
    }
    if ended.reason:
        facts["reason"] = ended.reason
    if ended.http_status is not None:
        facts["httpStatus"] = ended.http_status
    if ended.reply and ended.reply.fault:
        facts["fault"] = ended.reply.fault
    if ended.reply and ended.reply.attachments:
        facts["attachments"] = attached.fact(ended.reply.attachments)
    return facts
