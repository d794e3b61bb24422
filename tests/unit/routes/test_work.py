"""The worker: one attempt from claim to settlement, and which systems it serves."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import pytest

from adapters.call import Adapter, Call, Outcome, Result
from bus.clock import ManualClock
from bus.envelope import Body, Exchange, Format
from bus.errors import JournalUnavailable, TransformFailed, TransformUnavailable
from bus.states import Change
from contracts.model import Contract, Limits
from journal.commands import Claim, Claimed, Command, Settle, Settled
from journal.committer import Committer
from journal.leases import CALL_MARGIN
from journal.queries import Queries
from routes.broker import Carried, Signal
from routes.model import Route, Snapshot
from routes.notices import Notices
from routes.ringer import Ringer
from routes.snapshots import Snapshots
from routes.work import OWN_CODES, Worker
from tests.unit.routes.conftest import Memory, Silent, a_contract, a_delivery, a_snapshot, an_only_process, turns

LIFE = 3_600_000


@dataclass
class Receiver:
    """A system that answers as it is told, and remembers; it waits for `gate` where there is one."""

    outcome: Outcome = field(default_factory=lambda: Outcome(Result.ANSWERED, "http-200", 200))
    calls: list[Call] = field(default_factory=list)
    gate: asyncio.Event | None = None

    async def call(self, call: Call) -> Outcome:
        self.calls.append(call)
        if self.gate:
            await self.gate.wait()
        return self.outcome


ROUTE = Route("a.b", 1, "his")


@dataclass
class Bench:
    """A worker and everything around it."""

    worker: Worker
    store: Memory
    broker: Silent
    snapshots: Snapshots
    clock: ManualClock
    receiver: Receiver
    claims: Callable[[Claim], Claimed | None]

    def put(
        self,
        contract: Contract | None = None,
        route: Route | None = None,
        systems: dict[str, Adapter | None] | None = None,
        routes: Sequence[Route] | None = None,
        **limits: Any,
    ) -> Snapshot:
        """The snapshot in force; `his` is the receiver unless told otherwise."""
        snapshot = a_snapshot(
            [contract or a_contract()],
            routes or [route or ROUTE],
            {"his": self.receiver} if systems is None else systems,
            **limits,
        )
        self.snapshots.refreshed(snapshot)
        return snapshot

    def answer(self, command: Command[Any]) -> object:
        return self.claims(command) if isinstance(command, Claim) else Settled(applied=True)

    async def deliver(self, carried: Carried) -> Settle | None:
        """One attempt; how it was settled."""
        before = len(self.store.of(Settle))
        await self.worker.deliver(carried)
        settled: list[Settle] = self.store.of(Settle)[before:]
        return settled[0] if settled else None


def claimed(clock: ManualClock, claim: Claim, *, repeatable: bool = False, attempt: int = 1) -> Claimed:
    return Claimed(claim.delivery, UUID(int=9), "his", attempt, repeatable, clock.now(), clock.now() + LIFE)


@pytest.fixture
async def bench(
    store: Memory, committer: Committer, broker: Silent, clock: ManualClock, queries: Queries
) -> AsyncIterator[Bench]:
    snapshots = Snapshots(clock)
    conditions, notices = an_only_process(clock, "worker-1"), Notices(snapshots, clock)
    ringer = Ringer(broker, committer)
    worker = Worker(snapshots, conditions, committer, queries, broker, ringer, clock, "worker-1", notices, lambda: 0.0)
    bench = Bench(worker, store, broker, snapshots, clock, Receiver(), lambda claim: claimed(clock, claim))
    store.answer = bench.answer
    bench.put()
    yield bench
    broker.failure = None
    await worker.drain()


async def test_success_is_settled_with_what_it_used(bench: Bench) -> None:
    """An answered call is settled once, as delivered, with the revision of the documents that it was made by."""
    bench.put(revision=41)
    settle = await bench.deliver(a_delivery())
    assert settle
    assert (settle.change, settle.result, settle.code, settle.http_status) == (
        Change.SUCCEED,
        "answered",
        "http-200",
        200,
    )
    assert (settle.revision, settle.attempt, settle.actor, settle.reason) == (41, 1, "worker-1", "")


async def test_lease_covers_the_call(bench: Bench) -> None:
    """A claim's lease is the contract's time-out and the margin; nobody else may call meanwhile."""
    bench.put(a_contract(limits=Limits(timeout=12.5)))
    await bench.deliver(a_delivery())
    (claim,) = bench.store.of(Claim)
    assert claim.lease == 12_500 + CALL_MARGIN
    assert bench.receiver.calls[0].timeout == 12.5


async def test_lost_claim_calls_nobody(bench: Bench) -> None:
    """A delivery that is somebody else's, or ended, is acknowledged and forgotten."""
    bench.claims = lambda claim: None
    assert await bench.deliver(a_delivery()) is None
    assert bench.receiver.calls == []


