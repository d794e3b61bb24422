"""Partitions, in PostgreSQL: evidence by the time in its identifiers, bodies by when they may go.

Nothing is copied: the tables that were become the first partitions, or, of the bodies, the one for whatever has no
other. SQLite has no partitions; there a body merely gets the key that it has in PostgreSQL.
"""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "post_0001"
down_revision = None
branch_labels = ("post",)
depends_on = "0003"

EVIDENCE = (("messages", "id"), ("deliveries", "id"), ("attempts", "delivery"), ("replies", "delivery"))


def upgrade() -> None:
    if op.get_context().dialect.name != "postgresql":
        _give_bodies_their_key()
        return
    today = datetime.now(UTC).date()
    next_month = datetime(today.year + today.month // 12, today.month % 12 + 1, 1, tzinfo=UTC)
    until = f"{int(next_month.timestamp() * 1000):012x}"
    until = f"{until[:8]}-{until[8:]}-0000-0000-000000000000"
    for table, key in EVIDENCE:
        _divide(table, key, "first")
        op.execute(f"CREATE TABLE {table}_default PARTITION OF {table} DEFAULT")
        op.execute(f"INSERT INTO {table}_default SELECT * FROM {table}_first WHERE {key} >= '{until}'")
        op.execute(f"DELETE FROM {table}_first WHERE {key} >= '{until}'")
        op.execute(f"ALTER TABLE {table} ATTACH PARTITION {table}_first FOR VALUES FROM (MINVALUE) TO ('{until}')")
    op.execute("ALTER TABLE deliveries_default SET (fillfactor = 70)")
    op.execute("ALTER TABLE bodies DROP CONSTRAINT bodies_pkey")
    op.execute("ALTER TABLE bodies ADD PRIMARY KEY (message, part, expires_at)")
    _divide("bodies", "expires_at", "default")
    op.execute("ALTER TABLE bodies ATTACH PARTITION bodies_default DEFAULT")


def _divide(table: str, key: str, rest: str) -> None:
    """A partitioned table in the place of one that is renamed, with the like of its columns and indexes."""
    named = sa.text(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = :table AND schemaname = current_schema"
    )
    indexes = op.get_bind().execute(named, {"table": table}).all()
    primary = ", ".join(sa.inspect(op.get_bind()).get_pk_constraint(table)["constrained_columns"])
    op.execute(f"ALTER TABLE {table} RENAME TO {table}_{rest}")
    op.execute(f"CREATE TABLE {table} (LIKE {table}_{rest}) PARTITION BY RANGE ({key})")
    for name, definition in indexes:
        op.execute(f"ALTER INDEX {name} RENAME TO {name.replace(table, f'{table}_{rest}', 1)}")
        if name != f"{table}_pkey":
            op.execute(definition)
    op.execute(f"ALTER TABLE {table} ADD PRIMARY KEY ({primary})")


def _give_bodies_their_key() -> None:
    op.drop_index("bodies_expiry", "bodies")
    op.rename_table("bodies", "bodies_before")
    op.create_table(
        "bodies",
        sa.Column("message", sa.Uuid(), nullable=False),
        sa.Column("part", sa.String(length=100), nullable=False),
        sa.Column("format", sa.String(length=10), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("message", "part", "expires_at"),
    )
    op.create_index("bodies_expiry", "bodies", ["expires_at"], unique=False)
    op.execute("INSERT INTO bodies SELECT message, part, format, salt, data, expires_at FROM bodies_before")
    op.drop_table("bodies_before")
