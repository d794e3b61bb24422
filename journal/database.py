"""Opening the store that a URL names: migrating it, writing to it, asking it."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version as distribution_version
from pathlib import Path
from typing import Final

import psycopg
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, create_engine, event, func, select, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DatabaseError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from bus.clock import Clock, SystemClock
from bus.errors import JournalUnavailable, SettingInvalid
from journal.postgresql import PostgresqlStore
from journal.postgresql import upkeep as postgresql_upkeep
from journal.postgresql.connection import connect, connect_to_ask
from journal.sqlite import SqliteStore
from journal.sqlite import upkeep as sqlite_upkeep
from journal.store import Store
from journal.upkeep import Keep, Upkeep

MIGRATIONS = Path(__file__).parent / "migrations"
VERSIONS = MIGRATIONS / "versions"

POST = "post_"
"""How the name of a step begins that takes away."""

VERSION = distribution_version("lgsp")

POSTGRESQL = "postgresql+psycopg://"
"""The driver. The URL itself is the driver's to read: it knows of several hosts, certificates, password files."""

FORBIDDEN = "42501"
"""insufficient_privilege, PostgreSQL's answer to who may use a database but own nothing in it."""

MIGRATING = int.from_bytes(b"lgspmig", "big")
"""The advisory lock of who migrates: of processes that start together one does, the others find it done."""

PREPARING: Final = int.from_bytes(b"lgspprp", "big")
"""The advisory lock of who makes what a journal begins with."""


def sqlite_url(folder: Path) -> str:
    """The embedded default: one file in the data folder."""
    return f"sqlite:///{folder.resolve() / 'journal.sqlite'}"


def migrate(url: str, *, post: bool = False, version: str = VERSION, versions: Path = VERSIONS) -> tuple[str, ...]:
    """Bring the database to the tables of this version of the bus, whole or not at all; makes a missing SQLite file,
    but no missing database of PostgreSQL. The result names the steps that are left.

    Steps of the branch `pre` only add, so that processes of the version before go on; those of `post` change what such
    processes need, and are taken when none lives: with `post`, or where there is nobody to go on, in a new database or
    one that a single process serves.

    Raises `SettingInvalid` for what is no database of ours or is still used by an older process, `JournalUnavailable`
    where it cannot be written.
    """
    try:
        engine = _migrating(url)
        with engine.begin() as connection:
            left = _upgrade(connection, version, versions, post=post)
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
    return left


@contextmanager
def one_at_a_time(url: str) -> Iterator[None]:
    """Hold whoever else wants to prepare this journal, on whichever machine. Raises `SettingInvalid`,
    `JournalUnavailable`."""
    if _of_postgresql(url):
        try:
            with connect(url, {}, "lgsp-prepare", autocommit=True) as connection:
                connection.execute("SELECT pg_advisory_lock(%s)", [PREPARING])
                yield
        except psycopg.Error:
            raise JournalUnavailable from None
        return
    path = _sqlite_path(url)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".preparing").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def steps_left(url: str) -> tuple[str, ...]:
    """The steps of migration that this version knows and a database has yet to take. Raises `JournalUnavailable`."""
    engine = _migrating(url)
    try:
        with engine.connect() as connection:
            return _left(connection, ScriptDirectory.from_config(_alembic(connection, VERSIONS)))
    except CommandError:  # of a newer version
        return ()
    except DatabaseError:
        raise JournalUnavailable from None
    finally:
        engine.dispose()


def _upgrade(connection: Connection, version: str, versions: Path, *, post: bool) -> tuple[str, ...]:
    config = _alembic(connection, versions)
    script = ScriptDirectory.from_config(config)
    known = {step.revision for step in script.walk_revisions()}
    taken = MigrationContext.configure(connection).get_current_heads()
    if foreign := [step for step in taken if step not in known]:
        if any(step.startswith(POST) for step in foreign):
            raise CommandError(*foreign)
        return ()  # A newer version has added to it, and we are the ones that go on.
    alone = not taken or connection.dialect.name == "sqlite"
    if post and not alone:
        _refuse_beside_others(connection, version)
    command.upgrade(config, "heads" if post or alone else "pre@head")
    return _left(connection, script)


def _left(connection: Connection, script: ScriptDirectory) -> tuple[str, ...]:
    taken = MigrationContext.configure(connection).get_current_heads()
    done = {step.revision for head in taken for step in script.iterate_revisions(head, "base")}
    return tuple(sorted({step.revision for step in script.walk_revisions()} - done))


def _refuse_beside_others(connection: Connection, version: str) -> None:
    others = text(
        "SELECT name, version FROM processes WHERE version <> :version"
        " AND lease_until > (extract(epoch FROM now()) * 1000)::int8 ORDER BY name"
    )
    for name, other in connection.execute(others, {"version": version}):
        hint = f"{name} still runs version {other}, not {version}: end it first"
        raise SettingInvalid(name="database", hint=hint)


def open_store(url: str, clock: Clock, writer: str) -> Store:
    """The writing side; `writer` names this process in the chain of audit events and is never used twice. `clock` is of
    this machine: a database that has one of its own goes by that."""
    if _of_postgresql(url):
        return PostgresqlStore(url, writer)
    return SqliteStore(_sqlite_path(url), clock, writer)


def keep_up(url: str, keep: Keep, now: int | None = None) -> Upkeep:
    """Make room for what comes, and let go what has had its time, where nobody else is doing so; blocks, for long
    perhaps. `now` stands in for the database's clock, in tests. Raises `JournalUnavailable`."""
    if _of_postgresql(url):
        return postgresql_upkeep.keep_up(url, keep, now)
    return sqlite_upkeep.keep_up(_sqlite_path(url), keep, SystemClock().now() if now is None else now)


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


def _alembic(connection: Connection, versions: Path) -> Config:
    config = Config()
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", str(versions))
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def _of_postgresql(url: str) -> bool:
    return url.startswith("postgresql://")


def _sqlite_path(url: str) -> Path:
    if not url.startswith("sqlite:///"):
        raise SettingInvalid(name="database", hint="a URL that begins with sqlite:/// or postgresql://")
    return Path(url.removeprefix("sqlite:///"))
