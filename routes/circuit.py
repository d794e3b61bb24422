"""The circuit breaker: a system that answers nobody is left alone, and tried once in a while by one process of all.

Each process counts the failures it sees; the journal says whether a circuit is open (`journal.conditions`).
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from enum import Enum, auto
from typing import Any, Final
from uuid import UUID

import structlog

from adapters.call import Outcome, Result
from bus.clock import Clock, jitter
from bus.errors import BusError
from journal.commands import Accept
from journal.committer import Committer
from journal.conditions import CloseCircuit, OpenCircuit, TakeProbe
from routes.conditions import Conditions

MOST_FAILURES: Final = 5
"""Failures in a row after which a circuit is opened."""

MISCONFIGURED: Final = 3
"""For how many a refused password or certificate counts: after a few of them systems lock accounts."""

log = structlog.get_logger("circuit")


class Sign(Enum):
    """What the outcome of a call says of its system."""

    ALIVE = auto()
    FAILED = auto()
    NOTHING = auto()


def sign(outcome: Outcome) -> Sign:
    """What an outcome says of the system; nothing where it was never called."""
    match outcome.result:
        case Result.ANSWERED | Result.FAULT | Result.REPLY_INVALID:
            return Sign.ALIVE
        case Result.REFUSED:
            return Sign.NOTHING if outcome.http_status is None else Sign.ALIVE
        case _:
            return Sign.FAILED


class Circuits:
    """The circuits of one process. `notice` makes what is to be told of a system that this process has found silent,
    and of the code of the attempt that decided it: where no other has opened its circuit before, it goes along."""

    def __init__(
        self,
        conditions: Conditions,
        committer: Committer,
        clock: Clock,
        process: str,
        notice: Callable[[str, str], Accept | None] = lambda _system, _code: None,
        chance: Callable[[], float] | None = None,
    ) -> None:
        self._conditions = conditions
        self._committer = committer
        self._clock = clock
        self._process = process
        self._notice = notice
        self._chance = chance or jitter()
        self._failures: Counter[str] = Counter()
        # Opened by this process, and when the journal had that: until it is seen there, None: it is being written.
        self._tripped: dict[str, float | None] = {}
        # Tried by this process, and the delivery it is being tried with.
        self._trying: dict[str, UUID | None] = {}
        self._writing: set[asyncio.Task[None]] = set()

    def closed(self, system: str) -> bool:
        """Whether deliveries may be claimed."""
        if self._conditions.blocked(system):
            return False
        written = self._tripped.get(system, 0.0)
        if written is not None and written < self._conditions.asked:
            self._tripped.pop(system, None)
        return system not in self._tripped

    def note(self, system: str, delivery: UUID, outcome: Outcome) -> None:
        """What came of a call; writes aside what follows for the circuit."""
        what = sign(outcome)
        if what is Sign.ALIVE:
            self._failures.pop(system, None)
            if system in self._trying:
                del self._trying[system]
                self._aside(self._close(system))
        elif what is Sign.FAILED and system in self._trying:
            # Calls that were under way when the circuit opened say nothing of the present.
            if self._trying[system] == delivery:
                del self._trying[system]
                self._aside(self._open(system, outcome.code, probe=True))
        elif what is Sign.FAILED and self.closed(system):
            self._failures[system] += MISCONFIGURED if outcome.result is Result.MISCONFIGURED else 1
            if self._failures[system] >= MOST_FAILURES:
                del self._failures[system]
                self._tripped[system] = None
                self._aside(self._open(system, outcome.code, probe=False))

    async def take(self, system: str, lease: int) -> bool:
        """Whether this process is the one that may try, now and for so many milliseconds. Raises `BusError`."""
        taken = await self._committer.write(TakeProbe(system, self._process, lease))
        if taken:
            self._trying[system] = None
        return taken

    def trying(self, system: str, delivery: UUID | None = None) -> bool:
        """Whether this process is still trying; from now on with this delivery, where one is named."""
        if system in self._trying and delivery:
            self._trying[system] = delivery
        return system in self._trying

    def give_up(self, system: str) -> None:
        """There was nothing to try with; another may, once the time is over."""
        self._trying.pop(system, None)

    async def settle(self) -> None:
        """Wait until everything is written."""
        await asyncio.gather(*self._writing, return_exceptions=True)

    async def _open(self, system: str, code: str, *, probe: bool) -> None:
        notice = None if probe else self._notice(system, code)
        opened = await self._committer.write(OpenCircuit(system, self._process, code, self._chance(), probe, notice))
        if not probe:
            self._tripped[system] = self._clock.monotonic()
        if opened:
            log.error("circuit-opened", system=system, code=code)

    async def _close(self, system: str) -> None:
        if await self._committer.write(CloseCircuit(system, self._process)):
            log.info("circuit-closed", system=system)

    def _aside(self, writing: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(self._written(writing))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _written(self, writing: Coroutine[Any, Any, None]) -> None:
        try:
            await writing
        except BusError as unavailable:
            log.warning("circuit-not-written", code=unavailable.code)
            for system in [each for each, written in self._tripped.items() if written is None]:
                del self._tripped[system]
