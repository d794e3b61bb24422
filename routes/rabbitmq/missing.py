"""Queues that a publisher found missing, and which of them it may make.

One that nobody has made yet it makes at once. One that was there, somebody has deleted: its consumers hear of that
within a tenth of a second, and make it again. If it is there again before they hear, 3.10 has them consume from it
unasked, but keeps back as many of its messages as had come out of the former one.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

LEFT_TO_CONSUMERS: Final = 2.0
"""Seconds."""


@dataclass(slots=True)
class Missing:
    """`now` is monotonic, in seconds."""

    now: Callable[[], float]
    _known: set[str] = field(default_factory=set)
    _since: dict[str, float] = field(default_factory=dict)

    def found(self, keys: Iterable[str]) -> None:
        """These are there."""
        for key in keys:
            self._known.add(key)
            self._since.pop(key, None)

    def was_there(self, key: str) -> bool:
        return key in self._known

    def may_be_made(self, key: str) -> bool:
        if key not in self._known:
            return True
        return self.now() - self._since.setdefault(key, self.now()) >= LEFT_TO_CONSUMERS
