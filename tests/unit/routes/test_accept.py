"""The steps of accepting, each alone: which contract is meant, who may send it, what is kept of it."""

import re
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.envelope import Body, Exchange, Format
from bus.errors import (
    BodyInvalid,
    ContractUnknown,
    GrantMissing,
    IdempotencyKeyReused,
    JournalUnavailable,
    MediaTypeUnsupported,
    QuotaExceeded,
    VersionUnknown,
)
from contracts.model import Limits
from identity.grants import May
from journal.commands import Accept, Accepted
from journal.committer import Committer
from routes.accept import (
    IDEMPOTENCY_LIFE,
    TRACEPARENT,
    Acceptor,
    Arrival,
    body_format,
    check,
    means,
    once,
    permitted,
    safe_version,
    subject,
    trace,
)
from routes.backlog import Backlog
from routes.conditions import Conditions
from routes.model import Quota, Route, Snapshot, System
from routes.quotas import Quotas
from routes.refusals import Refusals
from routes.ringer import Ringer
from tests.unit.routes.conftest import PART, Memory, Silent, a_contract, a_snapshot, may

TODAY = date(2026, 11, 22)
VERSIONS = ("2.1.0", "2.0.5", "1.10.0", "1.9.2", "1.9.1")
CONTRACTS = [a_contract(version=version) for version in VERSIONS]


async def nothing(limit: int) -> bytes:
    return b"{}"


def arrival(version: str | None = None, **fields: Any) -> Arrival:
    given: dict[str, Any] = {"sender": "sender", "contract": "a.b", "format": Format.JSON, "read": nothing}
    return Arrival(version=version, **(given | fields))


@pytest.mark.parametrize(
    ("asked", "version", "meant"),
    [
        (None, "1.2.3", True),
        ("1", "1.2.3", True),
        ("1.2", "1.2.3", True),
        ("1.2.3", "1.2.3", True),
        ("1", "10.0.0", False),
        ("1.2", "1.20.0", False),
        ("1.2.3", "1.2.30", False),
        ("1.", "1.2.3", False),
        ("", "1.2.3", False),
        ("1.2.3.4", "1.2.3", False),
    ],
)
def test_version_is_named_whole_or_by_its_beginning(asked: str | None, version: str, meant: bool) -> None:
    """``1`` means 1.2.3 and not 10.0.0; none means any."""
    assert means(asked, version) is meant


@pytest.mark.parametrize(
    ("asked", "chosen"),
    [(None, "2.1.0"), ("2", "2.1.0"), ("2.0", "2.0.5"), ("1", "1.10.0"), ("1.9", "1.9.2"), ("1.9.1", "1.9.1")],
)
def test_newest_of_what_was_asked_for(asked: str | None, chosen: str) -> None:
    """Of the versions that are meant the newest is taken, by numbers and not by letters."""
    snapshot = a_snapshot(CONTRACTS, grants=[may("sender", May.SEND, major=major) for major in (1, 2)])
    assert permitted(snapshot, arrival(asked), TODAY).version == chosen


def test_grant_chooses_the_major() -> None:
    """Who names no version and may send the old major only, sends the newest of the old major."""
    snapshot = a_snapshot(CONTRACTS, grants=[may("sender", May.SEND, major=1)])
    assert permitted(snapshot, arrival(), TODAY).version == "1.10.0"
    with pytest.raises(GrantMissing) as refused:
        permitted(snapshot, arrival("2"), TODAY)
    assert refused.value.facts == {"system": "sender", "contract": "a.b@2", "owner": "H99"}


@pytest.mark.parametrize("grant", [may("other", May.SEND), may("sender", May.RECEIVE), may("sender", May.SEND, "a.c")])
def test_only_its_own_grant_permits(grant: Any) -> None:
    """Another system's grant, one to receive, and one for another contract permit nothing."""
    with pytest.raises(GrantMissing):
        permitted(a_snapshot(CONTRACTS, grants=[grant]), arrival("1"), TODAY)


def test_grant_holds_on_its_days() -> None:
    """A grant permits from its first day to its last, both included."""
    grant = replace(may("sender", May.SEND), valid_from=TODAY, valid_until=TODAY)
    snapshot = a_snapshot(CONTRACTS, grants=[grant])
    assert permitted(snapshot, arrival("1"), TODAY)
    for day in (date(2026, 11, 21), date(2026, 11, 23)):
        with pytest.raises(GrantMissing):
            permitted(snapshot, arrival("1"), day)


def test_what_is_unknown_is_not_repeated() -> None:
    """A refusal repeats no name or version from outside that is not one of ours or plainly a number."""
    with pytest.raises(ContractUnknown) as unknown:
        permitted(a_snapshot(CONTRACTS), arrival(contract="<script>"), TODAY)
    assert "script" not in f"{unknown.value.facts} {unknown.value.text}"
    for asked, shown in (("3", "3"), ("9.9.9", "9.9.9"), ("1.2.3.4", "-"), ("٣", "-"), ("1" * 7, "-"), ("x", "-")):
        with pytest.raises(VersionUnknown) as refused:
            permitted(a_snapshot(CONTRACTS), arrival(asked), TODAY)
        assert refused.value.facts == {"contract": "a.b", "version": shown}


