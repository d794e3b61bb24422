"""The data plane over SOAP: how systems whose only skill is SOAP send and ask."""

import asyncio
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as Path

from adapters.entrance import BASIC, Entrance
from adapters.payload import undeclared
from adapters.problem import BEARER, headers
from adapters.rest import answers
from adapters.rest.reading import InFlight, header_text, read_body
from adapters.soap.addressing import FAULT, UNDERSTOOD, Addressing, addressing
from adapters.soap.addressing import answering as addressed
from adapters.soap.envelope import SoapVersion, enclose
from adapters.soap.offering import Offering
from adapters.soap.offers import Offer, Operation
from adapters.soap.receiving import MEDIA_TYPES, ROOM, Received, receive, version_of
from adapters.soap.refusing import fault, status
from bus.clock import Clock
from bus.envelope import Body
from bus.errors import (
    AuthenticationMissing,
    BodyTooLarge,
    BusError,
    DeclaredFault,
    HeaderNotUnderstood,
    PathUnknown,
    ReplyGone,
    ReplyInexpressible,
    ReplyPending,
    SenderFault,
    TransformFailed,
)
from bus.languages import negotiate
from bus.states import TERMINAL
from identity.grants import civil_date
from journal.commands import Reply
from journal.views import MessageView
from routes.accept import Acceptance, Acceptor, Arrival
from routes.awaiting import GRACE, Awaiting
from routes.model import Snapshot
from routes.offload import off_the_loop

MOST_OF_STRANGERS: Final = 64 * 1024 * 1024
"""Bytes of envelopes that a process holds whose senders are yet to be known, since that stands inside."""

DECLARATION: Final = b'<?xml version="1.0" encoding="utf-8"?>'


@dataclass(slots=True)
class _Call:
    """What is known of a call so far, for the fault that may answer it."""

    version: SoapVersion = SoapVersion.V11
    addressing: Addressing | None = None
    message: UUID | None = None


class SoapDoor:
    """The paths of SOAP, for one process. `url` is where it answers; empty: where each caller came to."""

    def __init__(
        self,
        entrance: Entrance,
        acceptor: Acceptor,
        awaiting: Awaiting,
        clock: Clock,
        body_timeout: float,
        url: str = "",
    ) -> None:
        self._entrance = entrance
        self._acceptor = acceptor
        self._awaiting = awaiting
        self._clock = clock
        self._body_timeout = body_timeout
        self._url = url.rstrip("/")
        self._offering = Offering()
        self._strangers = InFlight(MOST_OF_STRANGERS)

    def paths(self) -> list[Path]:
        call = self._entrance.answering(self.soap, self._refuse)
        describe = self._entrance.answering(self.wsdl, _problem)
        return [
            Path("/soap/{service}", call, methods=["POST"]),
            Path("/soap/{service}", describe, methods=["GET"]),
        ]

    async def soap(self, request: Request) -> Response:
        """Accept what stands in the Body; answer with the reply, or with 202 where none is promised."""
        known = request.state.call = _Call()
        known.version = version_of(request.headers.get("content-type", ""))
        snapshot, system = await self._entrance.authorized(request)
        self._entrance.health.admit()
        in_flight = self._strangers if system is None else self._entrance.in_flight
        with in_flight.holding() as take:
            name, _, version = request.path_params["service"].partition("@")
            try:
                offer = await self._offering.called(snapshot, name, version or None)
                data = await read_body(request, offer.max_bytes + ROOM, self._body_timeout, take)
                content_type = request.headers.get("content-type", "")
                received = await off_the_loop(len(data), receive, data, content_type, offer.plain)
                if system is None:
                    raise AuthenticationMissing
                operation, body = await self._opened(request, offer, received, known)
                key = self._once(request, known)
            except SenderFault as refused:
                if system is not None:
                    await self._acceptor.refuse(snapshot, system, name, refused)
                raise
            arrival = self._arrival(snapshot, request, system, operation, body, key)
            accepted = await self._acceptor.accept(snapshot, arrival, waits=operation.reply is not None)
        known.message = accepted.envelope.message
        return await self._answer(request, known, operation, accepted)

    async def _opened(
        self, request: Request, offer: Offer, received: Received, known: _Call
    ) -> tuple[Operation, bytes]:
        """Which operation is called, and the bytes that its contract takes."""
        if any(str(each.tag) not in UNDERSTOOD for each in received.mandatory()):
            raise HeaderNotUnderstood
        known.addressing = addressing(received.headers)
        element = None if received.child is None else str(received.child.tag)
        operation = offer.operation(element, _action(request, known))
        size = 0 if received.child is None else len(received.root)
        return operation, await off_the_loop(size, operation.read, received.child)

    def _once(self, request: Request, known: _Call) -> str | None:
        """What makes a repeated call one message: Idempotency-Key, else the MessageID."""
        key = header_text(request, "idempotency-key", 255)
        if key is None and known.addressing:
            return known.addressing.message_id
        return key

    def _arrival(
        self, snapshot: Snapshot, request: Request, system: str, operation: Operation, body: bytes, key: str | None
    ) -> Arrival:
        async def read(limit: int) -> bytes:
            if len(body) > limit:
                raise BodyTooLarge(limit=limit)
            return body

        contract = snapshot.version(operation.contract, operation.version)
        return Arrival(
            system,
            operation.contract,
            operation.version,
            contract.request.format if contract else None,
            read,
            key,
            request.headers.get("traceparent"),
        )

    async def _answer(self, request: Request, known: _Call, operation: Operation, accepted: Acceptance) -> Response:
        """Nothing is awaited between acceptance and `end`, so no signal is missed."""
        message = str(accepted.envelope.message)
        place = {"Location": f"/messages/{message}"} | dict(accepted.contract.headers)
        if operation.reply is None:
            return Response(b"", 202, place)
        if self._awaiting.closed:
            raise ReplyPending(message=message)
        end = await self._awaiting.end(accepted, accepted.contract.limits.timeout + GRACE)
        if end.reply is None:
            raise _ended(end.view, message)
        if end.reply.kind != "reply":
            return await self._declared(request, known, operation, end.reply)
        try:
            element = await off_the_loop(len(end.reply.body.data), operation.reply, end.reply.body)
        except TransformFailed:
            raise ReplyInexpressible(message=message) from None
        header = self._addressed(known, operation.answers)
        return _response(known.version, 200, DECLARATION + enclose(known.version, element, header), place)

    async def _declared(self, request: Request, known: _Call, operation: Operation, reply: Reply) -> Response:
        """A fault that the contract declares, as it declares it; as text where it says no more than a name."""
        error = DeclaredFault(fault=reply.fault)
        write = operation.faults.get(reply.fault)
        try:
            detail = write(reply.body) if write else None
        except TransformFailed:
            detail = None
        told = None if detail is None else undeclared(detail)
        return self._faulty(request, known, error, told, reply.body)

    def _refuse(self, request: Request, error: BusError) -> Response:
        known: _Call = request.state.call
        return self._faulty(request, known, error)

    def _faulty(
        self,
        request: Request,
        known: _Call,
        error: BusError,
        detail: bytes | None = None,
        body: Body | None = None,
    ) -> Response:
        language = negotiate(request.headers.get("accept-language"))
        message = str(known.message) if known.message else ""
        element = fault(known.version, error, language, detail=detail, message=message, body=body)
        data = DECLARATION + enclose(known.version, element, self._addressed(known, FAULT))
        answer = _response(known.version, status(known.version, error), data, headers(error))
        if answer.status_code == 401:
            _challenge(answer)
        if message:
            answer.headers["Location"] = f"/messages/{message}"
        return answer

    def _addressed(self, known: _Call, action: str) -> bytes:
        if known.addressing is None:
            return b""
        return addressed(known.addressing, action, f"urn:uuid:{self._clock.new_id()}")

    async def wsdl(self, request: Request) -> Response:
        """The WSDL and its schemas, for systems that may send or receive what it describes."""
        snapshot, system = await self._entrance.authorized(request)
        if system is None:
            raise AuthenticationMissing
        await self._entrance.ask(system)
        what, number = _asked(request)
        name, _, version = request.path_params["service"].partition("@")
        today = civil_date(self._clock.now())
        name, offer = await self._offering.shown(snapshot, name, version or None, system, today)
        url = f"{self._base(request)}/soap/{quote(name, safe='@')}"
        data = await asyncio.to_thread(offer.describe, url, what, number)
        return Response(data, 200, {"Cache-Control": "no-store"}, "text/xml; charset=utf-8")

    def _base(self, request: Request) -> str:
        """Never what Host says: anybody could have others call anywhere."""
        host, port = request.scope.get("server") or ("localhost", None)
        name = f"[{host}]" if ":" in host else host
        return self._url or f"{request.scope['scheme']}://{name}{f':{port}' if port else ''}"


