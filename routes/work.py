"""The worker: claims what the broker brings, transforms it, calls the receiver, settles what came of it.

The claim is the journal's compare-and-set; after its commit the broker is acknowledged and the lease alone brings the
work back. So a message that the broker brings twice calls nobody twice.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

import structlog

from adapters.call import Call, FaultRule, Outcome, Result
from bus.clock import Clock, jitter
from bus.envelope import Attachment, Body, Envelope
from bus.errors import BusError, CommitInDoubt, JournalUnavailable, Overloaded, TransformUnavailable
from bus.states import LOSSES, Change, target
from contracts.model import LONGEST_REPLY, Contract
from journal.commands import Claim, Claimed, Lost, Reply, Settle, Settled
from journal.committer import Committer
from journal.leases import CALL_MARGIN
from journal.queries import Queries
from routes.broker import LARGEST_CARRIED, Broker, Carried, Signal
from routes.circuit import Circuits
from routes.conditions import Conditions
from routes.events import attributes
from routes.lanes import Lanes
from routes.model import Retry, Route, Snapshot
from routes.notices import Notices
from routes.offload import off_the_loop
from routes.outcome import decide
from routes.reply import take
from routes.ringer import Ringer
from routes.snapshots import Snapshots

DEFAULT_TIMEOUT: Final = 30.0

OWN_CODES: Mapping[str, str] = MappingProxyType(
    {
        "body-gone": "The message's body has been erased: its retention has ended.",
        "contract-missing": "The documents have no such version of the contract any more.",
        "lease-ended": "The worker vanished during the attempt: its lease ended without an outcome.",
        "reply-invalid": "The system's answer breaks the contract.",
        "route-missing": "The documents have no route from this contract to this system any more.",
        "system-not-callable": "The system is not there, has no address, or lacks a secret; the log says which.",
        "worker-late": "The worker came to the call too late to make it safely.",
    }
)
"""Codes of attempts that no adapter made; a conversion that failed has the code of its error (docs/errors.md)."""

log = structlog.get_logger("worker")


@dataclass(frozen=True, slots=True)
class Plan:
    """All that one attempt needs, out of one snapshot."""

    contract: Contract
    route: Route
    call: Callable[[Call], Awaitable[Outcome]]


class Worker:
    """Serves every system of the snapshot that can be called. `name` is the process's, told in attempts."""

    def __init__(
        self,
        snapshots: Snapshots,
        conditions: Conditions,
        committer: Committer,
        queries: Queries,
        broker: Broker,
        ringer: Ringer,
        clock: Clock,
        name: str,
        notices: Notices,
        chance: Callable[[], float] | None = None,
    ) -> None:
        self._snapshots = snapshots
        self._committer = committer
        self._queries = queries
        self._broker = broker
        self._ringer = ringer
        self._clock = clock
        self._name = name
        self._notices = notices
        self._chance = chance or jitter()
        self._circuits = Circuits(conditions, committer, clock, name, notices.opened, self._chance)
        self._lanes = Lanes(snapshots, conditions, self._circuits, queries, broker, clock, name, self.deliver)

    async def run(self, every: float = 0.5) -> None:
        """Serve until cancelled; looks for what has changed every so many seconds."""
        await self._lanes.run(every)

    async def follow(self) -> None:
        """Serve what is to be served now."""
        await self._lanes.follow()

    async def drain(self) -> None:
        """Take nothing more, let go of what is not claimed, and wait for the calls in flight."""
        await self._lanes.drain()
        await self._circuits.settle()

    async def deliver(self, carried: Carried, acknowledge: Callable[[], None] = lambda: None) -> None:
        """One attempt, from claim to settlement. Raises `BusError` where the journal cannot be written."""
        try:
            snapshot = self._snapshots.current()
            plan = _plan(snapshot, carried)
            timeout = plan.contract.limits.timeout if isinstance(plan, Plan) else DEFAULT_TIMEOUT
            lease = round(timeout * 1000) + CALL_MARGIN
            began = self._clock.monotonic()
            claimed = await self._committer.write(Claim(carried.delivery, self._name, lease))
        finally:
            # Once, whatever came of it: claimed or not, from here on a lease brings it back.
            acknowledge()
        if claimed is None:
            return
        if isinstance(plan, Outcome):
            outcome, reply = plan, None
            if outcome.code == "system-not-callable":
                self._circuits.note(claimed.system, claimed.delivery, outcome)
        else:
            outcome, reply = await self._attempt(plan, claimed, carried, began + CALL_MARGIN / 2000)
        settle = self._settlement(plan, claimed, snapshot.revision, outcome, reply, began)
        if settle.change in LOSSES:
            state = target(settle.change)
            lost = Lost(claimed.delivery, claimed.system, carried.envelope, state, settle.reason, settle.code)
            settle = replace(settle, notice=self._notices.lost(lost))
        settled = await self._write_surely(settle, began + lease / 1000)
        if settled.rung:
            self._ringer.ring([Carried(settled.rung.delivery, settled.rung.system, settled.rung.envelope)])
        if settle.change is Change.KILL or outcome.result is Result.MISCONFIGURED:
            # Somebody must look: what operators are told, they are told here.
            log.error(
                "delivery-needs-a-person", delivery=str(claimed.delivery), system=claimed.system, code=outcome.code
            )
        if settled.applied and carried.envelope.waiter and settle.change is not Change.RETRY:
            await self._broker.signal(carried.envelope.waiter, signal(carried.envelope, reply, outcome.http_status))

    async def _attempt(
        self, plan: Plan, claimed: Claimed, carried: Carried, latest: float
    ) -> tuple[Outcome, Reply | None]:
        """Transform, call, and read the answer; `latest` is the monotonic time after which it is too late to call."""
        try:
            body, attachments = await self._body(carried, plan.contract)
        except BusError as unavailable:
            return Outcome(Result.NOT_SENT, unavailable.code), None
        if body is None:
            return Outcome(Result.REFUSED, "body-gone"), None
        outgoing = await converted(plan.route, body)
        if isinstance(outgoing, Outcome):
            return outgoing, None
        if self._clock.monotonic() > latest:
            return Outcome(Result.NOT_SENT, "worker-late"), None
        outcome = await plan.call(_call(plan, claimed, carried.envelope, outgoing, attachments))
        self._circuits.note(claimed.system, claimed.delivery, outcome)
        return await _taken(plan, outcome)

    async def _body(self, carried: Carried, contract: Contract) -> tuple[Body | None, tuple[Attachment, ...]]:
        """The body, and what goes along with it; both out of the journal where the contract has attachments, so that
        they are there together or not at all."""
        message = carried.envelope.message
        if contract.request.attachments is not None:
            attachments = await asyncio.to_thread(self._queries.attachments, message)
            return await asyncio.to_thread(self._queries.body, message), attachments
        if carried.body is not None:
            return Body(carried.envelope.format, carried.body), ()
        return await asyncio.to_thread(self._queries.body, message), ()

    async def _write_surely(self, settle: Settle, until: float) -> Settled:
        """What came of a call is not forgotten because the journal was away for a moment: as long as the lease lasts,
        the monotonic time `until`, it is written again."""
        pause = 0.05
        while True:
            try:
                return await self._committer.write(settle)
            except (CommitInDoubt, JournalUnavailable, Overloaded):
                if self._clock.monotonic() + pause > until:
                    raise
            await asyncio.sleep(pause)
            pause = min(2 * pause, 2.0)

    def _settlement(
        self,
        plan: Plan | Outcome,
        claimed: Claimed,
        revision: int,
        outcome: Outcome,
        reply: Reply | None,
        began: float,
    ) -> Settle:
        duration = round((self._clock.monotonic() - began) * 1000)
        verdict = decide(
            outcome,
            attempt=claimed.attempt,
            repeatable=claimed.repeatable,
            retry=plan.route.retry if isinstance(plan, Plan) else Retry(),
            remaining=claimed.expires_at - claimed.now - duration,
            chance=self._chance(),
        )
        return Settle(
            claimed.delivery,
            claimed.message,
            claimed.system,
            claimed.attempt,
            verdict.change,
            outcome.result,
            outcome.code,
            self._name,
            claimed.now,
            duration,
            revision,
            verdict.reason,
            outcome.http_status,
            verdict.delay,
            reply,
            round(plan.contract.retention.body * 1000) if isinstance(plan, Plan) else 0,
        )


