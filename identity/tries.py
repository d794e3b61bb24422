"""How often may somebody try to sign in? After a few wrong tries, each further one must wait twice as long."""

import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from bus.clock import Clock
from bus.errors import SignInLimited

LONGEST_WAIT: Final = 900.0
"""Seconds: a name under attack lets its owner in again after a quarter of an hour at most."""

MOST: Final = 10_000
"""Names, or addresses, that are counted apart; past it the one that has been quiet for longest is forgotten."""


@dataclass(slots=True)
class _Count:
    wrong: float = 0.0
    at: float = 0.0
    free_at: float = 0.0


class Tries:
    """Counts of one process. `free` wrong tries cost nothing, the waits after them are 1, 2, 4 … seconds; one is
    forgotten each `seconds`, so that in the long run nobody has more than one in that time."""

    def __init__(self, clock: Clock, free: int, seconds: float, *, most: int = MOST) -> None:
        self._clock = clock
        self._free = free
        self._seconds = seconds
        self._most = most
        self._counts: OrderedDict[str, _Count] = OrderedDict()

    def __len__(self) -> int:
        return len(self._counts)

    def require_free(self, key: str) -> None:
        """Raises `SignInLimited`, which says how long to wait."""
        count = self._counts.get(key)
        if count and (left := count.free_at - self._clock.monotonic()) > 0:
            raise SignInLimited(retry_after=max(1, math.ceil(left)))

    def count(self, key: str) -> None:
        """A try, counted as wrong before its outcome is known: so as many at once are no way around it."""
        now = self._clock.monotonic()
        count = self._counts.setdefault(key, _Count(at=now))
        self._counts.move_to_end(key)
        count.wrong = max(0.0, count.wrong - (now - count.at) / self._seconds) + 1
        count.at = now
        over = round(count.wrong - self._free)
        if over >= 0:
            count.free_at = now + min(LONGEST_WAIT, 2.0 ** min(over, 30))
        if len(self._counts) > self._most:
            self._counts.popitem(last=False)

    def forgive(self, key: str) -> None:
        """It was right after all: as if it had not been."""
        if count := self._counts.get(key):
            count.wrong = max(0.0, count.wrong - 1)
            if round(count.wrong - self._free) < 0:
                count.free_at = 0.0

    def forget(self, key: str) -> None:
        """Whoever it is has been let in: what was wrong before counts for nothing."""
        self._counts.pop(key, None)
