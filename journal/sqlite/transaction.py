"""One transaction of the SQLite journal.

Rows that are only inserted are gathered and written at its end, one statement a table.
"""

import sqlite3
from collections import defaultdict
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from journal.chain import Chain
from journal.commands import Event, Reference

INSERTS: Final = MappingProxyType(
    {
        "messages": "INSERT INTO messages (id, contract, version, exchange, sender, format, size, digest, subject,"
        " traceparent, waiter, accepted_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        "bodies": "INSERT OR REPLACE INTO bodies (message, part, format, salt, data, expires_at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        "deliveries": "INSERT INTO deliveries (id, message, system, state, reason, attempt, rings, repeatable,"
        " order_key, worker, wake_at, expires_at, changed_at) VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?, '', ?, ?, ?)",
        "attempts": "INSERT INTO attempts (delivery, number, worker, started_at, duration, result, code, http_status,"
        " revision, late) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        "replies": "INSERT OR REPLACE INTO replies (delivery, message, kind, fault, at) VALUES (?, ?, ?, ?, ?)",
        "audit_events": "INSERT INTO audit_events (writer, number, message, event, at, content, hash)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
    }
)


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
            self.connection.executemany(INSERTS[table], rows)