def _plan(snapshot: Snapshot, carried: Carried) -> Plan | Outcome:
    """What this delivery needs, or what people must mend before it can go."""
    envelope = carried.envelope
    contract = snapshot.version(envelope.contract, envelope.version)
    route = snapshot.route(f"{envelope.contract}@{envelope.major}", carried.system)
    system = snapshot.systems.get(carried.system)
    if contract and route and system and system.adapter:
        return Plan(contract, route, system.adapter.call)
    missing = "contract-missing" if not contract else "route-missing" if not route else "system-not-callable"
    return Outcome(Result.MISCONFIGURED, missing)


async def converted(route: Route, body: Body) -> Body | Outcome:
    """The body in the receiver's shape; nothing was sent where it cannot be had."""
    if route.request is None:
        return body
    try:
        return await off_the_loop(len(body.data), route.request, body, apart=route.apart)
    except TransformUnavailable as later:
        return Outcome(Result.NOT_SENT, later.code)
    except BusError as failed:
        return Outcome(Result.REFUSED, failed.code)
    except Exception as unforeseen:  # noqa: BLE001 - a conversion's own fault must not look like a call cut off
        log.error("conversion-failed", route=route.reference, kind=type(unforeseen).__name__)
        return Outcome(Result.REFUSED, "internal")


