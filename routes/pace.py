"""How fast a system is called, and how often at the same time."""

import asyncio
from collections import deque
from collections.abc import Callable
from types import TracebackType

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


class Slots:
    """At most `most` at a time, and nobody new while they `may` not; `most` may change at any time, and whoever changes
    either calls `wake`. For one event loop."""

    def __init__(self, most: int, may: Callable[[], bool]) -> None:
        self.most = most
        self.taken = 0
        self._may = may
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def __aenter__(self) -> None:
        while self.taken >= self.most or not self._may():
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(future)
            try:
                await future
            except asyncio.CancelledError:
                # Whoever was let in, and comes no more, lets another in.
                if not future.cancelled():
                    self._let_in()
                raise
        self.taken += 1

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self.taken -= 1
        self._let_in()

    def wake(self) -> None:
        """Let those who wait look again."""
        while self._waiting:
            self._let_in()

    def _let_in(self) -> None:
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_result(None)
                return
