"""What a process looks at once a second, of itself and of the bus, and shows to Prometheus."""

import asyncio
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import structlog

from bus.errors import BusError
from bus.measures import Measures
from bus.settings import Settings
from journal.conditions import Condition
from journal.queries import Present
from running.node import Parts

EVERY: Final = 1.0
ROLES: Final = ("gateway", "worker", "both")

log = structlog.get_logger("watch")


class Watch:
    """For one process."""

    def __init__(self, parts: Parts, settings: Settings) -> None:
        self._parts = parts
        self._least = settings.disk_low
        self._data = settings.data
        self._written_to = written_to(settings)
        self._systems: set[str] = set()

    async def run(self) -> None:
        while True:
            try:
                await self.look()
            except BusError as unavailable:
                log.warning("watch-postponed", code=unavailable.code)
            except Exception as unforeseen:  # noqa: BLE001 - whoever watches must not be what fails
                log.error("watch-failed", kind=type(unforeseen).__name__)
            await asyncio.sleep(EVERY)

    async def look(self) -> None:
        """The own state first, which is there even where the journal is not."""
        parts, measures = self._parts, self._parts.measures
        measures.show("lgsp_snapshot_age_seconds", parts.snapshots.age)
        measures.show("lgsp_requests_in_flight", measures.calls)
        measures.show("lgsp_journal_queue", parts.committer.waiting)
        measures.show("lgsp_broker_connected", parts.broker.reachable)
        measures.show("lgsp_disk_free_bytes", await asyncio.to_thread(free, [self._data]))
        if self._written_to:
            low = await asyncio.to_thread(free, self._written_to) < self._least
            if low is not parts.health.disk_low:
                (log.error if low else log.info)("disk-low", low=low)
            parts.health.disk_low = low
        present = parts.conditions.present
        show(measures, present, parts.clock.now(), self._systems)
        self._systems |= {each.system for each in present.conditions}


def show(measures: Measures, present: Present, now: int, former: Iterable[str] = ()) -> None:
    """Each system's state and who lives; `former` systems that are no longer there wait for nothing."""
    gone = set(former) - {each.system for each in present.conditions}
    for each in (*present.conditions, *map(Condition, gone)):
        age = max(0, now - each.oldest) / 1000 if each.oldest is not None else 0
        measures.show("lgsp_system_waiting", each.waiting, each.system)
        measures.show("lgsp_system_in_broker", each.queued, each.system)
        measures.show("lgsp_system_oldest_seconds", age, each.system)
        measures.show("lgsp_system_paused", each.paused_at is not None, each.system)
        measures.show("lgsp_system_circuit_open", each.opened_at is not None, each.system)
    for role in ROLES:
        alive = sum(each.role == role and each.lease_until > now for each in present.processes)
        measures.show("lgsp_processes", alive, role)


def written_to(settings: Settings) -> list[Path]:
    """The folders that must not fill: the embedded journal's, and the log's."""
    journal = [] if settings.database_url else [settings.data]
    log_file = settings.log_file
    return [*journal, *([log_file.parent] if log_file else [])]


def free(folders: Iterable[Path]) -> int:
    """Bytes free where there are fewest."""
    return min(shutil.disk_usage(folder).free for folder in folders)
