"""The inbox over HTTP: how a system that cannot be called fetches its messages and says what became of them."""

from collections.abc import Iterator
from functools import partial
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as Path

from adapters.entrance import Entrance
from adapters.inboxes import LONGEST_WAIT, MOST, MOST_ATTEMPTS, Inboxes, delivery_id, number
from adapters.rest import answers
from adapters.rest.inbound import refuse
from adapters.rest.reading import declared_format, read_body
from bus.clock import iso
from bus.envelope import Body, Format
from bus.errors import MediaTypeUnsupported, MethodNotAllowed, QueryInvalid
from contracts.json_body import parse_json
from contracts.model import LONGEST_REPLY, MOST_ATTACHMENTS
from journal.attachments import AttachmentView
from routes.inbox import NACKS, Item

EMPTY: Final = '"empty"'
"""The entity tag of an inbox with nothing in it (RFC 9110 §8.8.3): who holds it need not read that again."""

LONGEST_NACK: Final = 4096
"""Bytes."""

UNKEPT: Final = {"Cache-Control": "no-store"}
"""What is given out is given once, whoever stands between."""


class InboxDoor:
    """The inbox's paths, for one process."""

    def __init__(self, entrance: Entrance, inboxes: Inboxes, body_timeout: float) -> None:
        self._entrance = entrance
        self._inboxes = inboxes
        self._body_timeout = body_timeout

    def paths(self) -> list[Path]:
        each = (
            ("/inbox", self.inbox, "GET"),
            ("/inbox/{delivery}/attachments/{number}", self.attachment, "GET"),
            ("/inbox/{delivery}/ack", self.ack, "POST"),
            ("/inbox/{delivery}/nack", self.nack, "POST"),
        )
        return [
            Path(path, self._entrance.answering(endpoint, refuse), methods=[method]) for path, endpoint, method in each
        ]

    async def inbox(self, request: Request) -> Response:
        """What waits, as soon as there is something or the wait is over. Each is the caller's for a while."""
        if request.method != "GET":
            raise MethodNotAllowed  # a HEAD would take what nobody reads
        _, caller = await self._entrance.caller(request)
        await self._entrance.ask(caller)
        query = request.query_params
        raw = _as_raw(query.get("as"))
        most = 1 if raw else number("max", query.get("max"), 1, MOST, MOST)
        wait = number("wait", query.get("wait"), 0, LONGEST_WAIT, 0)
        again = partial(self._entrance.caller, request)
        items = await self._inboxes.fetch(request, caller, most, wait, again)
        if not items:
            return _nothing(request, raw=raw)
        if raw:
            return _raw(items[0])
        body = orjson.dumps({"deliveries": [_document(item) for item in items]})
        return Response(body, 200, UNKEPT, "application/json")

    async def attachment(self, request: Request) -> Response:
        """A file that goes along with what the caller fetched and holds."""
        _, caller = await self._entrance.caller(request)
        await self._entrance.ask(caller)
        delivery = delivery_id(request.path_params["delivery"])
        which = number("number", request.path_params["number"], 1, MOST_ATTACHMENTS, 1)
        return answers.attachment_answer(await self._inboxes.inbox.attachment(caller, delivery, which))

    async def ack(self, request: Request) -> Response:
        caller = await self._answering(request)
        delivery, attempt = delivery_id(request.path_params["delivery"]), _attempt(request)
        with self._entrance.in_flight.holding() as take:
            data = await read_body(request, LONGEST_REPLY, self._body_timeout, take)
            answer = _answer(request, data) if data else None
            fault = request.query_params.get("fault", "")
            await self._inboxes.inbox.acknowledge(caller, delivery, attempt, answer, fault)
        return Response(status_code=204)

    async def nack(self, request: Request) -> Response:
        caller = await self._answering(request)
        delivery, attempt = delivery_id(request.path_params["delivery"]), _attempt(request)
        with self._entrance.in_flight.holding() as take:
            reason, retry = _reason(await read_body(request, LONGEST_NACK, self._body_timeout, take))
        await self._inboxes.inbox.give_back(caller, delivery, attempt, reason, retry=retry)
        return Response(status_code=204)

    async def _answering(self, request: Request) -> str:
        _, caller = await self._entrance.caller(request)
        await self._inboxes.answering(caller)
        return caller


