"""The sweep: everything whose time has come, in one transaction."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from bus.states import State
from journal import conditions, counting
from journal.commands import FOR_EVER, Sweep, Swept
from journal.sqlite import orders
from journal.sqlite.transaction import Transaction
from journal.waking import COLUMNS, Waking, due

# From one pair of system and state to the next by the index, whatever lies in between.
NEXT_STATE: Final = (
    "SELECT system, state, wake_at FROM deliveries WHERE wake_at IS NOT NULL AND system = ? AND state > ?"
    " ORDER BY system, state, wake_at LIMIT 1"
)
NEXT_SYSTEM: Final = NEXT_STATE.replace("system = ? AND state > ?", "system > ?")
# Never more of them than would fill the broker's share.
IN_BROKER: Final = (
    "SELECT count(*) FROM (SELECT 1 FROM deliveries WHERE system = ?"
    f" AND state = '{State.QUEUED}' AND wake_at IS NOT NULL LIMIT ?)"
)

DUE: Final = (
    f"SELECT {COLUMNS}"
    " FROM deliveries d JOIN messages m ON m.id = d.message"
    " WHERE d.system = ? AND d.state = ? AND d.wake_at <= ? AND d.expires_at <= ?"
    " AND d.wake_at - d.changed_at <= ? ORDER BY d.wake_at LIMIT ?"
)

WAKE: Final = "UPDATE deliveries SET state = ?, reason = ?, rings = ?, wake_at = ?, changed_at = ? WHERE id = ?"


def sweep(transaction: Transaction, command: Sweep) -> Swept:
    run, now = transaction.connection.execute, transaction.now
    if command.restart:
        run(
            "UPDATE deliveries SET wake_at = ?, rings = 0 WHERE wake_at > ? AND state IN (?, ?)"
            " AND system NOT IN (SELECT value FROM json_each(?))",
            (now, now, State.QUEUED, State.DELIVERING, json.dumps(sorted(command.fetching))),
        )
        run("DELETE FROM processes WHERE name <> ?", (command.actor,))
        command = replace(command, latest=FOR_EVER, watched=FOR_EVER)
    _forget(transaction)
    count = counting.falls_due(transaction.run, now, command.count_every)
    waking = Waking(transaction.rows, command, conditions.blocked(transaction.run), count)
    for system, state in list(_due_pairs(transaction)):
        queued = _queued(transaction, command, system) if state is State.PENDING else 0
        for picked in waking.pick(system, state, queued):
            for row in run(DUE, (system, state, picked.due, picked.life, picked.longest, picked.most)).fetchall():
                woken = waking.wake(due(row))
                run(WAKE, (woken.state, woken.reason, woken.rings, woken.wake_at, now, woken.delivery.hex))
    turns = [*waking.turns, *(orders.idle(transaction) if command.idle_orders or command.restart else ())]
    waking.rung.extend(rung for turn in turns if (rung := orders.go_on(transaction, turn)))
    return Swept(tuple(waking.rung), tuple(waking.ended), count, now)


def _due_pairs(transaction: Transaction) -> Iterator[tuple[str, State]]:
    """Where something is due: systems, and the states in which it waits there."""
    run = transaction.connection.execute
    system, state = "", ""
    while found := run(NEXT_STATE, (system, state)).fetchone() or run(NEXT_SYSTEM, (system,)).fetchone():
        system, state, wake_at = found
        if wake_at <= transaction.now:
            yield system, State(state)


def _queued(transaction: Transaction, command: Sweep, system: str) -> int:
    """How many of a system are in the broker, as far as it has room."""
    (queued,) = transaction.connection.execute(IN_BROKER, (system, command.room)).fetchone()
    return int(queued)


def _forget(transaction: Transaction) -> None:
    """Let once-only keys and bodies go when their time is over, a few at a time."""
    run, now = transaction.connection.execute, transaction.now
    run("DELETE FROM once WHERE (scope, key) IN (SELECT scope, key FROM once WHERE expires_at <= ? LIMIT 1000)", (now,))
    run("DELETE FROM bodies WHERE rowid IN (SELECT rowid FROM bodies WHERE expires_at <= ? LIMIT 100)", (now,))
