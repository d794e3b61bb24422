"""Upkeep of the journal: room for what comes, an end for what has had its time."""

from dataclasses import replace

import psycopg
import pytest
from sqlalchemy import create_engine, insert, select

from bus.clock import ManualClock
from bus.envelope import Envelope, Exchange, Format
from bus.states import Change, State
from journal.commands import Accept, Claim, Event, NewDelivery, Once, Settle, Settled
from journal.database import keep_up
from journal.postgresql.upkeep import ELSEWHERE, LOCK
from journal.queries import Queries
from journal.store import Store
from journal.tables import orders
from journal.upkeep import Keep

DAY = 86_400_000
KEEP = Keep(30 * DAY, 365 * DAY)


@pytest.fixture
def clock() -> ManualClock:
    """Of a time that is after whatever a new journal was divided for."""
    return ManualClock(2_000_000_000_000)


only_postgresql = pytest.mark.parametrize("database", ["postgresql"], indirect=True)


def exchanged(store: Store, clock: ManualClock, *, body_days: int = 30, ended: bool = True) -> Accept:
    """A message that was delivered, or is still being delivered."""
    message, delivery = clock.new_id(), clock.new_id()
    envelope = Envelope(message, "a.b", "1.0.0", Exchange.DOCUMENT, "one-stop", 0, 0, "00-1", Format.JSON)
    new = NewDelivery(delivery, "his", State.QUEUED, repeatable=True)
    event, once = Event("accepted", "me", message), Once("one-stop", message.bytes, "digest", DAY)
    accept = Accept(envelope, b"{}", b"salt", "digest", DAY, body_days * DAY, (new,), event, once=once)
    store.write([accept])
    store.write([Claim(delivery, "worker", 30_000)])
    if ended:
        how = (1, Change.SUCCEED, "answered", "http-200", "worker", clock.now(), 12, 7)
        assert store.write([Settle(delivery, message, "his", *how)]).results == [Settled(applied=True)]
    return accept