def _nothing(request: Request, *, raw: bool) -> Response:
    if raw:
        return Response(status_code=204, headers=UNKEPT)
    headers = {"ETag": EMPTY, "Cache-Control": "private, no-cache"}
    known = {each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")}
    if known & {EMPTY, "*"}:
        return Response(status_code=304, headers=headers)
    return answers.json_answer({"deliveries": []}, 200, headers)


def _document(item: Item) -> dict[str, Any]:
    fetched, envelope = item.fetched, item.fetched.envelope
    document: dict[str, Any] = {
        "id": str(fetched.delivery),
        "message": str(envelope.message),
        "contract": envelope.contract,
        "version": envelope.version,
        "exchange": envelope.exchange,
        "sender": envelope.sender,
        "acceptedAt": iso(envelope.accepted_at),
        "expiresAt": iso(envelope.expires_at),
        "attempt": fetched.attempt,
        "leaseUntil": iso(fetched.lease_until),
        "traceparent": item.traceparent,
        "format": item.body.format,
    }
    if item.migrated:
        document["migratedTo"] = item.migrated
    if fetched.sequence is not None:
        document["sequence"] = fetched.sequence
    if item.attachments:
        document["attachments"] = [
            answers.attachment(each) | {"location": _place(item, each)} for each in item.attachments
        ]
    document["ack"], document["nack"] = (
        f"/inbox/{fetched.delivery}/{what}?attempt={fetched.attempt}" for what in ("ack", "nack")
    )
    data = item.body.data
    document["body"] = orjson.Fragment(data) if item.body.format is Format.JSON else data.decode()
    return document


def _place(item: Item, attachment: AttachmentView) -> str:
    return f"/inbox/{item.fetched.delivery}/attachments/{attachment.number}"


def _raw(item: Item) -> Response:
    return Response(item.body.data, 200, UNKEPT | dict(_headers(item)), item.body.format.media_type)


def _headers(item: Item) -> Iterator[tuple[str, str]]:
    """Those that a call would have had, and what stands beside the body otherwise."""
    fetched, envelope = item.fetched, item.fetched.envelope
    yield "Idempotency-Key", str(fetched.delivery)
    yield "ce-id", str(envelope.message)
    yield "traceparent", item.traceparent
    yield "Bus-Contract", f"{envelope.contract}@{envelope.version}"
    if item.migrated:
        yield "Bus-Migrated-To", item.migrated
    yield "Bus-Exchange", envelope.exchange
    yield "Bus-Sender", envelope.sender
    yield "Bus-Accepted", iso(envelope.accepted_at)
    yield "Bus-Expires", iso(envelope.expires_at)
    yield "Bus-Attempt", str(fetched.attempt)
    yield "Bus-Lease-Until", iso(fetched.lease_until)
    yield "Location", f"/inbox/{fetched.delivery}"
    for each in item.attachments:
        yield "Link", f'<{_place(item, each)}>; rel="related"; type="{each.media_type}"'
    if fetched.sequence is not None:
        yield "Bus-Sequence", str(fetched.sequence)


def _as_raw(text: str | None) -> bool:
    if text not in {None, "json", "raw"}:
        raise QueryInvalid(name="as", hint="raw, or json")
    return text == "raw"


def _attempt(request: Request) -> int:
    """Of the query or the header: who answers says which lease it is about."""
    text = request.query_params.get("attempt") or request.headers.get("bus-attempt")
    if text is None:
        raise QueryInvalid(name="attempt", hint="the attempt that was fetched: ?attempt=1, or the header Bus-Attempt")
    return number("attempt", text, 1, MOST_ATTEMPTS, 1)


def _answer(request: Request, data: bytes) -> Body:
    declared = declared_format(request.headers.get("content-type"))
    if declared is None:
        raise MediaTypeUnsupported(expected=Format.JSON.media_type)
    return Body(declared, data)


def _reason(data: bytes) -> tuple[str, bool]:
    """Why, and whether to try again, which is what nobody who says nothing loses anything by."""
    said = parse_json(data) if data else {}
    hint = f"""as in {{"reason": "busy", "retry": true}}; the reasons are {", ".join(NACKS)}"""
    if not isinstance(said, dict) or said.keys() - {"reason", "retry"}:
        raise QueryInvalid(name="body", hint=hint)
    reason, retry = said.get("reason", "other"), said.get("retry", True)
    if not isinstance(reason, str) or reason not in NACKS or not isinstance(retry, bool):
        raise QueryInvalid(name="body", hint=hint)
    return reason, retry
