"""Pika's AsyncioConnection, awaitable: a connection and its channels, each call a coroutine.

Pika calls back in the event loop and raises what is wrong with a channel from any of its methods; here both become one
exception, `Lost`. No text of Pika or of the server goes further: they quote addresses and names.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar

import structlog
from pika import BasicProperties, ConnectionParameters
from pika.adapters.asyncio_connection import AsyncioConnection
from pika.channel import Channel as PikaChannel
from pika.exceptions import AMQPError
from pika.exchange_type import ExchangeType
from pika.frame import Method
from pika.spec import Basic

from routes.rabbitmq.topology import Queue

ANSWER_WITHIN: Final = 10.0
"""Seconds for the server to answer a call; making a quorum queue takes it some milliseconds."""

CLOSE_WITHIN: Final = 2.0
"""Seconds for a connection to be closed in good manners; a server that is blocked reads nothing."""

INEQUIVALENT: Final = 406
"""AMQP 0-9-1, PRECONDITION_FAILED: among others, the queue is there with other arguments."""

T = TypeVar("T")

log = structlog.get_logger("rabbitmq")


class Lost(Exception):
    """The connection or channel has gone; `code` is the server's reason (reply-code of AMQP 0-9-1), or 0."""

    def __init__(self, code: int = 0) -> None:
        super().__init__(code)
        self.code = code


