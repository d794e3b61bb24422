"""Being there: this process says every two seconds that it lives, and asks every second how things stand."""

import asyncio
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Final

import structlog

from bus.clock import Clock
from bus.errors import BusError
from journal.committer import Committer
from journal.conditions import Beat, Leave
from journal.queries import Queries
from routes.conditions import Conditions

BEAT_EVERY: Final = 2.0
LOOK_EVERY: Final = 1.0

SOON: Final = 0.25
"""Seconds after which what failed is tried again."""

log = structlog.get_logger("presence")


class Presence:
    """Keeps the conditions of one process; `role` is gateway, worker, or both."""

    def __init__(
        self, committer: Committer, queries: Queries, conditions: Conditions, clock: Clock, process: str, role: str
    ) -> None:
        self._committer = committer
        self._queries = queries
        self._conditions = conditions
        self._clock = clock
        self._beat = Beat(process, role, version("lgsp"))

    async def beat(self) -> None:
        asked = self._clock.monotonic()
        self._conditions.beaten(await self._committer.write(self._beat), asked)

    async def look(self) -> None:
        asked = self._clock.monotonic()
        self._conditions.see(await asyncio.to_thread(self._queries.present), asked)

    async def begin(self) -> None:
        """Both once, so that a process that is alone may begin at once. Raises `BusError`."""
        await self.beat()
        await self.look()

    async def run(self) -> None:
        """Both until cancelled."""
        await asyncio.gather(_often(self.beat, BEAT_EVERY), _often(self.look, LOOK_EVERY))

    async def leave(self) -> None:
        """Let others have this process's share at once; nothing may be under way any more. Raises `BusError`."""
        await self._committer.write(Leave(self._beat.process))


async def _often(what: Callable[[], Awaitable[None]], every: float) -> None:
    while True:
        try:
            await what()
            pause = every
        except BusError as unavailable:
            log.warning("presence-failed", code=unavailable.code)
            pause = SOON
        except Exception as unforeseen:  # noqa: BLE001 - a process that says nothing any more would be taken for dead
            log.error("presence-failed", kind=type(unforeseen).__name__)
            pause = SOON
        await asyncio.sleep(pause)
