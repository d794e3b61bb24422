"""Which systems a worker serves, and how much of each."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from bus.clock import ManualClock
from bus.errors import JournalUnavailable
from journal.committer import Committer
from journal.conditions import Condition, TakeProbe
from journal.queries import Queries
from routes.broker import Arrived, Carried
from routes.circuit import Circuits
from routes.conditions import STALE, Conditions
from routes.lanes import PATIENCE, Lanes
from routes.model import Route
from routes.snapshots import Snapshots
from tests.unit.routes.conftest import Memory, Silent, a_contract, a_delivery, a_snapshot, an_only_process, see, turns

OPEN = Condition("his", opened_at=1, probe_at=1)


@dataclass
class InFlight:
    """The journal's answer to how many calls others have under way."""

    begun: dict[str, dict[str, int]] = field(default_factory=dict)
    asked: int = 0

    def in_flight(self, _: object) -> dict[str, dict[str, int]]:
        self.asked += 1
        return self.begun


@dataclass
class Bench:
    """Lanes and everything around them; a delivery that is served ends when `gate` opens."""

    lanes: Lanes
    conditions: Conditions
    circuits: Circuits
    broker: Silent
    snapshots: Snapshots
    clock: ManualClock
    store: Memory
    journal: InFlight
    served: list[Carried] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    failure: Exception | None = None

    def put(self, *systems: str, **limits: Any) -> None:
        """The documents in force."""
        routes = [Route("a.b", 1, each) for each in systems]
        self.snapshots.refreshed(a_snapshot([a_contract()], routes, dict.fromkeys(systems), **limits))

    async def see(self, *others: str, **blocked: Condition) -> None:
        see(self.conditions, self.clock, "worker-1", *others, **blocked)
        await self.lanes.follow()

    async def serve(self, carried: Carried, acknowledge: object) -> None:
        self.served.append(carried)
        if self.failure:
            raise self.failure
        await self.gate.wait()

    async def bring(self, count: int, system: str = "his") -> None:
        _, arrived = self.broker.subscriptions[system]
        for _ in range(count):
            arrived(a_delivery(), lambda: None)
        await turns()

    @property
    def prefetch(self) -> dict[str, int]:
        return {name: prefetch for name, (prefetch, _) in self.broker.subscriptions.items()}


@pytest.fixture
async def bench(store: Memory, committer: Committer, broker: Silent, clock: ManualClock) -> AsyncIterator[Bench]:
    store.answer = lambda command: True
    snapshots, conditions, journal = Snapshots(clock), an_only_process(clock, "worker-1"), InFlight()
    circuits = Circuits(conditions, committer, clock, "worker-1", chance=lambda: 0.0)

    async def serve(carried: Carried, acknowledge: object) -> None:
        await made.serve(carried, acknowledge)

    lanes = Lanes(snapshots, conditions, circuits, cast("Queries", journal), broker, clock, "worker-1", serve)
    made = Bench(lanes, conditions, circuits, broker, snapshots, clock, store, journal)
    made.put("his", concurrency=4)
    yield made
    made.gate.set()
    await lanes.drain()


async def test_alone_it_has_everything(bench: Bench) -> None:
    """A worker that is alone serves a system up to its limit, and asks nobody."""
    await bench.see()
    await bench.bring(6)
    assert (bench.prefetch, len(bench.served), bench.journal.asked) == ({"his": 8}, 4, 0)


