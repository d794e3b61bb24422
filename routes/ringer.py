"""Ringing: what the journal holds as `queued` is handed to the broker, in batches, without anybody waiting for it."""

import asyncio
from collections.abc import Iterable

import structlog

from bus.measures import Measures
from journal.commands import Unring
from journal.committer import Committer
from routes.broker import Broker, Carried
from routes.room import Room

MOST_AT_ONCE = 500
UNRING_DELAY = 1_000
"""Milliseconds until what the broker refused is tried again, if it has room then."""

log = structlog.get_logger("ringer")


class Ringer:
    """A queue in front of the broker. What is lost here is rung again by the sweeper."""

    def __init__(
        self,
        broker: Broker,
        committer: Committer,
        room: Room | None = None,
        measures: Measures | None = None,
    ) -> None:
        self._broker = broker
        self._committer = committer
        self._room = room or Room()
        self._measures = measures or Measures()
        self._queue: asyncio.Queue[Carried] = asyncio.Queue(maxsize=50_000)

    def ring(self, deliveries: Iterable[Carried]) -> None:
        """Never blocks and never fails: past the queue's bound the publish lease brings a delivery back."""
        for carried in deliveries:
            try:
                self._queue.put_nowait(carried)
            except asyncio.QueueFull:
                log.warning("ring-postponed", system=carried.system)

    async def run(self) -> None:
        while True:
            batch = [await self._queue.get()]
            while len(batch) < MOST_AT_ONCE and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            await self._publish(batch)

    async def _publish(self, batch: list[Carried]) -> None:
        try:
            refused = await self._broker.publish(batch)
            if refused:
                self._measures.count("lgsp_rings_refused", by=len(refused))
            without = {carried.system for carried in refused}
            self._room.refused(without)
            self._room.taken(carried.system for carried in batch if carried.system not in without)
            # Together: they share a commit.
            await asyncio.gather(
                *(self._committer.write(Unring(carried.delivery, UNRING_DELAY)) for carried in refused)
            )
        except Exception as failed:  # noqa: BLE001 - a broker that is down delays, it never stops the ringer
            log.warning("ring-failed", kind=type(failed).__name__, deliveries=len(batch))
