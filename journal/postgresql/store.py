"""The journal in PostgreSQL: one connection a process, written to by its committer's thread."""

import time
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Final
from uuid import UUID

import psycopg
import structlog

from bus.clock import Clock
from bus.errors import BusError, CommitInDoubt, JournalUnavailable
from journal import commands, conditions
from journal.chain import Chain
from journal.commands import Command, Event
from journal.fetching import Fetch
from journal.postgresql import orders, statements
from journal.postgresql.connection import Connection, connect_to_write
from journal.postgresql.questions import ask
from journal.postgresql.sweep import sweep
from journal.postgresql.transaction import NOW, Transaction
from journal.postgresql.wire import Wire
from journal.rows import Rows
from journal.store import BatchRefused, Written
from journal.waits import aside

TRIES: Final = 3
"""Of what the database has undone for no fault of its own: a deadlock, a connection that had been cut."""

PATIENCE: Final = 5.0
"""Seconds until a commit in doubt is left in doubt."""

PAUSE: Final = 0.1

HANDLERS: Mapping[type[Command[Any]], Callable[[Transaction, Any, Any], object]] = MappingProxyType(
    {
        commands.Accept: statements.accept,
        commands.Use: statements.use,
        commands.Claim: statements.as_answered,
        Fetch: statements.fetched,
        commands.Settle: statements.settle,
        commands.Unring: statements.as_answered,
        commands.Sweep: sweep,
        commands.Replay: statements.replay,
        commands.TakeReply: statements.take_reply,
        commands.Record: statements.record,
        commands.PutDocuments: statements.put_documents,
        commands.PutRow: statements.put_row,
    }
)

DATA_ERRORS = (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.ProgramLimitExceeded)

CUT_OFF = ("08", "57P", "XX")
"""How an SQLSTATE begins that tells of a connection that ends, or of a server that no longer knows what it does."""

ROLLED_BACK = "40"
"""The class of what may be tried again: a deadlock."""

log = structlog.get_logger("journal")


class PostgresqlStore:
    """Implements `journal.store.Store`. Time is the database's, unless a clock is given in its place, for tests.

    A connection is made at once, and anew by the write that finds it gone. Where one was lost at COMMIT, the journal is
    asked what became of the transaction: for at most `patience` seconds by that write, and before anything else by the
    next. Until that is known the chain of audit events waits, and so do its events that the log has not been told.
    """

    blocks: ClassVar[bool] = False

    def __init__(self, url: str, writer: str, clock: Clock | None = None, *, patience: float = PATIENCE) -> None:
        self._url, self._writer, self._clock, self._patience = url, writer, clock, patience
        self._chain = Chain(writer)
        self._doubtful: Transaction | None = None
        self._untold: list[bytes] = []
        self._wire: Wire | None = Wire(connect_to_write(url, writer))

    def write(self, commands: Sequence[Command[Any]]) -> Written:
        for _ in range(TRIES):
            transaction = self._begin() if self._wire else aside(self._begin)
            try:
                _transact(transaction, commands)
            except DATA_ERRORS:
                aside(self._undo)
                raise BatchRefused from None
            except psycopg.Error as failed:
                log.warning("database-failed", sqlstate=failed.sqlstate)
                aside(self._failed, transaction, failed.sqlstate or "")
            except Exception:  # noqa: BLE001 - whatever a command holds that nobody foresaw, no transaction stays open
                if not transaction.committing:
                    aside(self._undo)
                    raise BatchRefused from None
                aside(self._failed, transaction, "")
            else:
                self._end(transaction, written=True)
            if transaction.written:
                told, self._untold = self._untold, []
                return Written(transaction.results, told)
            if transaction.written is None:
                return Written([_in_doubt(command) for command in commands], [])
        raise JournalUnavailable

    def close(self) -> None:
        if self._wire:
            self._wire.connection.close()
            self._wire = None

    def _begin(self) -> Transaction:
        at = self._clock.now() if self._clock else None
        return Transaction(self._connected(), Rows(0, self._chain, _itself), at)

    def _connected(self) -> Wire:
        """The connection, with no doubt left about what was written before. Raises `JournalUnavailable`."""
        if self._wire is None:
            connection = connect_to_write(self._url, self._writer)
            try:
                if self._doubtful:
                    self._end(self._doubtful, written=_committed(connection, self._doubtful))
            except psycopg.Error:
                connection.close()
                raise JournalUnavailable from None
            self._wire = Wire(connection)
        return self._wire

    def _end(self, transaction: Transaction, *, written: bool) -> None:
        """Keep the events of what was written, forget those of what was not."""
        transaction.written = written
        self._doubtful = None
        if written:
            self._untold += [link.content for link in self._chain.links]
            self._chain.commit()
        else:
            self._chain.rollback()

    def _undo(self) -> None:
        """Nothing of the open transaction was written."""
        self._chain.rollback()
        try:
            if self._wire:
                self._wire.connection.rollback()
        except psycopg.Error:
            self.close()

    def _failed(self, transaction: Transaction, state: str) -> None:
        """Find out what became of a transaction that ended with this SQLSTATE, or with none. Raises
        `JournalUnavailable` where the database has refused it."""
        refused = bool(state) and not state.startswith(CUT_OFF) and not transaction.wire.connection.broken
        self.close()
        if refused or not transaction.committing:
            self._end(transaction, written=False)
            if refused and not state.startswith(ROLLED_BACK):
                raise JournalUnavailable from None
            return
        self._doubtful = transaction
        until = time.monotonic() + self._patience
        while transaction.written is None:
            try:
                self._connected()
            except BusError:
                if time.monotonic() > until:
                    log.error("commit-in-doubt")
                    return
                time.sleep(PAUSE)


