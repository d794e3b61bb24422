"""The data plane over HTTP: how REST systems send, ask and look up."""

import asyncio
from collections.abc import Callable
from typing import Final
from urllib.parse import parse_qs
from uuid import UUID

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.routing import Route as Path

from adapters.entrance import BASIC, Endpoint, Entrance
from adapters.rest import answers
from adapters.rest.describing import describable, described
from adapters.rest.event_reading import as_event
from adapters.rest.parameters import client, limit, since, state
from adapters.rest.preferences import Preference, preference
from adapters.rest.reading import declared_format, header_text, read_body
from adapters.rest.related import is_related, with_attachments
from adapters.rest.webhook import ORIGIN, consent
from bus.clock import Clock
from bus.envelope import Exchange
from bus.errors import (
    AttachmentUnknown,
    BusError,
    CredentialInvalid,
    InternalError,
    MessageUnknown,
    MethodNotAllowed,
    PathUnknown,
    ReplyMissing,
    SenderFault,
)
from bus.languages import Language, negotiate
from bus.states import MessageState
from contracts.model import MOST_ATTACHMENTS
from identity.credentials import authenticate
from identity.grants import civil_date
from identity.tokens import LIFE, issue
from journal.commands import Event, Record
from journal.committer import Committer
from journal.queries import Queries
from journal.searching import MessageFilter
from journal.views import MessageView
from routes.accept import Acceptance, Acceptor, Arrival
from routes.awaiting import GRACE, Awaiting

LONGEST_FORM: Final = 8192
"""Bytes; a token is asked for in about two hundred."""

MESSAGES: Final = "/messages/{contract}"

log = structlog.get_logger("gateway")


