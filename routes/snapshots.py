"""The snapshot in force, and how old it may grow."""

from bus.clock import Clock
from bus.errors import SnapshotStale
from routes.model import Snapshot

STALE_AFTER = 30.0
"""Seconds without a refresh after which this process decides nothing more: a revoked credential must not live on."""


class Snapshots:
    """Holds one snapshot; whoever refreshes it says so, also when nothing has changed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._snapshot: Snapshot | None = None
        self._refreshed = clock.monotonic()

    @property
    def revision(self) -> int | None:
        return self._snapshot.revision if self._snapshot else None

    @property
    def age(self) -> float:
        """Seconds since the store was last asked."""
        return self._clock.monotonic() - self._refreshed

    def fetching(self) -> frozenset[str]:
        """Which systems fetch their messages, also by a snapshot that has grown old."""
        return self._snapshot.fetching() if self._snapshot else frozenset()

    def refreshed(self, snapshot: Snapshot | None = None) -> None:
        """The store was asked just now; `snapshot` where its revision was another."""
        self._snapshot = snapshot or self._snapshot
        self._refreshed = self._clock.monotonic()

    def current(self) -> Snapshot:
        """Raises `SnapshotStale` where there is none, or none that is fresh."""
        if self._snapshot is None or self.age > STALE_AFTER:
            raise SnapshotStale(seconds=round(self.age), retry_after=5)
        return self._snapshot
