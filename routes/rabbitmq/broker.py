"""The broker of production: RabbitMQ 3.10 to 4.x.

Two connections a process, one to publish and one to consume. A server that is short of memory or disk stops reading
from whoever publishes, acknowledgements and all: over a shared connection nobody could drain what filled it.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import structlog

from bus.clock import jitter
from bus.envelope import Exchange
from routes.broker import Arrived, Carried, Signal
from routes.rabbitmq.addresses import addresses
from routes.rabbitmq.confirms import Answer
from routes.rabbitmq.connection import Link, Lost, declare
from routes.rabbitmq.consumer import Consumer
from routes.rabbitmq.keeper import Keeper
from routes.rabbitmq.missing import Missing
from routes.rabbitmq.publisher import Outgoing, Publisher
from routes.rabbitmq.topology import Queue, Topology

MOST_MADE: Final = 16
"""Queues that are made at the same time."""

UNREADABLE = (AttributeError, TypeError, ValueError)
"""What decoding raises over bytes that no bus wrote, or one of another version."""

log = structlog.get_logger("rabbitmq")


class RabbitBroker:
    """Implements `routes.broker.Broker`; connects at the first call, in the event loop of that call.

    While there is no server, everything is refused or kept in mind, at once, and nothing raises; what was subscribed to
    and listened for comes back with it. `title` names the process to operators of RabbitMQ.
    """

    def __init__(
        self,
        url: str,
        *,
        title: str = "lgsp",
        topology: Topology | None = None,
        chance: Callable[[], float] | None = None,
    ) -> None:
        """Raises `SettingInvalid` for a URL that does not name a RabbitMQ."""
        self._topology = topology or Topology()
        self._chance = chance or jitter()
        self._outgoing = Keeper(addresses(url, f"{title} publishes"), self._publisher, self._chance)
        self._incoming = Keeper(addresses(url, f"{title} consumes"), _as_it_is, self._chance)
        self._subscriptions: dict[str, tuple[Consumer, ...]] = {}
        self._listening: list[Consumer] = []
        self._known_lanes: dict[str, tuple[Queue, Queue]] = {}
        self._missing = Missing(time.monotonic)
        self._making = asyncio.Semaphore(MOST_MADE)

    @property
    def reachable(self) -> bool:
        """True also before the first try."""
        publisher = self._outgoing.made
        return not publisher.link.blocked if publisher else not self._outgoing.away

    async def publish(self, batch: Sequence[Carried]) -> Sequence[Carried]:
        """Hand over; the result is what was not confirmed: no server, a blocked one, a full queue, no answer."""
        publisher = await self._outgoing.now()
        if publisher is None:
            return batch
        refused, homeless = await self._send(publisher, batch, self._lane)
        if homeless:
            houses = await self._house(publisher.link, {self._lane(each).key: each for each in homeless})
            housed = [each for each in homeless if self._lane(each).key in houses]
            refused += [each for each in homeless if self._lane(each).key not in houses]
            for left in await self._send(publisher, housed, lambda each: houses[self._lane(each).key]):
                refused += left
        return refused

    async def subscribe(self, system: str, prefetch: int, arrived: Arrived) -> None:
        """Both lanes of the system, at most `prefetch` unacknowledged out of each."""

        def came(data: bytes, acknowledge: Callable[[], None]) -> None:
            try:
                carried = Carried.decode(data)
            except UNREADABLE:
                log.warning("carried-unreadable", system=system)
                acknowledge()
            else:
                arrived(carried, acknowledge)

        consumers = tuple(self._consumer(lane, prefetch, came) for lane in self._lanes(system))
        # In one turn of the loop, so that whoever unsubscribes at any moment ends the newest.
        former, self._subscriptions[system] = self._subscriptions.get(system, ()), consumers
        await _close(former)
        for consumer in consumers:
            await consumer.tried()

    async def unsubscribe(self, system: str) -> None:
        await _close(self._subscriptions.pop(system, ()))

    async def signal(self, process: str, signal: Signal) -> None:
        """Into the connection's buffer, unconfirmed; lost where there is none."""
        publisher = await self._outgoing.now()
        if publisher is not None:
            publisher.tell(Outgoing(self._topology.signals(process).key, signal.encode(), durable=False))

    async def listen(self, process: str, heard: Callable[[Signal], None], missed: Callable[[], None]) -> None:
        def came(data: bytes, _: Callable[[], None]) -> None:
            try:
                signal = Signal.decode(data)
            except UNREADABLE:
                log.warning("signal-unreadable")
            else:
                heard(signal)

        consumer = self._consumer(self._topology.signals(process), None, came, missed)
        self._listening.append(consumer)
        await consumer.tried()

    async def close(self) -> None:
        """Give back what was not acknowledged, and hang up; from now on everything is refused."""
        await _close([*self._listening, *(each for pair in self._subscriptions.values() for each in pair)])
        await asyncio.gather(self._incoming.close(), self._outgoing.close())

    async def _publisher(self, link: Link) -> Publisher:
        self._missing = Missing(time.monotonic)
        return await Publisher.open(link, self._topology.exchange)

    def _consumer(
        self,
        queue: Queue,
        prefetch: int | None,
        came: Callable[[bytes, Callable[[], None]], None],
        began: Callable[[], None] = lambda: None,
    ) -> Consumer:
        return Consumer(self._incoming, self._topology.exchange, queue, prefetch, came, began, self._chance)

    def _lanes(self, system: str) -> tuple[Queue, Queue]:
        """The fast and the steady one."""
        if system not in self._known_lanes:
            self._known_lanes[system] = self._topology.fast(system), self._topology.steady(system)
        return self._known_lanes[system]

    def _lane(self, carried: Carried) -> Queue:
        fast, steady = self._lanes(carried.system)
        return fast if carried.envelope.exchange is Exchange.REQUEST else steady

    async def _send(
        self, publisher: Publisher, batch: Sequence[Carried], lane: Callable[[Carried], Queue]
    ) -> tuple[list[Carried], list[Carried]]:
        """What was not confirmed, and what found no queue."""
        lanes = [lane(each) for each in batch]
        outgoing = [Outgoing(queue.key, each.encode(), queue.lasting) for each, queue in zip(batch, lanes, strict=True)]
        refused: list[Carried] = []
        homeless: list[Carried] = []
        found: set[str] = set()
        for each, queue, answer in zip(batch, lanes, await publisher.publish(outgoing), strict=True):
            if answer is Answer.CONFIRMED:
                found.add(queue.key)
            else:
                (homeless if answer is Answer.RETURNED else refused).append(each)
        self._missing.found(found)
        return refused, homeless

    async def _house(self, link: Link, homeless: Mapping[str, Carried]) -> Mapping[str, Queue]:
        """For each missing queue the one to use now; none where it is better to wait."""

        async def house(carried: Carried) -> Queue | None:
            async with self._making:
                return await self._made(link, carried)

        made = await asyncio.gather(*(house(each) for each in homeless.values()))
        return {key: queue for key, queue in zip(homeless, made, strict=True) if queue}

    async def _made(self, link: Link, carried: Carried) -> Queue | None:
        """A classic queue whose node is down cannot be made on another; until it is back, requests go the steady
        way."""
        fast, steady = self._lanes(carried.system)
        if self._lane(carried) is fast:
            if await _make(link, self._topology.exchange, fast):
                return fast
            if self._missing.was_there(steady.key):
                return steady
        if self._missing.may_be_made(steady.key) and await _make(link, self._topology.exchange, steady):
            return steady
        return None


async def _make(link: Link, exchange: str, queue: Queue) -> bool:
    try:
        channel, _ = await declare(link, exchange, queue)
    except Lost as lost:
        log.warning("queue-not-made", queue=queue.key, code=lost.code)
        return False
    await channel.close()
    log.info("queue-made", queue=queue.key)
    return True


async def _as_it_is(link: Link) -> Link:
    return link


async def _close(consumers: Iterable[Consumer]) -> None:
    await asyncio.gather(*(consumer.close() for consumer in consumers))