def rows(database: str, table: str) -> int:
    with psycopg.connect(database) as connection:
        (count,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone() or (0,)
    return int(count)


def test_what_has_had_its_time_goes(database: str, store: Store, clock: ManualClock, queries: Queries) -> None:
    """Bodies go when their retention has ended, evidence when that of the contract that keeps longest has; what is
    younger stays, and so does every audit event."""
    old = exchanged(store, clock)
    keep_up(database, KEEP, clock.now())
    clock.advance(60 * 86_400)
    young = exchanged(store, clock)
    keep_up(database, KEEP, clock.now())
    assert [queries.body(each.envelope.message) is None for each in (old, young)] == [True, False]
    assert queries.message(old.envelope.message)
    clock.advance(340 * 86_400)
    done = keep_up(database, KEEP, clock.now())
    assert [queries.message(each.envelope.message) is None for each in (old, young)] == [True, False]
    assert queries.delivery(old.deliveries[0].id) is None
    assert queries.timeline(old.envelope.message)
    assert any("every audit event" in reason for reason in done.kept)
    assert keep_up(database, KEEP, clock.now()).deleted == {}


def test_what_is_under_way_stays(database: str, store: Store, clock: ManualClock, queries: Queries) -> None:
    """However old it is, a delivery that has not ended keeps its evidence; and where no contract says how long to keep
    it, all of it stays."""
    exchanged(store, clock)
    open_one = exchanged(store, clock, ended=False)
    clock.advance(800 * 86_400)
    assert any("no contract" in reason for reason in keep_up(database, KEEP._replace(evidence=None), clock.now()).kept)
    keep_up(database, KEEP, clock.now())
    assert queries.message(open_one.envelope.message)
    assert queries.delivery(open_one.deliveries[0].id)


def test_keys_that_nobody_uses_are_forgotten(database: str, store: Store, clock: ManualClock, queries: Queries) -> None:
    """A once-only key goes when its time is over: the next message with it is another."""
    first = exchanged(store, clock)
    clock.advance(2 * 86_400)
    assert keep_up(database, KEEP, clock.now()).deleted["once"] == 1
    again = replace(first, envelope=replace(first.envelope, message=clock.new_id()), deliveries=())
    (accepted,) = store.write([again]).results
    assert accepted.message == again.envelope.message


@only_postgresql
def test_bodies_go_as_a_whole(database: str, store: Store, clock: ManualClock) -> None:
    """The weeks of bodies are made ahead, and what lay elsewhere is moved there; a week that is over is dropped, not
    deleted row by row."""
    exchanged(store, clock)
    done = keep_up(database, KEEP, clock.now())
    assert (done.moved["bodies"], rows(database, "bodies_default")) == (1, 0)
    exchanged(store, clock)
    assert (rows(database, "bodies_default"), rows(database, "bodies")) == (0, 2)
    clock.advance(38 * 86_400)
    done = keep_up(database, KEEP, clock.now())
    assert any(name.startswith("bodies_") for name in done.dropped)
    assert "bodies" not in done.deleted
    assert rows(database, "bodies") == 0


@only_postgresql
def test_body_that_is_kept_longest_is_deleted_at_last(database: str, store: Store, clock: ManualClock) -> None:
    """A body for whose end no week is made lies apart, and goes as well."""
    exchanged(store, clock, body_days=900)
    keep_up(database, KEEP, clock.now())
    assert rows(database, "bodies_default") == 1
    clock.advance(910 * 86_400)
    assert keep_up(database, KEEP, clock.now()).deleted["bodies"] == 1


@only_postgresql
def test_message_of_a_fast_clock_is_moved_to_its_month(
    database: str, store: Store, clock: ManualClock, queries: Queries
) -> None:
    """What came from a clock a year ahead lies apart until its month is made, and is then found there."""
    ahead = ManualClock(clock.now() + 300 * DAY)
    early = exchanged(store, ahead)
    keep_up(database, KEEP, clock.now())
    assert rows(database, "messages_default") == 1
    clock.advance(290 * 86_400)
    assert keep_up(database, KEEP, clock.now()).moved == {"messages": 1, "deliveries": 1, "attempts": 1}
    assert rows(database, "messages_default") == 0
    assert queries.message(early.envelope.message)


@only_postgresql
def test_upkeep_waits_for_nobody(database: str, store: Store, clock: ManualClock) -> None:
    """Of two that keep up, one leaves it to the other; a table that is in use is left for the next time, and said."""
    exchanged(store, clock)
    with psycopg.connect(database, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        assert keep_up(database, KEEP, clock.now()).kept == [ELSEWHERE]
    with psycopg.connect(database) as writing:
        writing.execute("LOCK TABLE bodies_default IN ROW EXCLUSIVE MODE")
        done = keep_up(database, KEEP, clock.now())
        assert not any(name.startswith("bodies_") for name in done.made)
        assert any("in use" in reason for reason in done.kept)
    keep_up(database, KEEP, clock.now())
    clock.advance(38 * 86_400)
    with psycopg.connect(database) as reading:
        reading.execute("SELECT 1 FROM bodies")
        assert keep_up(database, KEEP, clock.now()).dropped == []
    assert keep_up(database, KEEP, clock.now()).dropped


def test_order_keys_that_nobody_uses_are_forgotten(
    database: str, store: Store, clock: ManualClock, queries: Queries
) -> None:
    """An order key on whose behalf nothing is under way is forgotten after 30 days; one with a delivery stays."""
    engine = create_engine(database) if database.startswith("sqlite:") else None
    engine = engine or create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(database))
    with engine.begin() as connection:
        for key, delivery in ((b"idle", None), (b"busy", clock.new_id())):
            row = {
                "system": "his",
                "key": key,
                "sequence": 1,
                "passed": 0,
                "delivery": delivery,
                "changed_at": clock.now(),
            }
            connection.execute(insert(orders).values(row))
    assert "orders" not in keep_up(database, KEEP, clock.now()).deleted
    clock.advance(31 * 86_400)
    assert keep_up(database, KEEP, clock.now()).deleted["orders"] == 1
    with engine.connect() as connection:
        assert connection.scalars(select(orders.c.key)).all() == [b"busy"]
    engine.dispose()
