"""The conformance suite of order: of one order key one delivery at a time, as they were accepted, in every database."""

import threading
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from bus.clock import ManualClock, SystemClock
from bus.envelope import Envelope, Exchange, Format
from bus.errors import OutOfOrder
from bus.states import Change, State
from journal.commands import (
    Accept,
    Accepted,
    Claim,
    Claimed,
    Event,
    NewDelivery,
    Once,
    Replay,
    Settle,
    Settled,
    Sweep,
    Swept,
)
from journal.database import open_engine, open_store
from journal.queries import Queries
from journal.store import Store

LIFE = 60_000
LEASE = 30_000


def an_accept(
    clock: ManualClock | SystemClock, *keys: bytes | None, state: State = State.QUEUED, to: str = "his"
) -> Accept:
    """A message with a delivery for each key."""
    message = clock.new_id()
    envelope = Envelope(message, "a.b", "1.0.0", Exchange.DOCUMENT, "sender", 0, 0, "00-1", Format.JSON)
    new = tuple(NewDelivery(clock.new_id(), to, state, repeatable=True, order_key=key) for key in keys or (b"key",))
    return Accept(envelope, b"{}", b"", "", LIFE, LIFE, new, Event("message.accepted", "sender", message))


def accepted(store: Store, *accepts: Accept) -> list[UUID]:
    """Accept in one transaction; the deliveries."""
    assert all(isinstance(result, Accepted) for result in store.write(accepts).results)
    return [new.id for accept in accepts for new in accept.deliveries]


def claimed(store: Store, delivery: UUID) -> Claimed | None:
    (result,) = store.write([Claim(delivery, "worker", LEASE)]).results
    assert result is None or isinstance(result, Claimed)
    return result


def a_settle(claimed: Claimed, change: Change, delay: int = 0) -> Settle:
    of = (claimed.delivery, claimed.message, claimed.system, claimed.attempt)
    return Settle(*of, change, "answered", "http-200", "worker", claimed.now, 1, 1, delay=delay)


def end(store: Store, delivery: UUID, change: Change = Change.SUCCEED) -> UUID | None:
    """Claim it and end it; what is rung next."""
    taken = claimed(store, delivery)
    assert taken
    (settled,) = store.write([a_settle(taken, change)]).results
    assert isinstance(settled, Settled)
    return settled.rung.delivery if settled.rung else None


def states(queries: Queries, *deliveries: UUID) -> list[State]:
    views = [queries.delivery(each) for each in deliveries]
    return [view.state for view in views if view]


def swept(store: Store, **how: bool) -> Swept:
    (result,) = store.write([Sweep("sweeper", **how)]).results  # type: ignore[arg-type]
    assert isinstance(result, Swept)
    return result


def test_one_at_a_time_as_they_were_accepted(store: Store, queries: Queries, clock: ManualClock) -> None:
    """The first of a key is on its way at once, the others are held and cannot be claimed; each that ends rings the
    next one in its own transaction."""
    first, second, third = (accepted(store, an_accept(clock))[0] for _ in range(3))
    assert states(queries, first, second, third) == [State.QUEUED, State.HELD, State.HELD]
    assert claimed(store, second) is None
    assert end(store, first) == second
    assert states(queries, first, second, third) == [State.DELIVERED, State.QUEUED, State.HELD]
    assert end(store, second, Change.KILL) == third
    assert end(store, third) is None


def test_many_of_a_key_in_one_transaction(store: Store, queries: Queries, clock: ManualClock) -> None:
    """Accepted together, they go in the order of the batch; those of other keys and of none are not held."""
    batch = [an_accept(clock), an_accept(clock, b"other"), an_accept(clock), an_accept(clock, None), an_accept(clock)]
    first, other, second, none, third = accepted(store, *batch)
    assert states(queries, first, other, second, none, third) == [
        State.QUEUED,
        State.QUEUED,
        State.HELD,
        State.QUEUED,
        State.HELD,
    ]
    assert end(store, first) == second
    assert end(store, second) == third


