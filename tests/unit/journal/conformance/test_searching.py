"""What people search the journal for, in each database."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from typing import Any, TypeVar
from uuid import UUID

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import Connection, event

from bus.clock import ManualClock
from bus.envelope import Envelope, Exchange, Format
from bus.errors import QueryInvalid
from bus.states import MessageState, State
from journal import searching
from journal.commands import Accept, Claim, Event, NewDelivery, Record, Sweep
from journal.database import open_engine
from journal.dead import DeadFilter
from journal.queries import Queries
from journal.searching import EventFilter, MessageFilter, Page, find_events, find_messages
from journal.store import Store

T = TypeVar("T")
LIFE = 3_600_000


@pytest.fixture
def send(store: Store, clock: ManualClock) -> Callable[..., UUID]:
    """Accepts a message a second after the one before, and says its id."""

    def send(
        *to: str,
        contract: str = "a.b",
        version: str = "1.0.0",
        sender: str = "one-stop",
        state: State = State.QUEUED,
        **fields: Any,
    ) -> UUID:
        clock.advance(1)
        message, now = clock.new_id(), clock.now()
        envelope = Envelope(message, contract, version, Exchange.EVENT, sender, now, now + LIFE, "00-1", Format.JSON)
        reason = "backlog" if state is State.DEAD else ""
        born = tuple(NewDelivery(clock.new_id(), system, state, repeatable=True, reason=reason) for system in to)
        facts: dict[str, str | int] = {"contract": contract, "version": version, "systems": " ".join(sorted(to))}
        event = Event("message.accepted", sender, message, facts)
        accept = Accept(envelope, b"{}", b"salt", "digest", LIFE, 10 * LIFE, born, event)
        store.write([replace(accept, **fields)])
        return message

    return send


def pages(ask: Callable[..., Page[T]], wanted: Any, size: int) -> Iterator[Page[T]]:
    page = ask(wanted, size=size)
    yield page
    while page.next is not None:
        page = ask(wanted, size=size, cursor=page.next)
        yield page


def every(ask: Callable[..., Page[T]], wanted: Any, size: int = 2) -> list[T]:
    """All that is found, page by page."""
    return [item for page in pages(ask, wanted, size) for item in page.items]


def found(queries: Queries, **fields: Any) -> list[UUID]:
    return [view.envelope.message for view in every(queries.messages, MessageFilter(**fields))]


def told(queries: Queries, **fields: Any) -> list[dict[str, Any]]:
    return [orjson.loads(row.content) for row in every(queries.events, EventFilter(**fields))]


def test_messages_are_found_by_what_they_are(send: Callable[..., UUID], queries: Queries) -> None:
    """By contract, with all or the beginning of its version, by sender, by receiver and by whom they are about; all
    that is asked for must hold."""
    first = send("his", subject="key-1:aa")
    second = send("his", "mirror", version="1.1.0", sender="other")
    third = send("mirror", version="2.0.0", subject="key-2:aa")
    fourth = send(contract="a.b.c", subject="key-1:bb")
    assert found(queries) == [fourth, third, second, first]
    assert found(queries, contract="a.b") == [third, second, first]
    assert found(queries, contract="a.b@1") == [second, first]
    assert found(queries, contract="a.b@1.0.0") == [first]
    assert found(queries, sender="one-stop") == [fourth, third, first]
    assert found(queries, system="mirror") == [third, second]
    assert found(queries, system="mirror", sender="other") == [second]
    assert found(queries, subjects=("key-1:aa", "key-2:aa")) == [third, first]
    assert found(queries, subjects=()) == found(queries, system="nobody") == found(queries, contract="a.b@3") == []


def test_messages_are_found_by_their_state(
    store: Store, clock: ManualClock, send: Callable[..., UUID], queries: Queries
) -> None:
    """By the state that all deliveries together make, whatever each is in."""
    expired = send("his")
    clock.advance(LIFE / 1000)
    store.write([Sweep("sweeper")])
    failed = send("his", state=State.DEAD)
    done = send()
    accepted = send("his", "mirror")
    claimed = send("his", "mirror")
    delivery = next(each for each in queries.messages(size=1).items[0].deliveries if each.system == "mirror")
    store.write([Claim(delivery.id, "worker", 30_000)])
    by_state = {
        MessageState.EXPIRED: expired,
        MessageState.FAILED: failed,
        MessageState.DONE: done,
        MessageState.ACCEPTED: accepted,
        MessageState.IN_PROGRESS: claimed,
    }
    assert {state: found(queries, state=state) for state in MessageState} == {
        state: [message] for state, message in by_state.items()
    }
    assert found(queries, state=MessageState.IN_PROGRESS, system="his") == [claimed]


def test_messages_are_found_by_their_time(clock: ManualClock, send: Callable[..., UUID], queries: Queries) -> None:
    """From one time of acceptance to another, both included, also where the gateway's clock was some minutes off."""
    sent, moments = [], []
    for _ in range(5):
        sent.append(send("his"))
        moments.append(clock.now())
    assert found(queries, since=moments[1], until=moments[3]) == sent[3:0:-1]
    assert found(queries, since=moments[4]) == [sent[4]]
    assert found(queries, until=moments[0] - 1) == []
    clock.advance(-200)
    named_early = clock.new_id()
    clock.advance(200)
    envelope = queries.messages(size=1).items[0].envelope
    born = (NewDelivery(named_early, "his", State.QUEUED, repeatable=True),)
    off = send(envelope=replace(envelope, message=named_early), deliveries=born) and named_early
    assert found(queries, since=clock.now()) == [off]
    assert found(queries, since=clock.now(), system="his") == [off]


