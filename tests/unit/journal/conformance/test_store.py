"""The conformance suite of `journal.store.Store`: what every database must do."""

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from sqlalchemy import select

from bus.clock import ManualClock
from bus.envelope import Body, Envelope, Exchange, Format
from bus.errors import IllegalTransition, RegistryChanged
from bus.states import Change, MessageState, State
from journal.chain import GENESIS, link_hash
from journal.commands import (
    Accept,
    Accepted,
    Claim,
    Claimed,
    Document,
    Event,
    Lost,
    NewDelivery,
    Once,
    PutDocuments,
    PutRow,
    Record,
    Replay,
    Reply,
    Settle,
    Settled,
    Sweep,
    Swept,
    TakeReply,
    Unring,
    Use,
)
from journal.conditions import OpenCircuit
from journal.counting import Count, KeepCounts
from journal.dead import DeadCount, DeadFilter
from journal.leases import PUBLISH_LEASE
from journal.queries import Queries
from journal.searching import MessageFilter
from journal.store import BatchRefused, Store
from journal.tables import conditions
from journal.waking import LOOK_AGAIN

LIFE = 60_000


def an_accept(clock: ManualClock, *, state: State = State.QUEUED, repeatable: bool = False, to: str = "his") -> Accept:
    message = clock.new_id()
    envelope = Envelope(
        message,
        "health.referral",
        "1.0.0",
        Exchange.DOCUMENT,
        "one-stop",
        clock.now(),
        clock.now() + LIFE,
        "00-1",
        Format.JSON,
    )
    delivery = NewDelivery(clock.new_id(), to, state, repeatable)
    event = Event("message.accepted", "one-stop", message, {"size": 2})
    return Accept(envelope, b"{}", b"salt", "digest", LIFE, 10 * LIFE, (delivery,), event)


def write(store: Store, command: object) -> object:
    (result,) = store.write([command]).results  # type: ignore[list-item]
    return result


def a_settle(claimed: Claimed, change: Change, **fields: object) -> Settle:
    settle = Settle(
        claimed.delivery,
        claimed.message,
        claimed.system,
        claimed.attempt,
        change,
        "answered",
        "http-200",
        "worker",
        claimed.now,
        12,
        7,
    )
    return replace(settle, **fields)  # type: ignore[arg-type]


def accepted_and_claimed(store: Store, clock: ManualClock, **how: object) -> Claimed:
    accept = an_accept(clock, **how)  # type: ignore[arg-type]
    write(store, accept)
    claimed = write(store, Claim(accept.deliveries[0].id, "worker", 30_000))
    assert isinstance(claimed, Claimed)
    return claimed


def state_of(queries: Queries, delivery: UUID) -> State:
    view = queries.delivery(delivery)
    assert view
    return view.state


def sweep(store: Store, **how: object) -> Swept:
    swept = write(store, Sweep("sweeper", **how))  # type: ignore[arg-type]
    assert isinstance(swept, Swept)
    return swept


def test_accepted_message_can_be_read_back(store: Store, clock: ManualClock, queries: Queries) -> None:
    """What was accepted is there with its body, its delivery and its state."""
    accept = an_accept(clock)
    assert write(store, accept) == Accepted(accept.envelope.message, clock.now(), clock.now() + LIFE)
    view = queries.message(accept.envelope.message)
    assert view
    assert view.envelope == accept.envelope
    assert view.state is MessageState.ACCEPTED
    assert queries.body(accept.envelope.message) == Body(Format.JSON, b"{}")


def test_claim_is_won_once(store: Store, clock: ManualClock) -> None:
    """Of two claims to one delivery, also in one transaction, one wins."""
    accept = an_accept(clock)
    write(store, accept)
    claim = Claim(accept.deliveries[0].id, "worker", 30_000)
    results = store.write([claim, claim]).results
    assert [result is None for result in results] == [False, True]


def test_expired_delivery_cannot_be_claimed(store: Store, clock: ManualClock) -> None:
    """A delivery whose life has ended calls nobody, even before the sweeper has seen it."""
    accept = an_accept(clock)
    write(store, accept)
    clock.advance(LIFE / 1000)
    assert write(store, Claim(accept.deliveries[0].id, "worker", 30_000)) is None