def test_sequences_ascend(store: Store, clock: ManualClock) -> None:
    """A later one has a higher sequence, also where the clock goes back; who has no order has none."""
    first = accepted(store, an_accept(clock))[0]
    clock.advance(-3600)
    second, third = accepted(store, an_accept(clock), an_accept(clock))
    (none,) = accepted(store, an_accept(clock, None))
    sequences: list[int] = []
    for delivery in (first, second, third):
        taken = claimed(store, delivery)
        assert taken
        assert taken.sequence is not None
        sequences.append(taken.sequence)
        store.write([a_settle(taken, Change.SUCCEED)])
    assert sequences == sorted(set(sequences))
    unordered = claimed(store, none)
    assert unordered
    assert unordered.sequence is None


def test_held_ones_are_told(store: Store, clock: ManualClock) -> None:
    """Whoever accepts learns which deliveries are held, and so not to be published."""
    accepted(store, an_accept(clock))
    accept = an_accept(clock, b"key", b"other", None)
    (result,) = store.write([accept]).results
    assert isinstance(result, Accepted)
    assert result.held == {accept.deliveries[0].id}


def test_a_retry_keeps_its_turn(store: Store, queries: Queries, clock: ManualClock) -> None:
    """While the one on its way is tried again and again, the others wait."""
    first, second = (accepted(store, an_accept(clock))[0] for _ in range(2))
    assert end(store, first, Change.RETRY) is None
    assert states(queries, first, second) == [State.PENDING, State.HELD]
    clock.advance(1)
    assert [rung.delivery for rung in swept(store).rung] == [first]
    assert end(store, first) == second


def test_acceptance_and_end_in_one_transaction(store: Store, clock: ManualClock) -> None:
    """One that is accepted in the very transaction in which the one before it ends has its turn by that."""
    (first,) = accepted(store, an_accept(clock))
    taken = claimed(store, first)
    assert taken
    second = an_accept(clock)
    _, settled = store.write([second, a_settle(taken, Change.SUCCEED)]).results
    assert settled.rung.delivery == second.deliveries[0].id
    assert claimed(store, second.deliveries[0].id)


def test_the_sweep_goes_on(store: Store, queries: Queries, clock: ManualClock) -> None:
    """One that expires, or whose worker vanished, gives its turn to the next, which the sweep then rings."""
    first = accepted(store, an_accept(clock))[0]
    clock.advance(LIFE / 2000)
    second = accepted(store, an_accept(clock))[0]
    clock.advance(LIFE / 2000)
    assert [rung.delivery for rung in swept(store).rung] == [second]
    assert states(queries, first, second) == [State.EXPIRED, State.QUEUED]


