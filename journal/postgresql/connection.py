"""Connections to PostgreSQL: one that writes, alone under its writer's name, and those that only ask."""

import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import psycopg
from psycopg import conninfo
from psycopg.rows import TupleRow

from bus.errors import JournalUnavailable, SettingInvalid

Connection: TypeAlias = psycopg.Connection[TupleRow]

OLDEST: Final = 14
"""Since then a backend can be ended and its end awaited in one call."""

# A peer that has vanished without a word is given up after some ten seconds, whether it owes an answer
# (keepalives) or an acknowledgement (tcp_user_timeout, milliseconds).
PATIENCE: Mapping[str, str | int] = MappingProxyType(
    {
        "connect_timeout": 3,
        "keepalives_idle": 4,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": 10_000,
        "client_encoding": "utf8",
    }
)

# Every hot statement finds its rows by a key. A plan made while a table is new and small, and kept, would read the
# whole of it when it has grown; and compiling such short statements, or planning them each time over all partitions,
# costs more than running them.
WRITING: Mapping[str, str] = MappingProxyType(
    {
        "enable_seqscan": "off",
        "enable_hashjoin": "off",
        "enable_mergejoin": "off",
        "enable_memoize": "off",
        "jit": "off",
        "plan_cache_mode": "force_generic_plan",
        "default_transaction_isolation": "read\\ committed",
        "lock_timeout": "5s",
        "idle_in_transaction_session_timeout": "30s",
    }
)
READING: Mapping[str, str] = MappingProxyType({"default_transaction_read_only": "on"})

# The end of what an earlier connection of this writer may still be doing. A row of pg_stat_activity goes after its
# transaction has ended, one way or the other.
END_PREDECESSORS: Final = (
    "SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity"
    " WHERE application_name = %s AND datname = current_database() AND usename = current_user"
    " AND pid <> pg_backend_pid()"
)
PREDECESSORS: Final = END_PREDECESSORS.replace("pg_terminate_backend(pid, 2000)", "count(*)")

# Pinned, so that a reload of the server's configuration takes durability away from nobody who runs.
DURABILITY: Final = (
    "SELECT current_setting('fsync'), set_config('synchronous_commit', current_setting('synchronous_commit'), false)"
)

# A fifth of what PostgreSQL's own compression costs, where the server was built with it, as nearly all are.
QUICK_COMPRESSION: Final = (
    "SELECT set_config('default_toast_compression', 'lz4', false) FROM pg_settings"
    " WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)"
)


def connect_to_write(url: str, writer: str) -> Connection:
    """A connection whose commits are durable, when every earlier one of this writer has come to its end.

    Raises `SettingInvalid` for a URL or a server that will not do, `JournalUnavailable` where there is none.
    """
    try:
        connection = connect(url, WRITING, writer, autocommit=True)
        try:
            _refuse_unfit(connection)
            _succeed(connection, writer)
            connection.execute(QUICK_COMPRESSION)
        except BaseException:
            connection.close()
            raise
    except psycopg.Error:
        raise JournalUnavailable from None
    return connection


def connect_to_ask(url: str) -> Connection:
    """A connection that cannot write; raises what the driver raises."""
    return connect(url, READING, "lgsp")


def connect(url: str, settings: Mapping[str, str], name: str, *, autocommit: bool = False) -> Connection:
    """`name` is how the server lists it. What the URL asks for counts more than our own defaults."""
    # The driver logs the texts of errors it swallows, and those quote values.
    logging.getLogger("psycopg").setLevel(logging.CRITICAL)
    try:
        wanted = conninfo.conninfo_to_dict(url)
    except psycopg.Error:
        raise SettingInvalid(name="database", hint="this is not a URL of PostgreSQL") from None
    ours = " ".join(f"-c {name}={value}" for name, value in settings.items())
    options = f"{ours} {wanted.get('options') or ''}"
    merged: dict[str, Any] = {**PATIENCE, **wanted, "options": options, "application_name": name}
    return psycopg.connect(**merged, autocommit=autocommit)


def _refuse_unfit(connection: Connection) -> None:
    info = connection.info
    if info.server_version < OLDEST * 10_000:
        raise SettingInvalid(name="database", hint=f"PostgreSQL must be of version {OLDEST} or newer")
    if info.parameter_status("server_encoding") != "UTF8":
        raise SettingInvalid(name="database", hint="the database must be encoded in UTF8")
    fsync, synchronous_commit = connection.execute(DURABILITY).fetchone() or ("", "")
    if fsync == "off" or synchronous_commit == "off":
        raise SettingInvalid(
            name="database",
            hint="the server runs with fsync=off or synchronous_commit=off: a crash would lose messages",
        )


def _succeed(connection: Connection, writer: str) -> None:
    connection.execute(END_PREDECESSORS, (writer,))
    (left,) = connection.execute(PREDECESSORS, (writer,)).fetchone() or (1,)
    if left:
        raise JournalUnavailable
