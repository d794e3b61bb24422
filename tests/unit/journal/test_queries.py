"""What people and callers ask the journal."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from bus.clock import ManualClock
from bus.envelope import Body, Envelope, Exchange, Format
from bus.errors import JournalUnavailable
from bus.states import Change, MessageState, State
from journal.commands import (
    Accept,
    Claim,
    Claimed,
    Command,
    Document,
    Event,
    NewDelivery,
    PutDocuments,
    Record,
    Reply,
    Settle,
    Settled,
    Sweep,
)
from journal.database import open_engine, open_store
from journal.dead import DeadFilter
from journal.queries import Queries
from journal.searching import MessageFilter, Page
from journal.store import Store

LIFE = 60_000


@pytest.fixture
def store(database: str, clock: ManualClock) -> Iterator[Store]:
    store = open_store(database, clock, "writer-1")
    yield store
    store.close()


def write(store: Store, command: Command[Any]) -> Any:
    return store.write([command]).results[0]


def accepted(store: Store, clock: ManualClock, *systems: str, sender: str = "one-stop", **fields: Any) -> Accept:
    """A message of its own, with a delivery to each system."""
    message = clock.new_id()
    envelope = Envelope(
        message, "a.b", "1.0.0", Exchange.REQUEST, sender, clock.now(), clock.now() + LIFE, "00-1", Format.JSON
    )
    deliveries = tuple(NewDelivery(clock.new_id(), system, State.QUEUED, repeatable=False) for system in systems)
    event = Event("message.accepted", sender, message)
    accept = Accept(envelope, b"{}", b"salt", "digest", LIFE, 10 * LIFE, deliveries, event)
    write(store, replace(accept, **fields))
    return accept


def settled(
    store: Store,
    delivery: UUID,
    change: Change,
    *,
    reason: str = "",
    code: str = "http-200",
    reply: Reply | None = None,
    delay: int = 0,
) -> Claimed:
    claimed = write(store, Claim(delivery, "worker", 30_000))
    assert isinstance(claimed, Claimed)
    settle = Settle(
        claimed.delivery,
        claimed.message,
        claimed.system,
        claimed.attempt,
        change,
        "answered",
        code,
        "worker",
        claimed.now,
        1,
        1,
        reason,
        delay=delay,
        reply=reply,
        reply_life=LIFE,
    )
    assert write(store, settle) == Settled(applied=True)
    return claimed


def ids(views: Iterable[Any]) -> list[UUID]:
    return [view.envelope.message for view in views]


def test_what_is_not_there(queries: Queries) -> None:
    """Asked for what there is not, the journal says nothing, and an empty one says so."""
    nobody = UUID(int=1)
    for ask in (queries.message, queries.delivery, queries.body, queries.reply):
        assert ask(nobody) is None
    assert (queries.messages(), queries.events(), queries.dead()) == (Page(), Page(), Page())
    assert [queries.dead_letters(), queries.timeline(nobody), queries.writers()] == [[]] * 3
    assert (queries.counts(), queries.documents(), queries.revision()) == ({}, [], 0)
    assert list(queries.chain("writer-1")) == []


def test_messages_are_listed_newest_first(store: Store, clock: ManualClock, queries: Queries) -> None:
    """A sender's own messages, the newest first, no more than are asked for; no sender's means everybody's."""
    own = []
    for _ in range(5):
        clock.advance(1)
        own.append(accepted(store, clock, "his").envelope.message)
        accepted(store, clock, "his", sender="other")
    assert ids(queries.messages(MessageFilter(sender="one-stop")).items) == own[::-1]
    assert ids(queries.messages(MessageFilter(sender="one-stop"), size=2).items) == own[:2:-1]
    assert len(queries.messages().items) == 10
    assert queries.messages(MessageFilter(sender="stranger")).items == ()


def test_messages_since_a_moment(store: Store, clock: ManualClock, queries: Queries) -> None:
    """Since a moment means from that moment on, it included."""
    messages, moments = [], []
    for _ in range(3):
        clock.advance(1)
        moments.append(clock.now())
        messages.append(accepted(store, clock, "his").envelope.message)
    assert ids(queries.messages(MessageFilter(sender="one-stop", since=moments[1])).items) == [messages[2], messages[1]]
    assert ids(queries.messages(MessageFilter(sender="one-stop", since=moments[1] + 1)).items) == [messages[2]]