class FrontDoor:
    """The data plane's paths, for one process."""

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

    def paths(self) -> list[Path]:
        return [
            Path(MESSAGES, self.answering(self.send), methods=["POST"]),
            Path("/messages/{message}", self.answering(self.show), methods=["GET"]),
            Path("/messages/{message}/reply", self.answering(self.reply), methods=["GET"]),
            Path("/messages/{message}/attachments/{number}", self.answering(self.attachment), methods=["GET"]),
            Path("/messages", self.answering(self.list), methods=["GET"]),
            Path("/contracts/{contract}", self.answering(self.describe), methods=["GET"]),
            Path("/contracts/{contract}/{form}", self.answering(self.describe), methods=["GET"]),
            Path("/token", self.answering(self.token), methods=["POST"]),
            Path("/.well-known/jwks.json", self.answering(self.jwks), methods=["GET"]),
            Path("/health/live", self.answering(self.live), methods=["GET"]),
            Path("/health/ready", self.answering(self.ready), methods=["GET"]),
        ]

    def answering(self, endpoint: Endpoint) -> Endpoint:
        """Whatever an endpoint refuses becomes a problem document; each call is counted and timed."""
        return self._entrance.answering(endpoint, refuse)

    async def send(self, request: Request) -> Response:
        """Accept one message; wait for its end as long as the caller prefers."""
        snapshot, sender = await self._entrance.caller(request)
        self._entrance.health.admit()
        with self._entrance.in_flight.holding() as take:
            try:
                prefer = preference(request.headers.getlist("prefer"))
                arrival = self._arrival(request, sender, take)
            except SenderFault as refused:
                contract = request.path_params["contract"].partition("@")[0]
                await self._acceptor.refuse(snapshot, sender, contract, refused)
                raise
            waits = None if prefer.wait is None else prefer.wait > 0
            accepted = await self._acceptor.accept(snapshot, arrival, waits=waits)
        return await self._wait(accepted, prefer, request)

    def _arrival(self, request: Request, sender: str, take: Callable[[int], None]) -> Arrival:
        name, _, version = request.path_params["contract"].partition("@")
        headers = request.headers
        content_type = headers.get("content-type")
        arrival = Arrival(
            sender,
            name,
            version or None,
            declared_format(content_type),
            lambda limit: read_body(request, limit, self._body_timeout, take),
            header_text(request, "idempotency-key", 255),
            headers.get("traceparent"),
        )
        if is_related(content_type):
            return with_attachments(arrival, content_type or "")
        if (content_type and "cloudevents" in content_type.lower()) or "ce-specversion" in headers:
            return as_event(arrival, headers, content_type or "")
        return arrival

    async def show(self, request: Request) -> Response:
        """A message's state and timeline, for its sender."""
        caller = await self._asking(request)
        view = await self._own(caller, request.path_params["message"])
        rows = await asyncio.to_thread(self._queries.timeline, view.envelope.message)
        files = await asyncio.to_thread(self._queries.attached, view.envelope.message)
        told = {"attachments": [answers.attachment(each) for each in files]} if files else {}
        return answers.json_answer(answers.summary(view) | told | {"timeline": answers.timeline(rows)})

    async def reply(self, request: Request) -> Response:
        """The reply to a request, or what acknowledged a document, as a waiting POST would have been answered."""
        caller = await self._asking(request)
        view = await self._own(caller, request.path_params["message"])
        found = await asyncio.to_thread(self._queries.reply, view.envelope.message)
        reply = found[1] if found else None
        exchange = view.envelope.exchange
        if exchange is Exchange.EVENT or (
            exchange is Exchange.DOCUMENT and reply is None and view.state is MessageState.DONE
        ):
            raise ReplyMissing(exchange=exchange)
        answer = answers.view_answer(view, reply, _language(request))
        if answer.status_code in {200, 422} and request.method == "GET":
            self._committer.follow(Record(Event("reply.fetched", caller, view.envelope.message)))
        return answer

    async def attachment(self, request: Request) -> Response:
        """A file that came along with the reply to a request, for its sender."""
        caller = await self._asking(request)
        view = await self._own(caller, request.path_params["message"])
        message, number = view.envelope.message, request.path_params["number"]
        index = int(number) if number.isdecimal() and len(number) <= len(str(MOST_ATTACHMENTS)) else 0
        found = await asyncio.to_thread(self._queries.reply, message)
        kept = found[1] if found and found[1].kind == "reply" else None
        if kept is None or not 1 <= index <= len(kept.attachments):
            raise AttachmentUnknown
        if request.method == "GET":
            self._committer.follow(Record(Event("reply.fetched", caller, message)))
        return answers.attachment_answer(kept.attachments[index - 1])

    async def list(self, request: Request) -> Response:
        """The sender's own messages, the newest first, and where the next page is."""
        caller = await self._asking(request)
        query = request.query_params
        wanted = MessageFilter(sender=caller, state=state(query.get("state")), since=since(query.get("since")))
        size, cursor = limit(query.get("limit")), query.get("cursor")
        page = await asyncio.to_thread(self._queries.messages, wanted, size=size, cursor=cursor)
        return answers.listed(page, {name: query[name] for name in ("state", "since", "limit") if name in query})

    async def describe(self, request: Request) -> Response:
        """A contract in the reader's own language, for systems that may send or receive it."""
        caller = await self._asking(request)
        snapshot = self._entrance.snapshots.current()
        name, _, version = request.path_params["contract"].partition("@")
        contract = describable(snapshot, name, version or None, caller, civil_date(self._clock.now()))
        return await described(snapshot, contract, request, _language(request))

    async def token(self, request: Request) -> Response:
        """OAuth 2.0 client credentials (RFC 6749 §4.4), the client in Basic or in the form (§2.3.1)."""
        uncached = {"Cache-Control": "no-store"}
        try:
            snapshot = self._entrance.snapshots.current()
            with self._entrance.in_flight.holding() as take:
                data = await read_body(request, LONGEST_FORM, self._body_timeout, take)
            form = parse_qs(data.decode("ascii", "replace"))
            name, secret = client(request, form)
            if form.get("grant_type") != ["client_credentials"]:
                error = "unsupported_grant_type" if "grant_type" in form else "invalid_request"
                return answers.json_answer({"error": error}, 400, uncached)
            now = self._clock.now()
            credential = authenticate(snapshot.credentials.values(), name, secret, now)
        except CredentialInvalid as refused:
            await self._entrance.refusals.refused(self._entrance.source(request), refused)
            return answers.json_answer({"error": "invalid_client"}, 401, uncached | {"WWW-Authenticate": BASIC})
        token = issue(credential.system, credential.id, snapshot.keys, now)
        return answers.json_answer({"access_token": token, "token_type": "Bearer", "expires_in": LIFE}, 200, uncached)

    async def jwks(self, _: Request) -> Response:
        return answers.json_answer(self._entrance.snapshots.current().keys.jwks())

    async def live(self, _: Request) -> Response:
        return answers.json_answer({"status": "live"})

    async def ready(self, _: Request) -> Response:
        """503 where this process should get no messages, and why."""
        snapshot = self._entrance.snapshots.current()
        self._entrance.health.check()
        return answers.json_answer({"status": "ready", "revision": snapshot.revision})

    async def _asking(self, request: Request) -> str:
        """Who asks; raises `QuotaExceeded` where it asks without a pause."""
        _, caller = await self._entrance.caller(request)
        await self._entrance.ask(caller)
        return caller

    async def _own(self, caller: str, message: str) -> MessageView:
        """Another system's message and one that does not exist look the same."""
        try:
            view = await asyncio.to_thread(self._queries.message, UUID(message))
        except ValueError:
            raise MessageUnknown from None
        if view is None or view.envelope.sender != caller:
            raise MessageUnknown
        return view

    async def _wait(self, accepted: Acceptance, prefer: Preference, request: Request) -> Response:
        """Nothing is awaited between acceptance and `end`, so no signal is missed."""
        message = str(accepted.envelope.message)
        seconds = prefer.wait
        if seconds is None:
            is_request = accepted.contract.exchange is Exchange.REQUEST
            seconds = accepted.contract.limits.timeout + GRACE if is_request else 0.0
        applied = dict(accepted.contract.headers)
        if prefer.applied:
            applied["Preference-Applied"] = prefer.applied
        if seconds <= 0 or self._awaiting.closed:
            return answers.open_answer(message, MessageState.ACCEPTED, applied)
        end = await self._awaiting.end(accepted, seconds)
        language = _language(request)
        if end.view is None and end.reply:
            return answers.reply_answer(message, end.reply, language, applied)
        if end.view is None:
            raise InternalError
        return answers.view_answer(end.view, end.reply, language, applied)