async def test_drain_leaves_what_is_just_being_subscribed_to(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that ends while a subscription is being made takes nothing that comes through it."""
    subscribe = bench.broker.subscribe

    async def slowly(system: str, prefetch: int, arrived: Arrived) -> None:
        await subscribe(system, prefetch, arrived)
        await bench.gate.wait()

    monkeypatch.setattr(bench.broker, "subscribe", slowly)
    following = asyncio.create_task(bench.see())
    await turns()
    (_, arrived) = bench.broker.subscriptions["his"]
    following.cancel()
    await bench.lanes.drain()
    arrived(a_delivery(), lambda: None)
    await turns()
    assert (bench.served, bench.broker.subscriptions) == ([], {})


async def test_share_shrinks_without_a_new_subscription(bench: Bench) -> None:
    """When another comes the worker begins no more than its share allows; what is under way ends, and the subscription
    stays."""
    await bench.see()
    subscribed = bench.broker.subscriptions["his"]
    await bench.bring(6)
    await bench.see("worker-2")
    assert bench.broker.subscriptions["his"] is subscribed
    bench.gate.set()
    await turns()
    bench.gate.clear()
    await bench.bring(6)
    assert len(bench.served) == 6 + 2


async def test_growing_share_waits_for_others(bench: Bench) -> None:
    """A share grows no further than what others have under way leaves: calls begun under larger shares end first."""
    bench.journal.begun = {"his": {"worker-2": 4, "of-before": 1}}
    await bench.see("worker-2")
    assert bench.prefetch == {}
    bench.journal.begun = {"his": {"worker-2": 3}}
    await bench.see("worker-2")
    await bench.bring(3)
    assert len(bench.served) == 1
    bench.journal.begun = {}
    await bench.see("worker-2")
    await turns()
    assert len(bench.served) == 2


async def test_share_of_nothing_is_not_subscribed(bench: Bench) -> None:
    """Of systems that bear one call at a time, two workers serve each its own."""
    systems = [f"system-{each}" for each in range(12)]
    bench.put(*systems, concurrency=1)
    await bench.see("worker-2")
    assert 0 < len(bench.prefetch) < len(systems)


async def test_rate_is_shared_in_proportion(bench: Bench) -> None:
    """Of a system's rate a worker has the part that it has of its calls."""
    bench.put("his", concurrency=4, rate_per_second=8.0)
    await bench.see("worker-2")
    (lane,) = bench.lanes._lanes.values()
    assert (lane.slots.most, lane.pace.per_second) == (2, 4.0)


@pytest.mark.parametrize("condition", [Condition("his", paused_at=1), Condition("his", opened_at=1)])
async def test_blocked_system_is_left(bench: Bench, condition: Condition) -> None:
    """A paused or silent system is left by all, what was not begun is let go, and is served again afterwards."""
    await bench.see()
    await bench.bring(6)
    await bench.see(his=condition)
    assert bench.prefetch == {}
    bench.gate.set()
    await turns()
    assert len(bench.served) == 4
    await bench.see()
    await bench.bring(1)
    assert len(bench.served) == 5


async def test_stale_worker_begins_nothing(bench: Bench) -> None:
    """A worker that has not heard from the journal of late begins nothing, until it has."""
    await bench.see()
    bench.clock.advance(STALE)
    await bench.bring(1)
    assert bench.served == []
    await bench.see()
    await turns()
    assert len(bench.served) == 1


async def test_winner_tries_with_one(bench: Bench) -> None:
    """Whoever may try a silent system serves one delivery, however many come, and leaves it when that has ended."""
    await bench.see(his=OPEN)
    assert bench.prefetch == {"his": 1}
    await bench.bring(3)
    assert len(bench.served) == 1
    bench.circuits._trying.clear()
    bench.gate.set()
    await turns()
    await bench.see(his=Condition("his", opened_at=1, probe_at=bench.clock.now() + 10_000))
    assert (len(bench.served), bench.prefetch) == (1, {})


@pytest.mark.parametrize(
    "condition",
    [
        Condition("his", opened_at=1, probe_at=2**62),
        Condition("his", opened_at=1, probe_at=1, probe_by="worker-2", probe_until=2**62),
        Condition("his", opened_at=1, probe_at=1, paused_at=1),
    ],
)
async def test_nobody_asks_in_vain(bench: Bench, condition: Condition) -> None:
    """A system whose time has not come, that another tries, or that is paused, is not asked for."""
    await bench.see(his=condition)
    assert (bench.store.of(TakeProbe), bench.prefetch) == ([], {})


async def test_tries_by_the_newest_documents(bench: Bench) -> None:
    """A worker that has not loaded the documents that were mended leaves the try to one that has."""
    see(bench.conditions, bench.clock, "worker-1", his=OPEN)
    bench.conditions.see(replace(bench.conditions.present, revision=8), bench.clock.monotonic())
    await bench.lanes.follow()
    assert bench.prefetch == {}
    bench.put("his", revision=8)
    await bench.lanes.follow()
    assert bench.prefetch == {"his": 1}


async def test_loser_leaves_it_alone(bench: Bench) -> None:
    """Who does not win the try does not subscribe."""
    bench.store.answer = lambda command: False
    await bench.see(his=OPEN)
    assert bench.prefetch == {}


async def test_gives_up_where_there_is_nothing_to_try_with(bench: Bench) -> None:
    """A try for which no delivery comes ends after a while, and begins again when it is free."""
    await bench.see(his=OPEN)
    bench.clock.advance(PATIENCE + 1)
    bench.put("his")
    await bench.see(his=Condition("his", opened_at=1, probe_at=1, probe_until=2**62))
    assert bench.prefetch == {}
    await bench.see(his=OPEN)
    assert bench.prefetch == {"his": 1}


async def test_failed_service_takes_no_slot_for_ever(bench: Bench) -> None:
    """A delivery that could not be claimed makes room for the next."""
    bench.failure = JournalUnavailable()
    await bench.see()
    await bench.bring(9)
    assert len(bench.served) == 9


async def test_lane_entered_anew_counts_what_is_still_under_way(bench: Bench) -> None:
    """A system that was paused, and is served again while calls begun before are under way, gets no more than it
    bears."""
    await bench.see()
    await bench.bring(6)
    await bench.see(his=Condition("his", paused_at=1))
    await bench.see()
    await bench.bring(6)
    assert len(bench.served) == 4
    bench.gate.set()
    await turns()
    assert len(bench.served) == 4 + 6


async def test_system_that_is_paused_is_not_tried(bench: Bench) -> None:
    """A worker that may try a silent system calls it no more once a person has paused it."""
    await bench.see(his=OPEN)
    see(bench.conditions, bench.clock, "worker-1", his=replace(OPEN, paused_at=2))
    await bench.bring(1)
    await bench.lanes.follow()
    assert (bench.served, bench.prefetch) == ([], {})


async def test_drain_begins_nothing_while_others_are_left(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a broker that does not answer holds up the leaving of one system, no call to another is begun."""
    bench.put("his", "lis", concurrency=4)
    await bench.see()
    (_, arrived), unsubscribe = bench.broker.subscriptions["lis"], bench.broker.unsubscribe

    async def slowly(system: str) -> None:
        await bench.gate.wait()
        await unsubscribe(system)

    monkeypatch.setattr(bench.broker, "unsubscribe", slowly)
    draining = asyncio.create_task(bench.lanes.drain())
    await turns()
    arrived(a_delivery("lis"), lambda: None)
    await turns()
    bench.gate.set()
    await draining
    assert bench.served == []