@given(st.none() | st.text(max_size=30))
def test_shown_version_is_harmless(version: str | None) -> None:
    """Whatever was asked for, what is shown of it is digits and dots, or a dash."""
    assert re.fullmatch(r"[0-9.]{1,20}|-", safe_version(version), re.ASCII)


def test_format_must_be_the_contracts_own() -> None:
    """Another format than the contract's, or none, is refused with the one that is expected."""
    assert body_format(arrival(), a_contract()) is Format.JSON
    for declared in (Format.XML, None):
        with pytest.raises(MediaTypeUnsupported) as refused:
            body_format(arrival(format=declared), a_contract())
        assert refused.value.facts == {"expected": "application/json"}


async def test_body_that_breaks_the_contract_says_where() -> None:
    """A body that breaks its schema is refused with every finding; one that does not is given back parsed."""
    assert await check(a_contract(), Body(Format.JSON, b'"good"')) == b'"good"'
    with pytest.raises(BodyInvalid) as refused:
        await check(a_contract(), Body(Format.JSON, b'"bad"'))
    assert (refused.value.facts["count"], len(refused.value.findings)) == ("1", 1)


def test_subject_is_kept_as_a_keyed_hash() -> None:
    """Whom a message is about is kept as a keyed hash: equal for equal people, and nothing of the number in it."""
    part = replace(PART, subject=lambda parsed: str(parsed) if parsed else None)
    snapshot, contract = a_snapshot(), a_contract(request=part)
    first, again, other = (subject(snapshot, contract, parsed) for parsed in ("046090001234", "046090001234", "1"))
    assert first == again != other
    assert "046090001234" not in first
    assert subject(snapshot, contract, None) == subject(snapshot, a_contract(), "046090001234") == ""


def test_idempotency_key_is_kept_as_hashes() -> None:
    """Of an Idempotency-Key and its body only hashes are kept, as long as the message lives and at least a day."""
    snapshot, body = a_snapshot(), Body(Format.JSON, b"{}")
    assert once(snapshot, arrival(), a_contract(), body, 1) is None
    short = once(snapshot, arrival(idempotency_key="dossier-1"), a_contract(), body, 1)
    long = once(snapshot, arrival(idempotency_key="dossier-1"), a_contract(), body, 2 * IDEMPOTENCY_LIFE)
    other = once(snapshot, arrival(idempotency_key="dossier-1"), a_contract(), Body(Format.JSON, b"[]"), 1)
    elsewhere = once(snapshot, arrival(idempotency_key="dossier-1"), a_contract(name="a.c"), body, 1)
    assert short
    assert long
    assert other
    assert elsewhere
    assert (short.life, long.life) == (IDEMPOTENCY_LIFE, 2 * IDEMPOTENCY_LIFE)
    assert short.key == long.key == other.key
    assert short.digest == long.digest
    assert len({short.digest, other.digest, elsewhere.digest}) == 3
    assert short.scope == "idempotency:sender"
    assert b"dossier" not in short.key


GOOD_TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize(
    "sent",
    [
        None,
        "",
        "01" + GOOD_TRACE[2:],
        GOOD_TRACE.upper(),
        GOOD_TRACE + "-00",
        GOOD_TRACE + "\n",
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"00-{'1' * 32}-{'0' * 16}-01",
        "x" * 10_000,
    ],
)
def test_trace_that_is_none_begins_anew(sent: str | None) -> None:
    """What is not a trace of W3C Trace Context §3.2 is replaced by a new one, which is the message's identifier."""
    message = uuid4()
    begun = trace(sent, message)
    assert TRACEPARENT.fullmatch(begun)
    assert begun.split("-")[1] == message.hex


@given(st.text(), st.uuids(version=4))
def test_trace_is_always_one(sent: str, message: UUID) -> None:
    """Whatever is sent, what goes on is a trace, and a good one is the sender's own."""
    assert TRACEPARENT.fullmatch(trace(sent, message))
    assert trace(GOOD_TRACE, message) == GOOD_TRACE


@pytest.fixture
def acceptor(committer: Committer, broker: Silent, clock: Any) -> Acceptor:
    refusals, backlog = Refusals(committer.write, clock, "process-1"), Backlog(Conditions(clock, "process-1"))
    return Acceptor(committer, Ringer(broker, committer), backlog, Quotas(clock), refusals, clock, "process-1")


def everything(exchange: Exchange = Exchange.DOCUMENT, **fields: Any) -> Snapshot:
    return a_snapshot(
        [a_contract(exchange, **fields)],
        [Route("a.b", 1, "his")],
        {"his": None},
        [may("sender", May.SEND), may("his", May.RECEIVE)],
    )


