"""Fixtures that every folder of tests may use."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bus.clock import ManualClock
from journal.database import migrate, open_engine, sqlite_url
from journal.queries import Queries


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite journal, to be copied."""
    folder = tmp_path_factory.mktemp("migrated")
    migrate(sqlite_url(folder))
    return folder / "journal.sqlite"


@pytest.fixture
def database(migrated: Path, tmp_path: Path) -> str:
    """The URL of a fresh journal."""
    (tmp_path / "journal.sqlite").write_bytes(migrated.read_bytes())
    return sqlite_url(tmp_path)


@pytest.fixture
def queries(database: str) -> Iterator[Queries]:
    engine = open_engine(database)
    yield Queries(engine)
    engine.dispose()
