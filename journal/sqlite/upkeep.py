"""Upkeep in SQLite: in small steps, between which whoever serves the journal writes."""

import sqlite3
from pathlib import Path
from typing import Final

from bus.errors import JournalUnavailable
from journal.sqlite.store import connect
from journal.upkeep import IDLE, MOST_STEPS, STEP, Keep, Upkeep, first_id

FORGET: Final = (
    ("bodies", "rowid", "expires_at <= :now"),
    ("once", "scope, key", "expires_at <= :now"),
    ("orders", "system, key", "delivery IS NULL AND changed_at <= :idle"),
)
CLOSED: Final = "NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.wake_at IS NOT NULL AND d.{} = {}.{})"
EVIDENCE: Final = (
    ("attempts", "delivery, number, late", "delivery < :until AND " + CLOSED.format("id", "attempts", "delivery")),
    ("replies", "delivery", "delivery < :until AND " + CLOSED.format("id", "replies", "delivery")),
    ("deliveries", "id", "id < :until AND wake_at IS NULL"),
    ("messages", "id", "id < :until AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.message = messages.id)"),
)
"""Tables, the keys of their rows, and which go; those who refer before those who are referred to."""


def keep_up(path: Path, keep: Keep, now: int) -> Upkeep:
    """Raises `JournalUnavailable`."""
    done = Upkeep()
    connection = connect(path)
    try:
        until = f"{first_id(now - (keep.evidence or 0)):032x}"
        times: dict[str, int | str] = {"now": now, "idle": now - IDLE, "until": until}
        for table, key, which in (*FORGET, *(() if keep.evidence is None else EVIDENCE)):
            if count := _delete(connection, table, key, which, times):
                done.deleted[table] = count
        connection.execute("PRAGMA optimize")
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
    except sqlite3.Error:
        raise JournalUnavailable from None
    finally:
        connection.close()
    if keep.evidence is None:
        done.kept.append("evidence: no contract says for how long")
    else:
        done.kept.append(f"evidence of the last {keep.evidence // 86_400_000} days, and every audit event")
    return done


def _delete(connection: sqlite3.Connection, table: str, key: str, which: str, times: dict[str, int | str]) -> int:
    statement = f"DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} WHERE {which} LIMIT {STEP})"
    total = 0
    for _ in range(MOST_STEPS):
        wanted = {name: value for name, value in times.items() if f":{name}" in which}
        count = connection.execute(statement, wanted).rowcount
        total += count
        if count < STEP:
            break
    return total
