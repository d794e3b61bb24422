"""Room for updates, in PostgreSQL: a delivery changes at least twice, and its next version is best on the same page."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        op.execute("ALTER TABLE deliveries SET (fillfactor = 70)")