def _ended(view: MessageView | None, message: str) -> BusError:
    """Why a caller that waited gets no reply."""
    if view is None or not all(each.state in TERMINAL for each in view.deliveries):
        return ReplyPending(message=message)
    return answers.ended_fault(view) or ReplyGone()


def _response(version: SoapVersion, code: int, data: bytes, more: dict[str, str]) -> Response:
    media_type = next(name for name, each in MEDIA_TYPES.items() if each is version)
    return Response(data, code, more, f"{media_type}; charset=utf-8")


def _problem(request: Request, error: BusError) -> Response:
    """To a question by GET, an error is said as everywhere else."""
    answer = answers.problem_answer(error, negotiate(request.headers.get("accept-language")))
    if answer.status_code == 401:
        _challenge(answer)
    return answer


def _challenge(answer: Response) -> None:
    """How a caller may say who it is; most tools that load a WSDL know Basic alone."""
    del answer.headers["WWW-Authenticate"]
    answer.headers.append("WWW-Authenticate", BASIC)
    answer.headers.append("WWW-Authenticate", BEARER)


def _action(request: Request, known: _Call) -> str:
    """The action as it was named: by WS-Addressing, in the header of SOAP 1.1, in the parameter of SOAP 1.2."""
    if known.addressing and known.addressing.action:
        return known.addressing.action
    if known.version is SoapVersion.V11:
        return request.headers.get("soapaction", "").strip().strip('"')
    parameters = request.headers.get("content-type", "").split(";")[1:]
    named = (each.partition("=") for each in parameters)
    return next((value.strip().strip('"') for name, _, value in named if name.strip().lower() == "action"), "")


def _asked(request: Request) -> tuple[str, str]:
    """Which document a query asks for: tools write ?wsdl, ?WSDL, ?xsd=0. Raises `PathUnknown`."""
    for name, value in request.query_params.items():
        if name.lower() in {"wsdl", "wsdl12", "xsd"}:
            return name.lower(), value
    raise PathUnknown
