"""Which systems this worker serves, and how much of each: its share of what they can bear, and none of what waits.

A lane is one system's subscription. It is left when its system is paused, answers nobody, or is another worker's; what
came through it and was not claimed goes back.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import structlog

from bus.clock import Clock
from bus.errors import BusError, SnapshotStale
from journal.leases import CALL_MARGIN
from journal.queries import Queries
from routes.broker import Broker, Carried
from routes.circuit import Circuits
from routes.conditions import Conditions
from routes.model import Snapshot
from routes.pace import Pace, Slots
from routes.shares import share
from routes.snapshots import Snapshots

AHEAD: Final = 2
"""Deliveries that the broker brings for each call that may be under way."""

MOST_AHEAD: Final = 4
"""How many for each are too many, when a share has become smaller: others could be serving them."""

PATIENCE: Final = 30.0
"""Seconds for which whoever may try a silent system waits for a delivery to try with."""

log = structlog.get_logger("lanes")

Serve = Callable[[Carried, Callable[[], None]], Awaitable[None]]
"""One delivery from claim to settlement, and how to acknowledge it."""


@dataclass(slots=True, eq=False)
class Lane:
    """One system's deliveries: as many at once, and as fast, as this worker may call it. `until`: the lane is to try
    one, and begins none after that monotonic time. `waiting` is what was not claimed yet."""

    system: str
    slots: Slots
    pace: Pace
    prefetch: int
    until: float | None = None
    left: bool = False
    waiting: set[asyncio.Task[None]] = field(default_factory=set)


class Lanes:
    """The lanes of one worker."""

    def __init__(
        self,
        snapshots: Snapshots,
        conditions: Conditions,
        circuits: Circuits,
        queries: Queries,
        broker: Broker,
        clock: Clock,
        worker: str,
        serve: Serve,
    ) -> None:
        self._snapshots = snapshots
        self._conditions = conditions
        self._circuits = circuits
        self._queries = queries
        self._broker = broker
        self._clock = clock
        self._worker = worker
        self._serve = serve
        self._lanes: dict[str, Lane] = {}
        # Each system's, for as long as this worker lives: calls outlast the lane that they came through.
        self._slots: dict[str, Slots] = {}
        # Of every lane, also of those that were left.
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, every: float) -> None:
        """Serve until cancelled; looks again every so many seconds, and whenever conditions were asked for."""
        while True:
            try:
                await self.follow()
            except SnapshotStale:
                log.warning("snapshot-stale")
            except Exception as failed:  # noqa: BLE001 - a broker that is down delays, it never stops the worker
                log.error("subscription-failed", kind=type(failed).__name__)
            with suppress(TimeoutError):
                async with asyncio.timeout(every):
                    await self._conditions.changed.wait()
            self._conditions.changed.clear()

    async def follow(self) -> None:
        """Serve every system that a route of the snapshot in force leads to, as far as it may be served, and nothing
        else. One that cannot be called for the time being is served as well: its deliveries must say why they wait."""
        snapshot = self._snapshots.current()
        targets = {route.system for routes in snapshot.routes.values() for route in routes}
        called = [name for name, system in snapshot.systems.items() if name in targets and not system.fetches]
        shares = await self._granted(snapshot, [name for name in called if self._circuits.closed(name)])
        for lane in list(self._lanes.values()):
            if self._is_over(lane, shares.get(lane.system, 0), called=lane.system in called):
                await self._leave(lane)
        for name, most in shares.items():
            system = snapshot.systems[name]
            rate = system.rate_per_second and system.rate_per_second * most / system.concurrency
            if (present := self._lanes.get(name)) is None:
                await self._enter(name, most, Pace(rate, self._clock), AHEAD * most)
            else:
                present.slots.most, present.pace.per_second = most, rate
                present.slots.wake()
        for name in called:
            await self._try(snapshot, name)

    async def drain(self) -> None:
        """Take nothing more, let go of what is not claimed, and wait for the calls in flight."""
        lanes = list(self._lanes.values())
        # All at once: none begins a call while a broker that does not answer holds up the leaving of another.
        for lane in lanes:
            lane.left = True
        for lane in lanes:
            with suppress(ConnectionError):
                await self._leave(lane)
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _granted(self, snapshot: Snapshot, names: Iterable[str]) -> dict[str, int]:
        """How many calls to each system may be under way here, where it is any.

        A share that grows waits for the calls that others have begun under larger shares: they end when they end.
        """
        workers = sorted(self._conditions.workers())
        limits = {name: snapshot.systems[name].concurrency for name in names}
        shares = {name: share(limit, name, workers, self._worker) for name, limit in limits.items()}
        others = [each for each in workers if each != self._worker]
        grown = [name for name, most in shares.items() if most > self._allowed(name)]
        if others and grown:
            in_flight = await asyncio.to_thread(self._queries.in_flight, grown)
            for name in grown:
                begun = in_flight.get(name, {})
                taken = sum(max(share(limits[name], name, workers, each), begun.get(each, 0)) for each in others)
                shares[name] = max(self._allowed(name), min(shares[name], limits[name] - taken))
        return {name: most for name, most in shares.items() if most > 0}

    def _allowed(self, name: str) -> int:
        lane = self._lanes.get(name)
        return lane.slots.most if lane and lane.until is None else 0

    def _is_over(self, lane: Lane, most: int, *, called: bool) -> bool:
        if lane.left or not called:
            return True
        if lane.until is not None:
            idle = self._clock.monotonic() > lane.until and not lane.slots.taken
            return idle or not self._tries(lane.system)
        return not most <= lane.prefetch <= MOST_AHEAD * most

    async def _enter(self, system: str, most: int, pace: Pace, prefetch: int, until: float | None = None) -> None:
        slots = self._slots_of(system, most) if until is None else Slots(most, lambda: self._may(lane))
        lane = Lane(system, slots, pace, prefetch, until)
        # There before anything comes through it: whoever drains meanwhile leaves this one as well.
        self._lanes[system] = lane
        try:
            await self._broker.subscribe(system, prefetch, self._arrived(lane))
        except Exception:
            del self._lanes[system]
            raise

    def _slots_of(self, system: str, most: int) -> Slots:
        """What the calls of former lanes have taken is taken."""

        def may() -> bool:
            lane = self._lanes.get(system)
            return lane is not None and self._may(lane)

        slots = self._slots.setdefault(system, Slots(most, may))
        slots.most = most
        return slots

    async def _leave(self, lane: Lane) -> None:
        lane.left = True
        await self._broker.unsubscribe(lane.system)
        del self._lanes[lane.system]
        for task in lane.waiting:
            task.cancel()
        if lane.until is not None:
            self._circuits.give_up(lane.system)

    async def _try(self, snapshot: Snapshot, system: str) -> None:
        """Where the time has come to try a silent system, and this worker is the one, serve one delivery. Not by
        documents that have been mended since."""
        free = self._conditions.of(system).probe_free(self._conditions.now())
        if not free or system in self._lanes or not self._conditions.fresh:
            return
        if snapshot.revision < self._conditions.present.revision:
            return
        lease = round(_longest_call(snapshot, system) * 1000 + CALL_MARGIN + PATIENCE * 1000)
        if await self._circuits.take(system, lease):
            until = self._clock.monotonic() + PATIENCE
            try:
                await self._enter(system, 1, Pace(None, self._clock), 1, until)
            except BaseException:
                self._circuits.give_up(system)
                raise

    def _may(self, lane: Lane) -> bool:
        """Whether a delivery that came through a lane may be claimed now."""
        if lane.left or not self._conditions.fresh:
            return False
        if lane.until is None:
            return self._circuits.closed(lane.system)
        return self._tries(lane.system) and self._clock.monotonic() < lane.until

    def _tries(self, system: str) -> bool:
        """Whether this worker is still to try a silent system, and nobody has paused it meanwhile."""
        return self._circuits.trying(system) and self._conditions.of(system).paused_at is None

    def _arrived(self, lane: Lane) -> Callable[[Carried, Callable[[], None]], None]:
        def arrived(carried: Carried, acknowledge: Callable[[], None]) -> None:
            if lane.left:
                return
            task = asyncio.ensure_future(self._in_turn(lane, carried, acknowledge))
            for tasks in (self._tasks, lane.waiting):
                tasks.add(task)
                task.add_done_callback(tasks.discard)

        return arrived

    async def _in_turn(self, lane: Lane, carried: Carried, acknowledge: Callable[[], None]) -> None:
        served = False
        while not served:
            async with lane.slots:
                await lane.pace.turn()
                if served := self._may(lane):
                    await self._begin(lane, carried, acknowledge)

    async def _begin(self, lane: Lane, carried: Carried, acknowledge: Callable[[], None]) -> None:
        if task := asyncio.current_task():
            lane.waiting.discard(task)
        if lane.until is not None:
            self._circuits.trying(lane.system, carried.delivery)
        try:
            await self._serve(carried, acknowledge)
        except BusError as unavailable:
            # Unclaimed or unsettled, the lease brings it back.
            log.warning("delivery-postponed", delivery=str(carried.delivery), code=unavailable.code)
        except Exception as unforeseen:  # noqa: BLE001 - one delivery's failure is not its system's
            log.error("delivery-failed", delivery=str(carried.delivery), kind=type(unforeseen).__name__)


def _longest_call(snapshot: Snapshot, system: str) -> float:
    """Seconds that a call to this system may take, by any contract that leads to it."""
    references = {
        reference for reference, routes in snapshot.routes.items() if any(route.system == system for route in routes)
    }
    timeouts = (
        contract.limits.timeout
        for versions in snapshot.contracts.values()
        for contract in versions
        if contract.reference in references
    )
    return max(timeouts, default=0.0)
