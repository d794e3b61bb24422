"""Calls of another system's REST API through the bus: an application keeps them, and changes only the base address.

A call is a message of the contract that a route leads to its operation. It is accepted as any other, and answered with
what the provider said, under the provider's own status.
"""

import asyncio
from typing import Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as Path

from adapters.call import Result
from adapters.entrance import BASIC, Endpoint, Entrance
from adapters.rest import answers, offering
from adapters.rest.asked import Asked, allowed, chosen, led, taken_apart
from adapters.rest.conditional import cache_headers, entity_tag, has_it, wanted_age
from adapters.rest.inbound import refuse
from adapters.rest.paths import Paths
from adapters.rest.preferences import Preference, preference
from adapters.rest.reading import read_body
from adapters.rest.repeats import Known, Repeats
from adapters.rest.source import query_of
from bus.clock import Clock
from bus.envelope import Exchange
from bus.errors import (
    BodyTooLarge,
    BusError,
    MethodNotAllowed,
    PathUnknown,
    ReplyPending,
    SenderFault,
)
from bus.languages import negotiate
from bus.states import TERMINAL, MessageState
from contracts.model import Contract
from identity.grants import May, civil_date
from identity.keyring import keyed_hash
from journal.commands import Event, Record, Reply
from journal.committer import Committer
from journal.queries import Queries
from journal.views import Answered
from routes.accept import Acceptance, Acceptor, permitted
from routes.awaiting import GRACE, Awaiting, End
from routes.model import Snapshot
from routes.offload import off_the_loop

METHODS: Final = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")

MESSAGE: Final = "Bus-Message"
"""The header that names the message of a call: Location is the provider's to use."""

NOTHING: Final = Paths(())


