"""Who waits at which inbox, and whether anything is there: as far as this process knows, for ten thousand who wait at
the price of one question a second.

What is accepted here wakes one who waits at once. Of everything else (what another process accepted, what is due again,
what had been held) the journal is asked once a second, for all inboxes at which somebody waits or has lately asked.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Final

import structlog

from bus.clock import Clock
from bus.errors import BusError, QuotaExceeded
from journal.queries import Queries
from routes.conditions import Conditions

LOOK_EVERY: Final = 1.0
"""Seconds between two looks for all of them."""

FRESH: Final = 1.5
"""Seconds for which it is believed that an inbox is empty: a look, and the time that the next one takes."""

REMEMBERED: Final = 30.0
"""Seconds for which an inbox is looked at for one who asks now and then without waiting."""

MOST_WAITING: Final = 1_000
"""Calls that wait at one inbox of this process; one that comes on top is told to come again."""

log = structlog.get_logger("inbox")


@dataclass(slots=True)
class _Inbox:
    """What is known of one system's. `news` counts what came; `empty_at` is the monotonic time at which there was
    nothing in it; `asked_at` that at which somebody asked last."""

    waiting: dict[asyncio.Future[bool], None] = field(default_factory=dict)
    taking: asyncio.Lock = field(default_factory=asyncio.Lock)
    news: int = 0
    empty_at: float = float("-inf")
    asked_at: float = float("-inf")


class Arrivals:
    """Of one process."""

    def __init__(self, queries: Queries, conditions: Conditions, clock: Clock) -> None:
        self.closed = False
        self._queries = queries
        self._conditions = conditions
        self._clock = clock
        self._inboxes: dict[str, _Inbox] = {}

    async def run(self, every: float = LOOK_EVERY) -> None:
        while True:
            await asyncio.sleep(every)
            try:
                await self.look()
            except BusError as unavailable:
                log.warning("inboxes-not-looked-at", code=unavailable.code)
            except Exception as unforeseen:  # noqa: BLE001 - without looks nobody who waits would hear of anything
                log.error("inboxes-not-looked-at", kind=type(unforeseen).__name__)

    async def look(self) -> None:
        """Ask the journal what is there, for every inbox of interest."""
        asked_at = self._clock.monotonic()
        for system, inbox in list(self._inboxes.items()):
            idle = not inbox.waiting and not inbox.taking.locked()
            if idle and asked_at - inbox.asked_at > REMEMBERED:
                del self._inboxes[system]
        if not self._inboxes:
            return
        news = {system: inbox.news for system, inbox in self._inboxes.items()}
        now = self._conditions.now() or self._clock.now()
        found = await asyncio.to_thread(self._queries.fetchable, list(news), now)
        for system, before in news.items():
            if system in found:
                self.came(system)
            else:
                self.nothing(system, before, asked_at)

    def came(self, system: str) -> None:
        """Something is there, or may be; one of those who wait is told."""
        inbox = self._inboxes.get(system)
        if inbox is None:
            return
        inbox.news += 1
        inbox.empty_at = float("-inf")
        while inbox.waiting:
            future = next(iter(inbox.waiting))
            del inbox.waiting[future]
            if not future.done():
                future.set_result(True)
                return

    def nothing(self, system: str, news: int, asked_at: float) -> None:
        """There was nothing when the journal was asked at `asked_at`, when `news` had come."""
        inbox = self._inboxes.get(system)
        if inbox and inbox.news == news:
            inbox.empty_at = asked_at

    def asked(self, system: str) -> None:
        """Somebody asks at this moment."""
        self._of(system).asked_at = self._clock.monotonic()

    def is_empty(self, system: str) -> bool:
        """Whether there was nothing just now."""
        return self._clock.monotonic() - self._of(system).empty_at < FRESH

    def news(self, system: str) -> int:
        return self._of(system).news

    def taking(self, system: str) -> asyncio.Lock:
        """One at a time asks the journal for an inbox: who comes after may find it empty."""
        return self._of(system).taking

    async def wait(self, system: str, seconds: float) -> bool:
        """Until something came, which whoever hears it must look for; False: the time is over, or the process ends.
        Raises `QuotaExceeded` where too many wait."""
        inbox = self._of(system)
        if len(inbox.waiting) >= MOST_WAITING:
            raise QuotaExceeded(system=system, limit=f"{MOST_WAITING} waiting calls", retry_after=5)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[bool] = loop.create_future()
        inbox.waiting[future] = None
        timer = loop.call_later(seconds, _over, future)
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self.came(system)  # for somebody else
            raise
        finally:
            timer.cancel()
            inbox.waiting.pop(future, None)
            inbox.asked_at = self._clock.monotonic()

    def close(self) -> None:
        """Let everybody go."""
        self.closed = True
        for inbox in self._inboxes.values():
            for future in tuple(inbox.waiting):
                _over(future)

    def _of(self, system: str) -> _Inbox:
        inbox = self._inboxes.get(system)
        if inbox is None:
            inbox = self._inboxes[system] = _Inbox()
        return inbox


def _over(future: asyncio.Future[bool]) -> None:
    if not future.done():
        future.set_result(False)
