"""What the sender of a message is told, by its state: design table of statuses, in one place for POST and GET."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

import orjson
from starlette.responses import Response

from adapters.problem import MEDIA_TYPE, headers, problem
from bus.clock import iso
from bus.envelope import Attachment, Body, Exchange, Format
from bus.errors import (
    BusError,
    DeclaredFault,
    MessageExpired,
    OutcomeUnknown,
    ReceiverMisconfigured,
    ReceiverRefused,
    ReplyGone,
    ReplyInvalid,
    SenderFault,
)
from bus.languages import Language
from bus.states import TERMINAL, MessageState, State
from contracts.json_body import parse_json
from journal.attachments import AttachmentView
from journal.commands import Reply
from journal.searching import Page
from journal.views import AuditRow, DeliveryView, MessageView

PEOPLE = ("person:", "user:")
"""How audit events name people: who signed in, and who ran the command."""

OPEN_RETRY_AFTER = "2"
"""Seconds until it is worth asking again."""


def json_answer(document: object, status: int = 200, more: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(document), status, more, "application/json")


def problem_answer(error: BusError, language: Language, **members: Any) -> Response:
    document = problem(error, language, **members)
    return Response(orjson.dumps(document), error.status, headers(error), MEDIA_TYPE)


def open_answer(message: str, state: MessageState, more: dict[str, str] | None = None) -> Response:
    """202: accepted, and not yet at its end."""
    location = f"/messages/{message}"
    document = {"id": message, "state": state, "location": location}
    return json_answer(document, 202, {"Location": location, "Retry-After": OPEN_RETRY_AFTER} | (more or {}))


def reply_answer(message: str, reply: Reply, language: Language, more: dict[str, str] | None = None) -> Response:
    """200 with the reply's own bytes, or 422 with the declared fault."""
    named = {"Location": f"/messages/{message}"} | (more or {})
    if reply.kind == "reply":
        return Response(reply.body.data, 200, named, reply.body.format.media_type)
    answer = problem_answer(
        DeclaredFault(fault=reply.fault), language, message=message, fault=reply.fault, body=_embedded(reply.body)
    )
    answer.headers.update(named)
    return answer


def _embedded(body: Body) -> object:
    """JSON as it was written, to the last digit; anything else as text: a fault without a schema may be anything."""
    if body.format is Format.JSON:
        with suppress(SenderFault):
            parse_json(body.data)
            return orjson.Fragment(body.data)
    return body.data.decode(errors="replace")


def ended_fault(view: MessageView) -> BusError | None:
    """Why a message that has ended did not arrive; None where it did."""
    failed = next((each for each in view.deliveries if each.state in {State.DEAD, State.EXPIRED}), None)
    return _fault(failed) if failed else None


def _fault(failed: DeliveryView) -> BusError:
    if failed.reason == "misconfigured":
        return ReceiverMisconfigured()
    if failed.state is State.EXPIRED:
        return MessageExpired()
    return {"outcome-unknown": OutcomeUnknown, "reply-invalid": ReplyInvalid}.get(failed.reason, ReceiverRefused)()


def view_answer(
    view: MessageView, reply: Reply | None, language: Language, more: dict[str, str] | None = None
) -> Response:
    """What a caller that waited is told: the end of the message if it has come, else 202."""
    message = str(view.envelope.message)
    if not all(each.state in TERMINAL for each in view.deliveries):
        return open_answer(message, view.state, more)
    if reply and reply.kind != "raw":
        return reply_answer(message, reply, language, more)
    # An event is published once it was accepted; what became of it with each subscriber is told in its summary.
    ended = None if view.envelope.exchange is Exchange.EVENT else ended_fault(view)
    if ended or view.envelope.exchange is Exchange.REQUEST:
        answer = problem_answer(ended or ReplyGone(), language, message=message)
        answer.headers.update({"Location": f"/messages/{message}"} | (more or {}))
        return answer
    return json_answer(summary(view), 200, {"Location": f"/messages/{message}"} | (more or {}))


def summary(view: MessageView) -> dict[str, Any]:
    """A message as its sender's list and its own page show it."""
    envelope = view.envelope
    document: dict[str, Any] = {
        "id": str(envelope.message),
        "contract": envelope.contract,
        "version": envelope.version,
        "exchange": envelope.exchange,
        "sender": envelope.sender,
        "state": view.state,
        "acceptedAt": iso(envelope.accepted_at),
        "expiresAt": iso(envelope.expires_at),
        "size": view.size,
        "traceparent": envelope.traceparent,
        "deliveries": [_delivery(each) for each in view.deliveries],
    }
    if envelope.exchange is Exchange.REQUEST:
        document["reply"] = f"/messages/{envelope.message}/reply"
    return document


def attachment(view: AttachmentView) -> dict[str, Any]:
    """One of a message's or a reply's, as the message's own page shows it."""
    document: dict[str, Any] = {
        "of": "request" if view.part == "request" else "reply",
        "number": view.number,
        "name": view.name,
        "contentType": view.content_type,
        "size": view.size,
    }
    return document


def attachment_answer(file: Attachment) -> Response:
    """The file's own bytes, as its sender says what they are, and for no browser to show."""
    headers = {"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
    return Response(file.data, 200, {**headers, "Content-Type": file.content_type})


def listed(page: Page[MessageView], asked: Mapping[str, str]) -> Response:
    """A page of messages; where there may be more, a link to the next one, as RFC 8288 has it and in the document."""
    document: dict[str, Any] = {"messages": [summary(view) for view in page.items]}
    if page.next is None:
        return json_answer(document)
    following = f"/messages?{urlencode({**asked, 'cursor': page.next})}"
    return json_answer(document | {"next": following}, 200, {"Link": f'<{following}>; rel="next"'})


def _delivery(view: DeliveryView) -> dict[str, Any]:
    document: dict[str, Any] = {
        "id": str(view.id),
        "system": view.system,
        "state": view.state,
        "attempts": view.attempt,
        "changedAt": iso(view.changed_at),
    }
    if view.reason:
        document["reason"] = view.reason
    if view.state is State.PENDING and view.wake_at is not None:
        document["nextAttemptAt"] = iso(view.wake_at)
    return document


def timeline(rows: list[AuditRow]) -> list[dict[str, Any]]:
    """Every audit event of a message, with people of the bus named by their part alone."""
    events = [orjson.loads(row.content) for row in rows]
    return [event | ({"actor": "operator"} if event["actor"].startswith(PEOPLE) else {}) for event in events]
