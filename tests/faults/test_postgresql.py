"""What may happen between a process and its PostgreSQL: nothing is lost or doubled, and the chain of audit events has
neither gap nor fork."""

import random
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from multiprocessing import get_context
from typing import Any
from uuid import UUID

import psycopg
import pytest

from bus.clock import SystemClock
from bus.envelope import Body, Envelope, Exchange, Format
from bus.errors import CommitInDoubt, JournalUnavailable, SettingInvalid
from bus.states import Change, State
from journal.chain import GENESIS, link_hash
from journal.commands import (
    Accept,
    Accepted,
    Claim,
    Claimed,
    Command,
    Event,
    NewDelivery,
    Once,
    Record,
    Reference,
    Reply,
    Settle,
    Settled,
    Sweep,
    Swept,
    Unring,
)
from journal.database import migrate, open_engine
from journal.postgresql import PostgresqlStore
from journal.postgresql.sweep import LOCK
from journal.postgresql.transaction import Transaction
from journal.queries import Queries
from journal.store import BatchRefused
from tests.services import postgresql
from tests.services.proxy import Cut, Proxy, proxy

CLOCK = SystemClock()
LIFE = 600_000
WRITER = "writer-1"
CUTS = random.Random(20261122)

every_cut = pytest.mark.parametrize("cut", list(Cut))


@pytest.fixture
def database(postgresql_database: str) -> str:
    return postgresql_database


@pytest.fixture
def queries(database: str) -> Iterator[Queries]:
    """By the machine's clock, as the stores here."""
    engine = open_engine(database)
    yield Queries(engine, CLOCK)
    engine.dispose()


@pytest.fixture
def between(database: str) -> Iterator[Proxy]:
    with proxy(database) as own:
        yield own


@pytest.fixture
def store(between: Proxy) -> Iterator[PostgresqlStore]:
    """A store that reaches its database through `between`."""
    store = PostgresqlStore(between.url, WRITER, patience=0.5)
    yield store
    store.close()


