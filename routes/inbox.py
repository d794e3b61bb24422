"""Inboxes: systems that cannot be called fetch their deliveries and say what became of them. The same claim, transform
and outcome as a worker's, with the system itself in the place of the call."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from uuid import UUID

import structlog

from adapters.call import Outcome, Result
from bus.envelope import Attachment, Body, Envelope
from bus.errors import (
    AttachmentUnknown,
    BodyInvalid,
    BusError,
    ContractUnknown,
    DeliveryUnknown,
    InboxMissing,
    LeaseEnded,
    MediaTypeUnsupported,
    QueryInvalid,
    ReplyInvalid,
)
from bus.states import State
from contracts.model import Contract
from journal.attachments import AttachmentView
from journal.commands import Event, Record, Reply
from journal.committer import Committer
from journal.fetching import Fetch, Fetched
from journal.queries import Queries
from journal.views import HeldView
from routes.arrivals import Arrivals
from routes.conditions import Conditions
from routes.ending import Endings, Held, Way
from routes.model import Route, Snapshot, System
from routes.offload import off_the_loop
from routes.reply import again
from routes.snapshots import Snapshots
from routes.work import converted

NACK: Final = "nack-"

NACKS: Mapping[str, str] = MappingProxyType(
    {
        "busy": "cannot take it now",
        "duplicate": "has it already, by another way",
        "failed": "failed at it through a fault of its own",
        "invalid": "finds something wrong in it",
        "other": "gives it back, for a reason that has no word here",
        "unknown": "does not know whom or what it is about",
    }
)
"""The reasons that a system may give: words of ours, since texts from outside are neither kept nor logged."""

INBOX_CODES: Mapping[str, str] = MappingProxyType(
    {"acknowledged": "The system fetched the message and acknowledged it."}
    | {f"{NACK}{word}": f"The system fetched the message, and says that it {why}." for word, why in NACKS.items()}
)
"""Codes of attempts of what was fetched."""

log = structlog.get_logger("inbox")


@dataclass(frozen=True, slots=True)
class Item:
    """A delivery in its system's hands, in the shape that the system wants. `migrated`: the contract, ``name@major``,
    to which it was brought from that under which it was accepted. `as_sent`: its body is what was sent."""

    fetched: Fetched
    body: Body
    traceparent: str
    migrated: str = ""
    as_sent: bool = True
    attachments: tuple[AttachmentView, ...] = ()


class Inbox:
    """Every system's, as one gateway serves it; `process` is its name."""

    def __init__(
        self,
        snapshots: Snapshots,
        conditions: Conditions,
        committer: Committer,
        queries: Queries,
        arrivals: Arrivals,
        endings: Endings,
        process: str,
        monotonic: Callable[[], float],
    ) -> None:
        self._snapshots = snapshots
        self._conditions = conditions
        self._committer = committer
        self._queries = queries
        self._arrivals = arrivals
        self._endings = endings
        self._process = process
        self._monotonic = monotonic

    async def fetch(
        self, system: str, most: int, wait: float, still: Callable[[], Awaitable[bool]]
    ) -> tuple[Item, ...]:
        """At most so many, as soon as there is one; none after `wait` seconds, or where the process ends.

        `still` says after a wait whether the caller is there and may have them. Raises `InboxMissing`,
        `QuotaExceeded`, and whatever `still` does.
        """
        end = self._monotonic() + wait
        self._system(system)
        self._arrivals.asked(system)
        while True:
            if not self._arrivals.is_empty(system) and (items := await self._take(system, most)):
                return items
            left = end - self._monotonic()
            if left <= 0 or self._arrivals.closed:
                return ()
            came, there = await self._arrivals.wait(system, left), False
            try:
                there = await still()
            finally:
                if came and not there:
                    self._arrivals.came(system)  # for somebody else
            if not there:
                return ()

    async def acknowledge(
        self, system: str, delivery: UUID, attempt: int, answer: Body | None, fault: str = ""
    ) -> None:
        """It is done. To a request `answer` is the reply, or the declared fault of that name.

        Raises `DeliveryUnknown`, `LeaseEnded`, and `BodyInvalid` or what a conversion raises for an answer that breaks
        the contract: then the lease goes on.
        """
        view = await self._held(system, delivery)
        if (view.delivery.state, view.delivery.attempt) == (State.DELIVERED, attempt):
            return
        self._require_lease(view, attempt)
        way = _way(self._snapshots.current(), view.envelope, system)
        reply = await _reply(way, answer, fault)
        outcome = Outcome(Result.FAULT, "declared-fault", fault=fault) if fault else ACKNOWLEDGED
        await self._end(view, way, outcome, reply)

    async def give_back(self, system: str, delivery: UUID, attempt: int, reason: str, *, retry: bool) -> None:
        """It is not done: to be fetched again later, or dead. Raises `DeliveryUnknown`, `LeaseEnded`."""
        view = await self._held(system, delivery)
        if _was_given_back(view, attempt):
            return
        self._require_lease(view, attempt)
        way = _way(self._snapshots.current(), view.envelope, system)
        await self._end(view, way, Outcome(Result.TROUBLE if retry else Result.REFUSED, f"{NACK}{reason}"), None)

    def _system(self, name: str) -> System:
        system = self._snapshots.current().systems.get(name)
        if system is None or not system.fetches:
            raise InboxMissing(system=name)
        return system

    async def _take(self, name: str, most: int) -> tuple[Item, ...]:
        async with self._arrivals.taking(name):
            if self._arrivals.is_empty(name):
                return ()
            system, asked_at, news = self._system(name), self._monotonic(), self._arrivals.news(name)
            found: tuple[Fetched, ...] = ()
            if self._conditions.of(name).paused_at is None:
                lease = round(system.visibility * 1000)
                found = await self._committer.write(Fetch(name, self._process, lease, most, system.concurrency))
            if not found:
                self._arrivals.nothing(name, news, asked_at)
        if len(found) == most:
            self._arrivals.came(name)  # for the next one
        if not found:
            return ()
        bodies = await asyncio.to_thread(self._queries.bodies, [each.envelope.message for each in found])
        items = [await self._item(name, each, bodies.get(each.envelope.message)) for each in found]
        return tuple(item for item in items if item)

    async def _item(self, system: str, fetched: Fetched, body: Body | None) -> Item | None:
        """None where its system cannot have it, which is settled then."""
        way = _way(self._snapshots.current(), fetched.envelope, system)
        if way.contract is None or way.route is None:
            missing = "contract-missing" if way.contract is None else "route-missing"
            outcome: Body | Outcome = Outcome(Result.MISCONFIGURED, missing)
        elif body is None:
            outcome = Outcome(Result.REFUSED, "body-gone")
        else:
            outcome = await converted(way.route, body)
        if isinstance(outcome, Body):
            _, trace, _, flags = fetched.envelope.traceparent.split("-")
            parent = f"00-{trace}-{secrets.token_hex(8)}-{flags}"
            files = await self._attached(way.contract, fetched.envelope.message)
            return Item(fetched, outcome, parent, way.route.granted if way.route else "", outcome is body, files)
        held = Held(
            fetched.delivery,
            system,
            fetched.envelope,
            fetched.attempt,
            fetched.repeatable,
            fetched.sequence is not None,
            fetched.now,
        )
        try:
            await self._endings.end(held, way, outcome)
        except BusError as unavailable:
            # Its lease brings it back; what was fetched along with it must not wait for that.
            log.warning("delivery-postponed", delivery=str(held.delivery), code=unavailable.code)
        return None

    async def _attached(self, contract: Contract | None, message: UUID) -> tuple[AttachmentView, ...]:
        """What goes along with a message; nothing is asked where its contract has no attachments."""
        if contract is None or contract.request.attachments is None:
            return ()
        found = await asyncio.to_thread(self._queries.attached, message)
        return tuple(each for each in found if each.part == "request")

    async def attachment(self, system: str, delivery: UUID, number: int) -> Attachment:
        """One that goes along with what is in a system's hands. Raises `DeliveryUnknown`, `LeaseEnded`,
        `AttachmentUnknown`."""
        view = await self._held(system, delivery)
        if view.delivery.state is not State.DELIVERING:
            raise LeaseEnded(attempt=view.delivery.attempt)
        found = await asyncio.to_thread(self._queries.attachment, view.envelope.message, "request", number)
        if found is None:
            raise AttachmentUnknown
        return found

    async def _held(self, system: str, delivery: UUID) -> HeldView:
        """Another system's delivery and one that does not exist look the same."""
        self._system(system)
        view = await asyncio.to_thread(self._queries.held, delivery)
        if view is None or view.delivery.system != system:
            raise DeliveryUnknown(delivery=str(delivery))
        return view

    async def _end(self, view: HeldView, way: Way, outcome: Outcome, reply: Reply | None) -> None:
        delivery = view.delivery
        held = Held(
            delivery.id,
            delivery.system,
            view.envelope,
            delivery.attempt,
            view.repeatable,
            view.ordered,
            delivery.changed_at,
        )
        if not await self._endings.end(held, way, outcome, reply):
            raise self._late(view, delivery.attempt)

    def _require_lease(self, view: HeldView, attempt: int) -> None:
        if (view.delivery.state, view.delivery.attempt) != (State.DELIVERING, attempt):
            raise self._late(view, attempt)

    def _late(self, view: HeldView, attempt: int) -> LeaseEnded:
        """That it came may be all that is known of what became of a delivery."""
        facts: dict[str, str | int] = {
            "attempt": attempt,
            "delivery": str(view.delivery.id),
            "state": view.delivery.state,
            "system": view.delivery.system,
        }
        self._committer.follow(Record(Event("answer.late", view.delivery.system, view.envelope.message, facts)))
        return LeaseEnded(attempt=attempt)


