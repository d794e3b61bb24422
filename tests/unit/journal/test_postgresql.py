"""What is asked of a PostgreSQL server before a journal is kept in it, and how its tables are made."""

import subprocess
import sys

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from psycopg import sql
from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.exc import InternalError
from sqlalchemy.pool import NullPool

from bus.clock import ManualClock
from bus.envelope import Envelope, Exchange, Format
from bus.errors import JournalUnavailable, SettingInvalid
from bus.states import Change, State
from journal.commands import (
    Accept,
    Claim,
    Event,
    NewDelivery,
    Once,
    Record,
    Reference,
    Settle,
    Settled,
    Sweep,
    Unring,
)
from journal.database import migrate, open_engine, open_store
from journal.postgresql import PostgresqlStore
from journal.queries import Queries
from journal.tables import metadata
from tests.services import postgresql

EVENT = Event("test", "tester")
NOBODY = "postgresql://nobody@127.0.0.1:1/nothing"


def administer(database: str, statement: str) -> None:
    """Run a statement about the database itself, which it names as {}."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(sql.Identifier(connection.info.dbname)))


def test_migrations_make_the_tables(postgresql_database: str) -> None:
    """What the migrations have made in PostgreSQL is what `journal.tables` says."""
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(postgresql_database))
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "include_name": lambda name, *_: name not in partitions(connection)}
        )
        assert compare_metadata(context, metadata) == []
        keys = connection.execute(
            text("SELECT partrelid::regclass::text, pg_get_partkeydef(partrelid) FROM pg_partitioned_table")
        )
        made = {name: key for name, key in keys}  # noqa: C416 - rows are not pairs to a type checker
        options = connection.execute(
            text(
                "SELECT DISTINCT reloptions FROM pg_class JOIN pg_inherits ON oid = inhrelid AND relkind = 'r'"
                " WHERE inhparent = 'deliveries'::regclass"
            )
        )
        assert options.scalars().all() == [["fillfactor=70"]]
    engine.dispose()
    described = {name: table.dialect_options["postgresql"]["partition_by"] for name, table in metadata.tables.items()}
    assert made == {name: by for name, by in described.items() if by}


def partitions(connection: Connection) -> set[str]:
    return set(connection.scalars(text("SELECT inhrelid::regclass::text FROM pg_inherits")))


def test_processes_may_migrate_at_once(postgresql_server: str) -> None:
    """Several processes that start on a new database at the same time all find the tables made."""
    command = [sys.executable, "-c", "import sys; from journal.database import migrate; migrate(sys.argv[1])"]
    with postgresql.database(postgresql_server) as url:
        processes = [subprocess.Popen([*command, url]) for _ in range(3)]
        assert [process.wait(60) for process in processes] == [0, 0, 0]
        engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url), poolclass=NullPool)
        with engine.connect() as connection:
            tables = set(inspect(connection).get_table_names()) - partitions(connection)
            assert tables == {*metadata.tables, "alembic_version"}


def test_commits_that_are_not_awaited_are_refused(postgresql_database: str, clock: ManualClock) -> None:
    """A database with synchronous_commit=off, which would lose what it has confirmed, is not written to."""
    administer(postgresql_database, "ALTER DATABASE {} SET synchronous_commit = off")
    with pytest.raises(SettingInvalid, match="synchronous_commit=off"):
        open_store(postgresql_database, clock, "writer-1")


def test_durability_is_kept(postgresql_database: str, clock: ManualClock) -> None:
    """A setting that is loosened later does not reach who is writing already."""
    store = PostgresqlStore(postgresql_database, "writer-1")
    assert store._wire
    source = "SELECT source FROM pg_settings WHERE name = 'synchronous_commit'"
    assert store._wire.connection.execute(source).fetchone() == ("session",)
    store.close()


def test_other_encodings_are_refused(postgresql_server: str, clock: ManualClock) -> None:
    """A database that does not hold every character is not written to."""
    with postgresql.database(postgresql_server, "template0", "SQL_ASCII") as url, pytest.raises(SettingInvalid):
        open_store(url, clock, "writer-1")


def test_server_that_is_not_there(clock: ManualClock) -> None:
    """Where no server answers the journal is unavailable, whatever is wanted of it."""
    with pytest.raises(JournalUnavailable):
        migrate(NOBODY)
    with pytest.raises(JournalUnavailable):
        open_store(NOBODY, clock, "writer-1")
    engine = open_engine(NOBODY)
    with pytest.raises(JournalUnavailable):
        Queries(engine).revision()


@pytest.mark.parametrize("what", [migrate, lambda url: open_store(url, ManualClock(), "writer-1")])
def test_url_that_cannot_be_read(what: object) -> None:
    """A URL that the driver cannot read is wrong use, and is not quoted: a password may be in it."""
    assert callable(what)
    with pytest.raises(SettingInvalid) as refused:
        what("postgresql://user:hunter2@host:port:port/x?y")
    assert "hunter2" not in str(refused.value)
    assert refused.value.__suppress_context__


def test_user_without_rights_is_told(postgresql_server: str) -> None:
    """A user who may not make tables is told that: since PostgreSQL 15 none but the owner may."""
    with postgresql.database(postgresql_server) as url:
        administer(url, "DROP ROLE IF EXISTS lgsp_guest")
        administer(url, "CREATE ROLE lgsp_guest")
        with pytest.raises(SettingInvalid, match="may not make tables"):
            migrate(f"{url}?options=-crole%3Dlgsp_guest")
        administer(url, "DROP ROLE lgsp_guest")


def test_asking_cannot_write(postgresql_database: str) -> None:
    """A connection for questions writes nothing."""
    engine = open_engine(postgresql_database)
    with engine.connect() as connection, pytest.raises(InternalError, match="read-only"):
        connection.execute(text("UPDATE revision SET number = 7"))
    engine.dispose()


def test_time_is_the_databases(postgresql_database: str, clock: ManualClock) -> None:
    """Records bear the time of the database, not that of this machine."""
    store = open_store(postgresql_database, clock, "writer-1")
    with psycopg.connect(postgresql_database) as connection:
        asked = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::int8"
        (before,) = connection.execute(asked).fetchone() or (0,)
        assert store.write([Record(EVENT)]).results == [Reference("writer-1", 1)]
        (after,) = connection.execute(asked).fetchone() or (0,)
        (at,) = connection.execute("SELECT at FROM audit_events").fetchone() or (0,)
    assert before <= at <= after
    store.close()


def test_hot_statements_go_by_index(postgresql_database: str, clock: ManualClock) -> None:
    """On a new journal, of whose tables nothing is known yet, no statement reads one of them from end to end."""
    store = PostgresqlStore(postgresql_database, "writer-1", clock)
    for _ in range(10):
        message, delivery = clock.new_id(), clock.new_id()
        envelope = Envelope(message, "a.b", "1.0.0", Exchange.DOCUMENT, "sender", 0, 0, "00-1", Format.JSON)
        new = NewDelivery(delivery, "his", State.QUEUED, repeatable=False)
        once = Once("sender", message.bytes, "digest", 1_000)
        store.write([Accept(envelope, b"{}", b"", "", 1_000, 1_000, (new,), EVENT, once=once)])
        (claimed,) = store.write([Claim(delivery, "worker", 1_000), Unring(clock.new_id(), 1)]).results[:1]
        settle = Settle(delivery, message, "his", 1, Change.RETRY, "not-sent", "", "worker", 0, 0, 0)
        assert claimed
        assert store.write([settle, Sweep("sweeper")]).results[0] == Settled(applied=True)
        clock.advance(1)
        store.write([Sweep("sweeper")])
    store.close()
    # What a connection has to tell of its work is told when it has ended, which its successor waits for.
    store = PostgresqlStore(postgresql_database, "writer-1", clock)
    assert store._wire
    read = "SELECT relname::text FROM pg_stat_user_tables WHERE seq_tup_read > 0 AND relname <> 'revision'"
    assert store._wire.connection.execute(read).fetchall() == []
    store.close()
