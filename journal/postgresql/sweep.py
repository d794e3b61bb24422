"""The sweep: everything whose time has come, in one transaction; of all processes, one at a time."""

from typing import Any, Final

from bus.states import State
from journal import conditions, counting
from journal.commands import Sweep, Swept
from journal.postgresql import orders
from journal.postgresql.transaction import Transaction, columns
from journal.waking import COLUMNS, Waking, due

LOCK: Final = int.from_bytes(b"lgspswp", "big")
"""The advisory lock of who sweeps, until its transaction ends."""

# From one pair of system and state to the next by the index, whatever lies in between: a look for each pair, none for
# each delivery.
DUE_PAIRS: Final = (
    "WITH RECURSIVE pairs AS ((SELECT system, state, wake_at FROM deliveries WHERE wake_at IS NOT NULL"
    " ORDER BY system, state, wake_at LIMIT 1)"
    " UNION ALL SELECT next.* FROM pairs CROSS JOIN LATERAL (SELECT d.system, d.state, d.wake_at FROM deliveries d"
    " WHERE d.wake_at IS NOT NULL AND (d.system, d.state) > (pairs.system, pairs.state)"
    " ORDER BY d.system, d.state, d.wake_at LIMIT 1) next)"
    " SELECT system, state FROM pairs WHERE wake_at <= %b"
)
# Never more of them than would fill the broker's share.
IN_BROKER: Final = (
    "SELECT asked.system, (SELECT count(*) FROM (SELECT 1 FROM deliveries d WHERE d.system = asked.system"
    f" AND d.state = '{State.QUEUED}' AND d.wake_at IS NOT NULL LIMIT %b) counted)"
    " FROM unnest(%b::text[]) AS asked (system)"
)

# What somebody has locked is being claimed, settled or unrung at this moment: if that fails, the next sweep sees it.
# Picked apart from all else, so that nothing is picked, and locked, more than once.
DUE: Final = (
    "WITH picked AS MATERIALIZED (SELECT open.*"
    " FROM unnest(%b::text[], %b::text[], %b::int8[], %b::int8[], %b::int8[], %b::int8[])"
    " AS due (system, state, most, due, life, longest)"
    " CROSS JOIN LATERAL (SELECT * FROM deliveries d WHERE d.system = due.system AND d.state = due.state"
    " AND d.wake_at <= due.due AND d.expires_at <= due.life"
    " AND d.wake_at - d.changed_at <= due.longest ORDER BY d.wake_at LIMIT due.most"
    " FOR UPDATE SKIP LOCKED) open)"
    f" SELECT {COLUMNS} FROM picked d JOIN messages m ON m.id = d.message"
)
WAKE: Final = (
    "UPDATE deliveries d SET state = woken.state, reason = woken.reason, rings = woken.rings, wake_at = woken.wake_at,"
    " changed_at = %b FROM unnest(%b::uuid[], %b::text[], %b::text[], %b::int2[], %b::int8[])"
    " AS woken (id, state, reason, rings, wake_at) WHERE d.id = woken.id"
)
# A few at a time: once-only keys whose time is over.
FORGET_KEYS: Final = (
    "WITH gone AS MATERIALIZED (SELECT scope, key FROM once WHERE expires_at <= %b LIMIT 1000 FOR UPDATE SKIP LOCKED)"
    " DELETE FROM once o USING gone WHERE o.scope = gone.scope AND o.key = gone.key"
)


def sweep(transaction: Transaction, command: Sweep, _: None) -> Swept:
    """Nothing, while another sweeps. `restart` means nothing here: what other processes hold is theirs until its lease
    ends."""
    run, now = transaction.run, transaction.now
    locked: Any = run("SELECT pg_try_advisory_xact_lock(%b)", [LOCK]).fetchone()
    if not locked[0]:
        return Swept((), (), now=now)
    count = counting.falls_due(transaction.plain, now, command.count_every)
    run(FORGET_KEYS, [now])
    waking = Waking(transaction.rows, command, conditions.blocked(transaction.plain), count)
    falls_due = [(system, State(state)) for system, state in run(DUE_PAIRS, [now])]
    queued = _queued(transaction, command, [system for system, state in falls_due if state is State.PENDING])
    picked = [each for system, state in falls_due for each in waking.pick(system, state, queued.get(system, 0))]
    rows = run(DUE, columns(picked)).fetchall() if picked else []
    # What is to try with may be picked twice where its life has ended as well.
    woken = [waking.wake(due(row)) for row in {row[0]: row for row in rows}.values()]
    if woken:
        run(WAKE, [now, *columns(woken)])
    transaction.turns += waking.turns
    if command.idle_orders:
        transaction.turns += orders.idle(transaction)
    return Swept(tuple(waking.rung), tuple(waking.ended), count, now)


def _queued(transaction: Transaction, command: Sweep, systems: list[str]) -> dict[str, int]:
    """How many of each system are in the broker, as far as it has room."""
    if not systems:
        return {}
    found: list[tuple[str, int]] = transaction.run(IN_BROKER, [command.room, systems]).fetchall()
    return dict(found)
