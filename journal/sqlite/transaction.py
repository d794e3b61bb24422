"""One transaction of the SQLite journal.

Rows that are only inserted are gathered and written at its end, one statement a table.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Any, Final, TypeVar

from journal.rows import COLUMNS, Rows

T = TypeVar("T")

CHUNKS: Final = (64, 16, 4, 1)
"""Rows to a statement. Python's sqlite3 gives the interpreter away at each statement and must win it back from a busy
event loop: few statements for many rows, of few different texts, so that they stay prepared."""

REPLACED: Final = "DELETE FROM bodies WHERE message = ?1 AND (part = ?2 OR part LIKE ?2 || '.%')"


@dataclass(slots=True)
class Transaction:
    """One open transaction: its time, and the rows and events it has gathered."""

    connection: sqlite3.Connection
    rows: Rows

    @property
    def now(self) -> int:
        return self.rows.now

    def run(self, statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Run one statement, and fetch what it returns."""
        return self.connection.execute(statement, values).fetchall()

    def flush_messages(self) -> None:
        """Write what has been accepted, for a statement that asks for it."""
        for table in ("messages", "deliveries"):
            self._insert(table, self.rows.of.pop(table, []))

    def flush(self) -> None:
        self.rows.of["audit_events"] = self.rows.chained()
        self.connection.executemany(REPLACED, self.rows.replaced)
        for table, rows in self.rows.of.items():
            self._insert(table, rows)

    def _insert(self, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
        for chunk in chunks(rows):
            self.connection.execute(_insert(table, len(chunk)), list(chain.from_iterable(chunk)))


@cache
def _insert(table: str, count: int) -> str:
    columns = COLUMNS[table]
    row = "(" + ", ".join("?" for _ in columns.split(",")) + ")"
    return f"INSERT OR {'REPLACE' if table == 'replies' else 'ABORT'} INTO {table} ({columns}) VALUES " + (
        ", ".join([row] * count)
    )


def chunks(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    """All of them in order, in pieces of the sizes of `CHUNKS`, the large first."""
    done = 0
    for size in CHUNKS:
        while len(rows) - done >= size:
            yield rows[done : done + size]
            done += size
