"""How much waits for each system: sampled from the journal with each sweep, counted on in between."""

from collections import Counter
from collections.abc import Mapping

from bus.states import State

MOST_IN_BROKER = 10_000
"""Deliveries of one system in the broker; the rest wait in the journal, where they cost memory to nobody."""


class Backlog:
    """An estimate, good to within a sweep: each process adds what it accepts itself."""

    def __init__(self, most_in_broker: int = MOST_IN_BROKER) -> None:
        self.most_in_broker = most_in_broker
        self._rung: Counter[str] = Counter()
        self._open: Counter[str] = Counter()

    def sample(self, counts: Mapping[str, Mapping[State, int]]) -> None:
        self._rung = Counter({system: states.get(State.QUEUED, 0) for system, states in counts.items()})
        self._open = Counter({system: sum(states.values()) for system, states in counts.items()})

    def full(self, system: str, limit: int) -> bool:
        return self._open[system] >= limit

    def enter(self, system: str) -> State:
        """Count one more; the state in which it is born."""
        self._open[system] += 1
        if self._rung[system] >= self.most_in_broker:
            return State.PENDING
        self._rung[system] += 1
        return State.QUEUED