@pytest.fixture(scope="module")
def own_server() -> Iterator[postgresql.Server]:
    """A server that may be stopped, with a journal in it."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(postgresql.server())
        except postgresql.Missing:
            postgresql.missing()
        migrate(server.url)
        yield server


def an_accept(state: State = State.QUEUED) -> Accept:
    message = CLOCK.new_id()
    envelope = Envelope(message, "a.b", "1.0.0", Exchange.DOCUMENT, "sender", 0, 0, "00-1", Format.JSON)
    delivery = NewDelivery(CLOCK.new_id(), "his", state, repeatable=False)
    return Accept(envelope, b"{}", b"", "", LIFE, LIFE, (delivery,), Event("message.accepted", "sender", message))


def a_claim(accept: Accept, worker: str = "worker") -> Claim:
    return Claim(accept.deliveries[0].id, worker, 30_000)


def a_settle(claimed: Claimed, change: Change = Change.SUCCEED, **fields: Any) -> Settle:
    of = (claimed.delivery, claimed.message, claimed.system, claimed.attempt)
    return replace(Settle(*of, change, "answered", "http-200", "worker", claimed.now, 12, 7), **fields)


def write(store: PostgresqlStore, *commands: Command[Any]) -> Sequence[Any]:
    return store.write(commands).results


def accepted(store: PostgresqlStore, count: int = 1) -> list[Accept]:
    accepts = [an_accept() for _ in range(count)]
    write(store, *accepts)
    return accepts


def hold_together(queries: Queries) -> list[bytes]:
    """The events of the one writer, once it is seen that none is missing, doubled or changed."""
    head, contents = GENESIS, []
    for number, row in enumerate(queries.chain(WRITER), 1):
        assert row.number == number
        head = link_hash(head, row.content)
        assert row.hash == head
        contents.append(row.content)
    return contents


def identities(queries: Queries) -> list[UUID]:
    return sorted(view.envelope.message for view in queries.messages(size=100_000).items)


# --- a connection cut at COMMIT ------------------------------------------------------------------------------------


@every_cut
def test_message_is_accepted_once(cut: Cut, between: Proxy, store: PostgresqlStore, queries: Queries) -> None:
    """Whether or not the server had committed, a connection cut at COMMIT neither loses nor doubles a message, and its
    sender gets the answer that it would have got."""
    first, second, third = (an_accept() for _ in range(3))
    write(store, first)
    between.cut = cut
    (answer,) = write(store, second)
    between.release()
    assert isinstance(answer, Accepted)
    assert answer.digest is None
    write(store, third)
    assert identities(queries) == sorted(accept.envelope.message for accept in (first, second, third))
    assert len(hold_together(queries)) == 3


def test_cuts_at_random(between: Proxy, store: PostgresqlStore, queries: Queries) -> None:
    """However often connections are cut: each message is there once, each event is told once, in its order."""
    told: list[bytes] = []
    sent: list[UUID] = []
    for _ in range(40):
        between.cut = CUTS.choice([None, *Cut])
        accepts = [an_accept() for _ in range(CUTS.randint(1, 20))]
        told += store.write(accepts).events
        sent += [accept.envelope.message for accept in accepts]
        between.release()
    assert identities(queries) == sorted(sent)
    assert hold_together(queries) == told


@every_cut
def test_claim_is_known(cut: Cut, between: Proxy, store: PostgresqlStore, queries: Queries) -> None:
    """A claim cut off at COMMIT, which leaves no event, is won all the same, as the first attempt."""
    (accept,) = accepted(store)
    between.cut = cut
    (claimed,) = write(store, a_claim(accept))
    assert isinstance(claimed, Claimed)
    assert claimed.attempt == 1
    assert write(store, a_settle(claimed)) == [Settled(applied=True)]
    hold_together(queries)


@every_cut
def test_settlement_is_known(cut: Cut, between: Proxy, store: PostgresqlStore, queries: Queries) -> None:
    """A settlement cut off at COMMIT counts, once, with its reply."""
    (accept,) = accepted(store)
    (claimed,) = write(store, a_claim(accept))
    reply = Reply("reply", Body(Format.JSON, b"[]"))
    between.cut = cut
    assert write(store, a_settle(claimed, reply=reply, reply_life=LIFE)) == [Settled(applied=True)]
    found = queries.reply(accept.envelope.message)
    assert found
    assert (found[0].state, found[1]) == (State.DELIVERED, reply)
    assert len(hold_together(queries)) == 2


@every_cut
def test_once_only_key_stays_with_its_message(cut: Cut, between: Proxy, store: PostgresqlStore) -> None:
    """A key whose first use was cut off at COMMIT does not count as used by another."""
    accept = replace(an_accept(), once=Once("sender", b"key", "digest", LIFE))
    between.cut = cut
    (answer,) = write(store, accept)
    assert (answer.message, answer.digest) == (accept.envelope.message, None)


@every_cut
def test_unringing_is_done(cut: Cut, between: Proxy, store: PostgresqlStore, queries: Queries) -> None:
    """What leaves no trace to be known by is done again: that does no harm."""
    (accept,) = accepted(store)
    between.cut = cut
    assert write(store, Unring(accept.deliveries[0].id, 1_000)) == [None]
    view = queries.delivery(accept.deliveries[0].id)
    assert view
    assert view.state is State.PENDING


def test_nobody_foresaw_it_at_commit(store: PostgresqlStore, queries: Queries, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever goes wrong in this process once the COMMIT is under way, the database says whether it was written."""

    def commit(transaction: Transaction) -> None:
        monkeypatch.undo()
        transaction.commit()
        raise RuntimeError

    monkeypatch.setattr(Transaction, "commit", commit)
    accepts = accepted(store) + accepted(store)
    assert identities(queries) == sorted(accept.envelope.message for accept in accepts)
    assert len(hold_together(queries)) == 2


@pytest.mark.parametrize(("cut", "there"), [(Cut.BEFORE, False), (Cut.LATE, False), (Cut.AFTER, True)])
def test_doubt_is_told_and_settled_later(
    cut: Cut, there: bool, between: Proxy, store: PostgresqlStore, queries: Queries
) -> None:
    """While the database cannot be asked, each caller is told which message is in doubt; the next write that reaches it
    finds out, keeps or forgets the events, and tells those that were kept."""
    first, doubtful, claimable, last = (an_accept() for _ in range(4))
    told = list(store.write([first, claimable]).events)
    between.cut, between.stay_closed = cut, True
    results = write(store, doubtful, a_claim(claimable))
    assert [type(result) for result in results] == [CommitInDoubt, CommitInDoubt]
    assert results[0].facts == {"message": str(doubtful.envelope.message)}
    with pytest.raises(JournalUnavailable):
        write(store, last)
    between.closed = False
    told += store.write([last]).events
    between.release()
    assert (queries.message(doubtful.envelope.message) is not None) is there
    assert hold_together(queries) == told
    assert len(told) == (4 if there else 3)


