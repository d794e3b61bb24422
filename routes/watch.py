"""Which calls are surely over, by a store's clock that may be set back or forward at any moment: the calls that are
under way know nothing of that, nor does a sweeper of what was done to the clock before it began."""

import time
from collections.abc import Callable
from typing import Final

from journal.commands import FOR_EVER

SLACK: Final = 5_000
"""Milliseconds by which the clock may run ahead unnoticed; less than what a call's lease has to spare."""

LONGEST: Final = 15 * 60_000
"""Milliseconds after which all leases count as watched: calls end sooner, an inbox may keep what it has for days."""

PROMPT: Final = 1.0
"""Seconds within which an answer must come to tell anything of the clock."""


class Watch:
    """One sweeper's watch over the store's clock: since when it has gone as time does, and how late it can be by now.

    A lease is as long as the time that passes only where it was watched from its beginning. So of what a sweeper finds
    when it begins, and when the clock was set forward, no call is taken back before its whole lease has been watched.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._since: float | None = None
        self._ahead = 0.0

    def latest(self) -> int:
        """The latest time, in the store's milliseconds, that it can be by now, as far as is known."""
        return 0 if self._since is None else round(self._ahead + 1000 * self._monotonic()) + SLACK

    def watched(self) -> int:
        """Milliseconds for which the clock has gone as time does, `FOR_EVER` where that is long enough."""
        watched = 0 if self._since is None else round(1000 * (self._monotonic() - self._since))
        return watched if watched < LONGEST else FOR_EVER

    def heard(self, now: int, asked: float) -> None:
        """The store said that it was `now`, asked at the monotonic time `asked`."""
        answered = self._monotonic()
        if answered - asked > PROMPT:
            return
        ahead = now - 1000 * answered
        if self._since is None or ahead - self._ahead > SLACK:
            self._since, self._ahead = answered, ahead
        self._ahead = min(self._ahead, ahead)
