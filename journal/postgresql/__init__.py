"""The journal in PostgreSQL, for a province: many processes write to it, each through one connection."""

from journal.postgresql.store import PostgresqlStore

__all__ = ["PostgresqlStore"]
