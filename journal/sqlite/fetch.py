"""Fetching in SQLite."""

from typing import Final

from bus.states import State
from journal.fetching import DUE, TAKEN, WAITS, Fetch, Fetched, given
from journal.sqlite.transaction import Transaction

LEASED: Final = (
    f"SELECT count(*) FROM deliveries WHERE system = ? AND state = '{State.DELIVERING}' AND wake_at IS NOT NULL"
)
DUE_NOW: Final = (
    f"SELECT {DUE} FROM deliveries d JOIN messages m ON m.id = d.message WHERE d.system = ? AND d.state = '{WAITS}'"
    " AND d.wake_at <= ? AND d.expires_at > ? ORDER BY d.wake_at LIMIT ?"
)
TAKE: Final = (
    f"UPDATE deliveries SET state = '{TAKEN}', attempt = attempt + 1, worker = ?, rings = 0, wake_at = ?,"
    " changed_at = ? WHERE id = ?"
)


def fetch(transaction: Transaction, command: Fetch) -> tuple[Fetched, ...]:
    run, now = transaction.run, transaction.now
    ((leased,),) = run(LEASED, (command.system,))
    rows = run(DUE_NOW, (command.system, now, now, command.most))
    found = given(command, now, leased, rows)
    for each in found:
        run(TAKE, (command.worker, each.lease_until, now, each.delivery.hex))
    return found