@pytest.mark.parametrize("lost", [False, True])
async def test_broker_is_acknowledged_once_after_the_claim(bench: Bench, lost: bool) -> None:
    """The broker hears once that a delivery was taken, when the claim is committed and before the call."""
    story: list[str] = []
    answer = bench.store.answer

    def told(command: Command[Any]) -> object:
        story.append(type(command).__name__)
        return None if lost else answer(command)

    bench.store.answer = told
    await bench.worker.deliver(a_delivery(), lambda: story.append("acknowledged"))
    assert story == (["Claim", "acknowledged"] if lost else ["Claim", "acknowledged", "Settle"])


async def test_broker_is_acknowledged_when_the_journal_is_away(bench: Bench) -> None:
    """Where nothing can be claimed the broker is acknowledged all the same, once: the publish lease rings again."""
    bench.store.failure = JournalUnavailable()
    acknowledged: list[None] = []
    with pytest.raises(JournalUnavailable):
        await bench.worker.deliver(a_delivery(), lambda: acknowledged.append(None))
    assert len(acknowledged) == 1
    assert bench.receiver.calls == []


@pytest.mark.parametrize(
    ("gone", "code"),
    [("contract", "contract-missing"), ("route", "route-missing"), ("system", "system-not-callable")],
)
async def test_what_has_gone_from_the_documents_waits_for_people(bench: Bench, gone: str, code: str) -> None:
    """A delivery whose contract, route or system is gone, or whose system cannot be called, is tried again slowly."""
    contract = a_contract(version="2.0.0") if gone == "contract" else a_contract()
    route = Route("a.b", 1, "other" if gone == "route" else "his")
    settings: list[dict[str, Adapter | None]] = [{}, {"his": None}] if gone == "system" else [{"his": bench.receiver}]
    for systems in settings:
        bench.put(contract, route, systems)
        settle = await bench.deliver(a_delivery())
        assert settle
        assert (settle.change, settle.result, settle.code) == (Change.RETRY, "misconfigured", code)
        assert (settle.reason, settle.delay) == ("misconfigured", 60_000)
    assert bench.receiver.calls == []
    assert code in OWN_CODES


async def test_mended_documents_heal_what_waits(bench: Bench) -> None:
    """Route and system are read at each claim: once they are mended, the next attempt goes through."""
    carried = a_delivery()
    bench.put(systems={"his": None})
    first = await bench.deliver(carried)
    bench.put()
    second = await bench.deliver(carried)
    assert first
    assert second
    assert (first.change, second.change) == (Change.RETRY, Change.SUCCEED)


async def test_body_goes_as_it_came_without_a_conversion(bench: Bench) -> None:
    """Without a transform the sender's own bytes go out."""
    data = b'{"b": 1,  "a": "\\u00e9" }'
    await bench.deliver(a_delivery(body=data))
    assert bench.receiver.calls[0].body == Body(Format.JSON, data)


async def test_conversion_that_finds_no_process_is_tried_again(bench: Bench) -> None:
    """Where what transforms is busy, nothing was sent and nothing is lost: the delivery is tried again later."""

    def busy(body: Body) -> Body:
        raise TransformUnavailable(transform="t")

    bench.put(route=Route("a.b", 1, "his", request=busy))
    settle = await bench.deliver(a_delivery())
    assert settle
    assert (settle.change, settle.code) == (Change.RETRY, "transform-unavailable")
    assert bench.receiver.calls == []


async def test_conversions_apart_are_called_there(bench: Bench) -> None:
    """What waits for another process is called in a thread of that route, both ways."""
    threads: list[str] = []

    def seen(body: Body) -> Body:
        threads.append(threading.current_thread().name)
        return body

    with ThreadPoolExecutor(1, "apart") as apart:
        bench.put(route=Route("a.b", 1, "his", request=seen, apart=apart))
        await bench.deliver(a_delivery())
    assert threads == ["apart_0"]


