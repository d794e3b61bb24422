"""The conformance suite of `routes.broker.Broker`: what every broker must do."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest

from routes.broker import LARGEST_CARRIED, Broker, Carried, Signal
from routes.memory_broker import MemoryBroker
from routes.rabbitmq.broker import RabbitBroker
from tests.services.rabbitmq import Passing
from tests.unit.routes.conftest import a_delivery


@pytest.fixture(params=["memory", "rabbitmq"])
def make_broker(request: pytest.FixtureRequest) -> Callable[[], Broker]:
    """Each broker that is made shares nothing with another."""
    if request.param == "memory":
        return MemoryBroker
    url = request.getfixturevalue("rabbitmq_server")
    return lambda: RabbitBroker(url, topology=Passing(uuid4().hex))


@pytest.fixture
async def broker(make_broker: Callable[[], Broker]) -> AsyncIterator[Broker]:
    broker = make_broker()
    yield broker
    await broker.close()


class Arrivals:
    """What a subscription brought, and how to acknowledge each."""

    def __init__(self) -> None:
        self.carried: list[Carried] = []
        self.acknowledge: list[Callable[[], None]] = []
        self._changed = asyncio.Condition()
        self._tasks: set[asyncio.Task[Any]] = set()

    def __call__(self, carried: Carried, acknowledge: Callable[[], None]) -> None:
        self.carried.append(carried)
        self.acknowledge.append(acknowledge)
        task = asyncio.ensure_future(self._notify())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def until(self, count: int) -> list[Carried]:
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.carried) >= count)
        return self.carried


async def fence(broker: Broker) -> None:
    """Return when the broker has done everything it was asked for before: carry something past it."""
    system = f"fence-{uuid4()}"
    arrivals = Arrivals()
    await broker.subscribe(system, 1, arrivals)
    await broker.publish([a_delivery(system)])
    await arrivals.until(1)
    await broker.unsubscribe(system)


@pytest.mark.parametrize(
    "body", [None, b"", b"{}", bytes(range(256)), b"\n" * 3, "Huế".encode(), b"x" * LARGEST_CARRIED]
)
async def test_carries_envelope_and_body_exactly(broker: Broker, body: bytes | None) -> None:
    """What arrives is what was published, to the last byte, whether its body is absent, empty, binary or 64 KiB."""
    sent = a_delivery(body=body, waiter="process-1")
    arrivals = Arrivals()
    await broker.subscribe("his", 1, arrivals)
    assert list(await broker.publish([sent])) == []
    assert await arrivals.until(1) == [sent]


async def test_publishing_before_subscribing_waits(broker: Broker) -> None:
    """What is published while nobody listens is brought to the first who does, in its order."""
    sent = [a_delivery() for _ in range(5)]
    await broker.publish(sent)
    arrivals = Arrivals()
    await broker.subscribe("his", 10, arrivals)
    assert await arrivals.until(5) == sent


async def test_at_most_prefetch_is_unacknowledged(broker: Broker) -> None:
    """No more than the prefetch is in a worker's hands, however much waits."""
    arrivals = Arrivals()
    await broker.subscribe("his", 3, arrivals)
    await broker.publish([a_delivery() for _ in range(20)])
    await arrivals.until(3)
    await fence(broker)
    assert len(arrivals.carried) == 3


async def test_acknowledging_brings_the_next(broker: Broker) -> None:
    """Each acknowledgement makes room for one more, until everything has come once."""
    sent = [a_delivery() for _ in range(50)]
    arrivals = Arrivals()
    await broker.subscribe("his", 4, arrivals)
    await broker.publish(sent)
    for number in range(len(sent)):
        await arrivals.until(number + 1)
        arrivals.acknowledge[number]()
    await fence(broker)
    assert sorted(arrivals.carried, key=sent.index) == sent


async def test_acknowledging_twice_does_nothing(broker: Broker) -> None:
    """A worker that acknowledges again, or after its subscription has ended, makes no room and breaks nothing."""
    arrivals = Arrivals()
    await broker.subscribe("his", 2, arrivals)
    await broker.publish([a_delivery() for _ in range(10)])
    await arrivals.until(2)
    for _ in range(3):
        arrivals.acknowledge[0]()
    await arrivals.until(3)
    await fence(broker)
    assert len(arrivals.carried) == 3
    await broker.unsubscribe("his")
    arrivals.acknowledge[1]()
    arrivals.acknowledge[0]()
    later = Arrivals()
    await broker.subscribe("his", 2, later)
    await later.until(2)


async def test_queues_of_systems_do_not_mix(broker: Broker) -> None:
    """A system is brought its own deliveries and no other's, also where one's name begins with the other's."""
    systems = ["his", "his.a", "his.*", "his.#", "his-b"]
    arrivals = {system: Arrivals() for system in systems}
    sent = {system: [a_delivery(system) for _ in range(3)] for system in systems}
    for system in systems:
        await broker.subscribe(system, 10, arrivals[system])
    await broker.publish([sent[system][number] for number in range(3) for system in systems])
    for system in systems:
        assert await arrivals[system].until(3) == sent[system]
    await fence(broker)
    assert all(len(each.carried) == 3 for each in arrivals.values())


