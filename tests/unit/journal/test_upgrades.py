"""From one version of the bus to the next: steps that add, steps that take away, and who may live meanwhile."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bus.clock import ManualClock
from bus.envelope import Body, Envelope, Exchange, Format
from bus.errors import SettingInvalid
from bus.states import Change, State
from journal.commands import Accept, Claim, Claimed, Command, Event, NewDelivery, Replay, Reply, Settle, Sweep
from journal.conditions import Beat, Leave
from journal.database import VERSION, VERSIONS, migrate, open_engine, open_store, sqlite_url, steps_left
from journal.postgresql import PostgresqlStore
from journal.queries import Queries
from journal.store import Store
from tests.services import postgresql

LIFE = 600_000

ADDS = '''"""Adds."""
from alembic import op
revision = "0999"
down_revision = "{newest}"
def upgrade():
    op.execute("ALTER TABLE messages ADD COLUMN colour text")
    op.execute("CREATE TABLE colours (name text PRIMARY KEY)")
'''
TAKES = '''"""Takes away."""
from alembic import op
revision = "post_0999"
down_revision = "post_0001"
depends_on = "0999"
def upgrade():
    op.execute("DROP TABLE revision")
'''


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """The steps that there were before any took away."""
    folder = tmp_path / "before"
    shutil.copytree(VERSIONS, folder, ignore=shutil.ignore_patterns("__pycache__", "post_*"))
    return folder


@pytest.fixture
def after(tmp_path: Path) -> Path:
    """The steps of a version that is yet to come."""
    folder = tmp_path / "after"
    shutil.copytree(VERSIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    newest = max(path.name for path in folder.glob("0*.py")).partition("_")[0]
    (folder / "0999_adds.py").write_text(ADDS.format(newest=newest))
    (folder / "post_0999_takes.py").write_text(TAKES)
    return folder


@pytest.fixture
def undivided(postgresql_server: str, before: Path) -> Iterator[str]:
    """A journal without partitions."""
    with postgresql.database(postgresql_server) as url:
        migrate(url, versions=before)
        yield url


def write(store: Store, command: Command[Any]) -> Any:
    (result,) = store.write([command]).results
    return result


def exchanged(store: Store, clock: ManualClock, answer: bytes = b"1") -> Claimed:
    """A message that was accepted, delivered and answered."""
    message, delivery = clock.new_id(), clock.new_id()
    envelope = Envelope(message, "a.b", "1.0.0", Exchange.REQUEST, "one-stop", 0, 0, "00-1", Format.JSON)
    new = NewDelivery(delivery, "his", State.QUEUED, repeatable=True)
    write(store, Accept(envelope, b"{}", b"salt", "digest", LIFE, LIFE, (new,), Event("accepted", "me", message)))
    return answered(store, delivery, answer)


def answered(store: Store, delivery: Any, answer: bytes) -> Claimed:
    claimed = write(store, Claim(delivery, "worker", 30_000))
    assert isinstance(claimed, Claimed)
    reply = Reply("reply", Body(Format.JSON, answer))
    how = (claimed.attempt, Change.SUCCEED, "answered", "http-200", "worker", claimed.now, 12, 7)
    settle = Settle(claimed.delivery, claimed.message, claimed.system, *how, reply=reply, reply_life=LIFE)
    assert write(store, settle)
    return claimed


def held(url: str, *exchanges: Claimed) -> list[bytes]:
    """What a person finds of them: the answers."""
    engine = open_engine(url)
    queries = Queries(engine)
    found = []
    for each in exchanges:
        view = queries.delivery(each.delivery)
        reply = queries.reply(each.message)
        assert view
        assert view.state is State.DELIVERED
        assert queries.body(each.message) == Body(Format.JSON, b"{}")
        assert reply
        found.append(reply[1].body.data)
    engine.dispose()
    return found


def test_old_journal_is_divided_without_loss(undivided: str, clock: ManualClock) -> None:
    """A journal that is not yet divided is used as it is, divided on request, and used on: whatever it held is there,
    and an answer that is given anew takes the place of the one before in either."""
    store = PostgresqlStore(undivided, "writer-1", clock)
    first, second = exchanged(store, clock, b"1"), exchanged(store, clock, b"2")
    assert migrate(undivided) == steps_left(undivided) == ("post_0001",)
    write(store, Replay(first.delivery, "operator"))
    write(store, Sweep("sweeper"))
    answered(store, first.delivery, b"11")
    assert held(undivided, first, second) == [b"11", b"2"]
    assert migrate(undivided, post=True) == steps_left(undivided) == ()
    write(store, Replay(second.delivery, "operator"))
    write(store, Sweep("sweeper"))
    answered(store, second.delivery, b"22")
    third = exchanged(store, clock, b"3")
    assert held(undivided, first, second, third) == [b"11", b"22", b"3"]
    store.close()
    with psycopg.connect(undivided) as connection:
        count = connection.execute("SELECT count(*) FROM bodies WHERE part LIKE 'reply:%'").fetchone()
    assert count == (3,)


def test_old_embedded_journal_is_brought_up_at_once(tmp_path: Path, before: Path, clock: ManualClock) -> None:
    """Where one process serves alone, starting takes every step; whatever the journal held is there."""
    url = sqlite_url(tmp_path)
    migrate(url, versions=before)
    store = open_store(url, clock, "writer-1")
    first = exchanged(store, clock)
    store.close()
    assert migrate(url) == ()
    assert held(url, first) == [b"1"]


def test_identifier_of_a_wrong_clock_lands_somewhere(undivided: str) -> None:
    """Whatever a gateway's clock says, from the year 2000 to the year 2100, its messages are kept, before the journal
    is divided and after."""
    clocks = [ManualClock(milliseconds) for milliseconds in (946_684_800_000, 4_102_444_800_000)]
    store = PostgresqlStore(undivided, "writer-1")
    exchanges = [exchanged(store, clock) for clock in clocks]
    migrate(undivided, post=True)
    exchanges += [exchanged(store, clock) for clock in clocks]
    store.close()
    assert held(undivided, *exchanges) == [b"1"] * 4


def test_steps_that_take_away_wait_for_older_processes(
    postgresql_database: str, clock: ManualClock, after: Path
) -> None:
    """Starting the next version only adds, and the version before goes on and may be started again; what takes away is
    refused, by name, while one of it lives, and done when none does."""
    store = PostgresqlStore(postgresql_database, "writer-1")
    write(store, Beat("worker-1", "worker", VERSION))
    assert migrate(postgresql_database, version="99", versions=after) == ("post_0999",)
    exchanged(store, clock)
    assert migrate(postgresql_database) == ()
    with pytest.raises(SettingInvalid, match=f"worker-1 still runs version {VERSION}"):
        migrate(postgresql_database, post=True, version="99", versions=after)
    write(store, Leave("worker-1"))
    store.close()
    assert migrate(postgresql_database, post=True, version="99", versions=after) == ()
    with pytest.raises(SettingInvalid, match="newer version"):
        migrate(postgresql_database)
