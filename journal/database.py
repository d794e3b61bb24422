"""Opening the store that a URL names: migrating it, writing to it, asking it."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DatabaseError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from bus.clock import Clock
from bus.errors import JournalUnavailable, SettingInvalid
from journal.sqlite import SqliteStore
from journal.store import Store

MIGRATIONS = Path(__file__).parent / "migrations"


def sqlite_url(folder: Path) -> str:
    """The embedded default: one file in the data folder."""
    return f"sqlite:///{folder.resolve() / 'journal.sqlite'}"


def migrate(url: str) -> None:
    """Bring the database to this version's tables, whole or not at all; makes a missing SQLite file.

    Raises `SettingInvalid` for what is no database of ours, `JournalUnavailable` where it cannot be written.
    """
    try:
        engine = create_engine(url, poolclass=NullPool)
        if engine.dialect.name == "sqlite":
            _sqlite_path(url).parent.mkdir(parents=True, exist_ok=True)
            _begin_at_once(engine)
        with engine.begin() as connection:
            command.upgrade(_alembic(connection), "head")
        engine.dispose()
    except (ArgumentError, ImportError):
        raise SettingInvalid(name="database", hint="this is not the URL of a database that the bus knows") from None
    except CommandError:
        raise SettingInvalid(name="database", hint="a newer version of the bus has written it: use that one") from None
    except OperationalError:
        raise JournalUnavailable from None
    except DatabaseError:
        raise SettingInvalid(name="database", hint="there is something in it that the bus has not made") from None


def open_store(url: str, clock: Clock, writer: str) -> Store:
    """The writing side; `writer` names this process in the chain of audit events and is never used twice."""
    return SqliteStore(_sqlite_path(url), clock, writer)


def open_engine(url: str) -> Engine:
    """The asking side: it cannot write."""
    engine = create_engine(url)

    @event.listens_for(engine, "connect")
    def read_only(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA query_only = ON")
        cursor.close()

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


def _sqlite_path(url: str) -> Path:
    if not url.startswith("sqlite:///"):
        raise SettingInvalid(name="database", hint="a URL that begins with sqlite:///")
    return Path(url.removeprefix("sqlite:///"))
