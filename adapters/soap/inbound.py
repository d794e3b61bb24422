"""The data plane over SOAP: how systems whose only skill is SOAP send and ask."""

import asyncio
from dataclasses import replace
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as Path

from adapters.entrance import Endpoint, Entrance
from adapters.parts import media_type
from adapters.payload import undeclared
from adapters.rest import answers
from adapters.rest.reading import header_text
from adapters.soap.answers import Call, fault_answer, problem_answer, reply_answer
from adapters.soap.envelope import SoapVersion
from adapters.soap.offering import Offering
from adapters.soap.offers import Offer, Operation
from adapters.soap.receiving import Received, unadorned
from adapters.soap.reception import Reception, asked, language, refuse, require_understood
from adapters.soap.tokens import Proved
from bus.clock import Clock
from bus.errors import (
    BodyTooLarge,
    BusError,
    DeclaredFault,
    ReplyGone,
    ReplyInexpressible,
    ReplyPending,
    SenderFault,
    TransformFailed,
)
from bus.states import TERMINAL
from identity.grants import civil_date
from journal.commands import Reply
from journal.views import MessageView
from routes.accept import Acceptance, Acceptor, Arrival
from routes.awaiting import GRACE, Awaiting
from routes.model import Snapshot
from routes.offload import off_the_loop


class SoapDoor:
    """The paths of SOAP, for one process."""

    def __init__(
        self,
        entrance: Entrance,
        reception: Reception,
        offering: Offering,
        acceptor: Acceptor,
        awaiting: Awaiting,
        clock: Clock,
    ) -> None:
        self._entrance = entrance
        self._reception = reception
        self._offering = offering
        self._acceptor = acceptor
        self._awaiting = awaiting
        self._clock = clock

    def paths(self) -> list[Path]:
        describe = self._entrance.answering(self.wsdl, problem_answer)
        return [
            Path("/soap/{service}", self.calling(), methods=["POST"]),
            Path("/soap/{service}", describe, methods=["GET"]),
        ]

    def calling(self) -> Endpoint:
        """What answers a call."""
        return self._entrance.answering(self.soap, refuse)

    async def soap(self, request: Request) -> Response:
        """Accept what stands in the Body; answer with the reply, or with 202 where none is promised."""
        known = self._reception.begin(request)
        snapshot, system = await self._entrance.authorized(request, elsewhere=True)
        self._entrance.health.admit()
        with self._reception.holding(system) as take:
            name, _, version = request.path_params["service"].partition("@")
            proof = None if system is None else Proved(system)
            try:
                offer = await self._offering.called(snapshot, name, version or None)
                received = await self._reception.received(
                    request, known, offer.max_bytes, take, offer.plain, offer.attached
                )
                now = self._clock.now()
                proof, received = await self._reception.proof(request, received, snapshot, system, now)
                operation, body = await self._opened(request, offer, received, known)
                name = operation.contract
                key = self._once(request, known)
            except SenderFault as refused:
                if proof is None:
                    await self._entrance.refusals.refused(self._entrance.source(request), refused)
                else:
                    await self._acceptor.refuse(snapshot, proof.system, name, refused)
                raise
            arrival = replace(
                self._arrival(snapshot, request, proof, operation, body, key), attachments=received.attachments
            )
            accepted = await self._acceptor.accept(snapshot, arrival, waits=operation.reply is not None)
        known.headers = {"Location": f"/messages/{accepted.envelope.message}", **accepted.contract.headers}
        known.message = str(accepted.envelope.message)
        return await self._answer(request, known, operation, accepted)

    async def _opened(self, request: Request, offer: Offer, received: Received, known: Call) -> tuple[Operation, bytes]:
        """Which operation is called, and the bytes that its contract takes."""
        require_understood(received)
        element = None if received.child is None else str(received.child.tag)
        operation = offer.operation(element, _action(request, known))
        child = None if received.child is None else unadorned(received.child)
        return operation, await off_the_loop(received.size, operation.read, child)

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
        heavy = len(element) if known.takes_xop or end.reply.attachments else 0
        arguments = known, element, operation.answers, end.reply.attachments
        return await off_the_loop(heavy, reply_answer, *arguments)

    async def _declared(self, request: Request, known: Call, operation: Operation, reply: Reply) -> Response:
        """A fault that the contract declares, as it declares it; as text where it says no more than a name."""
        error = DeclaredFault(fault=reply.fault)
        write = operation.faults.get(reply.fault)
        try:
            detail = write(reply.body) if write else None
        except TransformFailed:
            detail = None
        told = None if detail is None else undeclared(detail)
        return fault_answer(known, error, language(request), detail=told, body=reply.body)

    async def wsdl(self, request: Request) -> Response:
        """The WSDL and its schemas, for systems that may send or receive what it describes."""
        snapshot, system = await self._entrance.proved(request)
        await self._entrance.ask(system)
        what, number = asked(request)
        name, _, version = request.path_params["service"].partition("@")
        today = civil_date(self._clock.now())
        name, offer = await self._offering.shown(snapshot, name, version or None, system, today)
        url = f"{self._reception.base(request)}/soap/{quote(name, safe='')}"
        data = await asyncio.to_thread(offer.describe, url, what, number)
        return Response(data, 200, {"Cache-Control": "no-store"}, "text/xml; charset=utf-8")


def _ended(view: MessageView | None, message: str) -> BusError:
    """Why a caller that waited gets no reply."""
    if view is None or not all(each.state in TERMINAL for each in view.deliveries):
        return ReplyPending(message=message)
    return answers.ended_fault(view) or ReplyGone()


def _action(request: Request, known: Call) -> str:
    """The action as it was named: by WS-Addressing, in the header of SOAP 1.1, in the parameter of SOAP 1.2."""
    if known.addressing and known.addressing.action:
        return known.addressing.action
    if known.version is SoapVersion.V11:
        return request.headers.get("soapaction", "").strip().strip('"')
    _, given = media_type(request.headers.get("content-type", ""))
    return given.get("action") or media_type(given.get("start-info", ""))[1].get("action", "")
