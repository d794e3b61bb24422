"""The partitions of the large tables: evidence by the month in its identifiers, bodies by the week in which they end.

Each table has a partition for whatever has no other, so that no insert fails, whatever a gateway's clock says.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final, NamedTuple
from uuid import UUID

from psycopg import sql

from journal.postgresql.connection import Connection
from journal.upkeep import first_id

KEYS: Final = {"messages": "id", "deliveries": "id", "attempts": "delivery", "replies": "delivery"}
"""The tables of the evidence, and what each is divided by."""

BODIES: Final = "bodies"
MONTHS_AHEAD: Final = 3
WEEK: Final = 7 * 86_400_000
MONDAY: Final = 4 * 86_400_000
"""The first one after 1970-01-01."""

MOST_WEEKS: Final = 60
"""Ahead; bodies that are kept for longer lie in the partition for whatever has no other."""

MOST_MOVED: Final = 50_000
"""Rows that are moved into a new partition; who writes into the one they leave waits meanwhile."""

BOUNDS: Final = re.compile(r"FROM \((.+?)\) TO \((.+?)\)")
FOUND: Final = (
    "SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
    " WHERE i.inhparent = to_regclass(%s) ORDER BY c.relname"
)


class Partition(NamedTuple):
    """Of a table, from one moment up to another, in milliseconds; None: from the beginning, or to the end, of time."""

    table: str
    name: str
    lower: int | None
    upper: int | None


def divided(connection: Connection) -> bool:
    found = connection.execute("SELECT 1 FROM pg_partitioned_table WHERE partrelid = to_regclass(%s)", (BODIES,))
    return found.fetchone() is not None


def partitions(connection: Connection, table: str) -> list[Partition]:
    """All but the one for whatever has no other."""
    found: list[tuple[str, str]] = connection.execute(FOUND, (table,)).fetchall()
    bounds = ((name, BOUNDS.search(bound)) for name, bound in found)
    return [Partition(table, name, _moment(each[1]), _moment(each[2])) for name, each in bounds if each]


def missing(table: str, existing: list[Partition], now: int, body_life: int) -> Iterator[Partition]:
    """What a table will need and does not have."""
    wanted = _weeks(now, body_life) if table == BODIES else _months(table, now)
    for each in wanted:
        if not any(_overlap(each, other) for other in existing):
            yield each


def make(connection: Connection, new: Partition) -> int | None:
    """Make a partition, and move what belongs into it out of the one for whatever has no other: how many rows. None:
    they are too many. Who writes to the table goes on, but for those who write into the one that rows are moved out of.

    Raises what the driver raises, also where a lock cannot be had at once.
    """
    parent, rest, child = (sql.Identifier(name) for name in (new.table, f"{new.table}_default", new.name))
    key = sql.Identifier(KEYS.get(new.table, "expires_at"))
    lower, upper = (sql.Literal(_bound(new.table, each or 0)) for each in (new.lower, new.upper))
    within = sql.SQL("{} >= {} AND {} < {}").format(key, lower, key, upper)
    with connection.transaction() as transaction:
        connection.execute(sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(rest))
        counting = sql.SQL("SELECT count(*) FROM (SELECT 1 FROM {} WHERE {} LIMIT {}) found")
        counted = connection.execute(counting.format(rest, within, MOST_MOVED + 1)).fetchone()
        count: int = counted[0] if counted else 0
        if count > MOST_MOVED:
            transaction.force_rollback = True
            return None
        # A delivery changes at least twice, and its next version is best on the same page.
        how = sql.SQL("WITH (fillfactor = 70)" if new.table == "deliveries" else "")
        connection.execute(sql.SQL("CREATE TABLE {} (LIKE {}) {}").format(child, parent, how))
        moving = sql.SQL("WITH moved AS (DELETE FROM {} WHERE {} RETURNING *) INSERT INTO {} SELECT * FROM moved")
        connection.execute(moving.format(rest, within, child))
        attach = sql.SQL("ALTER TABLE {} ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})")
        connection.execute(attach.format(parent, child, lower, upper))
        connection.execute(sql.SQL("ANALYZE {}").format(child))
    return count


def drop(connection: Connection, old: Partition) -> None:
    """Raises what the driver raises, also where a lock cannot be had at once."""
    connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(old.name)))


def under_way(connection: Connection, deliveries: Partition) -> bool:
    """Whether a delivery in it has not ended."""
    open_one = sql.SQL("SELECT 1 FROM {} WHERE wake_at IS NOT NULL LIMIT 1").format(sql.Identifier(deliveries.name))
    return connection.execute(open_one).fetchone() is not None


def _months(table: str, now: int) -> Iterator[Partition]:
    today = datetime.fromtimestamp(now / 1000, UTC)
    for ahead in range(MONTHS_AHEAD + 1):
        lower, upper = (_month(today.year * 12 + today.month - 1 + ahead + each) for each in (0, 1))
        yield Partition(table, f"{table}_{lower:%Y_%m}", _milliseconds(lower), _milliseconds(upper))


def _weeks(now: int, body_life: int) -> Iterator[Partition]:
    first = (now - MONDAY) // WEEK
    last = min((now + body_life - MONDAY) // WEEK + 2, first + MOST_WEEKS)
    for week in range(first, last + 1):
        lower = week * WEEK + MONDAY
        name = f"{BODIES}_{datetime.fromtimestamp(lower / 1000, UTC):%Y_%m_%d}"
        yield Partition(BODIES, name, lower, lower + WEEK)


def _month(number: int) -> datetime:
    return datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * 1000


def _overlap(one: Partition, other: Partition) -> bool:
    def before(upper: int | None, lower: int | None) -> bool:
        return upper is not None and lower is not None and upper <= lower

    return not (before(one.upper, other.lower) or before(other.upper, one.lower))


def _bound(table: str, moment: int) -> str:
    return str(moment) if table == BODIES else str(UUID(int=first_id(moment)))


def _moment(bound: str) -> int | None:
    text = bound.strip("'")
    if text in {"MINVALUE", "MAXVALUE"}:
        return None
    return UUID(text).int >> 80 if "-" in text else int(text)
