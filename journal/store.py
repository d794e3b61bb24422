"""The seam to a database: SQLite embedded, PostgreSQL in production. One conformance suite holds for both."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from journal.commands import Command


class BatchRefused(Exception):
    """One of the commands cannot be written for what it holds; nothing of the batch was."""


@dataclass(frozen=True, slots=True)
class Written:
    """What one transaction did: a result, or a `BusError`, for each command in order, and the committed audit events as
    the JSON that was hashed."""

    results: Sequence[Any]
    events: Sequence[bytes]


class Store(Protocol):
    """Writes of one process; used by one thread at a time. `blocks`: it wants a thread of its own; else its waits give
    way to others (`journal.waits`)."""

    blocks: ClassVar[bool]

    def write(self, commands: Sequence[Command[Any]]) -> Written:
        """Write all in one durable transaction.

        Raises `BatchRefused` where one of them is at fault, `JournalUnavailable` where the database is.
        """

    def close(self) -> None: ...
