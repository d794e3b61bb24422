"""What each command does in PostgreSQL, once the questions of its batch are answered."""

from typing import Any, Final

from psycopg import sql

from bus.errors import RegistryChanged
from bus.states import Change, State, change
from journal import commands, conditions, taking
from journal.commands import Accepted, Command, Reference, Settled
from journal.fetching import Fetch, Fetched
from journal.postgresql import orders
from journal.postgresql.transaction import Transaction, columns, insertion
from journal.rows import DOCUMENTS_AT
from journal.tables import metadata

REPLAYED: Final = (
    "SELECT d.state, d.message, m.expires_at - m.accepted_at, d.system, d.order_key, d.sequence FROM deliveries d"
    " JOIN messages m ON m.id = d.message WHERE d.id = %b FOR UPDATE OF d"
)
REPLAY: Final = (
    "UPDATE deliveries SET state = %b, reason = '', rings = 0, wake_at = %b, expires_at = %b, changed_at = %b"
    " WHERE id = %b"
)
HOLD_REVISION: Final = "SELECT number FROM revision WHERE id = 1 FOR UPDATE"
NEXT_REVISION: Final = "UPDATE revision SET number = number + 1 WHERE id = 1 RETURNING number"


def accept(transaction: Transaction, command: commands.Accept, used: Accepted | None) -> Accepted:
    return used or transaction.rows.accept(command, transaction.places.get(command.envelope.message, {}))


def use(_: Transaction, __: commands.Use, before: object) -> bool:
    """An answer tells of an earlier use."""
    return before is None


def as_answered(_: Transaction, __: Command[Any], answer: object) -> object:
    """Claims and unrings are done with their questions."""
    return answer


def fetched(_: Transaction, __: Fetch, answer: tuple[Fetched, ...] | None) -> tuple[Fetched, ...]:
    """Nothing, where another of the same transaction fetches for the same system."""
    return answer or ()


def settle(transaction: Transaction, command: commands.Settle, settled: Settled | None) -> Settled:
    transaction.rows.settle(command, change(State.DELIVERING, command.change) if settled else None)
    return settled or Settled(applied=False)


def replay(transaction: Transaction, command: commands.Replay, _: None) -> State | None:
    row = transaction.run(REPLAYED, [command.delivery]).fetchone()
    if row is None:
        return None
    state, message, life, *place = row
    before = State(state)
    after, now = change(before, Change.REPLAY), transaction.now
    if place[1] is not None:
        orders.enlist(transaction, command, place, before, life)
    else:
        transaction.run(REPLAY, [after, now, now + life, now, command.delivery])
    transaction.rows.replay(command.delivery, message, place[0], before, command.actor)
    return before


def take_reply(transaction: Transaction, command: commands.TakeReply, _: None) -> bool:
    return taking.take_reply(transaction.plain, transaction.rows, command)


def record(transaction: Transaction, command: commands.Record, _: None) -> Reference:
    return transaction.rows.record(command.event)


def put_documents(transaction: Transaction, command: commands.PutDocuments, _: None) -> int:
    if command.expected is not None:
        transaction.run(HOLD_REVISION)
        row: Any = transaction.run(f"SELECT {DOCUMENTS_AT}").fetchone()
        if row[0] != command.expected:
            raise RegistryChanged(revision=row[0])
    number = _next_revision(transaction)
    rows = [(each.kind, each.name, each.version, number, each.content, transaction.now) for each in command.documents]
    if rows:
        transaction.run(insertion("documents"), columns(rows))
    conditions.mended(transaction.plain, transaction.now)
    for event in (command.event, *command.besides):
        transaction.rows.record(event)
    return number


def put_row(transaction: Transaction, command: commands.PutRow, _: None) -> int:
    if command.table not in command.TABLES:
        raise ValueError(command.table)
    if command.expected is not None:
        row: Any = transaction.run(HOLD_REVISION).fetchone()
        if row[0] != command.expected:
            raise RegistryChanged(revision=row[0])
    (key,) = (column.name for column in metadata.tables[command.table].primary_key)
    names = [sql.Identifier(name) for name in command.row]
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({}) ON CONFLICT ({}) DO UPDATE SET {}").format(
        sql.Identifier(command.table),
        sql.SQL(", ").join(names),
        sql.SQL(", ").join([sql.SQL("%b")] * len(names)),
        sql.Identifier(key),
        sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(name) for name in names),
    )
    transaction.run(statement.as_string(), list(command.row.values()))
    transaction.rows.record(command.event)
    return _next_revision(transaction)


def _next_revision(transaction: Transaction) -> int:
    row: Any = transaction.run(NEXT_REVISION).fetchone()
    return int(row[0])
