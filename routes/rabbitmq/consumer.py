"""Brings what a queue holds: declares the queue, consumes, and does both again whenever it was lost."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import structlog

from routes.rabbitmq.connection import ANSWER_WITHIN, Channel, Link, Lost, declare
from routes.rabbitmq.keeper import Keeper, Pauses
from routes.rabbitmq.topology import Queue

Came = Callable[[bytes, Callable[[], None]], None]
"""Called in the event loop with what came, and how to acknowledge it."""

log = structlog.get_logger("rabbitmq")


class Consumer:
    """One queue's consumer, on a channel of its own: what happens to it happens to no other. Without `prefetch`
    everything comes at once and needs no acknowledgement. `began` is called each time that it begins to consume."""

    def __init__(
        self,
        keeper: Keeper[Link],
        exchange: str,
        queue: Queue,
        prefetch: int | None,
        came: Came,
        began: Callable[[], None],
        chance: Callable[[], float],
    ) -> None:
        self._keeper = keeper
        self._exchange = exchange
        self._queue = queue
        self._prefetch = prefetch
        self._came = came
        self._began = began
        self._chance = chance
        self._tried = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    async def tried(self) -> None:
        """Wait until it consumes, could not yet, or was closed: with the server down that is at once."""
        if await self._keeper.now() is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(ANSWER_WITHIN):
                    await self._tried.wait()

    async def close(self) -> None:
        """Nothing comes any more, and what was not acknowledged goes to others."""
        self._tried.set()
        self._task.cancel()
        # Not `await`: whoever is cancelled in it could not tell that from the end of the task.
        await asyncio.wait([self._task])

    async def _run(self) -> None:
        pauses = Pauses(self._chance)
        while True:
            link = await self._keeper.next()
            try:
                channel, name = await declare(link, self._exchange, self._queue)
                await self._consume(channel, name)
                pauses.reset()
            except Lost as lost:
                log.warning("queue-unavailable", queue=self._queue.key, code=lost.code)
            self._tried.set()
            await pauses.wait()

    async def _consume(self, channel: Channel, name: str) -> None:
        """Until the channel ends. Raises `Lost` where it could not begin."""

        def came(tag: int, data: bytes) -> None:
            # What the loop had still to hand over when the channel ended comes again by another way.
            if not channel.ended.done():
                self._came(data, partial(channel.acknowledge, tag))

        try:
            await channel.consume(name, self._prefetch, came)
            self._tried.set()
            self._began()
            await asyncio.shield(channel.ended)
        finally:
            await channel.close()
