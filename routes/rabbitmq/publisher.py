"""Publishes with pipelined confirms: many messages out before the first is answered for, and none forgotten."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from pika import BasicProperties, DeliveryMode
from pika.frame import Method
from pika.spec import Basic

from routes.rabbitmq.confirms import Answer, Batch, Confirms
from routes.rabbitmq.connection import Channel, Link, Lost

WINDOW: Final = 500
"""Messages that may await their confirmation; what 500 cost in a quorum queue, 100 cost nearly as well."""

CONFIRM_WITHIN: Final = 5.0
"""Seconds for the server to answer for a batch: half of a delivery's publish lease, so that nothing is rung twice."""

AT_ONCE: Final = 100
"""Messages that are written before the event loop may do something else: about two milliseconds."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What is published: under which key, and whether it must outlive the server's process."""

    key: str
    data: bytes = field(repr=False)
    durable: bool = True


class Publisher:
    """Publishes into one exchange, over one connection; when its channel ends, it ends the connection with it."""

    def __init__(self, link: Link, channel: Channel, plain: Channel, exchange: str) -> None:
        self.link = link
        self._channel = channel
        self._plain = plain
        self._exchange = exchange
        self._confirms = Confirms()
        self._room = asyncio.Event()
        link.on_blocked = self._lost
        for each in (channel, plain):
            each.ended.add_done_callback(lambda _: self._ended())

    @classmethod
    async def open(cls, link: Link, exchange: str) -> "Publisher":
        """Raises `Lost`."""
        channel, plain = await link.channel(), await link.channel()
        await plain.declare_exchange(exchange)
        publisher = cls(link, channel, plain, exchange)
        await channel.confirm(publisher._answered, publisher._returned)
        return publisher

    @property
    def usable(self) -> bool:
        """Not while the server is out of memory or disk: it would read nothing more."""
        return not (self.link.blocked or self._channel.ended.done())

    async def publish(self, messages: Sequence[Outgoing]) -> Sequence[Answer]:
        """What became of each, in order; never raises. What the server was not asked to keep is `LOST`."""
        done = asyncio.Event()
        batch = Batch.of(len(messages), done.set)
        try:
            async with asyncio.timeout(CONFIRM_WITHIN):
                await self._send(messages, batch)
                await done.wait()
        except TimeoutError:
            pass
        finally:
            self._confirms.forget(batch)
            self._room.set()
        return batch.answers

    def tell(self, message: Outgoing) -> None:
        """Publish without waiting to hear of it; it may be lost."""
        with suppress(Lost):
            if self.usable:
                self._put(self._plain, message, None)

    async def _send(self, messages: Sequence[Outgoing], batch: Batch) -> None:
        for index, message in enumerate(messages):
            if index % AT_ONCE == AT_ONCE - 1:
                await asyncio.sleep(0)
            while len(self._confirms) >= WINDOW and self.usable:
                self._room.clear()
                await self._room.wait()
            if not self.usable:
                break
            with suppress(Lost):
                self._put(self._channel, message, self._confirms.next)
                self._confirms.sent(batch, index)
        batch.sealed()

    def _put(self, channel: Channel, message: Outgoing, number: int | None) -> None:
        """A message that comes back has no number but the one it carries."""
        properties = BasicProperties(
            delivery_mode=DeliveryMode.Persistent if message.durable else DeliveryMode.Transient,
            message_id=None if number is None else str(number),
        )
        channel.publish(self._exchange, message.key, message.data, properties, mandatory=number is not None)

    def _answered(self, frame: Method[Any]) -> None:
        method = frame.method
        answer = Answer.CONFIRMED if isinstance(method, Basic.Ack) else Answer.REFUSED
        self._confirms.answered(method.delivery_tag, answer, multiple=method.multiple)
        self._room.set()

    def _returned(self, properties: BasicProperties) -> None:
        self._confirms.returned(int(properties.message_id or 0))

    def _lost(self) -> None:
        self._confirms.lost()
        self._room.set()

    def _ended(self) -> None:
        self._lost()
        self.link.hang_up()
