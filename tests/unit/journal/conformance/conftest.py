"""A journal in each database: whatever these tests say, both must do."""

from collections.abc import Iterator

import pytest

from bus.clock import ManualClock
from journal.database import open_store
from journal.postgresql import PostgresqlStore
from journal.store import Store


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, database: str) -> str:
    """The URL of a fresh journal, in each database."""
    url: str = request.getfixturevalue("postgresql_database") if request.param == "postgresql" else database
    return url


@pytest.fixture
def store(database: str, clock: ManualClock) -> Iterator[Store]:
    """A store that goes by the test's clock."""
    embedded = database.startswith("sqlite:")
    store = open_store(database, clock, "writer-1") if embedded else PostgresqlStore(database, "writer-1", clock)
    yield store
    store.close()