def test_settle_ends_the_attempt(store: Store, clock: ManualClock, queries: Queries) -> None:
    """A success ends the delivery and keeps the attempt and the reply."""
    claimed = accepted_and_claimed(store, clock)
    reply = Reply("reply", Body(Format.JSON, b'{"ok":true}'))
    assert write(store, a_settle(claimed, Change.SUCCEED, reply=reply, reply_life=LIFE)) == Settled(applied=True)
    assert state_of(queries, claimed.delivery) is State.DELIVERED
    found = queries.reply(claimed.message)
    assert found
    assert found[1] == reply


def test_late_outcome_changes_nothing(store: Store, clock: ManualClock, queries: Queries) -> None:
    """An outcome that comes after its lease was taken back is recorded as late and changes no state."""
    claimed = accepted_and_claimed(store, clock)
    clock.advance(31)
    sweep(store)
    assert state_of(queries, claimed.delivery) is State.DEAD
    assert write(store, a_settle(claimed, Change.SUCCEED)) == Settled(applied=False)
    assert state_of(queries, claimed.delivery) is State.DEAD
    late = orjson.loads(queries.timeline(claimed.message)[-1].content)
    assert (late["event"], late["state"]) == ("attempt.ended", "late")


def test_retry_waits_for_its_time(store: Store, clock: ManualClock, queries: Queries) -> None:
    """A retry is due after its delay, not before, and is then handed out for publishing with its envelope."""
    claimed = accepted_and_claimed(store, clock)
    write(store, a_settle(claimed, Change.RETRY, delay=5_000, reason="http-503"))
    assert sweep(store).rung == ()
    clock.advance(5)
    (rung,) = sweep(store).rung
    assert rung.delivery == claimed.delivery
    assert rung.envelope.contract == "health.referral"
    assert state_of(queries, claimed.delivery) is State.QUEUED


