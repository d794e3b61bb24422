"""The sweep: everything whose time has come, in one transaction."""

from collections import defaultdict
from typing import Any, Final
from uuid import UUID

from bus.states import State
from journal import conditions
from journal.commands import Sweep, Swept
from journal.sqlite.transaction import Transaction
from journal.waking import COLUMNS, Due, Waking

OPEN: Final = (
    "SELECT system, state, count(*), min(wake_at) FROM deliveries WHERE wake_at IS NOT NULL GROUP BY system, state"
)

DUE: Final = (
    f"SELECT {COLUMNS}"
    " FROM deliveries d JOIN messages m ON m.id = d.message"
    " WHERE d.system = ? AND d.state = ? AND d.wake_at <= ? AND d.expires_at <= ? ORDER BY d.wake_at LIMIT ?"
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
    waking = Waking(transaction.rows, command, conditions.blocked(transaction.run))
    for system, state in due:
        for picked in waking.pick(system, state, counts[system].get(State.QUEUED, 0)):
            for row in run(DUE, (system, state, now, picked.life, picked.most)).fetchall():
                woken = waking.wake(_due(row))
                run(WAKE, (woken.state, woken.reason, woken.rings, woken.wake_at, now, woken.delivery.hex))
    return Swept(tuple(waking.rung), tuple(waking.ended), counts)


def _due(row: tuple[Any, ...]) -> Due:
    due = Due(*row)
    return due._replace(
        delivery=UUID(row[0]), message=UUID(row[1]), state=State(due.state), repeatable=bool(due.repeatable)
    )


def _forget(transaction: Transaction) -> None:
    """Let once-only keys and bodies go when their time is over, a few at a time."""
    run, now = transaction.connection.execute, transaction.now
    run("DELETE FROM once WHERE (scope, key) IN (SELECT scope, key FROM once WHERE expires_at <= ? LIMIT 1000)", (now,))
    run("DELETE FROM bodies WHERE rowid IN (SELECT rowid FROM bodies WHERE expires_at <= ? LIMIT 100)", (now,))
