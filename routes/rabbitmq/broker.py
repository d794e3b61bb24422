"""The broker of production: RabbitMQ 3.10 to 4.x.

Two connections a process, one to publish and one to consume. A server that is short of memory or disk stops reading
from whoever publishes, acknowledgements and all: over a shared connection nobody could drain what filled it.
"""

import asyncio
import random
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import structlog

from bus.envelope import Exchange
from routes.broker import Arrived, Carried, Signal
from routes.rabbitmq.addresses import addresses
from routes.rabbitmq.confirms import Answer
from routes.rabbitmq.connection import Link, Lost, declare
from routes.rabbitmq.consumer import Consumer
from routes.rabbitmq.keeper import Keeper
from routes.rabbitmq.publisher import Outgoing, Publisher
from routes.rabbitmq.topology import Queue, Topology

MOST_DECLARING: Final = 16
"""Systems whose queues are made at the same time."""

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
        chance: Callable[[], float] = lambda: random.uniform(-1, 1),  # noqa: S311 - jitter
    ) -> None:
        """Raises `SettingInvalid` for a URL that does not name a RabbitMQ."""
        self._topology = topology or Topology()
        self._chance = chance
        self._outgoing = Keeper(addresses(url, f"{title} publishes"), self._publisher, chance)
        self._incoming = Keeper(addresses(url, f"{title} consumes"), _as_it_is, chance)
        self._subscriptions: dict[str, tuple[Consumer, ...]] = {}
        self._listening: list[Consumer] = []
        self._declaring = asyncio.Semaphore(MOST_DECLARING)

    async def publish(self, batch: Sequence[Carried]) -> Sequence[Carried]:
        """Hand over; the result is what was not confirmed: no server, a blocked one, a full queue, no answer."""
        publisher = await self._outgoing.now()
        if publisher is None:
            return batch
        answers = list(await publisher.publish([self._outgoing_of(each) for each in batch]))
        homeless = [index for index, answer in enumerate(answers) if answer is Answer.RETURNED]
        if homeless:
            again = await self._rehouse(publisher, [batch[index] for index in homeless])
            for index, answer in zip(homeless, again, strict=True):
                answers[index] = answer
        return [each for each, answer in zip(batch, answers, strict=True) if answer is not Answer.CONFIRMED]

    async def subscribe(self, system: str, prefetch: int, arrived: Arrived) -> None:
        """Both lanes of the system, at most `prefetch` unacknowledged out of each."""
        await self.unsubscribe(system)

        def came(data: bytes, acknowledge: Callable[[], None]) -> None:
            try:
                carried = Carried.decode(data)
            except UNREADABLE:
                log.warning("carried-unreadable", system=system)
                acknowledge()
            else:
                arrived(carried, acknowledge)

        consumers = tuple(self._consumer(lane, prefetch, came) for lane in self._lanes(system))
        self._subscriptions[system] = consumers
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
        return self._topology.fast(system), self._topology.steady(system)

    def _outgoing_of(self, carried: Carried, *, steady: bool = False) -> Outgoing:
        if steady or carried.envelope.exchange is not Exchange.REQUEST:
            return Outgoing(self._topology.steady(carried.system).key, carried.encode())
        return Outgoing(self._topology.fast(carried.system).key, carried.encode(), durable=False)

    async def _rehouse(self, publisher: Publisher, batch: Sequence[Carried]) -> Sequence[Answer]:
        """Make the queues that nobody has made yet, or that somebody has deleted, and publish again. A classic queue
        whose node is down cannot be made elsewhere: until it is back, requests go the steady way."""
        systems = list({carried.system for carried in batch})
        fast = await asyncio.gather(*(self._declared(publisher.link, system) for system in systems))
        slow = {system for system, there in zip(systems, fast, strict=True) if not there}
        return await publisher.publish([self._outgoing_of(each, steady=each.system in slow) for each in batch])

    async def _declared(self, link: Link, system: str) -> bool:
        """Whether the fast lane is there now."""
        async with self._declaring:
            fast, steady = [await _is_there(link, self._topology.exchange, lane) for lane in self._lanes(system)]
        log.info("queues-declared", system=system, fast=fast, steady=steady)
        return fast


async def _is_there(link: Link, exchange: str, queue: Queue) -> bool:
    try:
        channel, _ = await declare(link, exchange, queue)
    except Lost:
        return False
    await channel.close()
    return True


async def _as_it_is(link: Link) -> Link:
    return link


async def _close(consumers: Iterable[Consumer]) -> None:
    await asyncio.gather(*(consumer.close() for consumer in consumers))
