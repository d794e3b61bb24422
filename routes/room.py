"""How many deliveries of each system the broker may hold at this moment; the rest wait in the journal, where they cost
memory to nobody, and are rung when there is room.

Without it, what a broker does not take would go to and fro between the journal and the broker, each time two writes,
for as long as the broker is away.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

import structlog

MOST_IN_BROKER: Final = 10_000

FIRST: Final = 1.0
LONGEST: Final = 30.0
"""Seconds for which a system is left alone whose deliveries the broker has refused, the first time and at most."""

log = structlog.get_logger("ringer")


@dataclass(slots=True)
class Room:
    """`reachable` says whether there is a broker now: while there is none it has room for nothing. `now` is monotonic,
    in seconds."""

    most: int = MOST_IN_BROKER
    reachable: Callable[[], bool] = lambda: True
    now: Callable[[], float] = time.monotonic
    _closed: dict[str, tuple[float, float]] = field(default_factory=dict)  # until when, and how long that was

    def refused(self, systems: Iterable[str]) -> None:
        """The broker took not all of theirs: a full queue, or one that does not answer. One that is away has refused
        nobody."""
        if not self.reachable():
            return
        for system in set(systems):
            until, length = self._closed.get(system, (0.0, 0.0))
            if until <= self.now():
                length = min(2 * length, LONGEST) if length else FIRST
                self._closed[system] = (self.now() + length, length)
                if length == FIRST:
                    log.warning("ring-refused", system=system)

    def taken(self, systems: Iterable[str]) -> None:
        """The broker took all of theirs."""
        if self._closed:
            for system in set(systems):
                self._closed.pop(system, None)

    def closed(self) -> frozenset[str]:
        """Systems that are left alone."""
        now = self.now()
        return frozenset(system for system, (until, _) in self._closed.items() if now < until)

    def everywhere(self) -> int:
        """For every system that is not left alone."""
        return self.most if self.reachable() else 0

    def of(self, system: str) -> int:
        closed = self._closed.get(system)
        return 0 if closed and self.now() < closed[0] else self.everywhere()
