"""Answers that may be given again: which message had brought them, so that the journal can be asked for the reply."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from bus.clock import Clock

MOST: Final = 10_000
"""Answers that a process remembers, about 400 bytes each; the one that nobody asked for the longest goes first."""


@dataclass(frozen=True, slots=True)
class Known:
    """The message whose reply it was, the status it was answered with, its entity tag, and the monotonic time before
    which the provider cannot have said it."""

    message: UUID
    status: int
    tag: str
    asked_at: float


class Repeats:
    """What was answered to whom, by a keyed hash of sender, contract and request, for one process."""

    def __init__(self, clock: Clock, most: int = MOST) -> None:
        self._clock = clock
        self._most = most
        self._known: OrderedDict[str, Known] = OrderedDict()

    def find(self, key: str, max_age: float) -> tuple[Known, int] | None:
        """The answer and its age in seconds, if it is no older than so many."""
        known = self._known.get(key)
        if known is None:
            return None
        age = self._clock.monotonic() - known.asked_at
        if age > max_age:
            return None
        self._known.move_to_end(key)
        return known, int(age)

    def keep(self, key: str, known: Known) -> None:
        self._known[key] = known
        self._known.move_to_end(key)
        if len(self._known) > self._most:
            self._known.popitem(last=False)

    def forget(self, key: str) -> None:
        self._known.pop(key, None)