def _transact(transaction: Transaction, batch: Sequence[Command[Any]]) -> None:
    """All of it, to the COMMIT; the results stand before that, so that they are there if its answer is lost."""
    with transaction.wire.pipeline():
        transaction.run("BEGIN")
        clock = transaction.run(f"SELECT {NOW}", {"at": transaction.at})
        readers = ask(transaction, batch)
        (transaction.rows.now,) = clock.fetchone() or (0,)
        answers = {place: answer for read in readers for place, answer in read().items()}
        transaction.places = orders.enter(transaction, batch, answers)
        transaction.results = [handle(transaction, command, answers.get(place)) for place, command in enumerate(batch)]
        transaction.flush()
        orders.go_on(transaction, batch)
        transaction.commit()


def handle(transaction: Transaction, command: Command[Any], answer: object) -> object:
    """The result of one command; what it may not do is an error of its own, not of its batch."""
    kind = type(command)
    try:
        if of_the_present := conditions.HANDLERS.get(kind):
            return of_the_present(transaction.plain, transaction.rows, command)
        return HANDLERS[kind](transaction, command, answer)
    except BusError as refused:
        return refused


def _committed(connection: Connection, transaction: Transaction) -> bool:
    """Whether a transaction whose connection has ended was written: its last audit event tells, or else a delivery it
    claimed. One that leaves neither has at most rung and unrung, which may be done again."""
    if links := transaction.rows.chain.links:
        last = links[-1]
        question: tuple[str, list[Any]] = (
            "SELECT 1 FROM audit_events WHERE writer = %b AND number = %b AND hash = %b",
            [last.reference.writer, last.reference.number, last.hash],
        )
    elif transaction.claimed:
        question = (
            "SELECT 1 FROM deliveries WHERE id = %b AND attempt = %b AND worker = %b",
            list(transaction.claimed),
        )
    else:
        return False
    return connection.execute(*question).fetchone() is not None


def _in_doubt(command: Command[Any]) -> CommitInDoubt:
    match command:
        case commands.Accept(envelope=envelope):
            return CommitInDoubt(message=str(envelope.message))
        case commands.Settle(message=message) | commands.Record(event=Event(message=message)) if message:
            return CommitInDoubt(message=str(message))
        case _:
            return CommitInDoubt()


def _itself(identifier: UUID) -> UUID:
    return identifier
