"""What the sweep makes of one delivery whose time has come; the same in every database."""

from dataclasses import dataclass, field
from typing import Final, NamedTuple
from uuid import UUID

from bus.envelope import Envelope, Exchange, Format
from bus.states import Change, State, change
from journal.commands import Ended, Event, Rung, Settle
from journal.leases import overdue, publish_lease
from journal.rows import Rows

MOST_RINGS: Final = 1_000
"""Where counting them ends: the publish lease has long stopped growing, and the column is small."""


class Due(NamedTuple):
    """A delivery and its message, in the order of `COLUMNS`."""

    delivery: UUID
    message: UUID
    system: str
    state: State
    attempt: int
    rings: int
    repeatable: bool
    expires_at: int
    changed_at: int
    worker: str
    contract: str
    version: str
    exchange: str
    sender: str
    accepted_at: int
    traceparent: str
    format: str
    waiter: str
    reason: str


COLUMNS: Final = (
    "d.id, d.message, d.system, d.state, d.attempt, d.rings, d.repeatable, d.expires_at, d.changed_at, d.worker,"
    " m.contract, m.version, m.exchange, m.sender, m.accepted_at, m.traceparent, m.format, m.waiter, d.reason"
)


class Woken(NamedTuple):
    """What is to be written of a delivery."""

    delivery: UUID
    state: State
    reason: str
    rings: int
    wake_at: int | None


@dataclass(slots=True)
class Waking:
    """Gathers what one sweep does; `actor` is told in audit events."""

    rows: Rows
    actor: str
    rung: list[Rung] = field(default_factory=list)
    ended: list[Ended] = field(default_factory=list)

    def wake(self, due: Due) -> Woken:
        now = self.rows.now
        what = overdue(due.state, repeatable=due.repeatable, expires_at=due.expires_at, now=now)
        after, reason, rings = change(due.state, what), due.reason, due.rings
        wake_at = None
        match what:
            case Change.RING:
                wake_at = min(now + publish_lease(rings), due.expires_at)
                self.rung.append(Rung(due.delivery, due.system, _envelope(due)))
                rings = min(rings + 1, MOST_RINGS)
            case Change.RETRY:
                wake_at = now
            case Change.KILL:
                reason = "outcome-unknown"
            case Change.EXPIRE:
                facts: dict[str, str | int] = {"delivery": str(due.delivery), "reason": reason, "system": due.system}
                self.rows.record(Event("delivery.expired", self.actor, due.message, facts))
        if due.state is State.DELIVERING:
            self.rows.settle(_lost(due, what, reason, now), after)
        if wake_at is None:
            self.ended.append(Ended(due.delivery, due.message, due.waiter))
        return Woken(due.delivery, after, reason, rings, wake_at)


def _lost(due: Due, what: Change, reason: str, now: int) -> Settle:
    """The attempt whose worker was not heard of again."""
    return Settle(
        due.delivery,
        due.message,
        due.system,
        due.attempt,
        what,
        "unknown",
        "lease-ended",
        due.worker,
        due.changed_at,
        now - due.changed_at,
        0,
        reason,
    )


def _envelope(due: Due) -> Envelope:
    return Envelope(
        due.message,
        due.contract,
        due.version,
        Exchange(due.exchange),
        due.sender,
        due.accepted_at,
        due.expires_at,
        due.traceparent,
        Format(due.format),
        due.waiter,
    )
