"""The tables as the migrations make them, and files in which no journal can be kept."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect
from sqlalchemy.pool import NullPool

from bus.clock import ManualClock
from bus.errors import JournalUnavailable, SettingInvalid
from journal.commands import Document, Event, PutDocuments, PutRow, Record, Reference
from journal.database import MIGRATIONS, migrate, open_engine, open_store, sqlite_url, steps_left
from journal.queries import Queries
from journal.sqlite import SqliteStore
from journal.store import BatchRefused, Store
from journal.tables import metadata

EVENT = Event("test", "tester")


@pytest.fixture
def store(database: str, clock: ManualClock) -> Iterator[Store]:
    store = open_store(database, clock, "writer-1")
    yield store
    store.close()


def tables(folder: Path) -> set[str]:
    engine = create_engine(sqlite_url(folder), poolclass=NullPool)
    with engine.connect() as connection:
        return set(inspect(connection).get_table_names())


def test_migrations_make_the_tables(database: str) -> None:
    """What the migrations have made is what `journal.tables` says: tables, columns, types, indexes."""
    engine = create_engine(database, poolclass=NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_made_tables_are_written_as_they_are_described(database: str) -> None:
    """Each table is made by the very statement that its description gives, also where no comparison looks: partial
    indexes, and tables without a rowid."""
    described = create_engine("sqlite://")
    metadata.create_all(described)
    with sqlite3.connect(database.removeprefix("sqlite:///")) as made, described.connect() as expected:
        question = "SELECT name, sql FROM sqlite_master WHERE name <> 'alembic_version' AND sql IS NOT NULL"
        wanted = {(name, " ".join(sql.split())) for name, sql in expected.exec_driver_sql(question)}
        # A column that was added later stands on the line of the one before.
        assert {(name, " ".join(sql.split())) for name, sql in made.execute(question)} == wanted
    made.close()
    described.dispose()


def test_each_migration_has_one_before(database: str) -> None:
    """The migrations are two chains from the first to the last: steps that add, and steps that take away."""
    chains = []
    for names, shape in (("0*.py", "{:04d}"), ("post_0*.py", "post_{:04d}")):
        count = len(list((MIGRATIONS / "versions").glob(names)))
        chains.append([shape.format(number) for number in range(1, count + 1)])
        assert all(len(list((MIGRATIONS / "versions").glob(f"{step}_*.py"))) == 1 for step in chains[-1])
    assert steps_left(database) == ()


def test_migrating_again_changes_nothing(database: str, store: Store, queries: Queries) -> None:
    """A journal that is up to date is left as it is, with all that it holds."""
    document = Document("Agency", "H99", "", b"{}")
    assert store.write([PutDocuments((document,), EVENT)]).results == [1]
    migrate(database)
    migrate(database)
    assert (queries.revision(), queries.documents()) == (1, [document])


def test_migration_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """Tables are made all or none: what stops half-way can be begun again."""
    folder = tmp_path / "data"
    folder.mkdir()
    with sqlite3.connect(folder / "journal.sqlite") as connection:
        connection.execute("CREATE TABLE revision (id INTEGER)")
    with pytest.raises((SettingInvalid, JournalUnavailable)):
        migrate(sqlite_url(folder))
    assert tables(folder) == {"revision"}
    connection.execute("DROP TABLE revision")
    connection.close()
    migrate(sqlite_url(folder))
    assert tables(folder) == {*metadata.tables, "alembic_version"}


def test_processes_may_migrate_at_once(tmp_path: Path) -> None:
    """Several processes that start on a new folder at the same time all find the tables made."""
    command = [sys.executable, "-c", "import sys; from journal.database import migrate; migrate(sys.argv[1])"]
    processes = [subprocess.Popen([*command, sqlite_url(tmp_path)]) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert tables(tmp_path) == {*metadata.tables, "alembic_version"}


def test_newer_journal_is_left_alone(database: str) -> None:
    """A journal from which a newer version has taken away is refused; one to which it has added is used as it is."""
    with sqlite3.connect(database.removeprefix("sqlite:///")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999' WHERE version_num LIKE '0%'")
        connection.commit()
        assert migrate(database) == ()
        connection.execute("UPDATE alembic_version SET version_num = 'post_9999' WHERE version_num LIKE 'post%'")
    connection.close()
    with pytest.raises(SettingInvalid, match="newer version"):
        migrate(database)


@pytest.mark.parametrize("url", ["nonsense", "", "sqlite://", "oracle:///x"])
def test_other_urls_are_refused(url: str, clock: ManualClock) -> None:
    """What is not the URL of a database of a known kind is wrong use, said before anything is opened."""
    with pytest.raises(SettingInvalid, match="database"):
        migrate(url)
    with pytest.raises(SettingInvalid, match="database"):
        open_store(url, clock, "writer-1")


def test_other_files_are_refused(tmp_path: Path, clock: ManualClock) -> None:
    """A file that is no database is neither overwritten nor believed."""
    (tmp_path / "journal.sqlite").write_bytes(b"minutes of the last meeting\n" * 100)
    with pytest.raises(SettingInvalid):
        migrate(sqlite_url(tmp_path))
    with pytest.raises(JournalUnavailable):
        open_store(sqlite_url(tmp_path), clock, "writer-1")
    assert (tmp_path / "journal.sqlite").read_bytes().startswith(b"minutes")


def test_journal_without_write_ahead_log_is_refused(clock: ManualClock) -> None:
    """Where SQLite cannot keep a write-ahead log, here because there is no file, nothing is opened for writing."""
    with pytest.raises(SettingInvalid, match="write-ahead log"):
        open_store("sqlite:///:memory:", clock, "writer-1")


def test_folder_that_is_not_there_is_unavailable(tmp_path: Path, clock: ManualClock) -> None:
    """A journal that cannot be opened is unavailable, for writers and askers alike."""
    with pytest.raises(JournalUnavailable):
        open_store(sqlite_url(tmp_path / "nowhere"), clock, "writer-1")
    engine = open_engine(sqlite_url(tmp_path / "nowhere"))
    with pytest.raises(JournalUnavailable):
        Queries(engine).revision()


def test_commits_are_durable(store: SqliteStore) -> None:
    """Every commit is on disk before it is answered: write-ahead log, synchronous FULL, on every connection."""
    assert store._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert store._connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_full_journal_loses_nothing(store: SqliteStore, queries: Queries) -> None:
    """A journal that is full refuses what it cannot keep, keeps what it has, and goes on once there is room; its chain
    of events has no gap."""
    large = Document("File", "large", "", os.urandom(500_000))
    pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
    store._connection.execute(f"PRAGMA max_page_count = {pages + 20}")
    assert store.write([Record(EVENT)]).results == [Reference("writer-1", 1)]
    for _ in range(3):
        with pytest.raises(JournalUnavailable):
            store.write([Record(EVENT), PutDocuments((large,), EVENT)])
    assert (queries.revision(), queries.documents()) == (0, [])
    assert store.write([Record(EVENT)]).results == [Reference("writer-1", 2)]
    store._connection.execute("PRAGMA max_page_count = 1000000")
    assert store.write([PutDocuments((large,), EVENT)]).results == [1]
    assert [row.number for row in queries.chain("writer-1")] == [1, 2, 3]


def test_command_that_nobody_foresaw_spoils_nothing(store: Store, queries: Queries) -> None:
    """A batch with a command that no statement is made for is refused whole, and the next one is written."""
    nonsense = PutRow("messages", {"id": "1"}, EVENT)
    with pytest.raises(BatchRefused):
        store.write([Record(EVENT), nonsense])
    assert store.write([Record(EVENT)]).results == [Reference("writer-1", 1)]
    assert [row.number for row in queries.chain("writer-1")] == [1]


def test_another_process_that_writes_is_waited_for(database: str, store: Store, clock: ManualClock) -> None:
    """Two writers on one journal take turns, each in a chain of its own."""
    other = open_store(database, clock, "writer-2")
    for number in range(1, 20):
        for each, writer in ((store, "writer-1"), (other, "writer-2")):
            assert each.write([Record(EVENT)]).results == [Reference(writer, number)]
    other.close()
