"""The conformance suite of inboxes: what systems fetch for themselves, in every database."""

import threading
from uuid import UUID

import pytest

from bus.clock import ManualClock
from bus.envelope import Envelope, Exchange, Format
from bus.states import Change, State
from journal.commands import Accept, Claim, Event, NewDelivery, Settle, Settled, Sweep, Swept
from journal.database import open_store
from journal.fetching import Fetch, Fetched
from journal.postgresql import PostgresqlStore
from journal.queries import Queries
from journal.store import Store

LIFE = 600_000
LEASE = 120_000


def an_accept(
    clock: ManualClock,
    *,
    key: bytes | None = None,
    to: str = "archive",
    body: bytes = b"{}",
    repeatable: bool = True,
    state: State = State.PENDING,
) -> Accept:
    clock.advance(0.001)
    message = clock.new_id()
    envelope = Envelope(message, "a.b", "1.0.0", Exchange.DOCUMENT, "sender", 0, 0, "00-1", Format.JSON)
    new = NewDelivery(clock.new_id(), to, state, repeatable, key)
    return Accept(envelope, body, b"", "", LIFE, LIFE, (new,), Event("message.accepted", "sender", message))


def opened(database: str, clock: ManualClock, writer: str) -> Store:
    embedded = database.startswith("sqlite:")
    return open_store(database, clock, writer) if embedded else PostgresqlStore(database, writer, clock)


def accepted(store: Store, *accepts: Accept) -> list[UUID]:
    """Each in a transaction of its own."""
    for accept in accepts:
        store.write([accept])
    return [new.id for accept in accepts for new in accept.deliveries]


def fetched(store: Store, most: int = 100, leased: int = 100, to: str = "archive") -> list[Fetched]:
    (result,) = store.write([Fetch(to, "gateway", LEASE, most, leased)]).results
    return list(result)


def ids(found: list[Fetched]) -> list[UUID]:
    return [each.delivery for each in found]


def settled(store: Store, of: Fetched, change: Change = Change.SUCCEED, delay: int = 0) -> Settled:
    settle = Settle(
        of.delivery,
        of.envelope.message,
        "archive",
        of.attempt,
        change,
        "answered",
        "acknowledged",
        "gateway",
        of.now,
        1,
        1,
        delay=delay,
        fetched=True,
    )
    (result,) = store.write([settle]).results
    assert isinstance(result, Settled)
    return result


def swept(store: Store, **how: bool) -> Swept:
    (result,) = store.write([Sweep("sweeper", fetching=frozenset({"archive"}), **how)]).results  # type: ignore[arg-type]
    assert isinstance(result, Swept)
    return result


def state(queries: Queries, delivery: UUID) -> State | None:
    view = queries.delivery(delivery)
    return view.state if view else None


def test_given_out_once_in_the_order_of_acceptance(store: Store, queries: Queries, clock: ManualClock) -> None:
    """What is due is given out, the oldest first, under a lease; what is given out is given to nobody else."""
    deliveries = accepted(store, *(an_accept(clock) for _ in range(3)))
    first = fetched(store, most=2)
    assert ids(first) == deliveries[:2]
    assert [(each.attempt, each.lease_until - each.now) for each in first] == [(1, LEASE), (1, LEASE)]
    assert ids(fetched(store)) == deliveries[2:]
    assert fetched(store) == []
    assert state(queries, deliveries[0]) is State.DELIVERING


def test_only_of_the_system_that_asks(store: Store, clock: ManualClock) -> None:
    """Two systems that fetch in one transaction each get their own."""
    accepts = [an_accept(clock, to=system) for system in ("archive", "mirror", "archive")]
    one, other, two = accepted(store, *accepts)
    results = store.write([Fetch("mirror", "gateway", LEASE), Fetch("archive", "gateway", LEASE)]).results
    assert [ids(list(found)) for found in results] == [[other], [one, two]]


def test_no_more_than_it_may_hold(store: Store, clock: ManualClock) -> None:
    """A system holds as many as it may, and gets the next when it has given one back."""
    deliveries = accepted(store, *(an_accept(clock) for _ in range(4)))
    held = fetched(store, leased=3)
    assert ids(held) == deliveries[:3]
    assert fetched(store, leased=3) == []
    assert settled(store, held[0]).applied
    assert ids(fetched(store, leased=3)) == deliveries[3:]


def test_bodies_together_are_bounded(store: Store, clock: ManualClock) -> None:
    """What would be too much at once is left for the next time; a single one goes whatever its size."""
    deliveries = accepted(store, *(an_accept(clock, body=b" " * 1000) for _ in range(3)))
    (found,) = store.write([Fetch("archive", "gateway", LEASE, most_bytes=2500)]).results
    assert ids(found) == deliveries[:2]
    (found,) = store.write([Fetch("archive", "gateway", LEASE, most_bytes=10)]).results
    assert ids(found) == deliveries[2:]