def test_a_held_one_expires_in_its_place(store: Store, queries: Queries, clock: ManualClock) -> None:
    """One whose life ends while it is held is passed over."""
    short = replace(an_accept(clock), life=LIFE // 2)
    first = accepted(store, an_accept(clock))[0]
    second, third = accepted(store, short, an_accept(clock))
    clock.advance(LIFE / 2000)
    swept(store)
    assert states(queries, first, second, third) == [State.QUEUED, State.EXPIRED, State.HELD]
    assert end(store, first) == third


def test_over_the_brokers_limit(store: Store, queries: Queries, clock: ManualClock) -> None:
    """One that is born pending holds its turn as well as one on its way."""
    first, second = (accepted(store, an_accept(clock, state=State.PENDING))[0] for _ in range(2))
    assert states(queries, first, second) == [State.PENDING, State.HELD]
    assert [rung.delivery for rung in swept(store).rung] == [first]


def test_born_dead_takes_no_turn(store: Store, queries: Queries, clock: ManualClock) -> None:
    """A dead letter of a subscriber that was full holds up nobody."""
    first = accepted(store, an_accept(clock, state=State.DEAD))[0]
    second = accepted(store, an_accept(clock))[0]
    assert states(queries, first, second) == [State.DEAD, State.QUEUED]


def test_a_repeated_message_takes_no_turn(store: Store, queries: Queries, clock: ManualClock) -> None:
    """A message that the sender repeats with its Idempotency-Key does not stand in the way of its own first copy."""
    once = Once("sender", b"key", "digest", LIFE)
    first = replace(an_accept(clock), once=once)
    store.write([first, replace(an_accept(clock), once=once)])
    store.write([replace(an_accept(clock), once=once)])
    assert end(store, first.deliveries[0].id) is None
    later = accepted(store, an_accept(clock))[0]
    assert states(queries, later) == [State.QUEUED]


def test_replay_waits_for_its_turn(store: Store, queries: Queries, clock: ManualClock) -> None:
    """A dead one that is replayed before another has had its turn goes first; while one is on its way it is held."""
    first = accepted(store, an_accept(clock))[0]
    end(store, first, Change.KILL)
    assert store.write([Replay(first, "person")]).results == [State.DEAD]
    assert states(queries, first) == [State.PENDING]
    second = accepted(store, an_accept(clock))[0]
    assert states(queries, second) == [State.HELD]
    assert [rung.delivery for rung in swept(store).rung] == [first]
    assert end(store, first) == second


def test_replay_out_of_order_is_asked_for(store: Store, queries: Queries, clock: ManualClock) -> None:
    """One whose later is on its way is replayed only where somebody says so, and then still one at a time."""
    first, second = (accepted(store, an_accept(clock))[0] for _ in range(2))
    end(store, first, Change.KILL)
    (refused,) = store.write([Replay(first, "person")]).results
    assert isinstance(refused, OutOfOrder)
    assert states(queries, first, second) == [State.DEAD, State.QUEUED]
    assert store.write([Replay(first, "person", out_of_order=True)]).results == [State.DEAD]
    assert states(queries, first, second) == [State.HELD, State.QUEUED]
    assert end(store, second) == first


def test_all_that_died_are_replayed_in_their_order(store: Store, queries: Queries, clock: ManualClock) -> None:
    """Where a receiver refused all of one key, a replay of all brings them again as they were accepted."""
    deliveries = [accepted(store, an_accept(clock))[0] for _ in range(3)]
    for delivery in deliveries:
        end(store, delivery, Change.KILL)
    assert store.write([Replay(each, "person") for each in deliveries]).results == [State.DEAD] * 3
    assert states(queries, *deliveries) == [State.PENDING, State.HELD, State.HELD]
    swept(store)
    assert [end(store, each) for each in deliveries] == [*deliveries[1:], None]


def test_past_one_that_may_have_arrived(store: Store, clock: ManualClock) -> None:
    """A later one that arrived, or may have, stands in the way of a replay; one that the receiver refused does not."""
    first, second = (accepted(store, an_accept(clock))[0] for _ in range(2))
    end(store, first, Change.KILL)
    taken = claimed(store, second)
    assert taken
    store.write([replace(a_settle(taken, Change.KILL), reason="outcome-unknown")])
    (refused,) = store.write([Replay(first, "person")]).results
    assert isinstance(refused, OutOfOrder)


def test_a_forgotten_order_goes_on(store: Store, database: str, queries: Queries, clock: ManualClock) -> None:
    """Were there an order in which something is held and nothing on its way, the sweep would find it."""
    first, second = (accepted(store, an_accept(clock))[0] for _ in range(2))
    engine = open_engine(database)
    engine.dispose()
    writing = open_store(database, clock, "writer-2")
    inside: Any = writing
    connection = inside._wire.connection if database.startswith("postgresql:") else inside._connection
    connection.execute("UPDATE orders SET delivery = NULL")
    connection.commit()
    writing.close()
    swept(store, idle_orders=True)
    assert states(queries, first, second)[1] is State.PENDING


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_processes_that_race_for_one_key(database: str, queries: Queries) -> None:
    """Four processes accept for one key while a fifth delivers: one is on its way at any time, all have their turn, and
    of one sender's, who waits for each answer, none overtakes another."""
    clock, names = SystemClock(), [f"writer-{each}" for each in range(5)]
    stores = [open_store(database, clock, name) for name in names]
    sent: dict[str, list[UUID]] = {name: [] for name in names[:4]}

    def accept(store: Store, name: str) -> None:
        for _ in range(25):
            sent[name] += accepted(store, an_accept(clock))

    threads = [threading.Thread(target=accept, args=each) for each in zip(stores, names[:4], strict=False)]
    for thread in threads:
        thread.start()
    engine = open_engine(database)
    arrived: list[UUID] = []
    while len(arrived) < 100:
        with engine.connect() as connection:
            on_its_way = connection.execute(text("SELECT id FROM deliveries WHERE state = 'queued'")).scalars().all()
        assert len(on_its_way) <= 1
        for delivery in on_its_way:
            end(stores[4], delivery)
            arrived.append(delivery)
    for thread in threads:
        thread.join()
    for store in stores:
        store.close()
    engine.dispose()
    assert [[each for each in arrived if each in of] for of in sent.values()] == list(sent.values())
