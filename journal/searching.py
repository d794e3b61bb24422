"""What people search the journal for: messages and audit events, a page at a time, the newest first.

No page costs more than a walk over `WALKED` rows, however rare what is sought: it then holds fewer than were asked for,
perhaps none, and the cursor with which the search goes on.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, Generic, NamedTuple, TypeVar
from uuid import UUID

import orjson
from sqlalchemy import ColumnElement, Connection, Row, exists, func, select, tuple_

from bus.errors import QueryInvalid
from bus.states import MessageState, State
from journal.dead import DeadFilter, of_contract, page
from journal.tables import audit_events, deliveries, messages
from journal.upkeep import first_id
from journal.views import AuditRow, DeadLetter, MessageView, audit_row, dead_letter, deliveries_of, message_view

T = TypeVar("T")

WALKED: Final = 10_000
"""Rows that one page looks at."""

LARGEST: Final = 200
"""Of the pages that people ask for."""

TOGETHER: Final = 200
"""Rows that are read at once."""

APART: Final = 5 * 60_000
"""Milliseconds that the time in an identifier, which the gateway makes, may be apart from that of the acceptance, which
the database writes. An identifier names its partition: so few are looked into."""

SIGNS: Final = {
    MessageState.ACCEPTED: deliveries.c.wake_at.is_not(None),
    MessageState.IN_PROGRESS: deliveries.c.wake_at.is_not(None),
    MessageState.FAILED: deliveries.c.state == State.DEAD,
    MessageState.EXPIRED: deliveries.c.state == State.EXPIRED,
}
"""What one delivery at least of a message in such a state is; most messages are done, and need no sign."""

READ_BY_INDEX: Final = {
    **dict.fromkeys(("enable_seqscan", "enable_bitmapscan", "enable_hashjoin", "enable_mergejoin", "jit"), "off"),
    "random_page_cost": "1.1",
}
"""Settings of PostgreSQL while a page is read."""

PLACE: Final = re.compile(r"([0-9]{1,15})/([0-9]{1,15})/([!-~]{1,50})", re.ASCII)
"""Where an audit event stands, in a cursor."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of what was found. With `next` as the cursor the search goes on; None: this is all."""

    items: tuple[T, ...] = ()
    next: str | None = None


