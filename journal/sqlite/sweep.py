"""The sweep: everything whose time has come, in one transaction."""

from collections import defaultdict
from typing import Any, Final
from uuid import UUID

from bus.envelope import Envelope, Exchange, Format
from bus.states import Change, State, change
from journal.commands import Ended, Event, Rung, Settle, Sweep, Swept
from journal.leases import overdue, publish_lease
from journal.sqlite.statements import attempt_ended
from journal.sqlite.transaction import Transaction

OPEN: Final = (
    "SELECT system, state, count(*), min(wake_at) FROM deliveries WHERE wake_at IS NOT NULL GROUP BY system, state"
)

DUE: Final = (
    "SELECT d.id, d.message, d.system, d.state, d.attempt, d.rings, d.repeatable, d.expires_at, d.changed_at, d.worker,"
    " m.contract, m.version, m.exchange, m.sender, m.accepted_at, m.traceparent, m.format, m.waiter, d.reason"
    " FROM deliveries d JOIN messages m ON m.id = d.message"
    " WHERE d.system = ? AND d.state = ? AND d.wake_at <= ? ORDER BY d.wake_at LIMIT ?"
)

WAKE: Final = "UPDATE deliveries SET state = ?, reason = ?, rings = ?, wake_at = ?, changed_at = ? WHERE id = ?"


def sweep(transaction: Transaction, command: Sweep) -> Swept:
    run, now = transaction.connection.execute, transaction.now
    if command.restart:
        run(
            "UPDATE deliveries SET wake_at = ?, rings = 0 WHERE wake_at > ? AND state IN (?, ?)",
            (now, now, State.QUEUED, State.DELIVERING),
        )
    _forget(transaction)
    counts: dict[str, dict[State, int]] = defaultdict(dict)
    due: list[tuple[str, State]] = []
    for system, state, count, wake_at in run(OPEN).fetchall():
        counts[system][State(state)] = count
        if wake_at <= now:
            due.append((system, State(state)))
    rung: list[Rung] = []
    ended: list[Ended] = []
    for system, state in due:
        limit = command.limit
        if state is State.PENDING:
            limit = min(limit, max(0, command.room - counts[system].get(State.QUEUED, 0)))
        for row in run(DUE, (system, state, now, limit)).fetchall():
            _wake(transaction, command.actor, row, rung, ended)
    return Swept(tuple(rung), tuple(ended), counts)


def _wake(transaction: Transaction, actor: str, row: tuple[Any, ...], rung: list[Rung], ended: list[Ended]) -> None:
    now = transaction.now
    delivery, message, system, state = UUID(row[0]), UUID(row[1]), row[2], State(row[3])
    attempt, rings, repeatable, expires_at, changed_at, worker = row[4:10]
    what = overdue(state, repeatable=bool(repeatable), expires_at=expires_at, now=now)
    after = change(state, what)
    reason, wake_at = row[18], None
    match what:
        case Change.RING:
            wake_at = min(now + publish_lease(rings), expires_at)
            rung.append(Rung(delivery, system, _envelope(message, row)))
            rings += 1
        case Change.RETRY:
            wake_at = now
        case Change.KILL:
            reason = "outcome-unknown"
    transaction.connection.execute(WAKE, (after, reason, rings, wake_at, now, delivery.hex))
    if state is State.DELIVERING:
        lost = Settle(
            delivery,
            message,
            system,
            attempt,
            what,
            "unknown",
            "lease-ended",
            worker,
            changed_at,
            now - changed_at,
            0,
            reason,
        )
        attempt_ended(transaction, lost, after)
    if what is Change.EXPIRE:
        transaction.record(
            Event("delivery.expired", actor, message, {"delivery": str(delivery), "reason": reason, "system": system})
        )
    if wake_at is None:
        ended.append(Ended(delivery, message, row[17]))


def _envelope(message: UUID, row: tuple[Any, ...]) -> Envelope:
    contract, version, exchange, sender, accepted_at, traceparent, body_format, waiter = row[10:18]
    return Envelope(
        message,
        contract,
        version,
        Exchange(exchange),
        sender,
        accepted_at,
        row[7],
        traceparent,
        Format(body_format),
        waiter,
    )


def _forget(transaction: Transaction) -> None:
    """Let once-only keys and bodies go when their time is over, a few at a time."""
    run, now = transaction.connection.execute, transaction.now
    run("DELETE FROM once WHERE (scope, key) IN (SELECT scope, key FROM once WHERE expires_at <= ? LIMIT 1000)", (now,))
    run("DELETE FROM bodies WHERE rowid IN (SELECT rowid FROM bodies WHERE expires_at <= ? LIMIT 100)", (now,))