def test_pages_hold_each_once(send: Callable[..., UUID], queries: Queries, monkeypatch: pytest.MonkeyPatch) -> None:
    """Page by page everything is found once, the newest first, however few a page holds or looks at."""
    sent = [send("his", *(["mirror"] if number % 4 == 0 else [])) for number in range(12)][::-1]
    mirrored = sent[3::4]
    for size, walked in product((1, 3, 4, 12, 13), (1, 4, 12, 100)):
        monkeypatch.setattr(searching, "WALKED", walked)
        assert [each.envelope.message for each in every(queries.messages, MessageFilter(), size)] == sent
        to_mirror = every(queries.messages, MessageFilter(system="mirror"), size)
        assert [each.envelope.message for each in to_mirror] == mirrored
        events = [orjson.loads(row.content) for row in every(queries.events, EventFilter(), size)]
        assert [event["message"] for event in events] == [str(each) for each in sent]
        assert all(len(page.items) <= size for page in pages(queries.messages, MessageFilter(), size))


def test_rare_thing_costs_a_page_no_more(
    send: Callable[..., UUID], queries: Queries, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page looks at so many messages and no more: then it is empty, and its cursor leads on to what is sought."""
    monkeypatch.setattr(searching, "WALKED", 5)
    rare = send("mirror", contract="rare")
    for _ in range(12):
        send("his")
    for wanted in (MessageFilter(contract="rare"), MessageFilter(system="mirror")):
        looked = list(pages(queries.messages, wanted, 10))
        assert [[each.envelope.message for each in page.items] for page in looked] == [[], [], [rare]]
    assert [len(page.items) for page in pages(queries.events, EventFilter(contract="rare"), 10)] == [0, 0, 1]


def plans(database: str, search: Callable[[Connection], object]) -> str:
    """How the database answers each question of a search."""
    asked: list[tuple[str, Any]] = []
    engine = open_engine(database)
    with engine.connect() as connection:
        event.listen(engine, "before_cursor_execute", lambda *given: asked.append((given[2], given[3])))
        search(connection)
        explain = "EXPLAIN QUERY PLAN" if database.startswith("sqlite:") else "EXPLAIN"
        lines = [
            str(line)
            for question, values in list(asked)
            for line in connection.exec_driver_sql(f"{explain} {question}", values)
        ]
    engine.dispose()
    return "\n".join(lines)


def test_pages_are_read_by_index(database: str, send: Callable[..., UUID]) -> None:
    """Sender, subject, time and message are found by the indexes that there are, and no question reads a table from
    end to end and sorts it."""
    send("his", subject="key-1:aa")
    until = 1_900_000_000_000
    search: Callable[[Connection], object]
    for search, index in (
        (lambda asked: find_messages(asked, MessageFilter(sender="one-stop"), 9, None), "messages_[a-z]*_?sender"),
        (lambda asked: find_messages(asked, MessageFilter(subjects=("a", "b")), 9, None), "messages_[a-z]*_?subject"),
        (lambda asked: find_messages(asked, MessageFilter(since=1, until=until), 9, None), "PRIMARY KEY|pkey"),
        (lambda asked: find_events(asked, EventFilter(until=until, actor="an"), 9, None), "audit_events_at"),
        (lambda asked: find_events(asked, EventFilter(message=UUID(int=1)), 9, None), "audit_events_message"),
    ):
        plan = plans(database, search)
        assert re.search(index, plan), plan
        assert "Seq Scan" not in plan
        assert "SCAN messages" not in plan


def test_what_comes_meanwhile_moves_no_page(send: Callable[..., UUID], queries: Queries) -> None:
    """Messages that are accepted between two pages change nothing of the second."""
    sent = [send("his") for _ in range(4)]
    first = queries.messages(size=2)
    send("his")
    second = queries.messages(size=2, cursor=first.next)
    assert [each.envelope.message for each in (*first.items, *second.items)] == sent[::-1]
    assert second.next is None


def test_events_are_found_by_what_they_tell(
    store: Store, clock: ManualClock, send: Callable[..., UUID], queries: Queries
) -> None:
    """By name, actor, message, system, contract and time; a name that is a part of another is not that other."""
    first = send("his", "mirror")
    moment = clock.now()
    second = send("his-2", version="1.10.0", sender="other")
    clock.advance(1)
    store.write(
        [
            Record(Event("system.paused", "user:an", facts={"system": "his"})),
            Record(Event("system.paused", 'user:"%_', facts={"system": "his-2", "reason": '"actor":"user:an"'})),
        ]
    )

    def numbers(**fields: Any) -> list[int]:
        return [event["number"] for event in told(queries, **fields)]

    assert numbers() == [4, 3, 2, 1]
    assert numbers(event="system.paused") == [4, 3]
    assert numbers(actor="user:an") == [3]
    assert numbers(actor='user:"%_') == [4]
    assert numbers(actor="user:") == numbers(actor="USER:AN") == []
    assert numbers(message=first) == [1]
    assert numbers(message=second, event="system.paused") == []
    assert numbers(system="his") == [3, 1]
    assert numbers(system="mirror") == [1]
    assert numbers(contract="a.b") == [2, 1]
    assert numbers(contract="a.b@1.1") == []
    assert numbers(contract="a.b@1.10") == [2]
    assert numbers(since=moment, until=moment) == [1]
    assert numbers(since=moment + 1, actor="other") == [2]


def test_events_of_one_moment_are_all_found(store: Store, queries: Queries) -> None:
    """Events of one transaction have one time, and pages divide them without loss."""
    store.write([Record(Event("test", "tester")) for _ in range(7)])
    assert [row.number for row in every(queries.events, EventFilter(), 3)] == [7, 6, 5, 4, 3, 2, 1]


def test_dead_letters_come_by_pages(send: Callable[..., UUID], queries: Queries) -> None:
    """Dead letters have the same cursors, and keep their filters."""
    dead = [send("his", state=State.DEAD) for _ in range(5)]
    send("mirror", state=State.DEAD)
    letters = every(queries.dead, DeadFilter(system="his"), 2)
    assert [each.delivery.message for each in letters] == dead[::-1]
    assert [len(page.items) for page in pages(queries.dead, DeadFilter(), 3)] == [3, 3]


def test_nonsense_cursor_is_refused(queries: Queries) -> None:
    """What is no cursor of ours is refused as the asker's fault."""
    nonsense = ("", "x", "ă", "AAAA", "MS8yLw", "A" * 10_000)
    asks: tuple[Callable[..., object], ...] = (queries.messages, queries.events, queries.dead)
    for ask, cursor in product(asks, nonsense):
        with pytest.raises(QueryInvalid):
            ask(cursor=cursor)


@given(st.text() | st.binary().map(searching._written))
@example(searching._written(b"9223372036854775808/1/w"))
@example(searching._written(b"1/1/w\x00"))
def test_no_cursor_is_worse_than_refused(cursor: str) -> None:
    """Whatever a cursor is, it is a place that the database can hold, or refused."""
    for read in (searching._id, searching._place):
        try:
            place: Any = read(cursor)
        except QueryInvalid:
            continue
        assert isinstance(place, UUID) or (max(place.at, place.number) < 2**63 and place.writer.isprintable())