def refuse(request: Request, refused: BusError) -> Response:
    """An error as a problem document."""
    return answers.problem_answer(refused, _language(request))


async def failed(request: Request, unforeseen: Exception) -> Response:
    """What nobody foresaw becomes a problem document that says nothing; no stack trace leaves the bus."""
    log.error("request-failed", kind=type(unforeseen).__name__)
    return answers.problem_answer(InternalError(), _language(request))


async def no_such_path(request: Request, refused: Exception) -> Response:
    """For what the router itself refuses. It names the methods of every route of the path (RFC 9110 §15.5.6). Senders
    of events that ask before they send are answered."""
    if not isinstance(refused, HTTPException) or refused.status_code != 405:
        return answers.problem_answer(PathUnknown(), _language(request))
    answer = answers.problem_answer(MethodNotAllowed(), _language(request))
    routes = [each for each in request.app.routes if each.matches(request.scope)[0] is not Match.NONE]
    answer.headers["Allow"] = ", ".join(sorted({method for route in routes for method in route.methods}))
    origin = request.headers.get("webhook-request-origin", "")
    if request.method == "OPTIONS" and any(each.path == MESSAGES for each in routes) and ORIGIN.fullmatch(origin):
        return Response(headers=consent(origin))
    return answer


def _language(request: Request) -> Language:
    return negotiate(request.headers.get("accept-language"))