ACKNOWLEDGED: Final = Outcome(Result.ANSWERED, "acknowledged")


def _way(snapshot: Snapshot, envelope: Envelope, system: str) -> Way:
    contract = snapshot.version(envelope.contract, envelope.version)
    return Way(snapshot.revision, contract, snapshot.route(f"{envelope.contract}@{envelope.major}", system))


def _was_given_back(view: HeldView, attempt: int) -> bool:
    """Whether the same was said of this attempt before, and the answer got lost."""
    delivery = view.delivery
    ended = (delivery.state is State.PENDING and delivery.reason.startswith(NACK)) or (
        delivery.state is State.DEAD and delivery.reason == "refused"
    )
    return delivery.attempt == attempt and ended


async def _reply(way: Way, answer: Body | None, fault: str) -> Reply | None:
    """What is kept and told as the reply: what the contract wants of it, and nothing where it wants none."""
    contract, route = way.contract, way.route
    if contract is None or route is None:
        raise ContractUnknown
    if fault and fault not in contract.faults:
        raise QueryInvalid(name="fault", hint="a fault that the contract declares")
    part = contract.faults[fault].part if fault else contract.reply
    if answer is None:
        if part:
            raise MediaTypeUnsupported(expected=part.format.media_type)
        return None
    if part is None and not fault:
        return None
    return await _checked(contract, route, Reply("raw", answer, fault))


async def _checked(contract: Contract, route: Route, raw: Reply) -> Reply:
    try:
        return await off_the_loop(len(raw.body.data), again, contract, route, raw, apart=route.apart)
    except ReplyInvalid as wrong:
        named = f"{contract.name}@{contract.version}"
        raise BodyInvalid(contract=named, count=len(wrong.findings), findings=wrong.findings) from None