async def test_body_is_read_as_far_as_the_contract_allows(acceptor: Acceptor, store: Memory) -> None:
    """The front door is asked for no more bytes than the contract's limit, and only once the sender may send."""
    asked: list[int] = []

    async def read(limit: int) -> bytes:
        asked.append(limit)
        return b"{}"

    store.answer = lambda command: Accepted(command.envelope.message, 1, 2)  # type: ignore[attr-defined]
    await acceptor.accept(everything(limits=Limits(max_bytes=123)), arrival(read=read))
    with pytest.raises(GrantMissing):
        await acceptor.accept(everything(), arrival(read=read, sender="stranger"))
    assert asked == [123]


async def test_refusal_is_recorded_without_the_body(acceptor: Acceptor, store: Memory) -> None:
    """A refusal after the sender is known is an audit event with its reason, the size and a keyed hash, and the error
    names the event."""

    async def read(limit: int) -> bytes:
        return b'"bad"'

    with pytest.raises(BodyInvalid) as refused:
        await acceptor.accept(everything(), arrival(read=read))
    (event,) = store.events
    assert (event.name, event.actor, event.message) == ("message.refused", "sender", None)
    assert {name: event.facts[name] for name in ("code", "contract", "size")} == {
        "code": "body-invalid",
        "contract": "a.b",
        "size": 5,
    }
    assert '"bad"' not in str(event.facts["keyedHash"])
    assert refused.value.reference == "writer-1"


@pytest.mark.parametrize(
    ("exchange", "waits", "waiter"),
    [
        (Exchange.REQUEST, None, "process-1"),
        (Exchange.REQUEST, False, ""),
        (Exchange.DOCUMENT, None, ""),
        (Exchange.DOCUMENT, True, "process-1"),
    ],
)
async def test_waiter_is_named_where_somebody_waits(
    acceptor: Acceptor, store: Memory, exchange: Exchange, waits: bool | None, waiter: str
) -> None:
    """The process is named in the envelope of what its caller waits for: a request by default, anything on demand."""
    store.answer = lambda command: Accepted(command.envelope.message, 1, 2)  # type: ignore[attr-defined]
    accepted = await acceptor.accept(everything(exchange), arrival(), waits=waits)
    assert accepted.envelope.waiter == waiter


async def test_nothing_rings_before_the_commit(acceptor: Acceptor, store: Memory, broker: Silent) -> None:
    """Where the journal does not take a message, its sender is told and nobody else hears of it."""
    store.failure = JournalUnavailable()
    with pytest.raises(JournalUnavailable):
        await acceptor.accept(everything(), arrival())
    assert acceptor._ringer._queue.empty()


async def test_repeated_key_is_the_earlier_message(acceptor: Acceptor, store: Memory) -> None:
    """The same key and body is the message that there is already, and rings nobody again; another body is refused."""
    earlier = uuid4()
    digest: dict[str, str] = {}

    def answer(command: Any) -> Accepted:
        return Accepted(earlier, 10, 20, digest.get("other") or command.once.digest)

    store.answer = answer
    accepted = await acceptor.accept(everything(), arrival(idempotency_key="dossier-1"))
    assert (accepted.repeated, accepted.envelope.message, accepted.deliveries) == (True, earlier, ())
    assert (accepted.envelope.accepted_at, accepted.envelope.expires_at) == (10, 20)
    assert acceptor._ringer._queue.empty()
    digest["other"] = "of another body"
    with pytest.raises(IdempotencyKeyReused) as refused:
        await acceptor.accept(everything(), arrival(idempotency_key="dossier-1"))
    assert refused.value.facts == {"message": str(earlier)}
    assert store.events[-1].facts["code"] == "idempotency-key-reused"
    assert len(store.of(Accept)) == 2


async def test_over_quota_nothing_is_read_nor_written(acceptor: Acceptor, store: Memory) -> None:
    """Past its quota a sender is told 429 and when to come back, before its body is read; a storm of such refusals is
    one audit event, which counts."""
    asked = 0

    async def read(limit: int) -> bytes:
        nonlocal asked
        asked += 1
        return b"{}"

    store.answer = lambda command: Accepted(command.envelope.message, 1, 2)  # type: ignore[attr-defined]
    snapshot = everything()
    sender = System("sender", "H99", quota=Quota(per_second=1))
    snapshot = replace(snapshot, systems={**snapshot.systems, "sender": sender})
    await acceptor.accept(snapshot, arrival(read=read))
    for _ in range(1_000):
        with pytest.raises(QuotaExceeded) as refused:
            await acceptor.accept(snapshot, arrival(read=read))
    assert (asked, len(store.of(Accept)), refused.value.status, refused.value.retry_after) == (1, 1, 429, 1)
    assert [(event.name, dict(event.facts)) for event in store.events] == [
        ("caller.refused", {"code": "quota-exceeded", "count": 1, "source": "sender"})
    ]


async def test_quota_counts_what_may_be_sent(acceptor: Acceptor) -> None:
    """Who may not send the contract is told so, whatever its quota, and uses up nothing of it."""
    snapshot = everything()
    stranger = System("stranger", "H99", quota=Quota(per_second=1))
    snapshot = replace(snapshot, systems={**snapshot.systems, "stranger": stranger})
    for _ in range(3):
        with pytest.raises(GrantMissing):
            await acceptor.accept(snapshot, arrival(sender="stranger"))
