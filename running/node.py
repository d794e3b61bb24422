"""What a process of the bus consists of: puts the parts together, runs them, and takes them down without losing
anything.

A gateway accepts, a worker delivers and sweeps, and `lgsp up` is both. Each is a context: entered, its parts run; on
the way out, what is under way ends and everything is written.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

import orjson
import structlog
from starlette.types import ASGIApp

from adapters.egress import Network
from adapters.entrance import Entrance
from adapters.inboxes import Inboxes
from adapters.peers import Peers
from adapters.rest.front import RestFront
from adapters.rest.inbound import FrontDoor
from adapters.rest.inbox import InboxDoor
from adapters.soap.inbound import SoapDoor
from adapters.soap.inbox import SoapInboxDoor
from adapters.soap.offering import Offering
from adapters.soap.reception import Reception
from bus.clock import Clock, jitter
from bus.errors import BusError, JournalUnavailable
from bus.measures import Fact, Measures
from gateway import data_plane
from journal.committer import Committer
from journal.queries import Queries
from journal.store import Store
from journal.upkeep import Upkeep
from routes.accept import Acceptor
from routes.arrivals import Arrivals
from routes.awaiting import Awaiting
from routes.backlog import Backlog
from routes.broker import Broker
from routes.conditions import Conditions
from routes.ending import Endings
from routes.health import Health
from routes.inbox import Inbox
from routes.model import Snapshot
from routes.notices import Notices
from routes.presence import Presence
from routes.quotas import Quotas
from routes.refusals import Refusals
from routes.ringer import Ringer
from routes.room import Room
from routes.snapshots import Snapshots
from routes.sweeper import Sweeper
from routes.waiting import Waiting
from routes.work import Worker
from running.upkeep import keep_up_hourly

FOLLOW_EVERY: Final = 1.0
"""Seconds between two looks whether a document, a credential or a key has changed."""

log = structlog.get_logger("node")


@dataclass(frozen=True, slots=True)
class Parts:
    """What every process has. `process` is its name: signals, attempts and audit events go by it."""

    committer: Committer
    queries: Queries
    broker: Broker
    snapshots: Snapshots
    conditions: Conditions
    presence: Presence
    room: Room
    ringer: Ringer
    measures: Measures
    health: Health
    clock: Clock
    process: str


@dataclass(frozen=True, slots=True)
class Gateway:
    """The data plane as an ASGI application. `waiting` is closed when the process is to end, so that whoever waits is
    told where to look later."""

    app: ASGIApp
    waiting: Waiting


@dataclass(frozen=True, slots=True)
class Working:
    """What delivers."""

    sweeper: Sweeper
    worker: Worker


@dataclass(frozen=True, slots=True)
class Node:
    """The whole bus in one process: the data plane, and its parts for tests."""

    app: ASGIApp
    waiting: Waiting
    committer: Committer
    snapshots: Snapshots
    sweeper: Sweeper
    worker: Worker
    health: Health
    measures: Measures
    conditions: Conditions


@asynccontextmanager
async def parts(
    store: Store,
    queries: Queries,
    broker: Broker,
    load: Callable[[], Snapshot],
    clock: Clock,
    process: str,
    told: Callable[[Sequence[Fact]], None] | None = None,
    role: str = "both",
) -> AsyncIterator[Parts]:
    """What every process has, running. `load` reads the newest snapshot; it blocks. `told` hears committed audit
    events, as the measures do. `role`: gateway, worker, or both.

    Once everything inside has ended, what this process had of systems' and senders' limits is the others'.
    """
    measures, health = Measures(), Health()

    def hear(events: Sequence[bytes]) -> None:
        facts = [orjson.loads(event) for event in events]
        measures.tell(facts)
        if told:
            told(facts)

    committer = Committer(store, hear, measures=measures)
    snapshots, conditions = Snapshots(clock), Conditions(clock, process)
    presence = Presence(committer, queries, conditions, clock, process, role)
    room = Room(reachable=lambda: broker.reachable)
    ringer = Ringer(broker, committer, room, measures)
    try:
        snapshots.refreshed(await asyncio.to_thread(load))
        await presence.begin()
        async with beside(ringer.run(), presence.run(), _follow(snapshots, queries, load, health)):
            yield Parts(
                committer,
                queries,
                broker,
                snapshots,
                conditions,
                presence,
                room,
                ringer,
                measures,
                health,
                clock,
                process,
            )
    finally:
        with suppress(BusError):
            await presence.leave()
        await broker.close()
        await committer.close()


@asynccontextmanager
async def accepting(
    parts: Parts, body_timeout: float, url: str = "", proxies: Sequence[Network] = ()
) -> AsyncIterator[Gateway]:
    """A gateway. `url`: where callers reach it; empty: where each one came to. `proxies`: whose word about callers is
    taken."""
    arrivals = Arrivals(parts.queries, parts.conditions, parts.clock)
    waiting = Waiting(arrivals.close)
    refusals = Refusals(parts.committer.write, parts.clock, parts.process)
    backlog = Backlog(parts.conditions, parts.room)
    quotas = Quotas(parts.clock, lambda: len(parts.conditions.gateways()))
    acceptor = Acceptor(
        parts.committer, parts.ringer, backlog, quotas, refusals, parts.clock, parts.process, arrivals.came
    )
    entrance = Entrance(parts.snapshots, refusals, parts.clock, parts.measures, parts.health, Peers(proxies))
    awaiting = Awaiting(waiting, parts.queries, parts.committer, parts.clock)
    rest = FrontDoor(entrance, acceptor, awaiting, parts.committer, parts.queries, parts.clock, body_timeout)
    front = RestFront(entrance, acceptor, awaiting, parts.committer, parts.queries, parts.clock, body_timeout)
    reception, offering = Reception(entrance, parts.clock, body_timeout, url), Offering()
    soap = SoapDoor(entrance, reception, offering, acceptor, awaiting, parts.clock)
    inboxes = Inboxes(entrance, _inbox(parts, arrivals), Quotas(parts.clock))
    inbox = InboxDoor(entrance, inboxes, body_timeout)
    soap_inbox = SoapInboxDoor(entrance, reception, offering, inboxes, parts.committer, parts.clock)
    await parts.broker.listen(parts.process, waiting.hear, waiting.missed)
    try:
        async with beside(refusals.run(), arrivals.run()):
            yield Gateway(data_plane(rest, soap, inbox, soap_inbox, front), waiting)
    finally:
        with suppress(BusError):
            await refusals.tell()


def _inbox(parts: Parts, arrivals: Arrivals) -> Inbox:
    notices = Notices(parts.snapshots, parts.clock)
    endings = Endings(
        parts.committer,
        parts.conditions,
        parts.broker,
        notices,
        arrivals,
        parts.clock,
        parts.process,
        jitter(),
    )
    return Inbox(
        parts.snapshots,
        parts.conditions,
        parts.committer,
        parts.queries,
        arrivals,
        endings,
        parts.process,
        parts.clock.monotonic,
    )


@asynccontextmanager
async def delivering(
    parts: Parts, sweep_every: float, *, alone: bool = False, keep_up: Callable[[], Upkeep] = Upkeep
) -> AsyncIterator[Working]:
    """A worker. `alone`: no other process serves the journal in this data folder, and what earlier ones left behind is
    taken back first. `keep_up` is done each hour; it blocks.

    On the way out it takes nothing more, and the calls in flight are awaited.
    """
    notices = Notices(parts.snapshots, parts.clock)
    sweeper = Sweeper(
        parts.committer,
        parts.queries,
        parts.ringer,
        parts.broker,
        parts.room,
        parts.clock,
        notices,
        parts.process,
        parts.snapshots.fetching,
    )
    worker = Worker(
        parts.snapshots,
        parts.conditions,
        parts.committer,
        parts.queries,
        parts.broker,
        parts.ringer,
        parts.clock,
        parts.process,
        notices,
    )
    if alone:
        await sweeper.start()
        await parts.presence.look()
    await worker.follow()
    try:
        async with beside(sweeper.run(sweep_every), worker.run(), keep_up_hourly(keep_up)):
            yield Working(sweeper, worker)
    finally:
        await worker.drain()


@asynccontextmanager
async def running(
    store: Store,
    queries: Queries,
    broker: Broker,
    load: Callable[[], Snapshot],
    clock: Clock,
    process: str,
    *,
    told: Callable[[Sequence[Fact]], None] | None = None,
    body_timeout: float = 30.0,
    sweep_every: float = 0.2,
    url: str = "",
    proxies: Sequence[Network] = (),
) -> AsyncIterator[Node]:
    """Gateway and worker in one process."""
    async with (
        parts(store, queries, broker, load, clock, process, told) as each,
        accepting(each, body_timeout, url, proxies) as gateway,
        delivering(each, sweep_every, alone=True) as working,
    ):
        yield Node(
            gateway.app,
            gateway.waiting,
            each.committer,
            each.snapshots,
            working.sweeper,
            working.worker,
            each.health,
            each.measures,
            each.conditions,
        )


@asynccontextmanager
async def beside(*each: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Beside what is done inside, and ended with it."""
    tasks = [asyncio.create_task(one) for one in each]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        for task in tasks:
            if not task.cancelled():
                task.result()


async def _follow(snapshots: Snapshots, queries: Queries, load: Callable[[], Snapshot], health: Health) -> None:
    """Swap the snapshot when its revision has changed."""
    while True:
        await asyncio.sleep(FOLLOW_EVERY)
        try:
            revision = await asyncio.to_thread(queries.revision)
            changed = revision != snapshots.revision
            snapshots.refreshed(await asyncio.to_thread(load) if changed else None)
            health.journal_away = False
        except BusError as unavailable:
            health.journal_away = isinstance(unavailable, JournalUnavailable)
            log.warning("snapshot-not-refreshed", code=unavailable.code)
        except Exception as unforeseen:  # noqa: BLE001 - the process goes on until its snapshot is stale
            log.error("snapshot-not-refreshed", kind=type(unforeseen).__name__)
