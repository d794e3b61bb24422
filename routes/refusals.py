"""Refusals of strangers, and of callers over their quota: counted, and told once a minute for each source and reason.

They can be made as many as anybody likes; they must cost neither the journal nor the log more than that.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from bus.clock import Clock
from bus.errors import BusError
from journal.commands import Event, Record, Reference

PERIOD = 60.0
"""Seconds between two events of one source and reason."""

MOST_SOURCES = 10_000
"""Sources and reasons that are told apart; past it, sources are counted together."""

EVERYBODY_ELSE = "*"


@dataclass(slots=True)
class _Count:
    told_at: float
    since: int = 0


class Refusals:
    """Counts for one process. `write` has what it is given in the journal when it returns."""

    def __init__(self, write: Callable[[Record], Awaitable[Reference]], clock: Clock, actor: str) -> None:
        self._write = write
        self._clock = clock
        self._actor = actor
        self._counts: dict[tuple[str, str], _Count] = {}
        self._looked_at = clock.monotonic()

    async def refused(self, source: str, refusal: BusError) -> None:
        """`source` is the caller's address, or its system where that is known. Tells of the first at once, of the next
        ones when the period is over."""
        now = self._clock.monotonic()
        key = (source, refusal.code)
        if key not in self._counts and self._full(now):
            source = EVERYBODY_ELSE
            key = (source, refusal.code)
        count = self._counts.get(key)
        if count and now - count.told_at < PERIOD:
            count.since += 1
            return
        self._counts[key] = _Count(now)
        refusal.reference = str(await self._record(key, (count.since if count else 0) + 1))

    async def run(self) -> None:
        """Tell of what was counted, once a period, until cancelled: whoever stops in time is told of as well."""
        while True:
            await asyncio.sleep(PERIOD)
            with suppress(BusError):
                await self.tell()

    async def tell(self) -> None:
        """Tell of everything that was counted and not told yet."""
        now = self._clock.monotonic()
        for key, count in tuple(self._counts.items()):
            if since := count.since:
                self._counts[key] = _Count(now)
                await self._record(key, since)

    async def _record(self, key: tuple[str, str], count: int) -> Reference:
        source, code = key
        facts: dict[str, str | int] = {"code": code, "count": count, "source": source}
        return await self._write(Record(Event("caller.refused", self._actor, facts=facts)))

    def _full(self, now: float) -> bool:
        """Whether no more sources can be told apart; old ones are looked for once in a while, not by every stranger."""
        if len(self._counts) >= MOST_SOURCES and now - self._looked_at >= PERIOD / 10:
            self._looked_at = now
            self._counts = {
                key: each for key, each in self._counts.items() if each.since or now - each.told_at < PERIOD
            }
        return len(self._counts) >= MOST_SOURCES
