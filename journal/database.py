"""Opening the store that a URL names: migrating it, writing to it, asking it."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, create_engine, event, func, select
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DatabaseError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from bus.clock import Clock
from bus.errors import JournalUnavailable, SettingInvalid
from journal.postgresql import PostgresqlStore
from journal.postgresql.connection import connect, connect_to_ask
from journal.sqlite import SqliteStore
from journal.store import Store

MIGRATIONS = Path(__file__).parent / "migrations"

POSTGRESQL = "postgresql+psycopg://"
"""The driver. The URL itself is the driver's to read: it knows of several hosts, certificates, password files."""

FORBIDDEN = "42501"
"""insufficient_privilege, PostgreSQL's answer to who may use a database but own nothing in it."""

MIGRATING = int.from_bytes(b"lgspmig", "big")
"""The advisory lock of who migrates: of processes that start together one does, the others find it done."""


def sqlite_url(folder: Path) -> str:
    """The embedded default: one file in the data folder."""
    return f"sqlite:///{folder.resolve() / 'journal.sqlite'}"


def migrate(url: str) -> None:
    """Bring the database to this version's tables, whole or not at all; makes a missing SQLite file, but no missing
    database of PostgreSQL.

    Raises `SettingInvalid` for what is no database of ours, `JournalUnavailable` where it cannot be written.
    """
    try:
        engine = _migrating(url)
        with engine.begin() as connection:
            command.upgrade(_alembic(connection), "head")
        engine.dispose()
    except (ArgumentError, ImportError):
        raise SettingInvalid(name="database", hint="this is not the URL of a database that the bus knows") from None
    except CommandError:
        raise SettingInvalid(name="database", hint="a newer version of the bus has written it: use that one") from None
    except OperationalError:
        raise JournalUnavailable from None
    except DatabaseError as refused:
        if getattr(refused.orig, "sqlstate", "") == FORBIDDEN:
            raise SettingInvalid(name="database", hint="its user may not make tables in it") from None
        raise SettingInvalid(name="database", hint="there is something in it that the bus has not made") from None


def standing(url: str) -> tuple[str | None, str]:
    """The migration at which a database is, and the newest that this version knows. Raises `JournalUnavailable`."""
    engine = _migrating(url)
    try:
        with engine.connect() as connection:
            here = MigrationContext.configure(connection).get_current_revision()
            newest = ScriptDirectory.from_config(_alembic(connection)).get_current_head()
    except DatabaseError:
        raise JournalUnavailable from None
    finally:
        engine.dispose()
    return here, newest or ""


def open_store(url: str, clock: Clock, writer: str) -> Store:
    """The writing side; `writer` names this process in the chain of audit events and is never used twice. `clock` is of
    this machine: a database that has one of its own goes by that."""
    if _of_postgresql(url):
        return PostgresqlStore(url, writer)
    return SqliteStore(_sqlite_path(url), clock, writer)


def open_engine(url: str) -> Engine:
    """The asking side: it cannot write."""
    if _of_postgresql(url):
        # Asked whether it still lives before it is used: a server that was started anew is noticed by nobody.
        return create_engine(POSTGRESQL, creator=lambda: connect_to_ask(url), pool_pre_ping=True)
    engine = create_engine(url)

    @event.listens_for(engine, "connect")
    def read_only(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA query_only = ON")
        cursor.close()

    return engine


def _migrating(url: str) -> Engine:
    """An engine whose transactions are alone in what they change."""
    if _of_postgresql(url):
        engine = create_engine(POSTGRESQL, creator=lambda: connect(url, {}, "lgsp-migrate"), poolclass=NullPool)

        @event.listens_for(engine, "begin")
        def alone(connection: Connection) -> None:
            connection.execute(select(func.pg_advisory_xact_lock(MIGRATING)))

        return engine
    engine = create_engine(url, poolclass=NullPool)
    _sqlite_path(url).parent.mkdir(parents=True, exist_ok=True)
    _begin_at_once(engine)
    return engine


def _begin_at_once(engine: Engine) -> None:
    """Python's sqlite3 begins no transaction for a CREATE: a process killed in between would leave half the tables, and
    two at a time would make them twice."""

    @event.listens_for(engine, "connect")
    def by_hand(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _alembic(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def _of_postgresql(url: str) -> bool:
    return url.startswith("postgresql://")


def _sqlite_path(url: str) -> Path:
    if not url.startswith("sqlite:///"):
        raise SettingInvalid(name="database", hint="a URL that begins with sqlite:/// or postgresql://")
    return Path(url.removeprefix("sqlite:///"))
