"""The store's clock as leases of calls are judged by it: it may be set back or forward at any moment, and the calls
that are under way know nothing of that."""

import time
from collections.abc import Callable
from typing import Final

SLACK: Final = 5_000
"""Milliseconds by which the clock may run ahead unnoticed; less than what a call's lease has to spare."""

PROMPT: Final = 1.0
"""Seconds within which an answer must come to tell anything of the clock."""

LONGEST: Final = 15 * 60.0
"""Seconds after which no call is under way any more that was begun before the clock was set forward."""


class SteadyClock:
    """Follows the store's clock, but for what it was set forward by: that only after a while.

    A call that was begun before has its lease by the old time. One begun since has it by the new, and is taken back
    later than it could be, by as much as the clock was set forward.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._followed: float | None = None
        self._last = 0.0
        self._jumped_at = 0.0

    def latest(self) -> int | None:
        """The latest time, in the store's milliseconds, that it can be by now; None: nothing was heard of it yet."""
        return None if self._followed is None else round(self._followed + 1000 * self._monotonic()) + SLACK

    def heard(self, now: int, asked: float) -> None:
        """The store said that it was `now`, asked at the monotonic time `asked`."""
        answered = self._monotonic()
        if answered - asked > PROMPT:
            return
        ahead = now - 1000 * answered
        if self._followed is None or ahead - self._followed <= SLACK:
            self._followed = ahead
        elif ahead - self._last > SLACK:
            self._jumped_at = answered
        elif answered - self._jumped_at > LONGEST:
            self._followed = ahead
        self._last = ahead
