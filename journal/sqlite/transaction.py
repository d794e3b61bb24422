"""One transaction of the SQLite journal.

Rows that are only inserted are gathered and written at its end, one statement a table.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import chain
from types import MappingProxyType
from typing import Any, Final, TypeVar

from journal.chain import Chain
from journal.commands import Event, Reference

T = TypeVar("T")

COLUMNS: Final = MappingProxyType(
    {
        "messages": "id, contract, version, exchange, sender, format, size, digest, subject, traceparent, waiter,"
        " accepted_at, expires_at",
        "bodies": "message, part, format, salt, data, expires_at",
        "deliveries": "id, message, system, state, reason, rings, repeatable, order_key, wake_at, expires_at,"
        " changed_at, attempt, worker",
        "attempts": "delivery, number, worker, started_at, duration, result, code, http_status, revision, late",
        "replies": "delivery, message, kind, fault, at",
        "audit_events": "writer, number, message, event, at, content, hash",
    }
)
"""What is inserted; a reply and its body replace those of an earlier attempt."""

CHUNKS: Final = (64, 16, 4, 1)
"""Rows to a statement. Python's sqlite3 gives the interpreter away at each statement and must win it back from a busy
event loop: few statements for many rows, of few different texts, so that they stay prepared."""


@dataclass(slots=True)
class Transaction:
    """One open transaction: its time, the chain its events join, the rows it has gathered."""

    connection: sqlite3.Connection
    now: int
    chain: Chain
    rows: dict[str, list[tuple[Any, ...]]] = field(default_factory=lambda: defaultdict(list))

    def record(self, event: Event) -> Reference:
        return self.chain.append(event, self.now)

    def flush(self) -> None:
        for link in self.chain.links:
            reference, message = link.reference, link.event.message
            self.rows["audit_events"].append(
                (
                    reference.writer,
                    reference.number,
                    message and message.hex,
                    link.event.name,
                    link.at,
                    link.content.decode(),
                    link.hash,
                )
            )
        for table, rows in self.rows.items():
            for chunk in chunks(rows):
                self.connection.execute(_insert(table, len(chunk)), list(chain.from_iterable(chunk)))


@cache
def _insert(table: str, count: int) -> str:
    columns = COLUMNS[table]
    row = "(" + ", ".join("?" for _ in columns.split(",")) + ")"
    return f"INSERT OR {'REPLACE' if table in {'bodies', 'replies'} else 'ABORT'} INTO {table} ({columns}) VALUES " + (
        ", ".join([row] * count)
    )


def chunks(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    """All of them in order, in pieces of the sizes of `CHUNKS`, the large first."""
    done = 0
    for size in CHUNKS:
        while len(rows) - done >= size:
            yield rows[done : done + size]
            done += size