def test_unclaimed_delivery_is_rung_again(store: Store, clock: ManualClock) -> None:
    """What nobody claimed within the publish lease is rung again, and each time after twice as long."""
    accept = an_accept(clock)
    write(store, accept)
    rings = []
    for second in range(60):
        clock.advance(1)
        rings += [second + 1 for _ in sweep(store).rung]
    assert rings == [PUBLISH_LEASE // 1000, 3 * PUBLISH_LEASE // 1000]


def test_unring_gives_back(store: Store, clock: ManualClock, queries: Queries) -> None:
    """What the broker would not take is pending again, due after the delay."""
    accept = an_accept(clock)
    write(store, accept)
    write(store, Unring(accept.deliveries[0].id, 1_000))
    assert state_of(queries, accept.deliveries[0].id) is State.PENDING
    clock.advance(1)
    assert len(sweep(store).rung) == 1


def seconds_until_rung(store: Store, clock: ManualClock) -> int:
    """How long it takes until the sweep rings something."""
    for second in range(1, 60):
        clock.advance(1)
        if sweep(store).rung:
            return second
    raise AssertionError


def test_broker_that_was_away_is_not_held_against_a_delivery(store: Store, clock: ManualClock) -> None:
    """Rings that the broker would not take do not lengthen the publish lease of the one that it takes."""
    accept = an_accept(clock)
    write(store, accept)
    for _ in range(5):
        write(store, Unring(accept.deliveries[0].id, 1_000))
        clock.advance(1)
        assert len(sweep(store).rung) == 1
    assert seconds_until_rung(store, clock) == PUBLISH_LEASE // 1000


def test_broker_without_room_is_not_held_against_a_delivery(store: Store, clock: ManualClock) -> None:
    """However long a broker had no room: what was lost on the way to it is rung soon after there is room again."""
    write(store, replace(an_accept(clock), life=100 * LIFE))
    for _ in range(70):
        clock.advance(10)
        assert sweep(store, closed=frozenset({"his"})).rung == ()
    clock.advance(LOOK_AGAIN / 1000)
    assert len(sweep(store).rung) == 1


def test_earlier_attempts_do_not_lengthen_the_publish_lease(store: Store, clock: ManualClock) -> None:
    """What was claimed has come through the broker: after each attempt the publish lease is the first one again."""
    accept = an_accept(clock)
    write(store, accept)
    for _ in range(4):
        claimed = write(store, Claim(accept.deliveries[0].id, "worker", 30_000))
        assert isinstance(claimed, Claimed)
        write(store, a_settle(claimed, Change.RETRY, delay=1_000))
        clock.advance(1)
        assert len(sweep(store).rung) == 1
    assert seconds_until_rung(store, clock) == PUBLISH_LEASE // 1000


def test_ended_lease_of_unrepeatable_call_is_dead(store: Store, clock: ManualClock, queries: Queries) -> None:
    """An unrepeatable call that was cut off is dead with outcome-unknown, and its waiter is named."""
    claimed = accepted_and_claimed(store, clock)
    clock.advance(30)
    (ended,) = sweep(store).ended
    assert ended.delivery == claimed.delivery
    view = queries.delivery(claimed.delivery)
    assert view
    assert (view.state, view.reason) == (State.DEAD, "outcome-unknown")


def test_ended_lease_of_repeatable_call_is_tried_again(store: Store, clock: ManualClock, queries: Queries) -> None:
    """A repeatable call that was cut off becomes due at once."""
    claimed = accepted_and_claimed(store, clock, repeatable=True)
    clock.advance(30)
    sweep(store)
    assert [rung.delivery for rung in sweep(store).rung] == [claimed.delivery]


def test_clock_that_jumped_ends_no_call(store: Store, clock: ManualClock, queries: Queries) -> None:
    """While the store's clock runs ahead of what the sweeper knows of it, no call's lease is taken back, and all else
    goes on by the store's clock."""
    claimed = accepted_and_claimed(store, clock, repeatable=True)
    waiting = an_accept(clock)
    write(store, waiting)
    before = clock.now()
    clock.advance(31)
    swept = sweep(store, latest=before + 29_999)
    assert swept.now == clock.now()
    assert [rung.delivery for rung in swept.rung] == [waiting.deliveries[0].id]
    assert state_of(queries, claimed.delivery) is State.DELIVERING
    sweep(store, latest=before + 30_000)
    assert state_of(queries, claimed.delivery) is State.PENDING


def test_lease_that_was_not_watched_is_kept(store: Store, clock: ManualClock, queries: Queries) -> None:
    """A sweeper that has watched the clock for less than a call's whole lease does not take it back."""
    claimed = accepted_and_claimed(store, clock, repeatable=True)
    clock.advance(3_600)
    sweep(store, watched=29_999)
    assert state_of(queries, claimed.delivery) is State.DELIVERING
    sweep(store, watched=30_000)
    assert state_of(queries, claimed.delivery) is State.PENDING


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_restart_ends_every_lease(store: Store, clock: ManualClock, queries: Queries) -> None:
    """Where one process has the journal alone, its restart takes back what earlier ones held and rings again what they
    had rung, at once."""
    claimed = accepted_and_claimed(store, clock)
    waiting = an_accept(clock)
    write(store, waiting)
    swept = sweep(store, restart=True)
    assert [rung.delivery for rung in swept.rung] == [waiting.deliveries[0].id]
    assert state_of(queries, claimed.delivery) is State.DEAD


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_restart_takes_nothing_from_others(store: Store, clock: ManualClock, queries: Queries) -> None:
    """Where many processes share the journal, the restart of one ends no lease of another."""
    claimed = accepted_and_claimed(store, clock)
    assert sweep(store, restart=True).ended == ()
    assert state_of(queries, claimed.delivery) is State.DELIVERING


def test_open_delivery_expires(store: Store, clock: ManualClock, queries: Queries) -> None:
    """A delivery whose life ends while it waits is expired, and that is told."""
    accept = an_accept(clock)
    write(store, accept)
    clock.advance(LIFE / 1000)
    sweep(store)
    assert state_of(queries, accept.deliveries[0].id) is State.EXPIRED
    assert orjson.loads(queries.timeline(accept.envelope.message)[-1].content)["event"] == "delivery.expired"


def test_room_in_the_broker_is_kept(store: Store, clock: ManualClock) -> None:
    """No more of one system's deliveries are rung than there is room for; another system is not held back."""
    for _ in range(3):
        write(store, an_accept(clock, state=State.PENDING, to="slow"))
    write(store, an_accept(clock, state=State.PENDING, to="fast"))
    assert sorted(rung.system for rung in sweep(store, room=2).rung) == ["fast", "slow", "slow"]
    assert sweep(store, room=2).rung == ()


def test_what_waits_is_left_alone_while_the_broker_is_away(store: Store, clock: ManualClock, queries: Queries) -> None:
    """Without room nothing is rung: not what waits, nor what is in the broker, which costs a write a lease; a system
    that is closed holds no other back; and when there is room, everything is rung."""
    waiting, ringing = (an_accept(clock, state=state) for state in (State.PENDING, State.QUEUED))
    other = an_accept(clock, state=State.PENDING, to="other")
    for accept in (waiting, ringing, other):
        write(store, accept)
    clock.advance(PUBLISH_LEASE / 1000)
    assert sweep(store, room=0).rung == ()
    assert state_of(queries, waiting.deliveries[0].id) is State.PENDING
    assert state_of(queries, ringing.deliveries[0].id) is State.QUEUED
    (system,) = {delivery.system for delivery in waiting.deliveries}
    (rung,) = sweep(store, closed=frozenset({system})).rung
    assert rung.system == "other"
    assert [rung.delivery for rung in sweep(store).rung] == [waiting.deliveries[0].id]
    clock.advance(2 * PUBLISH_LEASE / 1000)
    assert ringing.deliveries[0].id in {rung.delivery for rung in sweep(store).rung}


def test_every_pair_of_system_and_state_is_swept(store: Store, clock: ManualClock) -> None:
    """Whatever is due is found, in each state of each system, also where much of the same is not yet due."""
    for system in ("civil", "his", "mirror"):
        accepted_and_claimed(store, clock, to=system)
        write(store, an_accept(clock, to=system))
        write(store, an_accept(clock, state=State.PENDING, to=system))
    assert sorted(rung.system for rung in sweep(store).rung) == ["civil", "his", "mirror"]
    for _ in range(3):
        write(store, an_accept(clock, to="his"))
    clock.advance(PUBLISH_LEASE / 1000)
    assert len(sweep(store, limit=3).rung) == 2 + 3 + 2
    clock.advance(LIFE / 1000)
    assert len(sweep(store).ended) == 12


def test_what_waits_is_counted_for_all(store: Store, clock: ManualClock, queries: Queries) -> None:
    """What is open is counted by system and kept; a system for which nothing waits any more is kept as idle."""
    claimed = accepted_and_claimed(store, clock)
    accepted_at = clock.now()
    clock.advance(1)
    write(store, an_accept(clock))
    write(store, an_accept(clock, state=State.PENDING, to="mirror"))
    counts = queries.waiting()
    assert set(counts) == {Count("his", 2, 1, accepted_at), Count("mirror", 1, 0, clock.now())}
    write(store, KeepCounts(counts))
    assert kept_counts(queries) == {"his": (2, 1, accepted_at), "mirror": (1, 0, clock.now())}
    write(store, a_settle(claimed, Change.SUCCEED))
    clock.advance(LIFE / 1000)
    sweep(store)
    write(store, KeepCounts(queries.waiting()))
    assert kept_counts(queries) == {"his": (0, 0, None), "mirror": (0, 0, None)}


def kept_counts(queries: Queries) -> dict[str, tuple[int, int, int | None]]:
    question = select(conditions.c.system, conditions.c.waiting, conditions.c.queued, conditions.c.oldest)
    with queries._engine.connect() as connection:
        return {system: (waiting, queued, oldest) for system, waiting, queued, oldest in connection.execute(question)}


def test_counting_falls_to_one_at_a_time(store: Store, clock: ManualClock) -> None:
    """Whoever sweeps first after the counts have grown old is to count, others meanwhile are not; a clock that was put
    back stops no counting."""
    write(store, KeepCounts((Count("his", 1, 1, clock.now()),)))
    assert not sweep(store, count_every=2_000).count
    clock.advance(2)
    assert [sweep(store, count_every=2_000).count for _ in range(2)] == [True, False]
    clock.advance(-3600)
    assert sweep(store, count_every=2_000).count


def test_replay_begins_a_new_life(store: Store, clock: ManualClock, queries: Queries) -> None:
    """A dead delivery can be replayed long after its life ended; an open one cannot."""
    claimed = accepted_and_claimed(store, clock)
    assert isinstance(write(store, Replay(claimed.delivery, "operator")), IllegalTransition)
    write(store, a_settle(claimed, Change.KILL, reason="refused"))
    clock.advance(10 * LIFE / 1000)
    assert write(store, Replay(claimed.delivery, "operator")) is State.DEAD
    assert len(sweep(store).rung) == 1
    again = write(store, Claim(claimed.delivery, "worker", 30_000))
    assert isinstance(again, Claimed)
    assert again.attempt == 2


def test_replay_of_the_unknown_is_none(store: Store, clock: ManualClock) -> None:
    """Replaying a delivery that does not exist says so."""
    assert write(store, Replay(clock.new_id(), "operator")) is None


def test_once_only_key_names_its_first_message(store: Store, clock: ManualClock, queries: Queries) -> None:
    """A key used again, also in the same transaction, yields the first message and what it was used for."""
    first, second, third = (
        replace(an_accept(clock), once=Once("one-stop", b"key", digest, LIFE)) for digest in ("a", "b", "c")
    )
    _, twin = store.write([first, second]).results
    assert (twin.message, twin.digest) == (first.envelope.message, "a")
    assert write(store, third) == replace(twin, expires_at=clock.now() + LIFE)
    assert queries.message(second.envelope.message) is None


def test_nonce_is_used_once(store: Store, clock: ManualClock, queries: Queries) -> None:
    """A second message with a nonce is not written, also in the same transaction, and takes no key of its own: whoever
    uses that key next is the first."""
    nonce = Once("nonce:one-stop", b"nonce", "", LIFE)
    keys = [Once("idempotency:one-stop", name, "a", LIFE) for name in (b"one", b"two", b"three")]
    first, twin, later = (replace(an_accept(clock), once=key, nonce=nonce) for key in keys)
    other = replace(an_accept(clock), once=keys[1])
    results = store.write([first, twin, other]).results
    replayed = Accepted(first.envelope.message, 0, 0, replayed=True)
    assert [each == replayed for each in results] == [False, True, False]
    assert write(store, later) == replayed
    assert write(store, replace(later, once=None)) == replayed
    again = write(store, replace(an_accept(clock), once=keys[0], nonce=replace(nonce, key=b"another")))
    assert again == Accepted(first.envelope.message, clock.now(), clock.now() + LIFE, "a")
    written = [queries.message(each.envelope.message) is not None for each in (first, twin, other, later)]
    assert written == [True, False, True, False]


def test_key_is_used_up_without_a_message(store: Store, clock: ManualClock) -> None:
    """Of several who use one key, of one transaction or of several, the first is told that it was new, also where one
    of them is a message; the first may say so again, after an answer that was lost. Once its time is over it is new."""
    once = Once("nonce:his", b"nonce", "", LIFE)
    first, twin, another = Use(once, uuid4()), Use(once, uuid4()), Use(replace(once, key=b"another"), uuid4())
    assert store.write([first, twin, another]).results == [True, False, True]
    assert write(store, first) is True
    assert write(store, Use(once, uuid4())) is False
    message = replace(an_accept(clock), nonce=once)
    assert write(store, message) == Accepted(first.by, 0, 0, replayed=True)
    write(store, replace(message, nonce=replace(once, key=b"of a message")))
    assert write(store, Use(replace(once, key=b"of a message"), uuid4())) is False
    clock.advance(LIFE / 1000)
    assert write(store, Use(once, uuid4())) is True


def test_once_only_key_is_forgotten(store: Store, clock: ManualClock) -> None:
    """A key whose time is over may be used again."""
    first, second = (replace(an_accept(clock), once=Once("one-stop", b"key", "a", 1_000)) for _ in range(2))
    write(store, first)
    clock.advance(1)
    result = write(store, second)
    assert isinstance(result, Accepted)
    assert result.message == second.envelope.message


def test_body_goes_when_its_time_is_over(store: Store, clock: ManualClock, queries: Queries) -> None:
    """A body is there for nobody when its retention has ended; its message stays."""
    accept = an_accept(clock)
    write(store, accept)
    assert queries.body(accept.envelope.message)
    clock.advance(10 * LIFE / 1000)
    assert queries.body(accept.envelope.message) is None
    assert queries.message(accept.envelope.message)


def test_batch_is_whole_or_not_at_all(store: Store, clock: ManualClock, queries: Queries) -> None:
    """A batch with a command that cannot be written writes nothing, and the chain has no gap."""
    good, twice = an_accept(clock), an_accept(clock)
    write(store, twice)
    with pytest.raises(BatchRefused):
        store.write([good, twice])
    assert queries.message(good.envelope.message) is None
    write(store, Record(Event("test", "somebody")))
    assert [row.number for row in queries.chain("writer-1")] == [1, 2]


def test_chain_can_be_recomputed(store: Store, clock: ManualClock, queries: Queries) -> None:
    """Each event's hash covers the one before and the exact bytes that are stored."""
    for _ in range(3):
        write(store, an_accept(clock))
    head = GENESIS
    for row in queries.chain("writer-1"):
        head = link_hash(head, row.content)
        assert row.hash == head


def test_committed_events_are_handed_back(store: Store, clock: ManualClock, queries: Queries) -> None:
    """A transaction hands back the very events that it stored, for the log."""
    accept = an_accept(clock)
    written = store.write([accept])
    assert list(written.events) == [row.content for row in queries.timeline(accept.envelope.message)]


def test_documents_are_revisions(store: Store, queries: Queries) -> None:
    """The newest revision of each document counts; a removed one is gone from the current set."""
    event = Event("documents.applied", "registrar")
    put = PutDocuments((Document("System", "a", "", b"1"), Document("System", "b", "", b"1")), event)
    assert write(store, put) == queries.revision() == 1
    write(store, PutDocuments((Document("System", "a", "", b"2"), Document("System", "b", "", None)), event))
    assert queries.documents() == [Document("System", "a", "", b"2")]
    assert queries.revision() == 2


def test_documents_tell_of_all_that_they_change(store: Store, queries: Queries) -> None:
    """Every event that goes with documents is chained in the transaction that writes them; of refused ones, none."""
    events = tuple(Event(name, "registrar") for name in ("contract.proposed", "grant.requested"))
    put = PutDocuments((Document("System", "a", "", b"1"),), Event("documents.applied", "registrar"), 0, events)
    write(store, put)
    assert isinstance(store.write([put]).results[0], RegistryChanged)
    told = [orjson.loads(row.content)["event"] for row in queries.chain("writer-1")]
    assert told == ["documents.applied", "contract.proposed", "grant.requested"]


def test_documents_rest_on_what_was_seen(store: Store, queries: Queries) -> None:
    """Documents made without having seen the newest ones are refused, and nothing is written; what else has a revision,
    as a credential, is no reason."""
    event = Event("documents.applied", "registrar")

    def put(content: bytes, expected: int) -> PutDocuments:
        return PutDocuments((Document("System", "a", "", content),), event, expected)

    assert write(store, put(b"1", queries.documents_at())) == 1
    write(store, PutDocuments((), event))
    first, second = store.write([put(b"2", 1), put(b"3", 1)]).results
    assert first == queries.documents_at() == 3
    assert isinstance(second, RegistryChanged)
    assert queries.documents() == [Document("System", "a", "", b"2")]
    assert queries.revision() == 3


def test_rows_are_replaced_by_their_id(store: Store, queries: Queries) -> None:
    """A credential written again under its id replaces the earlier one and raises the revision."""
    row: dict[str, str | int | bytes | None] = {
        "id": "c1",
        "system": "a",
        "digest": b"1",
        "created_at": 1,
        "expires_at": None,
        "revoked_at": None,
        "sealed": None,
    }
    write(store, PutRow("credentials", row, Event("credential.issued", "registrar")))
    write(store, PutRow("credentials", {**row, "revoked_at": 2}, Event("credential.revoked", "registrar")))
    (credential,) = queries.credential_rows()
    assert dict(credential._mapping) == {**row, "revoked_at": 2}
    assert queries.revision() == 2


def test_row_decided_by_an_older_revision_is_not_written(store: Store, queries: Queries) -> None:
    """A person's row that was decided by what has changed since is refused, with its event; by the newest it is
    written."""
    row: dict[str, str | int | bytes | None] = {
        "name": "an",
        "title": "Nguyễn Văn An",
        "roles": "administrator",
        "agency": None,
        "password_hash": "$argon2id$",
        "created_at": 1,
        "changed_at": 1,
        "disabled_at": None,
    }
    assert write(store, PutRow("people", row, Event("person.added", "user:root"), expected=0)) == 1
    late = PutRow("people", {**row, "roles": "auditor"}, Event("person.changed", "user:root"), expected=0)
    (refused,) = store.write([late]).results
    assert isinstance(refused, RegistryChanged)
    assert [dict(each._mapping) for each in queries.people_rows()] == [row]
    assert [row.number for row in queries.chain("writer-1")] == [1]
    write(store, replace(late, expected=1))
    assert [each.roles for each in queries.people_rows()] == ["auditor"]


def test_listing_filters_by_derived_state(store: Store, clock: ManualClock, queries: Queries) -> None:
    """A sender's list holds only its own messages, of the state that was asked for, the newest first."""
    done = accepted_and_claimed(store, clock)
    write(store, a_settle(done, Change.SUCCEED))
    open_ones = []
    for _ in range(2):
        clock.advance(1)
        open_ones.append(an_accept(clock))
        write(store, open_ones[-1])
    ids = [
        view.envelope.message
        for view in queries.messages(MessageFilter(sender="one-stop", state=MessageState.ACCEPTED)).items
    ]
    assert ids == [accept.envelope.message for accept in reversed(open_ones)]
    assert len(queries.messages(MessageFilter(sender="one-stop")).items) == 3
    assert queries.messages(MessageFilter(sender="other")).items == ()


def test_dead_letters_say_why(store: Store, clock: ManualClock, queries: Queries) -> None:
    """A dead letter is listed with its reason and the code of its last attempt."""
    claimed = accepted_and_claimed(store, clock)
    write(store, a_settle(claimed, Change.KILL, reason="refused", result="refused", code="http-422"))
    (letter,) = queries.dead_letters(DeadFilter(system="his"))
    assert (letter.delivery.reason, letter.code) == ("refused", "http-422")
    assert queries.dead_letters(DeadFilter(system="other")) == []


def a_dead_reply(store: Store, clock: ManualClock, fault: str = "") -> Claimed:
    """A delivery whose raw answer broke the contract."""
    claimed = accepted_and_claimed(store, clock)
    raw = Reply("raw", Body(Format.JSON, b"raw"), fault)
    kill = a_settle(claimed, Change.KILL, reason="reply-invalid", code="reply-invalid", reply=raw, reply_life=LIFE)
    assert write(store, kill)
    return claimed


def test_kept_answer_becomes_the_reply(store: Store, clock: ManualClock, queries: Queries) -> None:
    """A raw answer that is right by now comes in the place of the raw one, its delivery is delivered and told of, and
    nobody is called; a second time there is nothing to take."""
    claimed = a_dead_reply(store, clock)
    take = TakeReply(claimed.delivery, claimed.message, "user:an", 9, Reply("reply", Body(Format.JSON, b"{}")), LIFE)
    assert write(store, take) is True
    assert write(store, take) is False
    found = queries.reply(claimed.message, claimed.delivery)
    assert found
    view, reply = found
    assert (view.state, view.reason, view.attempt) == (State.DELIVERED, "", 1)
    assert reply == Reply("reply", Body(Format.JSON, b"{}"))
    told = [orjson.loads(row.content) for row in queries.timeline(claimed.message)]
    assert [each["event"] for each in told] == ["message.accepted", "attempt.ended", "reply.taken"]
    assert {name: told[-1][name] for name in ("actor", "delivery", "revision", "system")} == {
        "actor": "user:an",
        "delivery": str(claimed.delivery),
        "revision": 9,
        "system": "his",
    }
    assert sweep(store).rung == ()


@pytest.mark.parametrize("reason", ["refused", "outcome-unknown"])
def test_only_a_kept_answer_is_taken(store: Store, clock: ManualClock, queries: Queries, reason: str) -> None:
    """What is dead for another reason, or being tried again, is not delivered by an answer."""
    claimed = accepted_and_claimed(store, clock)
    write(store, a_settle(claimed, Change.KILL, reason=reason))
    take = TakeReply(claimed.delivery, claimed.message, "user:an", 9, Reply("reply", Body(Format.JSON, b"{}")), LIFE)
    assert write(store, take) is False
    write(store, Replay(claimed.delivery, "user:an"))
    assert write(store, take) is False
    assert state_of(queries, claimed.delivery) is State.PENDING
    assert queries.reply(claimed.message) is None


def test_dead_letters_by_filter(store: Store, clock: ManualClock, queries: Queries) -> None:
    """Dead letters are found, counted and paged by system, contract, reason, code and time of death."""
    ids = []
    for number, (system, reason, code) in enumerate(
        [("his", "refused", "http-422"), ("his", "reply-invalid", "json-malformed"), ("lab", "refused", "http-404")] * 2
    ):
        clock.advance(1)
        claimed = accepted_and_claimed(store, clock, to=system)
        write(store, a_settle(claimed, Change.KILL, reason=reason, code=code))
        ids.append((number, claimed.delivery))
    died = {number: clock.now() - (5 - number) * 1000 for number, _ in ids}

    def found(**fields: Any) -> list[int]:
        letters = queries.dead_letters(DeadFilter(**fields), newest_first=False)
        numbers = [number for letter in letters for number, delivery in ids if delivery == letter.delivery.id]
        assert sum(each.count for each in queries.dead_counts(DeadFilter(**fields))) == len(numbers)
        return numbers

    assert found() == [0, 1, 2, 3, 4, 5]
    assert found(system="his") == [0, 1, 3, 4]
    assert found(system="his", reason="refused") == [0, 3]
    assert found(code="http-404") == [2, 5]
    assert found(without=("refused",)) == [1, 4]
    assert found(since=died[2], until=died[4]) == [2, 3, 4]
    assert found(contract="health.referral") == found(contract="health.referral@1") == [0, 1, 2, 3, 4, 5]
    assert found(contract="health.referral@1.0.0", system="lab") == [2, 5]
    assert found(contract="health.referral@2") == found(contract="health.refer") == found(contract="health@1") == []
    assert queries.dead_counts(DeadFilter(reason="refused")) == [
        DeadCount("his", "health.referral", "refused", 2),
        DeadCount("lab", "health.referral", "refused", 2),
    ]
    first = queries.dead_letters(limit=4, newest_first=False)
    rest = queries.dead_letters(limit=4, newest_first=False, after=first[-1].delivery.id)
    assert [each.delivery.id for each in first + rest] == [delivery for _, delivery in ids]
    newest = queries.dead_letters(limit=2)
    assert [each.delivery.id for each in newest] == [ids[5][1], ids[4][1]]
    assert queries.dead_letters(limit=1, after=ids[4][1])[0].delivery.id == ids[3][1]


def a_notice(clock: ManualClock) -> Accept:
    return replace(an_accept(clock, state=State.PENDING, to="centre"), life=LIFE)


def test_notice_is_accepted_with_the_loss(store: Store, clock: ManualClock, queries: Queries) -> None:
    """What tells of a loss is a message of its own, written with the settlement, and rung by the next sweep."""
    claimed, notice = accepted_and_claimed(store, clock), a_notice(clock)
    assert write(store, a_settle(claimed, Change.KILL, reason="refused", notice=notice))
    assert queries.message(notice.envelope.message)
    assert [each.delivery for each in sweep(store).rung] == [notice.deliveries[0].id]
    events = [orjson.loads(row.content)["event"] for row in queries.timeline(notice.envelope.message)]
    assert events == ["message.accepted"]


def test_late_settlement_tells_nothing(store: Store, clock: ManualClock, queries: Queries) -> None:
    """A settlement that came too late ends nothing, and so no notice of it is accepted."""
    claimed, notice = accepted_and_claimed(store, clock), a_notice(clock)
    assert write(store, a_settle(claimed, Change.RETRY))
    assert write(store, a_settle(claimed, Change.KILL, reason="refused", notice=notice)) == Settled(applied=False)
    assert queries.message(notice.envelope.message) is None


def test_sweep_tells_of_what_it_ends(store: Store, clock: ManualClock, queries: Queries) -> None:
    """What the sweep kills or lets expire is told as well, once and in the same transaction, by whatever makes the
    notice."""
    claimed, unclaimed, notice = accepted_and_claimed(store, clock), an_accept(clock), a_notice(clock)
    write(store, unclaimed)
    losses: list[Lost] = []

    def telling(lost: Lost) -> Accept | None:
        losses.append(lost)
        return None if lost.state is State.EXPIRED else notice

    clock.advance(LIFE / 1000 + 1)
    sweep(store, telling=telling)
    assert {(lost.delivery, lost.system, lost.state, lost.reason, lost.code) for lost in losses} == {
        (claimed.delivery, "his", State.DEAD, "outcome-unknown", "lease-ended"),
        (unclaimed.deliveries[0].id, "his", State.EXPIRED, "", ""),
    }
    assert {lost.envelope.message for lost in losses} == {claimed.message, unclaimed.envelope.message}
    assert queries.message(notice.envelope.message)
    assert [each.delivery for each in sweep(store, telling=telling).rung] == [notice.deliveries[0].id]
    assert len(losses) == 2


def test_circuit_tells_once(store: Store, clock: ManualClock, queries: Queries) -> None:
    """The notice of a circuit is accepted with the one opening that counts."""
    first, second = a_notice(clock), a_notice(clock)
    assert write(store, OpenCircuit("his", "worker", "dns", notice=first)) is True
    assert write(store, OpenCircuit("his", "other", "dns", notice=second)) is False
    assert queries.message(first.envelope.message)
    assert queries.message(second.envelope.message) is None
