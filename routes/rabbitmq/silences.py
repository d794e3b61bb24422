"""Queues that take and do not answer, and for how long each is left alone.

A quorum queue without its majority, or one whose node was killed in the second in which it was made (3.10), answers
nothing for as long as it stays so. Waiting for it with each batch would hold up every other system's deliveries.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

import structlog

FIRST: Final = 10.0
LONGEST: Final = 60.0
"""Seconds that a silent queue is left alone, the first time and at most."""

log = structlog.get_logger("rabbitmq")


@dataclass(slots=True)
class Silences:
    """`now` is monotonic, in seconds."""

    now: Callable[[], float]
    _until: dict[str, tuple[float, float]] = field(default_factory=dict)  # when it ends, and how long it was

    def hold(self, key: str) -> bool:
        """Whether the queue is not worth asking now."""
        return bool(self._until) and key in self._until and self.now() < self._until[key][0]

    def begin(self, keys: Iterable[str]) -> None:
        """These did not answer while others did."""
        for key in set(keys):
            length = min(2 * self._until[key][1], LONGEST) if key in self._until else FIRST
            self._until[key] = (self.now() + length, length)
            log.warning("queue-silent", queue=key, seconds=length)

    def end(self, keys: Iterable[str]) -> None:
        """These did."""
        if self._until:
            for key in keys:
                self._until.pop(key, None)