class Channel:
    """One channel. `ended` is done once nothing comes or goes through it any more: it was closed, its connection has
    gone, or the server has cancelled its consumer. Every coroutine raises `Lost` then."""

    def __init__(self, channel: PikaChannel) -> None:
        self._loop = asyncio.get_running_loop()
        self._channel = channel
        self._unacknowledged: set[int] = set()
        self.ended: asyncio.Future[int] = self._loop.create_future()
        channel.add_on_close_callback(lambda _, reason: self._end(getattr(reason, "reply_code", 0)))
        channel.add_on_cancel_callback(lambda _: self._end(0))

    @classmethod
    async def open(cls, connection: AsyncioConnection) -> "Channel":
        opened: asyncio.Future[PikaChannel] = asyncio.get_running_loop().create_future()
        channel = cls(connection.channel(on_open_callback=partial(_settle, opened)))
        await channel._answered(opened)
        return channel

    async def declare_exchange(self, name: str) -> None:
        await self._call(self._channel.exchange_declare, name, ExchangeType.direct, durable=True)

    async def declare_queue(self, queue: Queue, exchange: str) -> str:
        """Make the queue, if it is not there, and bind it; its name. `Lost` with `INEQUIVALENT`: it is there, but
        otherwise."""
        private = not queue.name
        answer = await self._call(
            self._channel.queue_declare,
            queue.name,
            durable=not private,
            exclusive=private,
            arguments=dict(queue.arguments),
        )
        name = str(answer.method.queue)
        await self.bind(name, exchange, queue.key)
        return name

    async def bind(self, name: str, exchange: str, key: str) -> None:
        await self._call(self._channel.queue_bind, name, exchange, key)

    async def consume(self, name: str, prefetch: int | None, came: Callable[[int, bytes], None]) -> None:
        """Have messages come, with the tag to acknowledge each by; without `prefetch` they need none."""
        if prefetch is not None:
            # Per consumer: 4.x has no prefetch for a whole channel of quorum queues.
            await self._call(self._channel.basic_qos, prefetch_count=prefetch)

        def arrived(_: PikaChannel, method: Basic.Deliver, __: BasicProperties, body: bytes) -> None:
            if prefetch is not None:
                self._unacknowledged.add(method.delivery_tag)
            # What a receiver raises is not the connection's: pika would abort it.
            self._loop.call_soon(came, method.delivery_tag, body)

        await self._call(self._channel.basic_consume, name, arrived, auto_ack=prefetch is None)

    def acknowledge(self, tag: int) -> None:
        """Once; a second time, or once it is being closed, nothing: the server would close the channel, or has."""
        if tag in self._unacknowledged and not self.ended.done() and self._channel.is_open:
            self._unacknowledged.discard(tag)
            self._channel.basic_ack(tag)

    async def confirm(
        self, answered: Callable[[Method[Any]], None], returned: Callable[[BasicProperties], None]
    ) -> None:
        """Have the server answer for everything that is published from now on."""
        self._channel.add_on_return_callback(lambda _, __, properties, ___: returned(properties))
        await self._call(self._channel.confirm_delivery, answered)

    def publish(self, exchange: str, key: str, data: bytes, properties: BasicProperties, *, mandatory: bool) -> None:
        """Put into the buffer of the connection. Raises `Lost`."""
        try:
            self._channel.basic_publish(exchange, key, data, properties, mandatory)
        except AMQPError:
            raise Lost from None

    def hang_up(self) -> None:
        """Begin to close."""
        if self._channel.is_open:
            self._channel.close()

    async def close(self) -> None:
        """Give back what was not acknowledged; never raises, and returns at once where there is no more channel."""
        if not self._channel.is_closed:
            closed = self._loop.create_future()
            self._channel.add_on_close_callback(lambda _, __: _settle(closed))
            self.hang_up()
            await asyncio.wait([closed], timeout=CLOSE_WITHIN)

    async def _call(self, method: Callable[..., object], *arguments: object, **named: object) -> Method[Any]:
        answer: asyncio.Future[Method[Any]] = self._loop.create_future()
        try:
            method(*arguments, callback=partial(_settle, answer), **named)
        except AMQPError:
            raise Lost from None
        return await self._answered(answer)

    async def _answered(self, answer: asyncio.Future[T]) -> T:
        either: list[asyncio.Future[Any]] = [answer, self.ended]
        await asyncio.wait(either, timeout=ANSWER_WITHIN, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            raise Lost(self.ended.result() if self.ended.done() else 0)
        return answer.result()

    def _end(self, code: int) -> None:
        _settle(self.ended, code)


class _Gathering(AsyncioConnection):
    """Sends what a turn of the event loop brings in one call of the system. Pika makes three calls for each message:
    its method, its head and its body."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self._gathered: list[bytes] = []
        super().__init__(*arguments, **named)

    def _adapter_emit_data(self, data: bytes) -> None:
        if not self._gathered:
            asyncio.get_running_loop().call_soon(self._emit)
        self._gathered.append(data)

    def _emit(self) -> None:
        data = b"".join(self._gathered)
        self._gathered.clear()
        if self._transport is not None:  # else the connection has gone, and all that was to be sent with it
            super()._adapter_emit_data(data)


class Link:
    """One open connection. `lost` is done once it has gone."""

    def __init__(self, connection: AsyncioConnection) -> None:
        self._connection = connection
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.blocked = False
        self.on_blocked: Callable[[], None] = lambda: None
        connection.add_on_close_callback(lambda _, __: _settle(self.lost))
        if connection.is_closed:  # since it opened: nobody calls back any more
            _settle(self.lost)
        connection.add_on_connection_blocked_callback(lambda _, __: self._block())
        connection.add_on_connection_unblocked_callback(lambda _, __: self._unblock())

    @classmethod
    async def open(cls, address: ConnectionParameters) -> "Link":
        """Raises `Lost`."""
        opened: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        connection = _Gathering(
            address,
            on_open_callback=lambda _: _settle(opened, True),
            on_open_error_callback=lambda _, __: _settle(opened, False),
            custom_ioloop=asyncio.get_running_loop(),
        )
        try:
            if not await asyncio.shield(opened):
                raise Lost
        except asyncio.CancelledError:
            connection.close()
            await asyncio.wait([opened], timeout=CLOSE_WITHIN)
            raise
        return cls(connection)

    @property
    def version(self) -> str:
        """What the server says it is."""
        said = (self._connection.server_properties or {}).get("version", b"")
        return said.decode(errors="replace") if isinstance(said, bytes) else str(said)

    async def channel(self) -> Channel:
        """Raises `Lost`."""
        try:
            return await Channel.open(self._connection)
        except AMQPError:
            raise Lost from None

    def hang_up(self) -> None:
        """Begin to close; `lost` will tell."""
        if self._connection.is_open:
            self._connection.close()

    async def close(self) -> None:
        """Never raises."""
        self.hang_up()
        await asyncio.wait([self.lost], timeout=CLOSE_WITHIN)
        if not self.lost.done():
            # Pika has no public way to hang up on a server that does not answer; its heartbeat does the same.
            self._connection._terminate_stream(Lost())  # noqa: SLF001
            await asyncio.wait([self.lost], timeout=CLOSE_WITHIN)

    def _block(self) -> None:
        self.blocked = True
        self.on_blocked()

    def _unblock(self) -> None:
        self.blocked = False


async def declare(link: Link, exchange: str, queue: Queue) -> tuple[Channel, str]:
    """A channel, and the name of the queue, which is there and bound. Raises `Lost`.

    One that is there with other arguments, of an older bus or made by an operator, serves as it is: arguments cannot be
    changed, and a queue that does not serve would be worse.
    """
    channel = await link.channel()
    try:
        await channel.declare_exchange(exchange)
        return channel, await channel.declare_queue(queue, exchange)
    except asyncio.CancelledError:
        channel.hang_up()
        raise
    except Lost as lost:
        await channel.close()
        if lost.code != INEQUIVALENT:
            raise
        log.warning("queue-differs", queue=queue.name)
    channel = await link.channel()
    await channel.bind(queue.name, exchange, queue.key)
    return channel, queue.name


def _settle(future: asyncio.Future[Any], result: object = None) -> None:
    if not future.done():
        future.set_result(result)