async def test_conversion_that_fails_calls_nobody(bench: Bench) -> None:
    """A body that cannot be converted is refused under the code of the error, and the receiver never hears of it."""

    def fails(body: Body) -> Body:
        raise TransformFailed(transform="t", rule="r", place="p")

    bench.put(route=Route("a.b", 1, "his", request=fails))
    settle = await bench.deliver(a_delivery())
    assert settle
    assert (settle.change, settle.reason, settle.code) == (Change.KILL, "refused", "transform-failed")
    assert bench.receiver.calls == []


async def test_body_that_is_gone_cannot_be_sent(bench: Bench) -> None:
    """A delivery that comes without its body, when the journal no longer has it, is dead and says so."""
    settle = await bench.deliver(a_delivery(body=None))
    assert settle
    assert (settle.change, settle.reason, settle.code) == (Change.KILL, "refused", "body-gone")


async def test_late_worker_gives_up(bench: Bench) -> None:
    """A worker past half its lease before it calls does not call: another may soon hold the delivery."""

    def slow(body: Body) -> Body:
        bench.clock.advance((30 + CALL_MARGIN / 1000) / 2 + 1)
        return body

    bench.put(route=Route("a.b", 1, "his", request=slow))
    settle = await bench.deliver(a_delivery())
    assert settle
    assert (settle.change, settle.result, settle.code) == (Change.RETRY, "not-sent", "worker-late")
    assert bench.receiver.calls == []


@pytest.mark.parametrize("repeatable", [False, True])
async def test_unknown_outcome_is_settled_by_what_was_claimed(bench: Bench, repeatable: bool) -> None:
    """Whether a call may be repeated is the journal's to say, as it was at acceptance, not the route's of today."""
    bench.put(route=Route("a.b", 1, "his", repeatable=not repeatable))
    bench.claims = lambda claim: claimed(bench.clock, claim, repeatable=repeatable)
    bench.receiver.outcome = Outcome(Result.UNKNOWN, "timeout")
    settle = await bench.deliver(a_delivery())
    assert settle
    assert settle.change is (Change.RETRY if repeatable else Change.KILL)


async def test_attempts_carry_the_same_key_and_a_span_of_their_own(bench: Bench) -> None:
    """Each attempt of a delivery has its Idempotency-Key, its message's id and trace, and a new span."""
    carried = a_delivery()
    for _ in range(2):
        await bench.deliver(carried)
    first, second = (call.headers for call in bench.receiver.calls)
    assert first["Idempotency-Key"] == second["Idempotency-Key"] == str(carried.delivery)
    assert first["ce-id"] == second["ce-id"] == str(carried.envelope.message)
    spans = [each["traceparent"].split("-") for each in (first, second)]
    assert {span[1] for span in spans} == {carried.envelope.traceparent.split("-")[1]}
    assert len({span[2] for span in spans} | {carried.envelope.traceparent.split("-")[2]}) == 3


async def test_request_is_not_waited_for_past_its_life(bench: Bench) -> None:
    """A call may take no longer than what is left of its message's life."""
    bench.claims = lambda claim: replace(claimed(bench.clock, claim), expires_at=bench.clock.now() + 1_500)
    await bench.deliver(a_delivery())
    assert bench.receiver.calls[0].timeout == 1.5


async def test_waiting_caller_is_told_of_the_end_alone(bench: Bench) -> None:
    """The process in which a caller waits is signalled, with the reply, when its delivery has ended, and not before."""
    bench.put(a_contract(Exchange.REQUEST))
    carried = a_delivery(waiter="process-1", exchange=Exchange.REQUEST)
    bench.receiver.outcome = Outcome(Result.NOT_SENT, "dns")
    await bench.deliver(carried)
    assert bench.broker.signals == []
    reply = Body(Format.JSON, b'{"ok":true}')
    bench.receiver.outcome = Outcome(Result.ANSWERED, "http-200", 200, reply)
    await bench.deliver(carried)
    assert bench.broker.signals == [("process-1", Signal(carried.envelope.message, "reply", "", reply, 200))]


