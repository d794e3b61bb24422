"""The inbox over SOAP: how a system that cannot be called and speaks nothing else fetches its messages, and says what
became of them. The same inbox as over HTTP (`adapters.rest.inbox`)."""

import re
from typing import Final
from uuid import UUID

from lxml import etree
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as Path

from adapters.entrance import Entrance
from adapters.inboxes import LONGEST_WAIT, MOST, MOST_ATTEMPTS, Inboxes, delivery_id, number
from adapters.soap import deliveries
from adapters.soap.answers import Call, problem_answer, reply_answer
from adapters.soap.deliveries import NAMESPACE, Said
from adapters.soap.envelope import alone
from adapters.soap.offering import Offering
from adapters.soap.receiving import Received
from adapters.soap.reception import Reception, asked, refuse, require_understood
from adapters.soap.tokens import Proved
from bus.clock import Clock
from bus.envelope import Body, Format
from bus.errors import BusError, SecurityReplayed, SenderFault
from contracts.model import LONGEST_REPLY
from journal.commands import Use
from journal.committer import Committer
from routes.inbox import Item
from routes.model import Snapshot
from routes.offload import off_the_loop

PATH: Final = "/soap/inbox"

PORT: Final = f"{NAMESPACE}:Inbox"
"""What the action of an answer begins with (WS-Addressing 1.0 Metadata §4.4.4)."""

OF_A_CONTRACT: Final = re.compile(r"\{urn:lgsp:contract:([^:}]+):([0-9]+)\}")
"""The namespace of what stands for JSON (`contracts.descriptions.wsdl.namespace`)."""

UNKEPT: Final = {"Cache-Control": "no-store"}


class SoapInboxDoor:
    """The path of the inbox, for one process."""

    def __init__(
        self,
        entrance: Entrance,
        reception: Reception,
        offering: Offering,
        inboxes: Inboxes,
        committer: Committer,
        clock: Clock,
    ) -> None:
        self._entrance = entrance
        self._reception = reception
        self._offering = offering
        self._inboxes = inboxes
        self._committer = committer
        self._clock = clock

    def paths(self) -> list[Path]:
        call = self._entrance.answering(self.soap_inbox, refuse)
        describe = self._entrance.answering(self.wsdl, problem_answer)
        return [Path(PATH, call, methods=["POST"]), Path(PATH, describe, methods=["GET"])]

    async def wsdl(self, request: Request) -> Response:
        """The WSDL, for every system."""
        _, system = await self._entrance.proved(request)
        await self._entrance.ask(system)
        what, _ = asked(request)
        data = deliveries.described(f"{self._reception.base(request)}{PATH}", what)
        return Response(data, 200, UNKEPT, "text/xml; charset=utf-8")

    async def soap_inbox(self, request: Request) -> Response:
        """Do what stands in the Body."""
        known = self._reception.begin(request)
        snapshot, system = await self._entrance.authorized(request, elsewhere=True)
        now = self._clock.now()
        with self._reception.holding(system) as take:
            try:
                received = await self._reception.received(request, known, LONGEST_REPLY, take)
                proof, received = await self._reception.proof(request, received, snapshot, system, now)
                await self._use_up(proof)
                require_understood(received)
                said = Said(received.child)
            except SenderFault as refused:
                await self._entrance.refusals.refused(system or self._entrance.source(request), refused)
                raise
            if said.operation != "fetch":
                await self._told(snapshot, proof.system, said, received.size)
                return _answer(known, said.operation, deliveries.empty(said.operation))
        element = await self._fetched(request, received, proof, said, now)
        return await off_the_loop(len(element), _answer, known, said.operation, element)

    async def _use_up(self, proof: Proved) -> None:
        """A nonce proves nothing a second time: somebody who overheard it would get the messages. Raises
        `SecurityReplayed`."""
        if proof.nonce and not await self._committer.write(Use(proof.nonce, self._clock.new_id())):
            raise SecurityReplayed

    async def _fetched(self, request: Request, received: Received, proof: Proved, said: Said, now: int) -> bytes:
        await self._entrance.ask(proof.system)
        most = number("max", said.text("max"), 1, MOST, MOST)
        wait = number("wait", said.text("wait"), 0, LONGEST_WAIT, 0)
        as_text = said.flag("asText", default=False)

        async def again() -> None:
            snapshot, system = await self._entrance.authorized(request, elsewhere=True)
            await self._reception.proof(request, received, snapshot, system, now)

        items = await self._inboxes.fetch(request, proof.system, most, wait, again)
        snapshot = self._entrance.snapshots.current()
        shown = [(item, None if as_text else await self._element(snapshot, item)) for item in items]
        return await off_the_loop(sum(len(item.body.data) for item in items), deliveries.fetched, shown)

    async def _element(self, snapshot: Snapshot, item: Item) -> bytes | None:
        """The body as an element; None where that would not say all of it."""
        if item.body.format is Format.XML:
            return deliveries.as_element(item.body)
        if not item.as_sent:
            return None
        envelope = item.fetched.envelope
        try:
            offer = await self._offering.called(snapshot, envelope.contract, envelope.version)
            (operation,) = offer.operations
            if operation.whole is None:
                return None
            return await off_the_loop(len(item.body.data), operation.whole, item.body)
        except BusError:
            return None

    async def _told(self, snapshot: Snapshot, system: str, said: Said, size: int) -> None:
        """What became of a delivery."""
        await self._inboxes.answering(system)
        delivery, attempt = _which(said)
        if said.operation == "nack":
            retry = said.flag("retry", default=True)
            await self._inboxes.inbox.give_back(system, delivery, attempt, said.reason(), retry=retry)
            return
        element = said.element()
        answer = said.body() if element is None else await self._answer(snapshot, element, size)
        fault = (said.text("fault") or "").strip()
        await self._inboxes.inbox.acknowledge(system, delivery, attempt, answer, fault)

    async def _answer(self, snapshot: Snapshot, element: etree._Element, size: int) -> Body:
        """XML as it is; JSON where the element is one that stands for JSON in its contract's WSDL."""
        tag = str(element.tag)
        if found := OF_A_CONTRACT.match(tag):
            offer = await self._offering.called(snapshot, found[1], found[2])
            for operation in offer.operations:
                if read := operation.replies.get(tag):
                    return Body(Format.JSON, await off_the_loop(size, read, element))
        return Body(Format.XML, await off_the_loop(size, alone, element))


def _which(said: Said) -> tuple[UUID, int]:
    attempt = said.word("attempt")
    return delivery_id(said.word("delivery")), number("attempt", attempt, 1, MOST_ATTEMPTS, 1)


def _answer(known: Call, operation: str, element: bytes) -> Response:
    known.headers = UNKEPT
    return reply_answer(known, element, f"{PORT}:{operation}Response")