def test_never_rung(store: Store, queries: Queries, clock: ManualClock) -> None:
    """The sweep puts nothing into the broker for a system that fetches, and takes out of it what had been there."""
    waiting, queued = accepted(store, an_accept(clock), an_accept(clock, state=State.QUEUED))
    clock.advance(60)
    assert swept(store).rung == ()
    assert [state(queries, each) for each in (waiting, queued)] == [State.PENDING, State.PENDING]
    assert ids(fetched(store)) == [waiting, queued]


def test_what_waits_expires(store: Store, queries: Queries, clock: ManualClock) -> None:
    """What nobody fetched in its life expires, and is given to nobody."""
    (delivery,) = accepted(store, an_accept(clock))
    clock.advance(LIFE / 1000 + 1)
    assert fetched(store) == []
    assert [each.delivery for each in swept(store).ended] == [delivery]
    assert state(queries, delivery) is State.EXPIRED


@pytest.mark.parametrize(("repeatable", "after"), [(True, State.PENDING), (False, State.DEAD)])
def test_an_ended_lease(
    store: Store,
    queries: Queries,
    clock: ManualClock,
    repeatable: bool,
    after: State,
) -> None:
    """A lease that ends is taken back, to be given out again where that does no harm; what comes late of it counts for
    nothing, however often it comes."""
    (delivery,) = accepted(store, an_accept(clock, repeatable=repeatable))
    (first,) = fetched(store)
    clock.advance(LEASE / 1000 + 1)
    assert swept(store).rung == ()
    assert state(queries, delivery) is after
    assert [settled(store, first).applied for _ in range(3)] == [False, False, False]
    again = fetched(store)
    assert [each.attempt for each in again] == ([2] if repeatable else [])
    assert not settled(store, first).applied
    assert all(settled(store, each).applied for each in again)


def test_a_lease_ends_with_the_life(store: Store, clock: ManualClock) -> None:
    """No lease outlasts the life of what is leased."""
    accepted(store, an_accept(clock))
    clock.advance(LIFE / 1000 - 10)
    (found,) = fetched(store)
    assert found.lease_until == found.now + 10_000


def test_in_their_order(store: Store, queries: Queries, clock: ManualClock) -> None:
    """Of one order key one is given out at a time; the next can be fetched, and is not rung, when it has ended."""
    first, second = accepted(store, an_accept(clock, key=b"k"), an_accept(clock, key=b"k"))
    (found,) = fetched(store)
    assert found.delivery == first
    assert found.sequence is not None
    assert settled(store, found) == Settled(applied=True)
    assert state(queries, second) is State.PENDING
    assert ids(fetched(store)) == [second]


def test_later(store: Store, clock: ManualClock) -> None:
    """What is given back for later is given out when its time has come, and not before."""
    accepted(store, an_accept(clock))
    (found,) = fetched(store)
    assert settled(store, found, Change.RETRY, delay=5_000).applied
    assert fetched(store) == []
    clock.advance(6)
    assert [each.attempt for each in fetched(store)] == [2]


def test_no_worker_claims_it(store: Store, clock: ManualClock) -> None:
    """What waits to be fetched cannot be claimed by a worker that hears of it from somewhere."""
    (delivery,) = accepted(store, an_accept(clock))
    assert store.write([Claim(delivery, "worker", LEASE)]).results == [None]
    assert ids(fetched(store)) == [delivery]


def test_a_restart_takes_nothing_back(store: Store, clock: ManualClock) -> None:
    """When the bus starts again, what its system had fetched before is still in that system's hands."""
    accepted(store, an_accept(clock))
    (found,) = fetched(store)
    swept(store, restart=True)
    assert fetched(store) == []
    assert settled(store, found).applied


def test_what_is_there_to_be_fetched(store: Store, queries: Queries, clock: ManualClock) -> None:
    """The journal tells in one question which of many systems have something due."""
    assert queries.fetchable(["archive", "mirror", "other"], clock.now()) == set()
    accepted(store, an_accept(clock), an_accept(clock, to="other"))
    assert queries.fetchable(["archive", "mirror", "other"], clock.now()) == {"archive", "other"}
    fetched(store)
    assert queries.fetchable(["archive", "mirror"], clock.now()) == set()
    assert queries.fetchable([], clock.now()) == set()


def test_many_fetch_at_once(database: str, store: Store, clock: ManualClock) -> None:
    """Of several that fetch at once, in processes of their own, no two get the same, and together they hold no more
    than their system may."""
    deliveries = accepted(store, *(an_accept(clock) for _ in range(60)))
    taken: list[UUID] = []
    barrier = threading.Barrier(4)

    def run(name: int) -> None:
        other = opened(database, clock, f"other-{name}")
        try:
            barrier.wait()
            for _ in range(6):
                found = fetched(other, most=4, leased=40)
                taken.extend(ids(found))
        finally:
            other.close()

    threads = [threading.Thread(target=run, args=(each,)) for each in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == 40
    assert set(taken) <= set(deliveries)
