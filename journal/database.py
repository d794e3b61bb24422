"""Opening the store that a URL names: migrating it, writing to it, asking it."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from bus.clock import Clock
from bus.errors import SettingInvalid
from journal.sqlite import SqliteStore
from journal.store import Store

MIGRATIONS = Path(__file__).parent / "migrations"


def sqlite_url(folder: Path) -> str:
    """The embedded default: one file in the data folder."""
    return f"sqlite:///{folder.resolve() / 'journal.sqlite'}"


def migrate(url: str) -> None:
    """Bring the database to this version's tables; makes a missing SQLite file."""
    engine = create_engine(url, poolclass=NullPool)
    if engine.dialect.name == "sqlite":
        _sqlite_path(url).parent.mkdir(parents=True, exist_ok=True)
    with engine.begin() as connection:
        command.upgrade(_alembic(connection), "head")
    engine.dispose()


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


def _alembic(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def _sqlite_path(url: str) -> Path:
    if not url.startswith("sqlite:///"):
        raise SettingInvalid(name="database", hint="a URL that begins with sqlite:///")
    return Path(url.removeprefix("sqlite:///"))
