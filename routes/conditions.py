"""How things stand, as this process knows it: which systems wait, which processes live, and whether it knows of late.

The journal is asked once a second, and told every two seconds that this process lives. Who joins waits until every
other has seen it before it takes its share; who has not heard from the journal for a while takes nothing more, since
others may have shared what was its.
"""

import asyncio
from typing import Final

from bus.clock import Clock
from journal.conditions import Beaten, Condition
from journal.queries import Present

STALE: Final = 4.0
"""Seconds since the journal was asked after which this process may no longer know who lives."""

UNHEARD: Final = 6.0
"""Seconds since it has said that it lives after which others may soon think otherwise."""

SETTLED: Final = 5_000
"""Milliseconds after which every process that has not gone stale has seen a newcomer."""


class _Known(dict[str, Condition]):
    """By system; of one of which nothing was written, that."""

    def __missing__(self, system: str) -> Condition:
        condition = self[system] = Condition(system)
        return condition


class Conditions:
    """One picture for one process, swapped whole by whoever asks the journal."""

    def __init__(self, clock: Clock, process: str) -> None:
        self.present = Present()
        self.changed = asyncio.Event()
        self._clock = clock
        self._process = process
        self._systems: dict[str, Condition] = _Known()
        self._beaten = Beaten(0, 0)
        self._alone = False
        # By the monotonic clock.
        self._asked = self._beat = self._heard = float("-inf")

    def beaten(self, beaten: Beaten, asked: float) -> None:
        """The journal has heard, when it was told at `asked`, that this process lives."""
        if beaten.joined_at != self._beaten.joined_at:
            self._alone = False
        self._beaten, self._beat, self._heard = beaten, asked, self._clock.monotonic()

    def see(self, present: Present, asked: float) -> None:
        """How things stood when the journal was asked at `asked`, or later."""
        self.present, self._asked = present, asked
        self._systems = _Known((each.system, each) for each in present.conditions)
        known = any(
            (each.name, each.joined_at) == (self._process, self._beaten.joined_at) for each in present.processes
        )
        if known and self._living("worker") <= {self._process}:
            # Whoever joins later sees this process, and waits.
            self._alone = True
        self.changed.set()

    @property
    def asked(self) -> float:
        return self._asked

    def now(self) -> int:
        """The journal's time, or a little less."""
        return self._beaten.now + round((self._clock.monotonic() - self._heard) * 1000) if self._beaten.now else 0

    def of(self, system: str) -> Condition:
        return self._systems[system]

    def blocked(self, system: str) -> bool:
        """Whether a system's deliveries wait, whatever their time: paused, or its circuit is open."""
        return self.of(system).blocked

    @property
    def fresh(self) -> bool:
        """Whether this process knows of late who lives, and is known to live."""
        now = self._clock.monotonic()
        return now - self._asked < STALE and now - self._beat < UNHEARD

    def workers(self) -> frozenset[str]:
        """Who shares what systems can bear; without this process as long as others may not have seen it."""
        living = self._living("worker")
        settled = self._alone or self.now() - self._beaten.joined_at >= SETTLED
        return living if settled else living - {self._process}

    def gateways(self) -> frozenset[str]:
        """Who shares what senders may send."""
        return self._living("gateway")

    def _living(self, role: str) -> frozenset[str]:
        now, roles = self.now(), {role, "both"}
        return frozenset(each.name for each in self.present.processes if each.role in roles and each.lease_until > now)
