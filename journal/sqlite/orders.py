"""Order in SQLite: taking a place, and going on to the next."""

from typing import Any, Final
from uuid import UUID

from bus.errors import OutOfOrder
from bus.states import Change, State, change
from journal.commands import Accept, Replay, Rung
from journal.leases import PUBLISH_LEASE
from journal.orders import Place, Turn, ordered
from journal.sqlite.transaction import Transaction
from journal.waking import COLUMNS, due, envelope

ENTER: Final = (
    "INSERT INTO orders (system, key, sequence, passed, delivery, changed_at) VALUES (?, ?, ?, 0, ?, ?)"
    " ON CONFLICT (system, key) DO UPDATE SET sequence = max(sequence + 1, excluded.sequence),"
    " delivery = coalesce(delivery, excluded.delivery), changed_at = excluded.changed_at RETURNING sequence, delivery"
)
FREE: Final = "SELECT 1 FROM orders WHERE system = ? AND key = ? AND (delivery IS NULL OR delivery = ?)"
NEXT: Final = (
    f"SELECT {COLUMNS} FROM deliveries d JOIN messages m ON m.id = d.message WHERE d.system = ? AND d.order_key = ?"
    f" AND d.state = '{State.HELD}' AND d.expires_at > ? ORDER BY d.sequence LIMIT 1"
)
NAME: Final = "UPDATE orders SET delivery = ?, passed = max(passed, ?), changed_at = ? WHERE system = ? AND key = ?"
PROMOTE: Final = "UPDATE deliveries SET state = ?, rings = ?, wake_at = min(?, expires_at), changed_at = ? WHERE id = ?"
IDLE: Final = (
    "SELECT DISTINCT d.system, d.order_key FROM deliveries d JOIN orders o ON o.system = d.system"
    f" AND o.key = d.order_key WHERE d.state = '{State.HELD}' AND o.delivery IS NULL LIMIT 1000"
)
PASSED: Final = (
    "SELECT max(o.passed, coalesce(d.sequence, 0)) FROM orders o LEFT JOIN deliveries d ON d.id = o.delivery"
    " WHERE o.system = ? AND o.key = ?"
)
KNOWN: Final = (
    "INSERT INTO orders (system, key, sequence, passed, delivery, changed_at) VALUES (?, ?, ?, 0, NULL, ?)"
    " ON CONFLICT (system, key) DO NOTHING"
)
ENLIST: Final = (
    "UPDATE deliveries SET state = ?, reason = '', rings = 0, wake_at = ?, expires_at = ?, changed_at = ? WHERE id = ?"
)


def enter(transaction: Transaction, command: Accept) -> dict[UUID, Place]:
    """The places of a message's ordered deliveries."""
    places: dict[UUID, Place] = {}
    now = transaction.now
    for new, key in ordered(command.deliveries):
        values = (new.system, key, now, new.id.hex, now)
        ((sequence, on_its_way),) = transaction.run(ENTER, values)
        places[new.id] = Place(sequence, held=on_its_way != new.id.hex)
    return places


def go_on(transaction: Transaction, turn: Turn) -> Rung | None:
    """The one whose turn has come, where it is to be published."""
    now, run = transaction.now, transaction.run
    transaction.flush_messages()
    if not run(FREE, (turn.system, turn.key, turn.delivery.hex)):
        return None
    rows = run(NEXT, (turn.system, turn.key, now))
    if not rows:
        run(NAME, (None, turn.passed, now, turn.system, turn.key))
        return None
    found = due(rows[0])
    run(NAME, (found.delivery.hex, turn.passed, now, turn.system, turn.key))
    rings, wake_at = (1, now + PUBLISH_LEASE) if turn.state is State.QUEUED else (0, now)
    run(PROMOTE, (turn.state, rings, wake_at, now, found.delivery.hex))
    return Rung(found.delivery, found.system, envelope(found)) if turn.state is State.QUEUED else None


def idle(transaction: Transaction) -> list[Turn]:
    """Orders in which something is held and nothing is on its way."""
    return [Turn(system, key, UUID(int=0), State.PENDING) for system, key in transaction.run(IDLE, ())]


def enlist(transaction: Transaction, command: Replay, row: Any, before: State, life: int) -> None:
    """Have another try of an ordered delivery. Raises `OutOfOrder`."""
    system, key, sequence = row
    now, run = transaction.now, transaction.run
    passed = run(PASSED, (system, key))
    if not command.out_of_order and (not passed or passed[0][0] > sequence):
        raise OutOfOrder(delivery=str(command.delivery))
    after = change(before, Change.ENLIST)
    run(KNOWN, (system, key, sequence, now))
    run(ENLIST, (after, now + life, now + life, now, command.delivery.hex))
    go_on(transaction, Turn(system, key, command.delivery, State.PENDING))
