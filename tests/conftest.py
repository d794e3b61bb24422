"""Fixtures that every folder of tests may use."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from bus.clock import ManualClock
from journal.database import migrate, open_engine, sqlite_url
from journal.queries import Queries
from tests.services import postgresql, rabbitmq

# How long an example takes says how busy the machine is.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


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


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The URL of a PostgreSQL server on which databases may be made."""
    with ExitStack() as stack:
        try:
            url = stack.enter_context(postgresql.some_server())
        except postgresql.Missing:
            postgresql.missing()
        yield url


@pytest.fixture(scope="session")
def postgresql_migrated(postgresql_server: str) -> Iterator[str]:
    """An empty PostgreSQL journal, to be copied."""
    with postgresql.database(postgresql_server) as url:
        migrate(url)
        yield url


@pytest.fixture
def postgresql_database(postgresql_server: str, postgresql_migrated: str) -> Iterator[str]:
    """The URL of a fresh journal in PostgreSQL."""
    with postgresql.database(postgresql_server, postgresql_migrated) as url:
        yield url


@pytest.fixture(scope="session")
def rabbitmq_server() -> Iterator[str]:
    """The URL of a RabbitMQ server on which queues may be made."""
    with ExitStack() as stack:
        try:
            url = stack.enter_context(rabbitmq.some_server())
        except rabbitmq.Missing:
            rabbitmq.missing()
        yield url


@pytest.fixture
def queries(database: str, clock: ManualClock) -> Iterator[Queries]:
    engine = open_engine(database)
    yield Queries(engine, clock)
    engine.dispose()
