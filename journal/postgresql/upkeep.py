"""Upkeep in PostgreSQL, on a connection of its own that waits for no lock."""

from typing import Final

import psycopg

from bus.errors import JournalUnavailable
from journal.postgresql.connection import Connection, connect
from journal.postgresql.partitions import BODIES, KEYS, Partition, divided, drop, make, missing, partitions, under_way
from journal.upkeep import IDLE, MOST_STEPS, STEP, Keep, Upkeep

LOCK: Final = int.from_bytes(b"lgspkeep", "big") >> 1
"""The advisory lock of who keeps up, as long as it takes."""

SETTINGS: Final = {"lock_timeout": "500ms", "idle_in_transaction_session_timeout": "30s", "jit": "off"}
"""Whoever waits for the lock of a table holds up everybody who comes after."""

NOW: Final = "SELECT (extract(epoch FROM now()) * 1000)::int8"
ELSEWHERE: Final = "another process is at it"
LOCKED: Final = "in use at this moment; next time"
FORGET: Final = (
    ("once", "once", "expires_at <= %(now)s"),
    ("orders", "orders", "delivery IS NULL AND changed_at <= %(idle)s"),
)
"""What is deleted by rows: the table, where its rows lie, and which go."""


def keep_up(url: str, keep: Keep, now: int | None = None) -> Upkeep:
    """`now` stands in for the database's clock, in tests. Raises `JournalUnavailable`."""
    done = Upkeep()
    try:
        with connect(url, SETTINGS, "lgsp-upkeep", autocommit=True) as connection:
            (free,) = connection.execute("SELECT pg_try_advisory_lock(%s)", (LOCK,)).fetchone() or (False,)
            if not free:
                done.kept.append(ELSEWHERE)
                return done
            if now is None:
                (now,) = connection.execute(NOW).fetchone() or (0,)
            _keep_up(connection, keep, now, done)
    except psycopg.Error:
        raise JournalUnavailable from None
    return done


def _keep_up(connection: Connection, keep: Keep, now: int, done: Upkeep) -> None:
    rest = f"{BODIES}_default"
    if divided(connection):
        for table in (*KEYS, BODIES):
            _make(connection, table, keep, now, done)
        _drop_bodies(connection, now, done)
        _drop_evidence(connection, keep, now, done)
    else:
        rest = BODIES
        done.kept.append("the large tables are not divided yet: `lgsp journal migrate --post`")
    for table, place, which in (*FORGET, (BODIES, rest, "expires_at <= %(now)s")):
        try:
            count = _delete(connection, place, which, now)
        except psycopg.errors.LockNotAvailable:
            done.kept.append(f"{place} is {LOCKED}")
            continue
        if count:
            done.deleted[table] = count


def _make(connection: Connection, table: str, keep: Keep, now: int, done: Upkeep) -> None:
    for new in missing(table, partitions(connection, table), now, keep.body):
        try:
            moved = make(connection, new)
        except psycopg.errors.LockNotAvailable:
            done.kept.append(f"{new.name} is not made: {table} is {LOCKED}")
            continue
        if moved is None:
            done.kept.append(f"{new.name} is not made: too many of its rows lie in {table}_default already")
            continue
        done.made.append(new.name)
        if moved:
            done.moved[table] = done.moved.get(table, 0) + moved


def _drop_bodies(connection: Connection, now: int, done: Upkeep) -> None:
    for each in partitions(connection, BODIES):
        if _ended(each, now) and not _drop(connection, each, done):
            break


def _drop_evidence(connection: Connection, keep: Keep, now: int, done: Upkeep) -> None:
    """What is older than the contract that keeps longest asks for; never where something is still on its way."""
    if keep.evidence is None:
        done.kept.append("evidence: no contract says for how long")
        return
    until = now - keep.evidence
    for each in partitions(connection, "deliveries"):
        if _ended(each, until) and under_way(connection, each):
            done.kept.append(f"{each.name} and what is younger: a delivery in it is still under way")
            until = each.lower or 0
    # Those who refer go before those who are referred to.
    for table in ("attempts", "replies", "deliveries", "messages"):
        for each in partitions(connection, table):
            if _ended(each, until) and not _drop(connection, each, done):
                break
    done.kept.append(f"evidence of the last {keep.evidence // 86_400_000} days, and every audit event")


def _ended(each: Partition, until: int) -> bool:
    return each.upper is not None and each.upper <= until


def _drop(connection: Connection, each: Partition, done: Upkeep) -> bool:
    """False: its table is in use, and whoever waits for it holds up others."""
    try:
        drop(connection, each)
    except psycopg.errors.LockNotAvailable:
        done.kept.append(f"{each.name} is {LOCKED}")
        return False
    done.dropped.append(each.name)
    return True


def _delete(connection: Connection, table: str, which: str, now: int) -> int:
    """Rows of which nobody holds any, a few at a time."""
    statement = (
        f"WITH gone AS MATERIALIZED (SELECT ctid FROM {table} WHERE {which} LIMIT {STEP} FOR UPDATE SKIP LOCKED)"
        f" DELETE FROM {table} t USING gone WHERE t.ctid = gone.ctid"
    )
    total = 0
    for _ in range(MOST_STEPS):
        count = connection.execute(statement, {"now": now, "idle": now - IDLE}).rowcount
        total += count
        if count < STEP:
            break
    return total