async def test_slow_system_holds_up_no_other(broker: Broker) -> None:
    """While one system acknowledges nothing, everything of another arrives."""
    slow, quick = Arrivals(), Arrivals()
    await broker.subscribe("slow", 1, slow)
    await broker.subscribe("quick", 1, quick)
    await broker.publish([a_delivery(system) for _ in range(30) for system in ("slow", "quick")])
    for number in range(30):
        await quick.until(number + 1)
        quick.acknowledge[number]()
    assert len(await slow.until(1)) == 1


async def test_unsubscribing_ends_the_arrivals(broker: Broker) -> None:
    """After a worker has unsubscribed nothing comes to it any more; what waits is brought to the next."""
    former, later = Arrivals(), Arrivals()
    await broker.subscribe("his", 1, former)
    await broker.publish([a_delivery()])
    await former.until(1)
    former.acknowledge[0]()
    await broker.unsubscribe("his")
    sent = a_delivery()
    await broker.publish([sent])
    await fence(broker)
    assert len(former.carried) == 1
    await broker.subscribe("his", 1, later)
    assert (await later.until(1))[-1] == sent


async def test_unsubscribing_ends_a_subscription_that_is_being_made(broker: Broker) -> None:
    """Who unsubscribes while another is still being subscribed, in place of the former, has nobody served any more."""
    former, unwanted, later = Arrivals(), Arrivals(), Arrivals()
    await broker.subscribe("his", 1, former)
    subscribing = asyncio.create_task(broker.subscribe("his", 1, unwanted))
    await asyncio.sleep(0)
    await broker.unsubscribe("his")
    await subscribing
    sent = a_delivery()
    await broker.publish([sent])
    await fence(broker)
    assert (former.carried, unwanted.carried) == ([], [])
    await broker.subscribe("his", 1, later)
    assert await later.until(1) == [sent]


async def test_unsubscribing_twice_is_harmless(broker: Broker) -> None:
    """To unsubscribe from what was never subscribed to, or is no more, does nothing."""
    await broker.unsubscribe("his")
    await broker.subscribe("his", 1, Arrivals())
    await broker.unsubscribe("his")
    await broker.unsubscribe("his")


async def test_signals_reach_the_process_that_listens(broker: Broker) -> None:
    """A signal reaches the process it is for and no other, and one that nobody hears is lost in silence."""
    heard: dict[str, asyncio.Queue[Signal]] = {name: asyncio.Queue() for name in ("one", "two")}
    for name, queue in heard.items():
        await broker.listen(name, queue.put_nowait, lambda: None)
    first, second = Signal(uuid4()), Signal(uuid4(), "fault", "not-found")
    await broker.signal("one", first)
    await broker.signal("nobody", first)
    await broker.signal("two", second)
    assert await heard["one"].get() == first
    assert await heard["two"].get() == second
    await fence(broker)
    assert heard["one"].empty()
    assert heard["two"].empty()


async def test_two_brokers_share_nothing() -> None:
    """Two embedded brokers in one process bring each its own."""
    brokers, arrivals = (MemoryBroker(), MemoryBroker()), (Arrivals(), Arrivals())
    for broker, mine in zip(brokers, arrivals, strict=True):
        await broker.subscribe("his", 10, mine)
        await broker.publish([a_delivery()])
        await mine.until(1)
    for broker, mine in zip(brokers, arrivals, strict=True):
        await fence(broker)
        assert len(mine.carried) == 1
        await broker.close()


async def test_closing_ends_every_thread(make_broker: Callable[[], Broker]) -> None:
    """A broker that was closed leaves no thread behind, and refuses rather than hangs."""
    await asyncio.to_thread(lambda: None)  # the event loop's own thread may be needed to close, and stays
    before = set(threading.enumerate())
    broker = make_broker()
    arrivals = Arrivals()
    await broker.subscribe("his", 1, arrivals)
    await broker.publish([a_delivery(), a_delivery()])
    await arrivals.until(1)
    await broker.close()
    assert set(threading.enumerate()) <= before
    late = a_delivery()
    with suppress(ConnectionError):
        assert list(await broker.publish([late])) == [late]
    arrivals.acknowledge[0]()


async def test_embedded_broker_survives_its_subscribers() -> None:
    """An event loop that has closed without unsubscribing does not end the thread that carries."""
    broker = MemoryBroker()
    await asyncio.to_thread(asyncio.run, broker.subscribe("gone", 1, Arrivals()))
    await broker.publish([a_delivery("gone")])
    await fence(broker)
    await broker.close()


async def test_acknowledging_what_is_just_being_left_does_nothing(broker: Broker) -> None:
    """A claim that is won while its subscription ends is not lost by its acknowledgement, whatever the moment."""
    arrivals = Arrivals()
    await broker.subscribe("his", 50, arrivals)
    await broker.publish([a_delivery() for _ in range(50)])
    await arrivals.until(50)
    leaving = asyncio.create_task(broker.unsubscribe("his"))
    for acknowledge in arrivals.acknowledge:
        acknowledge()
        await asyncio.sleep(0)
    await leaving