async def _taken(plan: Plan, outcome: Outcome) -> tuple[Outcome, Reply | None]:
    """The answer as the contract wants it; kept raw where it cannot be had."""
    size = len(outcome.reply.data) if outcome.reply else 0
    try:
        return await off_the_loop(size, take, plan.contract, plan.route, outcome, apart=plan.route.apart)
    except Exception as unforeseen:  # noqa: BLE001 - the receiver has answered, and that must be kept
        log.error("reply-failed", route=plan.route.reference, kind=type(unforeseen).__name__)
        raw = Reply("raw", outcome.reply) if outcome.reply else None
        return replace(outcome, result=Result.REPLY_INVALID, code="internal", fault=""), raw


def _call(plan: Plan, claimed: Claimed, envelope: Envelope, body: Body, attachments: tuple[Attachment, ...]) -> Call:
    """The headers are the same at each attempt, but for the span of the trace."""
    _, trace_id, _, flags = envelope.traceparent.split("-")
    headers = {
        "Idempotency-Key": str(claimed.delivery),
        "ce-id": str(envelope.message),
        "traceparent": f"00-{trace_id}-{secrets.token_hex(8)}-{flags}",
    }
    if claimed.sequence is not None:
        headers["Bus-Sequence"] = str(claimed.sequence)
    faults = tuple(FaultRule(each.name, each.status, each.element) for each in plan.contract.faults.values())
    # A request whose caller has gone is not worth waiting for.
    timeout = min(plan.contract.limits.timeout, (claimed.expires_at - claimed.now) / 1000)
    event = attributes(plan.contract, plan.route, envelope.message, envelope.sender, claimed.sequence)
    return Call(plan.route.operation, body, headers, faults, timeout, LONGEST_REPLY, event, attachments)


def signal(envelope: Envelope, reply: Reply | None, status: int | None = None) -> Signal:
    """The word to the waiting process, with the reply where it is small enough to carry."""
    if reply and reply.kind != "raw" and not reply.attachments and len(reply.body.data) <= LARGEST_CARRIED:
        return Signal(envelope.message, reply.kind, reply.fault, reply.body, status or 0)
    return Signal(envelope.message)
