"""Keeps one connection open, to whichever node answers, and says when there is none."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import structlog
from pika import ConnectionParameters

from routes.rabbitmq.connection import Link, Lost

Made = TypeVar("Made")
"""What is made of each connection before anybody may use it."""

log = structlog.get_logger("rabbitmq")


@dataclass(slots=True)
class Pauses:
    """Longer and longer between tries, and never the same for two processes: `chance` is between -1 and 1."""

    chance: Callable[[], float]
    first: float = 0.1
    most: float = 5.0
    _next: float = 0.0

    async def wait(self) -> None:
        pause = min(max(self.first, self._next), self.most)
        self._next = 2 * pause
        await asyncio.sleep(pause * (1 + self.chance() / 2))

    def reset(self) -> None:
        self._next = 0.0


STEADY: Final = 10.0
"""Seconds after which a connection has proven itself: its loss is answered by the shortest pause again."""


class Keeper(Generic[Made]):
    """Started by its first use, in the event loop of that use; `make` may raise `Lost`."""

    def __init__(
        self,
        addresses: Sequence[ConnectionParameters],
        make: Callable[[Link], Awaitable[Made]],
        chance: Callable[[], float],
    ) -> None:
        # Pika logs addresses, frames and tracebacks as errors; what matters of them is told here.
        logging.getLogger("pika").setLevel(logging.CRITICAL + 1)
        self._addresses = addresses
        self._make = make
        self._chance = chance
        self.made: Made | None = None
        """What there is at this moment."""
        self._up = asyncio.Event()
        self._tried = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    async def now(self) -> Made | None:
        """The same; waits for the very first try, never for a lost connection."""
        self._start()
        await self._tried.wait()
        return self.made

    @property
    def away(self) -> bool:
        """Whether it was tried, and there is nothing."""
        return self._tried.is_set() and self.made is None

    async def next(self) -> Made:
        """What there is, as soon as there is one."""
        self._start()
        while self.made is None:
            await self._up.wait()
        return self.made

    async def close(self) -> None:
        self._closed = True
        self._tried.set()
        if self._task:
            self._task.cancel()
            await asyncio.wait([self._task])

    def _start(self) -> None:
        if self._task is None and not self._closed:
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        pauses = Pauses(self._chance)
        told = False
        while True:
            link = await self._open()
            if link is not None:
                told = False
                await self._hold(link, pauses)
            elif not told:
                told = True
                log.warning("rabbitmq-unreachable", nodes=len(self._addresses))
            self._tried.set()
            await pauses.wait()

    async def _open(self) -> Link | None:
        """To the nodes in an order left to chance, so that processes spread."""
        for address in sorted(self._addresses, key=lambda _: self._chance()):
            try:
                link = await Link.open(address)
            except Lost:
                continue
            log.info("rabbitmq-connected", host=address.host, port=address.port)
            return link
        return None

    async def _hold(self, link: Link, pauses: Pauses) -> None:
        """Offer the connection until it is lost."""
        began = asyncio.get_running_loop().time()
        try:
            self.made = await self._make(link)
            self._tried.set()
            self._up.set()
            await asyncio.shield(link.lost)
            log.warning("rabbitmq-lost")
        except Lost as lost:
            log.warning("rabbitmq-unusable", code=lost.code)
        finally:
            self.made = None
            self._up.clear()
            await link.close()
        if asyncio.get_running_loop().time() - began > STEADY:
            pauses.reset()
