"""The data plane over SOAP: how systems whose only skill is SOAP send and ask."""

import asyncio
from dataclasses import replace
from ipaddress import ip_address
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as Path

from adapters.entrance import Endpoint, Entrance, source
from adapters.payload import undeclared
from adapters.rest import answers
from adapters.rest.reading import InFlight, header_text, read_body
from adapters.soap.addressing import UNDERSTOOD, addressing
from adapters.soap.answers import Call, fault_answer, problem_answer, reply_answer
from adapters.soap.envelope import SoapVersion
from adapters.soap.offering import Offering
from adapters.soap.offers import Offer, Operation
from adapters.soap.receiving import ROOM, Received, receive, version_of
from adapters.soap.signatures import signed
from adapters.soap.tokens import SECURITY, SIGNATURE, Proved, is_understood, proved, security_of
from bus.clock import Clock
from bus.errors import (
    AuthenticationMissing,
    BodyTooLarge,
    BusError,
    CredentialInvalid,
    DeclaredFault,
    HeaderNotUnderstood,
    PathUnknown,
    ReplyGone,
    ReplyInexpressible,
    ReplyPending,
    SenderFault,
    TransformFailed,
)
from bus.languages import Language, negotiate
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
        describe = self._entrance.answering(self.wsdl, problem_answer)
        return [
            Path("/soap/{service}", self.calling(), methods=["POST"]),
            Path("/soap/{service}", describe, methods=["GET"]),
        ]

    def calling(self) -> Endpoint:
        """What answers a call."""
        return self._entrance.answering(self.soap, self._refuse)

    async def soap(self, request: Request) -> Response:
        """Accept what stands in the Body; answer with the reply, or with 202 where none is promised."""
        known = request.state.call = Call(answer_id=f"urn:uuid:{self._clock.new_id()}")
        known.version = version_of(request.headers.get("content-type", ""))
        snapshot, system = await self._entrance.authorized(request)
        self._entrance.health.admit()
        in_flight = self._strangers if system is None else self._entrance.in_flight
        with in_flight.holding() as take:
            name, _, version = request.path_params["service"].partition("@")
            proof = None if system is None else Proved(system)
            try:
                offer = await self._offering.called(snapshot, name, version or None)
                data = await read_body(request, offer.max_bytes + ROOM, self._body_timeout, take)
                content_type = request.headers.get("content-type", "")
                received = await off_the_loop(len(data), receive, data, content_type, offer.plain)
                known.addressing = addressing(received.headers)
                proof, received = await self._proof(request, received, snapshot, proof)
                operation, body = await self._opened(request, offer, received, known)
                name = operation.contract
                key = self._once(request, known)
            except SenderFault as refused:
                if proof is None:
                    await self._entrance.refusals.refused(source(request), refused)
                else:
                    await self._acceptor.refuse(snapshot, proof.system, name, refused)
                raise
            arrival = self._arrival(snapshot, request, proof, operation, body, key)
            accepted = await self._acceptor.accept(snapshot, arrival, waits=operation.reply is not None)
        known.headers = {"Location": f"/messages/{accepted.envelope.message}", **accepted.contract.headers}
        known.message = str(accepted.envelope.message)
        return await self._answer(request, known, operation, accepted)

    async def _proof(
        self, request: Request, received: Received, snapshot: Snapshot, known: Proved | None
    ) -> tuple[Proved, Received]:
        """Who sends, as Authorization, a UsernameToken and a signature say with one voice; and what was sent, which is
        what was signed, where there is a signature.

        Raises `AuthenticationMissing`, and as `proved` and `signed` do.
        """
        security, now = security_of(received.headers), self._clock.now()
        proofs = [] if known is None else [known]
        if security is not None:
            told = proved(security, snapshot, now, private=self._is_private(request))
            proofs += [told] if told else []
            if security.find(SIGNATURE) is not None:
                sign = await asyncio.to_thread(signed, received, security, snapshot, now)
                proofs.append(sign.proof)
                received = replace(received, child=sign.child)
        if not proofs:
            raise AuthenticationMissing
        if len({each.system for each in proofs}) > 1:
            raise CredentialInvalid
        return proofs[-1], received

    def _is_private(self, request: Request) -> bool:
        """Whether nobody overhears: by TLS, up to whoever ends it before us, or without leaving this machine."""
        https = request.scope["scheme"] == "https" or self._url.startswith("https://")
        try:
            return https or ip_address(source(request)).is_loopback
        except ValueError:
            return False

    async def _opened(self, request: Request, offer: Offer, received: Received, known: Call) -> tuple[Operation, bytes]:
        """Which operation is called, and the bytes that its contract takes."""
        for each in received.mandatory():
            if str(each.tag) not in UNDERSTOOD and not (each.tag == SECURITY and is_understood(each)):
                raise HeaderNotUnderstood
        element = None if received.child is None else str(received.child.tag)
        operation = offer.operation(element, _action(request, known))
        return operation, await off_the_loop(received.size, operation.read, received.child)

    def _once(self, request: Request, known: Call) -> str | None:
        """What makes a repeated call one message: Idempotency-Key, else the MessageID."""
        key = header_text(request, "idempotency-key", 255)
        if key is None and known.addressing:
            return known.addressing.message_id
        return key

    def _arrival(
        self, snapshot: Snapshot, request: Request, proof: Proved, operation: Operation, body: bytes, key: str | None
    ) -> Arrival:
        async def read(limit: int) -> bytes:
            if len(body) > limit:
                raise BodyTooLarge(limit=limit)
            return body

        contract = snapshot.version(operation.contract, operation.version)
        return Arrival(
            proof.system,
            operation.contract,
            operation.version,
            contract.request.format if contract else None,
            read,
            key,
            request.headers.get("traceparent"),
            nonce=proof.nonce,
        )

    async def _answer(self, request: Request, known: Call, operation: Operation, accepted: Acceptance) -> Response:
        """Nothing is awaited between acceptance and `end`, so no signal is missed."""
        message = known.message
        if operation.reply is None:
            return Response(b"", 202, known.headers)
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
        return reply_answer(known, element, operation.answers)

    async def _declared(self, request: Request, known: Call, operation: Operation, reply: Reply) -> Response:
        """A fault that the contract declares, as it declares it; as text where it says no more than a name."""
        error = DeclaredFault(fault=reply.fault)
        write = operation.faults.get(reply.fault)
        try:
            detail = write(reply.body) if write else None
        except TransformFailed:
            detail = None
        told = None if detail is None else undeclared(detail)
        return fault_answer(known, error, _language(request), detail=told, body=reply.body)

    def _refuse(self, request: Request, error: BusError) -> Response:
        known: Call = request.state.call
        return fault_answer(known, error, _language(request))

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
        url = f"{self._base(request)}/soap/{quote(name, safe='')}"
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


def _language(request: Request) -> Language:
    return negotiate(request.headers.get("accept-language"))


def _action(request: Request, known: Call) -> str:
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
