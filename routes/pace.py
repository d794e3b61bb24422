"""How fast a system is called: its rate limit, kept by spacing."""

import asyncio

from bus.clock import Clock


class Pace:
    """Turns at most `per_second` a second, evenly; None: as they come. For one event loop."""

    def __init__(self, per_second: float | None, clock: Clock) -> None:
        self.per_second = per_second
        self._clock = clock
        self._next = 0.0

    async def turn(self) -> None:
        """Return when it is this caller's turn."""
        if self.per_second is None:
            return
        now = self._clock.monotonic()
        begin = max(now, self._next)
        self._next = begin + 1 / self.per_second
        if begin > now:
            await asyncio.sleep(begin - now)