# --- a server that goes and comes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT, signal.SIGKILL])
def test_server_that_was_started_anew(own_server: postgresql.Server, how: signal.Signals) -> None:
    """A server that was stopped, or crashed, is unavailable; once it is back, writing goes on where it was."""
    writer = f"writer-{how.name}"
    store = PostgresqlStore(own_server.url, writer)
    assert write(store, Record(Event("test", "somebody"))) == [Reference(writer, 1)]
    own_server.stop(how)
    with pytest.raises(JournalUnavailable):
        write(store, Record(Event("test", "somebody")))
    own_server.start()
    assert write(store, Record(Event("test", "somebody"))) == [Reference(writer, 2)]
    own_server.stop(how)
    own_server.start()
    assert write(store, Record(Event("test", "somebody"))) == [Reference(writer, 3)]
    store.close()


def test_asking_survives_a_restart(own_server: postgresql.Server) -> None:
    """A server that was started anew between two questions is noticed by nobody who asks."""
    engine = open_engine(own_server.url)
    queries = Queries(engine)
    assert queries.revision() == 0
    own_server.stop()
    with pytest.raises(JournalUnavailable):
        queries.revision()
    own_server.start()
    assert queries.revision() == 0
    own_server.stop()
    own_server.start()
    assert queries.revision() == 0
    engine.dispose()


def test_server_that_may_forget_is_refused(own_server: postgresql.Server) -> None:
    """A server with fsync=off is not written to."""
    own_server.stop()
    own_server.start(fsync="off")
    with pytest.raises(SettingInvalid, match="fsync=off"):
        PostgresqlStore(own_server.url, WRITER)
    own_server.stop()
    own_server.start()


# --- a server that refuses -------------------------------------------------------------------------------------------


def fail_inserts(database: str, sqlstate: str, times: int) -> None:
    """Let the next so many transactions that accept a message fail with an error of PostgreSQL's."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE SEQUENCE failures")
        connection.execute(
            "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" IF nextval('failures') <= {times} THEN RAISE EXCEPTION USING ERRCODE = '{sqlstate}'; END IF;"
            " RETURN NULL; END $$"
        )
        connection.execute("CREATE TRIGGER fail AFTER INSERT ON messages EXECUTE FUNCTION fail()")


def test_deadlock_is_tried_again(database: str, store: PostgresqlStore, queries: Queries) -> None:
    """A transaction that the database has undone for another's sake is done again, unnoticed."""
    fail_inserts(database, "40P01", times=2)
    (accept,) = accepted(store)
    assert queries.message(accept.envelope.message)
    assert len(hold_together(queries)) == 1


@pytest.mark.parametrize("sqlstate", ["53100", "53200", "57014", "55P03", "58030"])
def test_database_that_cannot_is_unavailable(
    sqlstate: str, database: str, store: PostgresqlStore, queries: Queries
) -> None:
    """A full disk, or memory, or lock, loses nothing but the time: what was refused was not written."""
    write(store, Record(Event("test", "somebody")))
    fail_inserts(database, sqlstate, times=1)
    refused = an_accept()
    with pytest.raises(JournalUnavailable):
        write(store, refused)
    (accept,) = accepted(store)
    assert identities(queries) == [accept.envelope.message]
    assert len(hold_together(queries)) == 2


def test_backend_that_is_ended_is_replaced(database: str, store: PostgresqlStore, queries: Queries) -> None:
    """An administrator may end the connection at any moment between two writes."""
    accepted(store)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = %s", (WRITER,)
        )
    accepted(store)
    assert len(hold_together(queries)) == 2


# --- many processes --------------------------------------------------------------------------------------------------


def claim_all(database: str, worker: str, deliveries: list[UUID]) -> list[UUID]:
    """In another process: what this worker won."""
    store = PostgresqlStore(database, worker)
    won: list[UUID] = []
    for start in range(0, len(deliveries), 50):
        batch = [Claim(delivery, worker, 30_000) for delivery in deliveries[start : start + 50]]
        won += [claimed.delivery for claimed in store.write(batch).results if claimed]
    store.close()
    return won


