"""The sweeper: once in a while, everything whose time has come. One path into the broker for retries, replays and
what was lost."""

import asyncio

import structlog

from bus.errors import BusError
from journal.commands import Sweep
from journal.committer import Committer
from routes.backlog import Backlog
from routes.broker import Broker, Carried, Signal
from routes.ringer import Ringer

log = structlog.get_logger("sweeper")


class Sweeper:
    """Sweeps for one process; `name` is told in audit events."""

    def __init__(self, committer: Committer, ringer: Ringer, broker: Broker, backlog: Backlog, name: str) -> None:
        self._committer = committer
        self._ringer = ringer
        self._broker = broker
        self._backlog = backlog
        self._name = name

    async def run(self, every: float) -> None:
        """Sweep every so many seconds until cancelled."""
        while True:
            try:
                await self.sweep()
            except BusError as unavailable:
                log.warning("sweep-postponed", code=unavailable.code)
            except Exception as unforeseen:  # noqa: BLE001 - without sweeps nothing would be tried again
                log.error("sweep-failed", kind=type(unforeseen).__name__)
            await asyncio.sleep(every)

    async def sweep(self, *, restart: bool = False) -> None:
        """`restart`: this process alone serves the journal, and whatever others held has ended."""
        swept = await self._committer.write(Sweep(self._name, self._backlog.most_in_broker, restart=restart))
        self._backlog.sample(swept.counts)
        self._ringer.ring(Carried(rung.delivery, rung.system, rung.envelope) for rung in swept.rung)
        for ended in swept.ended:
            if ended.waiter:
                await self._broker.signal(ended.waiter, Signal(ended.message))
