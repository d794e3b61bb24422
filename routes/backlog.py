"""How much waits for each system: counted in the journal every few seconds, counted on in between."""

from collections import Counter
from collections.abc import Iterable

from bus.states import State
from journal.counting import Count
from routes.room import Room


class Backlog:
    """An estimate, good to within a count: each process adds what it accepts itself."""

    def __init__(self, room: Room | None = None) -> None:
        self._room = room or Room()
        self._rung: Counter[str] = Counter()
        self._open: Counter[str] = Counter()

    def sample(self, counts: Iterable[Count]) -> None:
        counted = tuple(counts)
        self._rung = Counter({count.system: count.queued for count in counted})
        self._open = Counter({count.system: count.waiting for count in counted})

    def full(self, system: str, limit: int) -> bool:
        return self._open[system] >= limit

    def enter(self, system: str) -> State:
        """Count one more; the state in which it is born."""
        self._open[system] += 1
        if self._rung[system] >= self._room.of(system):
            return State.PENDING
        self._rung[system] += 1
        return State.QUEUED