def test_messages_of_one_state_are_found_among_many(store: Store, clock: ManualClock, queries: Queries) -> None:
    """States are derived, and still those of a rare one are found, however many others lie between."""
    wanted = []
    for number in range(60):
        clock.advance(1)
        accept = accepted(store, clock, "his")
        if number % 20 == 0:
            settled(store, accept.deliveries[0].id, Change.KILL, reason="refused")
            wanted.append(accept.envelope.message)
    assert (
        ids(queries.messages(MessageFilter(sender="one-stop", state=MessageState.FAILED), size=3).items) == wanted[::-1]
    )
    assert (
        ids(queries.messages(MessageFilter(sender="one-stop", state=MessageState.FAILED), size=2).items)
        == wanted[:0:-1]
    )
    assert len(queries.messages(MessageFilter(sender="one-stop", state=MessageState.ACCEPTED), size=100).items) == 57
    assert queries.messages(MessageFilter(sender="one-stop", state=MessageState.EXPIRED)).items == ()


def test_state_is_that_of_all_deliveries(store: Store, clock: ManualClock, queries: Queries) -> None:
    """A message with one delivery dead and one delivered has failed, and shows each."""
    accept = accepted(store, clock, "his", "mirror")
    settled(store, accept.deliveries[0].id, Change.SUCCEED)
    view = queries.message(accept.envelope.message)
    assert view
    assert view.state is MessageState.IN_PROGRESS
    settled(store, accept.deliveries[1].id, Change.KILL, reason="refused")
    view = queries.message(accept.envelope.message)
    assert view
    assert view.state is MessageState.FAILED
    assert {each.system: (each.state, each.reason) for each in view.deliveries} == {
        "his": (State.DELIVERED, ""),
        "mirror": (State.DEAD, "refused"),
    }


def test_dead_letters_tell_why(store: Store, clock: ManualClock, queries: Queries) -> None:
    """Dead letters, the newest first, of one system or all, with the code of the attempt that ended them."""
    dead = []
    for system, code in (("his", "http-400"), ("mirror", "timeout"), ("his", "http-422")):
        clock.advance(1)
        accept = accepted(store, clock, system, "other")
        settled(store, accept.deliveries[0].id, Change.RETRY, code="dns", reason="dns")
        write(store, Sweep("sweeper"))
        settled(store, accept.deliveries[0].id, Change.KILL, reason="refused", code=code)
        dead.append(accept.deliveries[0].id)
    letters = queries.dead_letters()
    assert [(each.delivery.id, each.code, each.delivery.attempt) for each in letters] == [
        (dead[2], "http-422", 2),
        (dead[1], "timeout", 2),
        (dead[0], "http-400", 2),
    ]
    assert {(each.contract, each.version, each.sender) for each in letters} == {("a.b", "1.0.0", "one-stop")}
    assert [each.delivery.id for each in queries.dead_letters(DeadFilter(system="his"))] == [dead[2], dead[0]]
    assert [each.delivery.id for each in queries.dead_letters(limit=1)] == [dead[2]]


def test_dead_on_arrival_has_no_code(store: Store, clock: ManualClock, queries: Queries) -> None:
    """A subscriber that was passed over at acceptance is listed with its reason, though nobody ever called."""
    passed_over = NewDelivery(clock.new_id(), "his", State.DEAD, repeatable=True, reason="backlog")
    accepted(store, clock, deliveries=(passed_over,))
    (letter,) = queries.dead_letters()
    assert (letter.delivery.reason, letter.code, letter.delivery.attempt) == ("backlog", "", 0)


def test_late_outcome_does_not_explain_a_death(store: Store, clock: ManualClock, queries: Queries) -> None:
    """Where an outcome came after its lease had ended, the dead letter is listed once, with what killed it."""
    accept = accepted(store, clock, "his")
    claimed = write(store, Claim(accept.deliveries[0].id, "worker", 1_000))
    clock.advance(2)
    write(store, Sweep("sweeper"))
    late = Settle(
        claimed.delivery,
        claimed.message,
        claimed.system,
        1,
        Change.SUCCEED,
        "answered",
        "http-200",
        "worker",
        claimed.now,
        1,
        1,
    )
    assert write(store, late) == Settled(applied=False)
    (letter,) = queries.dead_letters()
    assert (letter.delivery.reason, letter.code) == ("outcome-unknown", "lease-ended")