class RestFront:
    """The paths ``/rest/{system}/…``, for one process."""

    def __init__(
        self,
        entrance: Entrance,
        acceptor: Acceptor,
        awaiting: Awaiting,
        committer: Committer,
        queries: Queries,
        clock: Clock,
        body_timeout: float,
    ) -> None:
        self._entrance = entrance
        self._acceptor = acceptor
        self._awaiting = awaiting
        self._committer = committer
        self._queries = queries
        self._clock = clock
        self._body_timeout = body_timeout
        self._repeats = Repeats(clock)

    def paths(self) -> list[Path]:
        endpoint = self.calling()
        return [Path(path, endpoint, methods=METHODS) for path in ("/rest/{system}", "/rest/{system}/{path:path}")]

    def calling(self) -> Endpoint:
        """What answers a call."""
        return self._entrance.answering(self.rest, _refuse)

    async def rest(self, request: Request) -> Response:
        """One call of an operation."""
        snapshot, sender = await self._entrance.proved(request)
        system, path = taken_apart(request)
        places = [*snapshot.paths.get(system, NOTHING).at(path)]
        if not places and path == offering.PATH:
            return await self._offering(request, snapshot, system, sender)
        if not places:
            raise PathUnknown
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"Allow": allowed(places)})
        try:
            query = query_of(request.scope["query_string"])
            prefer = preference(request.headers.getlist("prefer"))
        except SenderFault as refused:
            await self._acceptor.refuse(snapshot, sender, "", refused)
            raise
        found = chosen(places, request, query)
        if found is None:
            return _not_allowed(request, allowed(places))
        offer, values = found
        lead = led(snapshot, sender, offer, civil_date(self._clock.now()))
        asked = Asked(snapshot, sender, request, system, offer, lead, values, query)
        answer = await self._again(asked) or await self._anew(asked, prefer)
        return _as_asked(request, answer)

    async def _offering(self, request: Request, snapshot: Snapshot, system: str, sender: str) -> Response:
        """The description of a system's operations, unless one of them has this path."""
        if request.method not in {"GET", "HEAD"}:
            return _not_allowed(request, "GET, HEAD")
        await self._entrance.ask(sender)
        answer = await offering.offering(snapshot, system, sender, civil_date(self._clock.now()))
        return _as_asked(request, answer)

    async def _again(self, asked: Asked) -> Response | None:
        """An earlier answer to the same, out of the journal; None where the provider is to be asked."""
        wanted = wanted_age(asked.request, asked.offer.max_age)
        key = self._key(asked) if wanted else None
        found = self._repeats.find(key, wanted) if key else None
        if key is None or found is None:
            return None
        await self._entrance.ask(asked.sender)
        known, age = found
        had = has_it(asked.request, known.tag)
        stored = None if had else await asyncio.to_thread(self._queries.reply, known.message)
        if stored is None and not had:
            self._repeats.forget(key)
            return None
        facts: dict[str, str | int] = {"ageSeconds": age, "status": 304 if had else known.status}
        # Nothing else tells of this answer, so it is written before it is given.
        await self._committer.write(Record(Event("reply.repeated", asked.sender, known.message, facts)))
        headers = {MESSAGE: str(known.message), **cache_headers(known.tag, asked.offer.max_age, age)}
        if stored is None:
            return Response(status_code=304, headers=headers)
        body = stored[1].body
        return Response(body.data, known.status, headers, body.format.media_type)

    def _key(self, asked: Asked) -> str | None:
        """What a repeated read is known by; None where it is never answered again, or is to be refused."""
        snapshot, today = asked.snapshot, civil_date(self._clock.now())
        if not asked.offer.max_age or asked.has_body:
            return None
        if not snapshot.grants.allows(asked.system, asked.lead.reference, May.RECEIVE, today):
            return None
        try:
            contract = permitted(snapshot, asked.arrival(_nothing), today)
            written = asked.message(None)
        except SenderFault:
            return None
        whose = (asked.sender, asked.system, asked.offer.name, contract.name, contract.version, "")
        return keyed_hash(snapshot.keys, "\n".join(whose).encode() + written)

    async def _anew(self, asked: Asked, prefer: Preference) -> Response:
        """Accept the call as a message, and wait for what the provider says."""
        self._entrance.health.admit()
        began = self._clock.monotonic()
        with self._entrance.in_flight.holding() as take:

            async def read(limit: int) -> bytes:
                asked.require_format()
                most = 0 if asked.takes_none else limit
                data = await read_body(asked.request, most, self._body_timeout, take)
                made: bytes = await off_the_loop(len(data), asked.message, data or None)
                if len(made) > limit:
                    raise BodyTooLarge(limit=limit)
                return made

            try:
                arrival = asked.arrival(read)
            except SenderFault as refused:
                await self._acceptor.refuse(asked.snapshot, asked.sender, asked.lead.contract, refused)
                raise
            waits = None if prefer.wait is None else prefer.wait > 0
            accepted = await self._acceptor.accept(asked.snapshot, arrival, waits=waits)
        answer = await self._end(asked, accepted, prefer, began)
        answer.headers.update({MESSAGE: str(accepted.envelope.message), **accepted.contract.headers})
        if prefer.applied:
            answer.headers["Preference-Applied"] = prefer.applied
        return answer

    async def _end(self, asked: Asked, accepted: Acceptance, prefer: Preference, began: float) -> Response:
        """Nothing is awaited between acceptance and the wait, so no signal is missed."""
        message, contract = accepted.envelope.message, accepted.contract
        is_request = contract.exchange is Exchange.REQUEST
        later = prefer.later or not is_request
        seconds = prefer.wait
        if seconds is None:
            seconds = contract.limits.timeout + GRACE if is_request else 0.0
        if seconds <= 0 and later:
            return answers.open_answer(str(message), MessageState.ACCEPTED)
        end = await self._awaiting.end(accepted, seconds)
        answered = await self._answered(asked, accepted, end)
        if end.reply is not None:
            keeps = None if accepted.repeated else began
            return self._said(asked, end.reply, _status(contract, end.reply, answered), message, keeps)
        view = end.view
        if view is None or not (later or all(each.state in TERMINAL for each in view.deliveries)):
            return _pending(asked.request, message)
        if view.state is MessageState.DONE and answered and (answered.result == Result.FAULT or not is_request):
            # A fault that is no more than its status, or a document that was taken.
            return Response(status_code=answered.status, headers={"Cache-Control": "no-store"})
        return answers.view_answer(view, None, negotiate(asked.request.headers.get("accept-language")))

    async def _answered(self, asked: Asked, accepted: Acceptance, end: End) -> Answered | None:
        """How the provider answered: as the signal told, else by the journal."""
        if end.reply and end.status and [each.system for each in accepted.deliveries] == [asked.system]:
            return Answered(Result.ANSWERED if end.reply.kind == "reply" else Result.FAULT, end.status)
        return await asyncio.to_thread(self._queries.answered, accepted.envelope.message, asked.system)

    def _said(self, asked: Asked, reply: Reply, status: int, message: UUID, began: float | None) -> Response:
        """The provider's answer; one to a read is remembered by when it was asked for, if it was now."""
        body = reply.body
        if not (asked.is_read and reply.kind == "reply" and status == 200):
            return Response(body.data, status, {"Cache-Control": "no-store"}, body.format.media_type)
        tag = entity_tag(asked.snapshot.keys, asked.sender, body.data)
        key = self._key(asked)
        if key and began is not None:
            self._repeats.keep(key, Known(message, status, tag, began))
        headers = cache_headers(tag, asked.offer.max_age, None)
        if has_it(asked.request, tag):
            return Response(status_code=304, headers=headers)
        return Response(body.data, status, headers, body.format.media_type)


def _as_asked(request: Request, answer: Response) -> Response:
    """To HEAD, the headers alone: they say what GET would answer with (RFC 9110 §9.3.2)."""
    if request.method == "HEAD":
        answer.body = b""
    return answer


def _not_allowed(request: Request, methods: str) -> Response:
    answer = refuse(request, MethodNotAllowed())
    answer.headers["Allow"] = methods
    return answer


def _status(contract: Contract, reply: Reply, answered: Answered | None) -> int:
    """The provider's own; where it was another system that answered, as the contract has it."""
    if reply.kind == "reply":
        return answered.status if answered and 200 <= answered.status < 300 else 200
    if answered is not None:
        return answered.status
    fault = contract.faults.get(reply.fault)
    return (fault.status if fault else None) or 422


def _pending(request: Request, message: UUID) -> Response:
    """A REST client wants a result; one that would rather come again says so by ``Prefer: respond-async``."""
    answer = refuse(request, ReplyPending(message=str(message), retry_after=2))
    answer.headers["Location"] = f"/messages/{message}"
    return answer


def _refuse(request: Request, refused: BusError) -> Response:
    """As everywhere, with both ways in which a caller may say who it is."""
    answer = refuse(request, refused)
    if answer.status_code == 401:
        answer.headers.append("WWW-Authenticate", BASIC)
    return answer


async def _nothing(_: int) -> bytes:
    return b""