async def test_outcome_that_came_late_signals_nobody(bench: Bench) -> None:
    """Where the lease had ended and the journal keeps another outcome, the caller is not told of this one."""
    answer = bench.store.answer
    bench.store.answer = lambda command: Settled(applied=False) if isinstance(command, Settle) else answer(command)
    await bench.deliver(a_delivery(waiter="process-1"))
    assert bench.broker.signals == []


async def test_serves_what_routes_lead_to(bench: Bench) -> None:
    """A worker subscribes to each system that a route leads to, also one that lacks its adapter for the time being,
    twice as many at once as may be in flight; not to one that only sends."""
    routes = [ROUTE, replace(ROUTE, system="mirror")]
    bench.put(routes=routes, systems={"his": bench.receiver, "mirror": None, "sender": None}, concurrency=3)
    await bench.worker.follow()
    assert {name: prefetch for name, (prefetch, _) in bench.broker.subscriptions.items()} == {"his": 6, "mirror": 6}


async def test_leaves_systems_that_fetch_alone(bench: Bench) -> None:
    """A system that fetches its messages is served by no worker."""
    bench.put(systems={"his": None}, fetches=True)
    await bench.worker.follow()
    assert bench.broker.subscriptions == {}


async def test_follows_the_documents(bench: Bench) -> None:
    """A system that goes is left, one that comes is served, and one whose limits change is served anew."""
    await bench.worker.follow()
    before = bench.broker.subscriptions["his"]
    await bench.worker.follow()
    assert bench.broker.subscriptions["his"] is before
    routes = [ROUTE, replace(ROUTE, system="mirror")]
    bench.put(routes=routes, systems={"his": bench.receiver, "mirror": bench.receiver}, concurrency=2)
    await bench.worker.follow()
    assert {name: prefetch for name, (prefetch, _) in bench.broker.subscriptions.items()} == {"his": 4, "mirror": 4}
    bench.put(systems={})
    await bench.worker.follow()
    assert bench.broker.subscriptions == {}


async def test_broker_that_is_away_is_tried_again(bench: Bench) -> None:
    """A subscription that fails is made again when the broker is back: the worker neither ends nor forgets."""
    bench.broker.failure = ConnectionRefusedError()
    serving = asyncio.ensure_future(bench.worker.run(every=0))
    await turns()
    assert not serving.done()
    bench.broker.failure = None
    await turns()
    assert set(bench.broker.subscriptions) == {"his"}
    serving.cancel()


async def test_calls_no_more_at_once_than_it_may(bench: Bench) -> None:
    """However many deliveries come, a system is called by no more than its concurrency at once."""
    bench.receiver.gate = asyncio.Event()
    bench.put(concurrency=2)
    await bench.worker.follow()
    _, arrived = bench.broker.subscriptions["his"]
    for _ in range(5):
        arrived(a_delivery(), lambda: None)
    while len(bench.receiver.calls) < 2:
        await asyncio.sleep(0)
    await turns()
    assert len(bench.receiver.calls) == 2
    bench.receiver.gate.set()
    while len(bench.store.of(Settle)) < 5:
        await asyncio.sleep(0)


async def test_ending_waits_for_calls_and_lets_go_of_the_rest(bench: Bench) -> None:
    """A worker that ends finishes the calls it has begun, also those to a system that it no longer serves, and claims
    nothing more."""
    bench.receiver.gate = asyncio.Event()
    bench.put(concurrency=1)
    await bench.worker.follow()
    _, arrived = bench.broker.subscriptions["his"]
    for _ in range(3):
        arrived(a_delivery(), lambda: None)
    while not bench.receiver.calls:
        await asyncio.sleep(0)
    bench.put(systems={})
    await bench.worker.follow()
    ending = asyncio.ensure_future(bench.worker.drain())
    await turns()
    assert not ending.done()
    bench.receiver.gate.set()
    await ending
    assert len(bench.store.of(Claim)) == len(bench.store.of(Settle)) == 1


async def test_one_broken_delivery_is_not_its_systems(bench: Bench) -> None:
    """What nobody foresaw in one delivery is logged, and the next is served."""
    broken = replace(a_delivery(), envelope=replace(a_delivery().envelope, traceparent="nonsense"))
    await bench.worker.follow()
    _, arrived = bench.broker.subscriptions["his"]
    arrived(broken, lambda: None)
    arrived(a_delivery(), lambda: None)
    while not bench.store.of(Settle):
        await asyncio.sleep(0)
