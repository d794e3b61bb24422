"""One process of the bus: puts the parts together, runs them, and takes them down without losing anything."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import structlog
from starlette.types import ASGIApp

from adapters.rest.inbound import FrontDoor
from bus.clock import Clock
from bus.errors import BusError
from gateway import data_plane
from journal.committer import Committer
from journal.queries import Queries
from journal.store import Store
from routes.accept import Acceptor
from routes.backlog import Backlog
from routes.broker import Broker
from routes.model import Snapshot
from routes.quotas import Quotas
from routes.refusals import Refusals
from routes.ringer import Ringer
from routes.room import Room
from routes.snapshots import Snapshots
from routes.sweeper import Sweeper
from routes.waiting import Waiting
from routes.work import Worker

FOLLOW_EVERY = 1.0
"""Seconds between two looks whether a document, a credential or a key has changed."""

log = structlog.get_logger("node")


@dataclass(frozen=True, slots=True)
class Node:
    """What a running process offers: the data plane as an ASGI application, and its parts for tests.

    `waiting` is closed when the process is to end, so that whoever waits is told where to look later.
    """

    app: ASGIApp
    waiting: Waiting
    committer: Committer
    snapshots: Snapshots
    sweeper: Sweeper
    worker: Worker


@asynccontextmanager
async def running(
    store: Store,
    queries: Queries,
    broker: Broker,
    load: Callable[[], Snapshot],
    clock: Clock,
    process: str,
    *,
    told: Callable[[Sequence[bytes]], None] | None = None,
    body_timeout: float = 30.0,
    sweep_every: float = 0.2,
) -> AsyncIterator[Node]:
    """Gateway, worker and sweeper in one process that serves its journal alone.

    Whatever earlier processes left behind is taken back before anything is served. `load` reads the newest snapshot; it
    blocks. On the way out, calls in flight are awaited and everything is written.
    """
    committer = Committer(store, told)
    room = Room(reachable=lambda: broker.reachable)
    snapshots, backlog, waiting = Snapshots(clock), Backlog(room), Waiting()
    ringer = Ringer(broker, committer, room)
    sweeper = Sweeper(committer, queries, ringer, broker, backlog, room, process)
    worker = Worker(snapshots, committer, queries, broker, clock, process)
    refusals = Refusals(committer, clock, process)
    acceptor = Acceptor(committer, ringer, backlog, Quotas(clock), refusals, clock, process)
    door = FrontDoor(snapshots, acceptor, waiting, committer, queries, refusals, clock, process, body_timeout)
    snapshots.refreshed(await asyncio.to_thread(load))
    await broker.listen(process, waiting.hear, waiting.missed)
    await sweeper.start()
    await worker.follow()
    tasks = [
        asyncio.create_task(ringer.run()),
        asyncio.create_task(sweeper.run(sweep_every)),
        asyncio.create_task(worker.run()),
        asyncio.create_task(_follow(snapshots, queries, load)),
        asyncio.create_task(refusals.run()),
    ]
    try:
        yield Node(data_plane(door), waiting, committer, snapshots, sweeper, worker)
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task
        await worker.drain()
        await broker.close()
        with suppress(BusError):
            await refusals.tell()
        await asyncio.to_thread(committer.close)


async def _follow(snapshots: Snapshots, queries: Queries, load: Callable[[], Snapshot]) -> None:
    """Swap the snapshot when its revision has changed."""
    while True:
        await asyncio.sleep(FOLLOW_EVERY)
        try:
            revision = await asyncio.to_thread(queries.revision)
            changed = revision != snapshots.revision
            snapshots.refreshed(await asyncio.to_thread(load) if changed else None)
        except BusError as unavailable:
            log.warning("snapshot-not-refreshed", code=unavailable.code)
        except Exception as unforeseen:  # noqa: BLE001 - the process goes on until its snapshot is stale
            log.error("snapshot-not-refreshed", kind=type(unforeseen).__name__)
