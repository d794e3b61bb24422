"""What the sweep makes of one delivery whose time has come; the same in every database."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple
from uuid import UUID

from bus.envelope import Envelope, Exchange, Format
from bus.states import LOSSES, Change, State, change
from journal.commands import FOR_EVER, Ended, Event, Lost, Rung, Settle, Sweep
from journal.conditions import Condition
from journal.leases import overdue, publish_lease
from journal.orders import Turn, passed
from journal.rows import Rows

MOST_RINGS: Final = 1_000
"""Where counting them ends: the publish lease has long stopped growing, and the column is small."""

LOOK_AGAIN: Final = 60_000
"""Milliseconds after which the sweep looks again at what is in the broker for a system that nobody serves."""


class Picked(NamedTuple):
    """Which deliveries to look at: of those whose time has come by `due` the `most` that are due first, whose life
    has ended by `life`, and which wait no longer than `longest` for it in all."""

    system: str
    state: State
    most: int
    due: int
    life: int = FOR_EVER
    longest: int = FOR_EVER


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
    order_key: bytes | None
    sequence: int | None


COLUMNS: Final = (
    "d.id, d.message, d.system, d.state, d.attempt, d.rings, d.repeatable, d.expires_at, d.changed_at, d.worker,"
    " m.contract, m.version, m.exchange, m.sender, m.accepted_at, m.traceparent, m.format, m.waiter, d.reason,"
    " d.order_key, d.sequence"
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
    """Gathers what one sweep does. `blocked` are the systems that are paused or whose circuit is open: nothing is rung
    for them, but for one delivery where the time has come to try. Of these, and of what systems are to fetch, whose
    life has ended among all that waits for them is looked up as seldom as what waits is counted, `thorough`."""

    rows: Rows
    command: Sweep
    blocked: Mapping[str, Condition]
    thorough: bool
    rung: list[Rung] = field(default_factory=list)
    ended: list[Ended] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)

    def pick(self, system: str, state: State, queued: int) -> Iterator[Picked]:
        """What to look at of these, of which some are due; `queued` of the system are in the broker."""
        now, command, condition = self.rows.now, self.command, self.blocked.get(system)
        if state is State.DELIVERING:
            yield Picked(system, state, command.limit, min(now, command.latest), longest=command.watched)
        elif state is not State.PENDING:
            yield Picked(system, state, command.limit, now)
        elif system in command.fetching:
            if self.thorough:
                yield Picked(system, state, command.limit, now, now)
        elif condition is None:
            yield Picked(system, state, min(command.limit, max(0, command.room_of(system) - queued)), now)
        else:
            if self.thorough:
                yield Picked(system, state, command.limit, now, now)
            if condition.probe_due(now) and not queued and command.room_of(system):
                yield Picked(system, state, 1, now)

    def wake(self, due: Due) -> Woken:
        now = self.rows.now
        what = self._what(due)
        if what is Change.RING and self._held_back(due):
            return self._hold_back(due)
        after, reason, rings = change(due.state, what), due.reason, due.rings
        wake_at = None
        match what:
            case Change.RING if not self.command.room_of(due.system):
                # What never rang does not count: it would wait for long once there is room.
                wake_at = min(now + min(publish_lease(rings), LOOK_AGAIN), due.expires_at)
            case Change.RING:
                wake_at = min(now + publish_lease(rings), due.expires_at)
                self.rung.append(Rung(due.delivery, due.system, envelope(due)))
                rings = min(rings + 1, MOST_RINGS)
            case Change.RETRY | Change.UNRING:
                wake_at = now
            case Change.KILL:
                reason = "outcome-unknown"
            case Change.EXPIRE:
                facts: dict[str, str | int] = {"delivery": str(due.delivery), "reason": reason, "system": due.system}
                self.rows.record(Event("delivery.expired", self.command.actor, due.message, facts))
        if due.state is State.DELIVERING:
            self.rows.settle(_lost(due, what, reason, now), after)
        if what in LOSSES:
            self._tell(due, after, reason)
        if wake_at is None:
            self._end(due, after, reason)
        return Woken(due.delivery, after, reason, rings, wake_at)

    def _what(self, due: Due) -> Change:
        what = overdue(due.state, repeatable=due.repeatable, expires_at=due.expires_at, now=self.rows.now)
        if what is Change.RING and due.system in self.command.fetching:
            # It was on its way to a worker when the documents made its system one that fetches.
            return Change.UNRING
        return what

    def _end(self, due: Due, after: State, reason: str) -> None:
        self.ended.append(Ended(due.delivery, due.message, due.waiter))
        if due.order_key is not None and due.state is not State.HELD:
            ring = due.system not in self.blocked and self.command.room_of(due.system)
            state = State.QUEUED if ring else State.PENDING
            came_to = passed(due.sequence, after, reason)
            self.turns.append(Turn(due.system, due.order_key, due.delivery, state, came_to))

    def _tell(self, due: Due, after: State, reason: str) -> None:
        code = "lease-ended" if due.state is State.DELIVERING else ""
        notice = self.command.telling(Lost(due.delivery, due.system, envelope(due), after, reason, code))
        if notice:
            self.rows.accept(notice)

    def _held_back(self, due: Due) -> bool:
        condition = self.blocked.get(due.system)
        if condition is None:
            return False
        return not condition.probe_due(self.rows.now) or any(rung.system == due.system for rung in self.rung)

    def _hold_back(self, due: Due) -> Woken:
        """The broker keeps what it has, unless it has lost its memory."""
        now, after = self.rows.now, due.state
        wake_at = min(now + LOOK_AGAIN, due.expires_at)
        if due.state is State.PENDING or self.command.restart:
            after, wake_at = State.PENDING, now
        return Woken(due.delivery, after, due.reason, due.rings, wake_at)


def due(row: tuple[Any, ...]) -> Due:
    """A row of `COLUMNS`, whatever the database makes of identifiers and truth."""
    found = Due(*row)
    return found._replace(
        delivery=_uuid(found.delivery),
        message=_uuid(found.message),
        state=State(found.state),
        repeatable=bool(found.repeatable),
    )


def _uuid(value: UUID | str) -> UUID:
    return value if isinstance(value, UUID) else UUID(value)


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


def envelope(due: Due) -> Envelope:
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
