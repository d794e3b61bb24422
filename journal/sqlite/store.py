"""The journal in one SQLite file: write-ahead log, every commit on disk before the answer."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar
from uuid import UUID

from bus.clock import Clock
from bus.errors import BusError, JournalUnavailable, SettingInvalid
from journal import commands, conditions
from journal.chain import Chain
from journal.commands import Command
from journal.fetching import Fetch
from journal.rows import Rows
from journal.sqlite import statements
from journal.sqlite.fetch import fetch
from journal.sqlite.sweep import sweep
from journal.sqlite.transaction import Transaction
from journal.store import BatchRefused, Written

BUSY_TIMEOUT = 10.0
"""Seconds to wait for another process that is writing."""

HANDLERS: Mapping[type[Command[Any]], Callable[[Transaction, Any], object]] = MappingProxyType(
    {
        commands.Accept: statements.accept,
        commands.Use: statements.use,
        commands.Claim: statements.claim,
        Fetch: fetch,
        commands.Settle: statements.settle,
        commands.Unring: statements.unring,
        commands.Sweep: sweep,
        commands.Replay: statements.replay,
        commands.TakeReply: statements.take_reply,
        commands.Record: statements.record,
        commands.PutDocuments: statements.put_documents,
        commands.PutRow: statements.put_row,
    }
)

DATA_ERRORS = (
    sqlite3.IntegrityError,
    sqlite3.DataError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
)


class SqliteStore:
    """Implements `journal.store.Store`. The clock stands in for the database's: there is only this machine."""

    blocks: ClassVar[bool] = True

    def __init__(self, path: Path, clock: Clock, writer: str) -> None:
        self._clock = clock
        self._chain = Chain(writer)
        self._connection = connect(path)

    def write(self, commands: Sequence[Command[Any]]) -> Written:
        connection = self._connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            transaction = Transaction(connection, Rows(self._clock.now(), self._chain, _hex))
            results = [handle(transaction, command) for command in commands]
            transaction.flush()
            events = [link.content for link in self._chain.links]
            connection.execute("COMMIT")
        except DATA_ERRORS:
            self._rollback()
            raise BatchRefused from None
        except sqlite3.Error:
            self._rollback()
            raise JournalUnavailable from None
        except Exception:  # noqa: BLE001 - whatever a command holds that nobody foresaw, no transaction stays open
            self._rollback()
            raise BatchRefused from None
        self._chain.commit()
        return Written(results, events)

    def close(self) -> None:
        self._connection.close()

    def _rollback(self) -> None:
        self._chain.rollback()
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")


def handle(transaction: Transaction, command: Command[Any]) -> object:
    """The result of one command; what it may not do is an error of its own, not of its batch."""
    kind = type(command)
    try:
        if of_the_present := conditions.HANDLERS.get(kind):
            return of_the_present(transaction.run, transaction.rows, command)
        return HANDLERS[kind](transaction, command)
    except BusError as refused:
        return refused


def _hex(identifier: UUID) -> str:
    return identifier.hex


def connect(path: Path) -> sqlite3.Connection:
    """A connection whose commits are durable. Raises `SettingInvalid` for a file where they cannot be, and
    `JournalUnavailable` for one that cannot be opened."""
    try:
        connection = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        connection.execute("PRAGMA synchronous = FULL")
        synchronous = connection.execute("PRAGMA synchronous").fetchone()[0]
    except sqlite3.Error:
        raise JournalUnavailable from None
    if mode != "wal" or synchronous < 2:
        connection.close()
        raise SettingInvalid(name="data", hint="this file system does not let SQLite keep a write-ahead log")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection
