"""What the journal's rows say to whoever asks."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, select

from bus.envelope import Envelope, Exchange, Format
from bus.states import MessageState, State, message_state
from journal.tables import deliveries


@dataclass(frozen=True, slots=True)
class DeliveryView:
    id: UUID
    message: UUID
    system: str
    state: State
    reason: str
    attempt: int
    wake_at: int | None
    expires_at: int
    changed_at: int


@dataclass(frozen=True, slots=True)
class HeldView:
    """A delivery as it stands with the system that fetched it, and its message."""

    delivery: DeliveryView
    envelope: Envelope
    repeatable: bool
    ordered: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """An open delivery of a system, and what of it stands in its message."""

    delivery: DeliveryView
    contract: str
    version: str
    sender: str


@dataclass(frozen=True, slots=True)
class MessageView:
    """A message as its sender and an operator may see it; its state is derived from `deliveries`."""

    envelope: Envelope
    size: int
    deliveries: tuple[DeliveryView, ...]

    @property
    def state(self) -> MessageState:
        return message_state(delivery.state for delivery in self.deliveries)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    delivery: DeliveryView
    contract: str
    version: str
    sender: str
    code: str


@dataclass(frozen=True, slots=True)
class Answered:
    """The result of an attempt, and the HTTP status of the answer."""

    result: str
    status: int


@dataclass(frozen=True, slots=True)
class AuditRow:
    writer: str
    number: int
    content: bytes
    hash: bytes = field(repr=False)


def delivery_view(row: Row[Any]) -> DeliveryView:
    return DeliveryView(
        row.id,
        row.message,
        row.system,
        State(row.state),
        row.reason,
        row.attempt,
        row.wake_at,
        row.expires_at,
        row.changed_at,
    )


def message_view(row: Row[Any], of: tuple[DeliveryView, ...]) -> MessageView:
    envelope = Envelope(
        row.id,
        row.contract,
        row.version,
        Exchange(row.exchange),
        row.sender,
        row.accepted_at,
        row.expires_at,
        row.traceparent,
        Format(row.format),
        row.waiter,
    )
    return MessageView(envelope, row.size, of)


def dead_letter(row: Row[Any]) -> DeadLetter:
    return DeadLetter(delivery_view(row), row.contract, row.version, row.sender, row.code or "")


def audit_row(row: Row[Any]) -> AuditRow:
    return AuditRow(row.writer, row.number, row.content.encode(), row.hash)


def deliveries_of(
    connection: Connection, of: Sequence[UUID], *within: ColumnElement[bool]
) -> dict[UUID, tuple[DeliveryView, ...]]:
    """The deliveries of each of these messages; `within` narrows where they are looked for."""
    question = select(deliveries).where(deliveries.c.message.in_(of), *within).order_by(deliveries.c.id)
    found: dict[UUID, list[DeliveryView]] = {message: [] for message in of}
    for row in connection.execute(question):
        found[row.message].append(delivery_view(row))
    return {message: tuple(views) for message, views in found.items()}