def sweep_often(database: str, name: str) -> list[UUID]:
    """In another process: what this sweeper rang."""
    store = PostgresqlStore(database, name)
    rung: list[UUID] = []
    with psycopg.connect(database, autocommit=True) as asking:
        while asking.execute("SELECT 1 FROM deliveries WHERE state = 'pending' LIMIT 1").fetchone():
            (swept,) = write(store, Sweep(name, limit=50))
            rung += [each.delivery for each in swept.rung]
    store.close()
    return rung


def test_each_delivery_is_claimed_once(database: str) -> None:
    """Of two processes that claim the same thousand deliveries, in different orders, exactly one wins each."""
    store = PostgresqlStore(database, WRITER)
    deliveries = [accept.deliveries[0].id for accept in accepted(store, 1000)]
    store.close()
    orders = [CUTS.sample(deliveries, len(deliveries)) for _ in range(2)]
    with ProcessPoolExecutor(2, get_context("spawn")) as processes:
        won = list(processes.map(claim_all, [database] * 2, ["worker-1", "worker-2"], orders))
    assert sorted(won[0] + won[1]) == sorted(deliveries)


def test_each_due_delivery_is_rung_once(database: str) -> None:
    """Of two processes that sweep at the same time, one rings each delivery that is due."""
    store = PostgresqlStore(database, WRITER)
    accepts = [an_accept(State.PENDING) for _ in range(1000)]
    write(store, *accepts)
    store.close()
    with ProcessPoolExecutor(2, get_context("spawn")) as processes:
        rung = list(processes.map(sweep_often, [database] * 2, ["sweeper-1", "sweeper-2"]))
    assert sorted(rung[0] + rung[1]) == sorted(accept.deliveries[0].id for accept in accepts)


def test_sweepers_take_turns(database: str, store: PostgresqlStore) -> None:
    """While one sweeps, another does nothing, not even count."""
    write(store, an_accept(State.PENDING))
    other = PostgresqlStore(database, "writer-2")
    with psycopg.connect(database) as sweeping:
        sweeping.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        (swept,) = write(other, Sweep("second"))
        assert swept == Swept((), ())
    (swept,) = write(other, Sweep("second"))
    assert len(swept.rung) == 1
    other.close()


def test_claim_waits_for_nobody(database: str, store: PostgresqlStore) -> None:
    """A claim passes over what another transaction has locked, and comes too late for it."""
    (accept,) = accepted(store)
    with psycopg.connect(database) as holding:
        holding.execute("SELECT 1 FROM deliveries FOR UPDATE")
        assert write(store, a_claim(accept)) == [None]
    (claimed,) = write(store, a_claim(accept))
    assert isinstance(claimed, Claimed)


def test_same_key_at_the_same_time(database: str, store: PostgresqlStore, queries: Queries) -> None:
    """A once-only key that another process is using is waited for: the second finds the message of the first."""
    keyed = [replace(an_accept(), once=Once("sender", b"key", "digest", LIFE)) for _ in range(2)]
    with ProcessPoolExecutor(2, get_context("spawn")) as processes:
        answers = list(processes.map(accept_one, [database] * 2, ["writer-2", "writer-3"], keyed))
    assert len({answer.message for answer in answers}) == 1
    assert sorted(answer.digest or "" for answer in answers) == ["", "digest"]
    assert len(identities(queries)) == 1


def accept_one(database: str, writer: str, accept: Accept) -> Accepted:
    """In another process."""
    store = PostgresqlStore(database, writer)
    (answer,) = write(store, accept)
    store.close()
    assert isinstance(answer, Accepted)
    return answer


def test_data_that_no_column_holds_is_refused(store: PostgresqlStore, queries: Queries) -> None:
    """NUL in a text, or a text too long for its column, refuses the batch and nothing else; the chain goes on."""
    for wrong in ("a\0b", "x" * 201, "\udcff"):
        accept = an_accept()
        with pytest.raises(BatchRefused):
            write(store, replace(accept, subject=wrong))
    assert write(store, Record(Event("test", "somebody"))) == [Reference(WRITER, 1)]
    assert identities(queries) == []