def test_reply_comes_with_its_delivery(store: Store, clock: ManualClock, queries: Queries) -> None:
    """A reply is found by its message, to the last byte, with the delivery that brought it."""
    accept = accepted(store, clock, "his")
    reply = Reply("fault", Body(Format.XML, "<f>Huế</f>".encode()), "not-found")
    settled(store, accept.deliveries[0].id, Change.SUCCEED, reply=reply)
    found = queries.reply(accept.envelope.message)
    assert found
    assert (found[0].id, found[1]) == (accept.deliveries[0].id, reply)


def test_bodies_go_when_their_time_is_over(store: Store, clock: ManualClock, queries: Queries) -> None:
    """A reply's body and the message's own go each in its time; the message and its evidence stay."""
    accept = accepted(store, clock, "his")
    message = accept.envelope.message
    settled(store, accept.deliveries[0].id, Change.SUCCEED, reply=Reply("reply", Body(Format.JSON, b"{}")))
    clock.advance(LIFE / 1000)
    write(store, Sweep("sweeper"))
    assert queries.reply(message) is None
    assert queries.body(message) == Body(Format.JSON, b"{}")
    clock.advance(9 * LIFE / 1000)
    write(store, Sweep("sweeper"))
    assert queries.body(message) is None
    assert queries.message(message)
    assert len(queries.timeline(message)) == 2


def test_counts_are_by_system_and_state(store: Store, clock: ManualClock, queries: Queries) -> None:
    """How many deliveries of each system are in each state, the ended ones too."""
    for number in range(3):
        accept = accepted(store, clock, "his", "mirror")
        if number == 0:
            settled(store, accept.deliveries[1].id, Change.SUCCEED)
    assert queries.counts() == {"his": {State.QUEUED: 3}, "mirror": {State.QUEUED: 2, State.DELIVERED: 1}}


def test_documents_are_the_newest_of_each(store: Store, queries: Queries) -> None:
    """Of each document its newest revision is in force; one that was removed is not, and may come back."""

    def put(*documents: Document) -> int:
        return int(write(store, PutDocuments(documents, Event("documents.applied", "user"))))

    first, second = Document("Agency", "H99", "", b"1"), Document("Contract", "a.b", "1.0.0", b"2")
    assert put(first, second) == 1
    assert put(replace(first, content=b"3")) == 2
    assert {each.content for each in queries.documents()} == {b"3", b"2"}
    assert [each.content for each in queries.documents("Agency", "System")] == [b"3"]
    assert put(replace(second, content=None)) == 3
    assert [each.name for each in queries.documents()] == ["H99"]
    assert put(second) == 4
    assert len(queries.documents()) == 2
    assert queries.revision() == 4


def test_chain_is_read_in_its_order(store: Store, database: str, clock: ManualClock, queries: Queries) -> None:
    """Each writer's events are read 1, 2, 3 … to the last, however many there are."""
    other = open_store(database, clock, "writer-2")
    for each, count in ((store, 2_500), (other, 10)):
        each.write([Record(Event("test", "tester")) for _ in range(count)])
    other.close()
    assert sorted(queries.writers()) == ["writer-1", "writer-2"]
    assert [row.number for row in queries.chain("writer-1")] == list(range(1, 2_501))
    assert [row.number for row in queries.chain("writer-2")] == list(range(1, 11))


def test_asking_cannot_write(database: str) -> None:
    """The asking side is refused whatever would change the journal."""
    engine = open_engine(database)
    with engine.connect() as connection, pytest.raises(Exception, match="readonly"):
        connection.execute(text("DELETE FROM messages"))
    engine.dispose()


def test_failing_database_is_unavailable(store: Store, clock: ManualClock, database: str) -> None:
    """Whatever the database says of its trouble stays behind: the asker is told that the journal is unavailable."""
    engine = open_engine(database)
    accepted(store, clock, "his")
    with engine.connect() as connection:
        connection.execute(text("PRAGMA query_only = OFF"))
        connection.execute(text("DROP TABLE replies"))
        connection.commit()
    with pytest.raises(JournalUnavailable) as unavailable:
        Queries(engine).reply(UUID(int=1))
    assert unavailable.value.__cause__ is None
    assert "replies" not in str(unavailable.value)
    engine.dispose()
