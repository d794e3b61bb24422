"""Messages, dead letters and audit events over the API: what passed, and what became of it."""

from typing import Any
from uuid import UUID

import orjson

from adapters.rest.answers import summary
from bus.clock import instant, iso
from bus.errors import DeliveryUnknown, Finding, MessageUnknown, ReplyGone, RequestInvalid
from bus.states import MessageState
from journal.commands import Event, Record, Replay
from journal.dead import DeadFilter
from journal.searching import EventFilter, MessageFilter
from journal.views import AuditRow, DeadLetter
from management.paging import listed
from management.plane import Answer, Call


def search(
    call: Call,
    *,
    limit: int,
    cursor: str | None = None,
    contract: str | None = None,
    sender: str | None = None,
    receiver: str | None = None,
    state: str | None = None,
    since: str | None = None,
    until: str | None = None,
    subject: str | None = None,
) -> Answer:
    """The newest first. `subject` is compared by its keyed hashes, and told to nobody."""
    wanted = MessageFilter(
        contract=contract,
        sender=sender,
        system=receiver,
        state=MessageState(state) if state else None,
        subjects=call.plane.subjects(subject) if subject is not None else None,
        since=moment("since", since),
        until=moment("until", until),
    )
    found = call.plane.queries.messages(wanted, size=limit, cursor=cursor)
    if subject is not None:  # whoever looks for a person is to be found as well
        call.plane.write(Record(Event("subject.sought", call.actor, facts={"found": len(found.items)})))
    return listed([summary(each) for each in found.items], found.next)


def show(call: Call, *, message: str) -> Answer:
    view = call.plane.queries.message(UUID(message))
    if view is None:
        raise MessageUnknown
    rows = call.plane.queries.timeline(view.envelope.message)
    return Answer(summary(view) | {"timeline": [_event(row) for row in rows]})


def body(call: Call, *, message: str, part: str) -> Answer:
    """The bytes of a request or its reply. Before they are given, it is written that they were read."""
    key = UUID(message)
    if call.plane.queries.message(key) is None:
        raise MessageUnknown
    if part == "reply":
        answered = call.plane.queries.reply(key)
        found = answered[1].body if answered else None
    else:
        found = call.plane.queries.body(key)
    if found is None:
        raise ReplyGone
    call.plane.write(Record(Event("message.read", call.actor, key, {"part": part})))
    return Answer(found.data, media_type="application/octet-stream", headers={"Content-Disposition": "attachment"})


def dead(
    call: Call,
    *,
    limit: int,
    cursor: str | None = None,
    system: str | None = None,
    contract: str | None = None,
    reason: str | None = None,
) -> Answer:
    """The newest first."""
    wanted = DeadFilter(system=system, contract=contract, reason=reason)
    found = call.plane.queries.dead(wanted, size=limit, cursor=cursor)
    return listed([_letter(each) for each in found.items], found.next)


def replay(call: Call, *, delivery: str, out_of_order: bool = False) -> Answer:
    """Try one again, from the beginning of its life."""
    before = call.plane.write(Replay(UUID(delivery), call.actor, out_of_order))
    if before is None:
        raise DeliveryUnknown(delivery=delivery)
    return Answer({"delivery": delivery, "before": before})


def events(
    call: Call,
    *,
    limit: int,
    cursor: str | None = None,
    event: str | None = None,
    actor: str | None = None,
    message: str | None = None,
    since: str | None = None,
    until: str | None = None,
) -> Answer:
    """The newest first, each with its place in its chain."""
    wanted = EventFilter(
        event=event,
        actor=actor,
        message=UUID(message) if message else None,
        since=moment("since", since),
        until=moment("until", until),
    )
    found = call.plane.queries.events(wanted, size=limit, cursor=cursor)
    return listed([_event(row) for row in found.items], found.next)


def moment(name: str, text: str | None) -> int | None:
    """A time of RFC 3339 in milliseconds since the epoch. Raises `RequestInvalid`."""
    if text is None:
        return None
    try:
        return instant(text)
    except ValueError:
        raise RequestInvalid(findings=[Finding(f"query {name}", "format", "date-time")]) from None


def _event(row: AuditRow) -> dict[str, Any]:
    told = {name: value for name, value in orjson.loads(row.content).items() if value is not None}
    return told | {"writer": row.writer, "number": row.number}


def _letter(letter: DeadLetter) -> dict[str, Any]:
    return {
        "delivery": str(letter.delivery.id),
        "message": str(letter.delivery.message),
        "system": letter.delivery.system,
        "contract": letter.contract,
        "version": letter.version,
        "sender": letter.sender,
        "reason": letter.delivery.reason,
        "code": letter.code,
        "attempt": letter.delivery.attempt,
        "changedAt": iso(letter.delivery.changed_at),
    }