@dataclass(frozen=True, slots=True)
class MessageFilter:
    """Which messages are meant; None: whatever it is. `contract` is a name, or a name with all or the beginning of a
    version: ``a.b@1``. `system` is one that receives. `subjects` are keyed hashes of whom the message is about, one for
    each key. `since` and `until` are times of acceptance, both included."""

    contract: str | None = None
    sender: str | None = None
    system: str | None = None
    state: MessageState | None = None
    subjects: Sequence[str] | None = None
    since: int | None = None
    until: int | None = None

    def means(self, view: MessageView) -> bool:
        """Whether a message is meant, by what is told of its deliveries alone."""
        return (self.state is None or view.state is self.state) and (
            self.system is None or any(each.system == self.system for each in view.deliveries)
        )


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which audit events are meant; None: whatever it is. `system` and `contract` are those that an event names, a
    contract as in `MessageFilter`. `since` and `until` are both included."""

    event: str | None = None
    actor: str | None = None
    message: UUID | None = None
    system: str | None = None
    contract: str | None = None
    since: int | None = None
    until: int | None = None

    def means(self, content: str) -> bool:
        """Whether an event is meant, by its facts."""
        if self.actor is self.system is self.contract is None:
            return True
        told = orjson.loads(content)
        name, _, version = (self.contract or "").partition("@")
        return (
            (self.actor is None or told["actor"] == self.actor)
            and (self.system is None or self.system in {told.get("system"), *told.get("systems", "").split()})
            and (self.contract is None or told.get("contract") == name)
            and (not version or f"{told.get('version', '')}.".startswith(f"{version}."))
        )


ALL_MESSAGES: Final = MessageFilter()
ALL_EVENTS: Final = EventFilter()


class _Place(NamedTuple):
    """Where an audit event stands among all."""

    at: int
    writer: str
    number: int


def find_messages(connection: Connection, wanted: MessageFilter, size: int, cursor: str | None) -> Page[MessageView]:
    """Raises `QueryInvalid` for what is no cursor of ours."""
    _by_index(connection)
    key = messages.c.id
    within = [*_within(wanted), *([] if cursor is None else [key < _id(cursor)])]
    last = connection.scalar(select(key).where(*within).order_by(key.desc()).offset(WALKED - 1).limit(1))
    if last is not None:
        within.append(key >= last)
    if wanted.contract is not None:
        within += of_contract(wanted.contract)
    within += _on_their_way(wanted, last)

    def found() -> Iterator[MessageView]:
        for rows in _together(connection, select(messages).where(*within).order_by(key.desc())):
            of = deliveries_of(connection, [row.id for row in rows], *_beside(rows[-1].id, rows[0].id))
            yield from filter(wanted.means, (message_view(row, of[row.id]) for row in rows))

    return _page(found(), size, lambda view: _of_id(view.envelope.message), None if last is None else _of_id(last))


def find_events(connection: Connection, wanted: EventFilter, size: int, cursor: str | None) -> Page[AuditRow]:
    """Raises `QueryInvalid` for what is no cursor of ours."""
    _by_index(connection)
    place = (audit_events.c.at, audit_events.c.writer, audit_events.c.number)
    newest_first = [column.desc() for column in place]
    within = list(_at(wanted))
    if cursor is not None:
        before = _place(cursor)
        within += [audit_events.c.at <= before.at, tuple_(*place) < before]
    row = connection.execute(select(*place).where(*within).order_by(*newest_first).offset(WALKED - 1).limit(1)).first()
    last = _Place(*row) if row else None
    if last is not None:
        within += [audit_events.c.at >= last.at, tuple_(*place) >= last]
    within += _told(wanted)

    def found() -> Iterator[Row[Any]]:
        for rows in _together(connection, select(audit_events).where(*within).order_by(*newest_first)):
            yield from (row for row in rows if wanted.means(row.content))

    def stands(row: Row[Any]) -> str:
        return _of_place(_Place(row.at, row.writer, row.number))

    some = _page(found(), size, stands, None if last is None else _of_place(last))
    return Page(tuple(map(audit_row, some.items)), some.next)


def find_dead(connection: Connection, wanted: DeadFilter, size: int, cursor: str | None) -> Page[DeadLetter]:
    """Raises `QueryInvalid` for what is no cursor of ours."""
    after = None if cursor is None else _id(cursor)
    rows = connection.execute(page(wanted, limit=size + 1, after=after))
    return _page(map(dead_letter, rows), size, lambda letter: _of_id(letter.delivery.id), None)


def _by_index(connection: Connection) -> None:
    """Let PostgreSQL, in this transaction, read by indexes alone, and a few rows out of many one by one. It would
    rather read a whole partition and sort it, which is quicker only as long as the journal is small."""
    if connection.dialect.name == "postgresql":
        for_now = True
        connection.execute(select(*(func.set_config(*setting, for_now) for setting in READ_BY_INDEX.items())))


def _within(wanted: MessageFilter) -> Iterator[ColumnElement[bool]]:
    """What an index or a partition finds."""
    if wanted.sender is not None:
        yield messages.c.sender == wanted.sender
    if wanted.subjects is not None:
        yield messages.c.subject.in_(wanted.subjects)
        yield messages.c.subject != ""  # so its index is used, which is of those
    if wanted.since is not None:
        yield messages.c.accepted_at >= wanted.since
        yield messages.c.id >= _first(wanted.since - APART)
    if wanted.until is not None:
        yield messages.c.accepted_at <= wanted.until
        yield messages.c.id < _first(wanted.until + APART)


def _on_their_way(wanted: MessageFilter, oldest: UUID | None) -> Iterator[ColumnElement[bool]]:
    """What the database can leave out by one delivery of each message; of the rest `MessageFilter.means` decides."""
    for one in (
        None if wanted.system is None else deliveries.c.system == wanted.system,
        None if wanted.state is None else SIGNS.get(wanted.state),
    ):
        if one is not None:
            there = [] if oldest is None else [deliveries.c.id >= _first((oldest.int >> 80) - APART)]
            yield exists().where(deliveries.c.message == messages.c.id, one, *there)


def _beside(oldest: UUID, newest: UUID) -> Iterator[ColumnElement[bool]]:
    """Where the deliveries of such messages are: the gateway names them all at once."""
    yield deliveries.c.id >= _first((oldest.int >> 80) - APART)
    yield deliveries.c.id < _first((newest.int >> 80) + APART)


def _at(wanted: EventFilter) -> Iterator[ColumnElement[bool]]:
    """What an index finds."""
    if wanted.message is not None:
        yield audit_events.c.message == wanted.message
    if wanted.since is not None:
        yield audit_events.c.at >= wanted.since
    if wanted.until is not None:
        yield audit_events.c.at <= wanted.until


def _told(wanted: EventFilter) -> Iterator[ColumnElement[bool]]:
    """What the database can leave out; of the rest `EventFilter.means` decides."""
    if wanted.event is not None:
        yield audit_events.c.event == wanted.event
    for name in (wanted.actor, wanted.system, (wanted.contract or "").partition("@")[0] or None):
        if name is not None:
            yield audit_events.c.content.contains(orjson.dumps(name).decode()[1:-1], autoescape=True)


def _together(connection: Connection, question: Any) -> Iterator[Sequence[Row[Any]]]:
    with connection.execute(question, execution_options={"yield_per": TOGETHER}) as rows:
        yield from rows.partitions()


def _page(found: Iterator[T], size: int, place: Callable[[T], str], last: str | None) -> Page[T]:
    """`last` is the place up to which was looked, None: to the end."""
    some = tuple(islice(found, size + 1))
    return Page(some[:size], place(some[size - 1])) if len(some) > size else Page(some, last)


def _first(milliseconds: int) -> UUID:
    return UUID(int=first_id(milliseconds))


def _of_id(last: UUID) -> str:
    return _written(last.bytes)


def _of_place(last: _Place) -> str:
    return _written(f"{last.at}/{last.number}/{last.writer}".encode())


def _id(cursor: str) -> UUID:
    try:
        return UUID(bytes=_read(cursor))
    except ValueError:
        raise _no_cursor() from None


def _place(cursor: str) -> _Place:
    try:
        place = PLACE.fullmatch(_read(cursor).decode("ascii"))
    except ValueError:
        place = None
    if place is None:
        raise _no_cursor()
    return _Place(int(place[1]), place[3], int(place[2]))


def _written(place: bytes) -> str:
    return urlsafe_b64encode(place).rstrip(b"=").decode()


def _read(cursor: str) -> bytes:
    return urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))


def _no_cursor() -> QueryInvalid:
    return QueryInvalid(name="cursor", hint="take it from the page before")
