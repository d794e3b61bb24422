"""Credentials whose secret the bus can read again."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("credentials", sa.Column("sealed", sa.LargeBinary(), nullable=True))
