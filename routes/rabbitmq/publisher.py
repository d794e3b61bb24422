"""Publishes with pipelined confirms: many messages out before the first is answered for, and none forgotten."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from pika import BasicProperties, DeliveryMode
from pika.frame import Method
from pika.spec import Basic

from routes.rabbitmq.confirms import Answer, Batch, Confirms
from routes.rabbitmq.connection import Channel, Link, Lost
from routes.rabbitmq.silences import Silences

WINDOW: Final = 500
"""Messages that may await their confirmation."""

CONFIRM_WITHIN: Final = 5.0
"""Seconds for the server to answer for a batch: half of a delivery's publish lease, so that nothing is rung twice."""

AT_ONCE: Final = 100
"""Messages that are written before the event loop may do something else: about two milliseconds."""

RENEW_EVERY: Final = 1.0
"""Seconds between two channels that are opened because the last one was refused something."""

log = structlog.get_logger("rabbitmq")


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What is published: under which key, and whether it must outlive the server's process."""

    key: str
    data: bytes = field(repr=False)
    durable: bool = True

    def properties(self, number: int | None = None) -> BasicProperties:
        """A message that comes back has no number but the one it carries."""
        mode = DeliveryMode.Persistent if self.durable else DeliveryMode.Transient
        return BasicProperties(delivery_mode=mode, message_id=None if number is None else str(number))


class Window:
    """A channel on which each message is answered for, and at most `WINDOW` are open."""

    def __init__(self, link: Link, channel: Channel, exchange: str) -> None:
        self.channel = channel
        self._link = link
        self._exchange = exchange
        self._confirms = Confirms()
        self._changed = asyncio.Event()
        self._heard = 0  # answers so far
        self._users = 0
        self._retired = False
        channel.ended.add_done_callback(lambda _: self.lost())

    @classmethod
    async def open(cls, link: Link, exchange: str) -> "Window":
        """Raises `Lost`."""
        window = cls(link, await link.channel(), exchange)
        await window.channel.confirm(window._answered, window._returned)
        return window

    async def publish(self, messages: Sequence[Outgoing]) -> Sequence[Answer]:
        """Never raises; what was not sent, or not answered for in time, is `LOST` or `SILENT`."""
        done, heard = asyncio.Event(), self._heard
        batch = Batch.of(len(messages), done.set)
        self._users += 1
        try:
            async with asyncio.timeout(CONFIRM_WITHIN):
                await self._send(messages, batch)
                await done.wait()
        except TimeoutError:
            log.warning("publish-unanswered", deliveries=batch.answers.count(Answer.LOST))
            self._confirms.forget(batch, Answer.SILENT if self._heard > heard else Answer.LOST)
        finally:
            self._confirms.forget(batch)
            self._changed.set()
            self._users -= 1
            self._leave()
        return batch.answers

    def lost(self) -> None:
        """Nothing that is out will be answered for in time."""
        self._confirms.lost()
        self._changed.set()

    def retire(self) -> None:
        """Close the channel once nobody waits for it any more."""
        self._retired = True
        self._leave()

    async def _send(self, messages: Sequence[Outgoing], batch: Batch) -> None:
        for index, message in enumerate(messages):
            if index % AT_ONCE == AT_ONCE - 1:
                await asyncio.sleep(0)
            while len(self._confirms) >= WINDOW and not self._link.blocked:
                self._changed.clear()
                await self._changed.wait()
            if self._link.blocked or self.channel.ended.done():
                break
            with suppress(Lost):
                properties = message.properties(self._confirms.next)
                self.channel.publish(self._exchange, message.key, message.data, properties, mandatory=True)
                self._confirms.sent(batch, index)
        batch.sealed()

    def _answered(self, frame: Method[Any]) -> None:
        method = frame.method
        self._heard += 1
        answer = Answer.CONFIRMED if isinstance(method, Basic.Ack) else Answer.REFUSED
        self._confirms.answered(method.delivery_tag, answer, multiple=method.multiple)
        self._changed.set()

    def _returned(self, properties: BasicProperties) -> None:
        self._confirms.returned(int(properties.message_id or 0))

    def _leave(self) -> None:
        if self._retired and not self._users:
            self.channel.hang_up()


class Publisher:
    """Publishes into one exchange over one connection; when its channel is closed on it, it gives up the connection."""

    def __init__(self, link: Link, plain: Channel, window: Window, exchange: str) -> None:
        self.link = link
        self._plain = plain
        self._exchange = exchange
        self._renewed = 0.0
        self._silences = Silences(asyncio.get_running_loop().time)
        self._stale = False
        self._adopt(window)
        link.on_blocked = self._blocked
        plain.ended.add_done_callback(lambda _: link.hang_up())

    @classmethod
    async def open(cls, link: Link, exchange: str) -> "Publisher":
        """Raises `Lost`."""
        plain = await link.channel()
        await plain.declare_exchange(exchange)
        return cls(link, plain, await Window.open(link, exchange), exchange)

    async def publish(self, messages: Sequence[Outgoing]) -> Sequence[Answer]:
        """What became of each, in order; never raises. To a queue that has been silent nothing is sent for a while."""
        if self._stale:
            await self._renew()
        answers = [Answer.SILENT] * len(messages)
        asked = [index for index, message in enumerate(messages) if not self._silences.hold(message.key)]
        for index, answer in zip(asked, await self._window.publish([messages[i] for i in asked]), strict=True):
            answers[index] = answer
        self._silences.end(messages[index].key for index in asked if answers[index] is Answer.CONFIRMED)
        self._silences.begin(messages[index].key for index in asked if answers[index] is Answer.SILENT)
        self._stale = self._stale or Answer.REFUSED in answers
        return answers

    def tell(self, message: Outgoing) -> None:
        """Publish without waiting to hear of it; it may be lost."""
        if not self.link.blocked:
            with suppress(Lost):
                self._plain.publish(self._exchange, message.key, message.data, message.properties(), mandatory=False)

    async def _renew(self) -> None:
        """Publish on a fresh channel. A queue that refuses may be full; or the channel came to it when its leader's
        node was just gone, and then RabbitMQ 3.10 refuses whatever that channel publishes until the node is back."""
        now = asyncio.get_running_loop().time()
        if now - self._renewed < RENEW_EVERY or self.link.blocked:
            return
        self._renewed, self._stale = now, False
        try:
            window = await Window.open(self.link, self._exchange)
        except Lost:
            self.link.hang_up()
        else:
            self._window.retire()
            self._adopt(window)

    def _adopt(self, window: Window) -> None:
        self._window = window
        window.channel.ended.add_done_callback(lambda _: self._ended(window))

    def _ended(self, window: Window) -> None:
        if window is self._window:
            self.link.hang_up()

    def _blocked(self) -> None:
        """The server is out of memory or disk and reads nothing more."""
        log.warning("rabbitmq-blocked")
        self._window.lost()
