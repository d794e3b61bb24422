"""How much waits for each system: counted in the journal every few seconds, counted on by each process in between."""

from collections import Counter

from bus.states import State
from journal.conditions import Condition
from routes.conditions import Conditions
from routes.room import Room


class Backlog:
    """An estimate, good to within a count: to what was counted for all a process adds what it has accepted since."""

    def __init__(self, conditions: Conditions, room: Room | None = None) -> None:
        self._conditions = conditions
        self._room = room or Room()
        self._accepted: Counter[str] = Counter()
        self._rung: Counter[str] = Counter()
        self._counted_at: dict[str, int] = {}

    def full(self, system: str, limit: int) -> bool:
        return self._counted(system).waiting + self._accepted[system] >= limit

    def enter(self, system: str, *, fetches: bool = False) -> State:
        """Count one more; the state in which it is born: in the journal alone where its system fetches it, where nobody
        serves its system for the time being, or where the broker has its share of them."""
        counted = self._counted(system)
        self._accepted[system] += 1
        if fetches or counted.blocked or counted.queued + self._rung[system] >= self._room.of(system):
            return State.PENDING
        self._rung[system] += 1
        return State.QUEUED

    def _counted(self, system: str) -> Condition:
        counted = self._conditions.of(system)
        if self._counted_at.get(system) != counted.counted_at:
            self._counted_at[system] = counted.counted_at
            self._accepted[system] = self._rung[system] = 0
        return counted
