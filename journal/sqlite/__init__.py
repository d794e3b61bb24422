"""The journal in one SQLite file, for `lgsp up`."""

from journal.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
