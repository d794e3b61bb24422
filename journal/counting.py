"""How much waits for each system: counted by one process at a time, kept for all; the same in every database."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from journal.commands import Command
from journal.rows import Rows


@dataclass(frozen=True, slots=True)
class Count:
    """How much waits for one system: open deliveries, those of them in the broker, and when the oldest was accepted."""

    system: str
    waiting: int
    queued: int
    oldest: int | None


@dataclass(frozen=True, slots=True)
class KeepCounts(Command[None]):
    """Write what was counted beside the other conditions of each system."""

    counts: tuple[Count, ...]


# A time that is yet to come is of a clock that was put back.
FRESH: Final = "SELECT 1 FROM conditions WHERE counted_at > ? AND counted_at <= ? LIMIT 1"
BEGUN: Final = "UPDATE conditions SET counted_at = ? WHERE system = (SELECT min(system) FROM conditions)"
KEEP: Final = (
    "INSERT INTO conditions (system, paused_by, code, trips, probe_by, waiting, queued, oldest, counted_at)"
    " VALUES (?, '', '', 0, '', ?, ?, ?, ?) ON CONFLICT (system) DO UPDATE SET waiting = excluded.waiting,"
    " queued = excluded.queued, oldest = excluded.oldest, counted_at = excluded.counted_at"
)


def falls_due(run: Callable[[str, Sequence[Any]], Sequence[Any]], now: int, every: int) -> bool:
    """Whether the counts have grown old; whoever hears so counts, and no other begins as well."""
    if run(FRESH, (now - every, now)):
        return False
    run(BEGUN, (now,))
    return True


def keep_counts(run: Callable[[str, Sequence[Any]], object], rows: Rows, command: KeepCounts) -> None:
    for each in sorted(command.counts, key=lambda count: count.system):
        run(KEEP, (each.system, each.waiting, each.queued, each.oldest, rows.now))
