"""One transaction of the PostgreSQL journal, in a pipeline: what it asks goes out in one round trip, what it inserts
goes out with the COMMIT in another.

Rows travel as one array a column. Measured on loopback, 1 KiB messages: no slower than COPY in batches of 50 to 500,
and twice as fast below, since each COPY is two round trips of its own; each also costs a busy process its turn at the
interpreter's lock.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Integer, LargeBinary, SmallInteger, String, Uuid

from journal.orders import Place, Turn
from journal.postgresql.wire import Answer, Row, Wire
from journal.rows import COLUMNS, Rows
from journal.tables import metadata

# Not varchar(n): a cast would cut what is too long, the column refuses it.
TYPES: Final = MappingProxyType(
    {
        SmallInteger: "int2",
        BigInteger: "int8",
        Integer: "int4",
        Boolean: "bool",
        LargeBinary: "bytea",
        Uuid: "uuid",
        String: "text",
    }
)

NOW: Final = "coalesce(%(at)b::int8, (extract(epoch FROM now()) * 1000)::int8)"
"""The transaction's time in milliseconds: of its beginning, by the database's clock, unless `at` says otherwise."""

REPLACED: Final = (
    "DELETE FROM bodies b USING unnest(%b::uuid[], %b::text[]) AS former (message, part)"
    " WHERE b.message = former.message AND (b.part = former.part OR b.part LIKE former.part || '.%')"
)


@dataclass(slots=True)
class Transaction:
    """One transaction. `at` stands in for the database's clock, in tests; `claimed` is one delivery, its attempt and
    worker, that it took in hand; `places` are those of ordered deliveries by message, `turns` what goes on in an order;
    `written` None: it is open, or nobody can tell yet."""

    wire: Wire
    rows: Rows
    at: int | None = None
    results: Sequence[Any] = ()
    claimed: tuple[UUID, int, str] | None = None
    turns: list[Turn] = field(default_factory=list)
    places: Mapping[UUID, Mapping[UUID, Place]] = field(default_factory=dict)
    committing: bool = False
    written: bool | None = None

    @property
    def now(self) -> int:
        return self.rows.now

    def run(self, statement: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> Answer:
        """Send a statement; its result is there when it is fetched."""
        return self.wire.run(statement, values)

    def plain(self, statement: str, values: Sequence[Any]) -> list[Row]:
        """A statement that is the same in every database, with ``?`` for each value; fetches what it returns."""
        answer = self.run(statement.replace("?", "%b"), values)
        return answer.fetchall() if statement.startswith("SELECT") or " RETURNING " in statement else []

    def flush(self) -> None:
        self.rows.of["audit_events"] = self.rows.chained()
        if self.rows.replaced:
            self.run(REPLACED, columns(self.rows.replaced))
        for table, rows in self.rows.of.items():
            if rows:
                self.run(insertion(table), columns(rows))

    def commit(self) -> None:
        self.committing = True
        self.run("COMMIT")


def columns(rows: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
    """Rows as one array a column."""
    return [list(column) for column in zip(*rows, strict=True)]


def unnest(types: str) -> str:
    """The arrays of the named types as a table."""
    return "unnest(" + ", ".join(f"%b::{each}[]" for each in types.split(", ")) + ")"


@cache
def insertion(table: str) -> str:
    """The statement that inserts an array a column."""
    names = COLUMNS.get(table) or ", ".join(metadata.tables[table].columns.keys())
    types = ", ".join(_type(table, name) for name in names.split(", "))
    return f"INSERT INTO {table} ({names}) SELECT * FROM {unnest(types)}" + _replacing(table, names.split(", "))


def _type(table: str, column: str) -> str:
    kind = metadata.tables[table].c[column].type
    return next(name for known, name in TYPES.items() if isinstance(kind, known))


def _replacing(table: str, names: list[str]) -> str:
    """A reply comes in the place of that of an earlier attempt."""
    if table != "replies":
        return ""
    key = [column.name for column in metadata.tables[table].primary_key]
    others = ", ".join(f"{name} = excluded.{name}" for name in names if name not in key)
    return f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {others}"
