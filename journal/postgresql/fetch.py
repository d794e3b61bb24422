"""Fetching in PostgreSQL: the fetches of a batch at a time, each of another system.

Who fetches for a system has its lock until the transaction ends, so that two together never give out more than it may
hold. What is locked for another reason at this moment is passed over.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, Final

from bus.states import State
from journal.fetching import DUE, TAKEN, WAITS, Fetch, Fetched, given
from journal.postgresql.transaction import NOW, Transaction, columns

CLASS: Final = int.from_bytes(b"inbx", "big")
"""The class of the advisory locks of who fetches; within it, a hash of the system's name."""

LOCK: Final = (
    f"SELECT count(pg_advisory_xact_lock({CLASS}, hashtext(system))) FROM unnest(%b::text[]) AS asked (system)"
)
LEASED: Final = (
    "SELECT asked.system, (SELECT count(*) FROM deliveries d WHERE d.system = asked.system"
    f" AND d.state = '{State.DELIVERING}' AND d.wake_at IS NOT NULL) FROM unnest(%b::text[]) AS asked (system)"
)
DUE_NOW: Final = (
    "WITH picked AS MATERIALIZED (SELECT open.*"
    " FROM unnest(%(systems)b::text[], %(mosts)b::int8[]) AS asked (system, most)"
    " CROSS JOIN LATERAL (SELECT * FROM deliveries d WHERE d.system = asked.system"
    f" AND d.state = '{WAITS}' AND d.wake_at <= {NOW} AND d.expires_at > {NOW} ORDER BY d.wake_at LIMIT asked.most"
    " FOR UPDATE SKIP LOCKED) open)"
    f" SELECT {DUE} FROM picked d JOIN messages m ON m.id = d.message"
)
TAKE: Final = (
    f"UPDATE deliveries d SET state = '{TAKEN}', attempt = d.attempt + 1, worker = taken.worker, rings = 0,"
    " wake_at = taken.wake_at, changed_at = taken.now FROM unnest(%b::uuid[], %b::text[], %b::int8[], %b::int8[])"
    " AS taken (id, worker, wake_at, now) WHERE d.id = taken.id"
)


def fetch(transaction: Transaction, asked: Mapping[int, Fetch]) -> Callable[[], Mapping[int, Any]] | None:
    """Send the questions; the reader gives what each fetch is answered, by its place in the batch."""
    if not asked:
        return None
    # Of two for one system the first counts.
    first = {command.system: place for place, command in reversed(list(asked.items()))}
    systems = sorted(first)
    transaction.run(LOCK, [systems])
    leased = transaction.run(LEASED, [systems])
    mosts = [asked[first[system]].most for system in systems]
    due_now = transaction.run(DUE_NOW, {"at": transaction.at, "systems": systems, "mosts": mosts})

    def read() -> Mapping[int, Any]:
        held: dict[str, int] = dict(leased.fetchall())
        rows = defaultdict(list)
        for row in due_now:
            rows[row[2]].append(row)
        found = {
            first[system]: given(asked[first[system]], transaction.now, held[system], rows[system])
            for system in systems
        }
        _take(transaction, asked, found)
        return found

    return read


def _take(transaction: Transaction, asked: Mapping[int, Fetch], found: Mapping[int, tuple[Fetched, ...]]) -> None:
    taken = [
        (each.delivery, asked[place].worker, each.lease_until, transaction.now)
        for place, fetched in found.items()
        for each in fetched
    ]
    if taken:
        transaction.run(TAKE, columns(taken))
        place, (one, *_) = next((place, fetched) for place, fetched in found.items() if fetched)
        transaction.claimed = (one.delivery, one.attempt, asked[place].worker)
