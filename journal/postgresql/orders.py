"""Order in PostgreSQL: taking places and going on to the next, a batch at a time, keys in their order."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from bus.errors import OutOfOrder
from bus.states import Change, State, change
from journal.commands import Accept, Command, Replay, Rung, Settle, Settled, Swept
from journal.leases import PUBLISH_LEASE
from journal.orders import Place, Turn, ordered
from journal.postgresql.transaction import Transaction, columns
from journal.waking import COLUMNS, due, envelope

# A key in use is locked by its update; what is computed of it is computed after whoever held it has committed.
ENTER: Final = (
    "INSERT INTO orders AS kept (system, key, sequence, passed, delivery, changed_at)"
    " SELECT system, key, now + more, 0, first, now"
    " FROM unnest(%b::text[], %b::bytea[], %b::int8[], %b::uuid[], %b::int8[]) AS asked (system, key, more, first, now)"
    " ON CONFLICT (system, key) DO UPDATE SET sequence = greatest(kept.sequence + 1, excluded.changed_at)"
    " + excluded.sequence - excluded.changed_at,"
    " delivery = coalesce(kept.delivery, excluded.delivery), changed_at = excluded.changed_at"
    " RETURNING system, key, sequence, delivery"
)
# In a statement of its own: the next one must see what those have committed whom this one waited for.
LOCK: Final = (
    "SELECT 1 FROM orders o JOIN unnest(%b::text[], %b::bytea[]) AS asked (system, key)"
    " ON o.system = asked.system AND o.key = asked.key ORDER BY o.system, o.key FOR UPDATE OF o"
)
GO_ON: Final = (
    "WITH free AS MATERIALIZED (SELECT o.system, o.key, turn.state, turn.passed, turn.now"
    " FROM unnest(%b::text[], %b::bytea[], %b::uuid[], %b::text[], %b::int8[], %b::int8[])"
    " AS turn (system, key, delivery, state, passed, now) JOIN orders o ON o.system = turn.system AND o.key = turn.key"
    " WHERE o.delivery IS NULL OR o.delivery = turn.delivery),"
    " heads AS MATERIALIZED (SELECT free.*, head.id FROM free LEFT JOIN LATERAL"
    " (SELECT d.id FROM deliveries d WHERE d.system = free.system AND d.order_key = free.key"
    f" AND d.state = '{State.HELD}' AND d.expires_at > free.now ORDER BY d.sequence LIMIT 1 FOR UPDATE) head ON true),"
    " named AS (UPDATE orders o SET delivery = heads.id, passed = greatest(o.passed, heads.passed),"
    " changed_at = heads.now FROM heads WHERE o.system = heads.system AND o.key = heads.key),"
    " promoted AS (UPDATE deliveries d SET state = heads.state, changed_at = heads.now,"
    f" rings = CASE heads.state WHEN '{State.QUEUED}' THEN 1 ELSE 0 END, wake_at = least(d.expires_at, heads.now +"
    f" CASE heads.state WHEN '{State.QUEUED}' THEN {PUBLISH_LEASE} ELSE 0 END) FROM heads WHERE d.id = heads.id"
    " RETURNING d.*)"
    f" SELECT {COLUMNS} FROM promoted d JOIN messages m ON m.id = d.message"
)
IDLE: Final = (
    "SELECT DISTINCT d.system, d.order_key FROM deliveries d JOIN orders o ON o.system = d.system"
    f" AND o.key = d.order_key WHERE d.state = '{State.HELD}' AND o.delivery IS NULL LIMIT 1000"
)
KNOWN: Final = (
    "INSERT INTO orders (system, key, sequence, passed, delivery, changed_at) VALUES (%b, %b, %b, 0, NULL, %b)"
    " ON CONFLICT (system, key) DO NOTHING"
)
PASSED: Final = (
    "SELECT greatest(o.passed, d.sequence) FROM orders o LEFT JOIN deliveries d ON d.id = o.delivery"
    " WHERE o.system = %b AND o.key = %b FOR UPDATE OF o"
)
ENLIST: Final = (
    "UPDATE deliveries SET state = %b, reason = '', rings = 0, wake_at = %b, expires_at = %b, changed_at = %b"
    " WHERE id = %b"
)


def enter(
    transaction: Transaction, batch: Sequence[Command[Any]], answers: Mapping[int, Any]
) -> dict[UUID, dict[UUID, Place]]:
    """The places of all ordered deliveries of a batch, by their messages; `answers` are of the commands that need none,
    since their once-only key had been used."""
    asked: dict[tuple[str, bytes], list[tuple[UUID, UUID]]] = defaultdict(list)
    for place, command in enumerate(batch):
        if isinstance(command, Accept) and answers.get(place) is None:
            for new, key in ordered(command.deliveries):
                asked[new.system, key].append((command.envelope.message, new.id))
    places: dict[UUID, dict[UUID, Place]] = defaultdict(dict)
    if not asked:
        return places
    rows = [(*key, len(asked[key]) - 1, asked[key][0][1], transaction.now) for key in sorted(asked)]
    for system, key, last, on_its_way in transaction.run(ENTER, columns(rows)):
        entered = asked[system, key]
        for sequence, (message, delivery) in enumerate(entered, last - len(entered) + 1):
            places[message][delivery] = Place(sequence, held=delivery != on_its_way)
    return places


def idle(transaction: Transaction) -> list[Turn]:
    """Orders in which something is held and nothing is on its way."""
    return [Turn(system, bytes(key), UUID(int=0), State.PENDING) for system, key in transaction.run(IDLE)]


def enlist(transaction: Transaction, command: Replay, row: Any, before: State, life: int) -> None:
    """Have another try of an ordered delivery. Raises `OutOfOrder`."""
    system, key, sequence = row
    now, run = transaction.now, transaction.run
    passed: Any = run(PASSED, [system, key]).fetchone()
    if not command.out_of_order and (passed is None or passed[0] > sequence):
        raise OutOfOrder(delivery=str(command.delivery))
    run(KNOWN, [system, key, sequence, now])
    run(ENLIST, [change(before, Change.ENLIST), now + life, now + life, now, command.delivery])
    transaction.turns.append(Turn(system, key, command.delivery, State.PENDING))


def go_on(transaction: Transaction, batch: Sequence[Command[Any]]) -> None:
    """Let every turn of this transaction go on, when all it inserts has been sent; the results tell what is to be
    published."""
    turns = {(turn.system, turn.key): turn for turn in sorted(transaction.turns, key=lambda turn: turn.state)}
    if not turns:
        return
    rows = [(*key, turns[key].delivery, turns[key].state, turns[key].passed, transaction.now) for key in sorted(turns)]
    transaction.run(LOCK, columns([row[:2] for row in rows]))
    promoted = {}
    for row in transaction.run(GO_ON, columns(rows)):
        found = due(row)
        if found.state is State.QUEUED and found.order_key is not None:
            rung = Rung(found.delivery, found.system, envelope(found))
            promoted[turns[found.system, bytes(found.order_key)].delivery] = rung
    transaction.results = [
        _told(command, result, promoted) for command, result in zip(batch, transaction.results, strict=True)
    ]


def _told(command: Command[Any], result: Any, promoted: dict[UUID, Rung]) -> Any:
    if isinstance(command, Settle) and isinstance(result, Settled) and result.applied:
        return replace(result, rung=promoted.pop(command.delivery, None))
    if isinstance(result, Swept):
        ended = [promoted.pop(each.delivery) for each in result.ended if each.delivery in promoted]
        return replace(result, rung=(*result.rung, *ended))
    return result
