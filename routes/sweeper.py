"""The sweeper: once in a while, everything whose time has come. One path into the broker for retries, replays and
what was lost."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

import structlog

from bus.clock import Clock
from bus.errors import BusError
from journal.commands import Sweep
from journal.committer import Committer
from journal.counting import KeepCounts
from journal.queries import Queries
from routes.broker import Broker, Carried, Signal
from routes.notices import Notices
from routes.ringer import Ringer
from routes.room import Room
from routes.watch import Watch

COUNT_EVERY: Final = 2_000
"""Milliseconds from one count of what waits to the next."""

COUNT_SHARE: Final = 20
"""Of so many parts of the time one is spent on counting, at most: a million of open deliveries take a third of a
second."""

IDLE_ORDERS_EVERY: Final = 300.0
"""Seconds between two looks for what should never be: an order in which something is held and nothing on its way."""

T = TypeVar("T")

log = structlog.get_logger("sweeper")


class Sweeper:
    """Sweeps for one process; `name` is told in audit events, `fetching` says which systems fetch their deliveries.

    Of all processes one at a time counts what waits for each system, aside of the writer, whom a long count would hold
    up.
    """

    def __init__(
        self,
        committer: Committer,
        queries: Queries,
        ringer: Ringer,
        broker: Broker,
        room: Room,
        clock: Clock,
        notices: Notices,
        name: str,
        fetching: Callable[[], frozenset[str]] = frozenset,
    ) -> None:
        self._committer = committer
        self._queries = queries
        self._ringer = ringer
        self._broker = broker
        self._room = room
        self._clock = clock
        self._watch = Watch(clock.monotonic)
        self._notices = notices
        self._name = name
        self._fetching = fetching
        self._count_every = COUNT_EVERY
        self._looked_at: float | None = None

    async def run(self, every: float) -> None:
        """Sweep every so many seconds until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            counting: asyncio.Task[None] | None = None
            while True:
                if await self._tried(self.sweep()) and (counting is None or counting.done()):
                    counting = tasks.create_task(self._tried(self.count()))
                await asyncio.sleep(every)

    async def start(self) -> None:
        """Before anything is served: this process alone serves the journal, and whatever others held has ended."""
        await self.sweep(restart=True)
        await self.count()

    async def sweep(self, *, restart: bool = False) -> bool:
        """True: it is for this process to count."""
        room, closed = self._room.everywhere(), self._room.closed()
        asked = self._clock.monotonic()
        sweep = Sweep(
            self._name,
            room,
            closed,
            self._fetching(),
            self._count_every,
            restart=restart,
            idle_orders=self._idle_orders_due(),
            latest=self._watch.latest(),
            watched=self._watch.watched(),
            telling=self._notices.lost,
        )
        swept = await self._committer.write(sweep)
        self._watch.heard(swept.now, asked)
        self._ringer.ring(Carried(rung.delivery, rung.system, rung.envelope) for rung in swept.rung)
        for ended in swept.ended:
            if ended.waiter:
                await self._broker.signal(ended.waiter, Signal(ended.message))
        return swept.count

    def _idle_orders_due(self) -> bool:
        """At first, and now and then."""
        now = self._clock.monotonic()
        if self._looked_at is not None and now - self._looked_at < IDLE_ORDERS_EVERY:
            return False
        self._looked_at = now
        return True

    async def count(self) -> None:
        """Count what waits for each system, and keep it for every process."""
        begun = self._clock.monotonic()
        counts = await asyncio.to_thread(self._queries.waiting)
        self._count_every = max(COUNT_EVERY, round((self._clock.monotonic() - begun) * 1000 * COUNT_SHARE))
        await self._committer.write(KeepCounts(counts))

    async def _tried(self, attempt: Coroutine[Any, Any, T]) -> T | None:
        """What fails is tried again with the next turn."""
        try:
            return await attempt
        except BusError as unavailable:
            log.warning("sweep-postponed", code=unavailable.code)
        except Exception as unforeseen:  # noqa: BLE001 - without sweeps nothing would be tried again
            log.error("sweep-failed", kind=type(unforeseen).__name__)
        return None
