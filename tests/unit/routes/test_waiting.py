"""Callers that wait, snapshots that grow old, refusals that are counted, ringing that nobody waits for."""

import asyncio
from uuid import uuid4

import pytest

from bus.clock import ManualClock
from bus.errors import JournalUnavailable, SnapshotStale, TokenExpired, TokenInvalid
from journal.commands import Unring
from journal.committer import Committer
from routes import refusals
from routes.broker import Signal
from routes.refusals import MOST_SOURCES, PERIOD, Refusals
from routes.ringer import MOST_AT_ONCE, Ringer
from routes.snapshots import STALE_AFTER, Snapshots
from routes.waiting import Waiting
from tests.unit.routes.conftest import Memory, Silent, a_delivery, a_snapshot, turns


async def test_signal_reaches_everyone_who_waits_for_it() -> None:
    """Each caller that waits for a message hears the first signal of it; who waits for another hears nothing."""
    waiting, message = Waiting(), uuid4()
    first, second = Signal(message, "reply"), Signal(message, "fault")
    with waiting.expect(message) as one, waiting.expect(message) as two, waiting.expect(uuid4()) as other:
        waiting.hear(first)
        waiting.hear(second)
        assert (one.result(), two.result(), other.done()) == (first, first, False)


async def test_nobody_is_kept_after_the_wait() -> None:
    """When a wait is over, however it ends, nothing of it is kept, and a late signal is lost in silence."""
    waiting, message = Waiting(), uuid4()

    def ends_badly() -> None:
        with waiting.expect(message), waiting.expect(message):
            raise TimeoutError

    with pytest.raises(TimeoutError):
        ends_badly()
    waiting.hear(Signal(message))
    assert not waiting._futures


async def test_caller_that_went_away_disturbs_nobody() -> None:
    """A wait that was cancelled does not keep the signal from the others."""
    waiting, message = Waiting(), uuid4()
    with waiting.expect(message) as gone, waiting.expect(message) as there:
        gone.cancel()
        waiting.hear(Signal(message))
        assert there.done()


async def test_doubt_is_told_to_everyone_and_passes() -> None:
    """When signals may have been missed everybody who waits is told, once; who comes later is not in doubt."""
    waiting = Waiting()
    before = waiting.doubt
    assert waiting.doubt is before
    waiting.missed()
    assert before.done()
    assert not waiting.doubt.done()


def test_snapshot_is_stale_after_half_a_minute(clock: ManualClock) -> None:
    """A process decides by its snapshot for thirty seconds after it last asked the store, and not a moment longer."""
    snapshots, snapshot = Snapshots(clock), a_snapshot()
    with pytest.raises(SnapshotStale):
        snapshots.current()
    assert snapshots.revision is None
    snapshots.refreshed(snapshot)
    clock.advance(STALE_AFTER)
    assert snapshots.current() is snapshot
    clock.advance(0.001)
    with pytest.raises(SnapshotStale) as stale:
        snapshots.current()
    assert (stale.value.facts, stale.value.retry_after) == ({"seconds": "30"}, 5)
    snapshots.refreshed()
    assert snapshots.current() is snapshot
    assert STALE_AFTER == 30


def test_snapshot_is_swapped_whole(clock: ManualClock) -> None:
    """Whoever holds a snapshot keeps it while the next one comes into force."""
    snapshots = Snapshots(clock)
    snapshots.refreshed(a_snapshot(revision=1))
    held = snapshots.current()
    snapshots.refreshed(a_snapshot(revision=2))
    assert (held.revision, snapshots.current().revision, snapshots.revision) == (1, 2, 2)


async def test_refusals_are_told_once_a_minute(committer: Committer, store: Memory, clock: ManualClock) -> None:
    """Of one source and reason the first refusal is told at once, and the next ones, counted, when a minute is over."""
    told = Refusals(committer.write, clock, "gateway-1")
    for _ in range(100):
        await told.refused("10.0.0.1", TokenInvalid())
    await told.refused("10.0.0.1", TokenExpired())
    await told.refused("10.0.0.2", TokenInvalid())
    assert [event.facts for event in store.events] == [
        {"code": "token-invalid", "count": 1, "source": "10.0.0.1"},
        {"code": "token-expired", "count": 1, "source": "10.0.0.1"},
        {"code": "token-invalid", "count": 1, "source": "10.0.0.2"},
    ]
    clock.advance(PERIOD - 0.001)
    await told.refused("10.0.0.1", TokenInvalid())
    clock.advance(0.001)
    await told.refused("10.0.0.1", TokenInvalid())
    assert [event.facts["count"] for event in store.events] == [1, 1, 1, 101]
    assert {(event.name, event.actor) for event in store.events} == {("caller.refused", "gateway-1")}


async def test_refusal_that_is_told_has_a_reference(committer: Committer, clock: ManualClock) -> None:
    """The answer names the audit event that tells of it; a refusal that was only counted has none."""
    told, first, second = Refusals(committer.write, clock, "gateway-1"), TokenInvalid(), TokenInvalid()
    await told.refused("10.0.0.1", first)
    await told.refused("10.0.0.1", second)
    assert (first.reference, second.reference) == ("writer-1", "")


async def test_strangers_without_number_are_counted_together(
    committer: Committer, store: Memory, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Past so many sources all others are one: a flood from everywhere costs neither memory nor journal."""
    monkeypatch.setattr(refusals, "MOST_SOURCES", 10)
    told = Refusals(committer.write, clock, "gateway-1")
    for number in range(1_000):
        await told.refused(f"10.0.0.{number}", TokenInvalid())
    assert len(store.events) == 11
    assert store.events[-1].facts["source"] == "*"
    clock.advance(PERIOD)
    await told.refused("10.0.1.1", TokenInvalid())
    assert store.events[-1].facts == {"code": "token-invalid", "count": 1, "source": "10.0.1.1"}
    assert len(told._counts) <= 10
    assert MOST_SOURCES == 10_000


async def test_ringing_hands_everything_over(committer: Committer, broker: Silent) -> None:
    """What is rung is handed to the broker in its order, many at once, while nobody waits."""
    ringer = Ringer(broker, committer)
    sent = [a_delivery() for _ in range(MOST_AT_ONCE * 2 + 1)]
    ringer.ring(sent)
    assert broker.published == []
    running = asyncio.ensure_future(ringer.run())
    await turns()
    assert broker.published == sent
    running.cancel()


async def test_refused_delivery_comes_back(committer: Committer, store: Memory, broker: Silent) -> None:
    """What the broker does not take goes back to the journal, to be tried again soon."""
    ringer = Ringer(broker, committer)
    taken, refused = a_delivery(), a_delivery()
    broker.refused = (refused,)
    ringer.ring([taken, refused])
    running = asyncio.ensure_future(ringer.run())
    while not store.commands:
        await asyncio.sleep(0)
    (unring,) = store.of(Unring)
    assert (unring.delivery, unring.delay) == (refused.delivery, 1_000)
    running.cancel()


@pytest.mark.parametrize("failure", [ConnectionResetError(), JournalUnavailable(), RuntimeError()])
async def test_broker_that_is_away_does_not_end_the_ringer(
    committer: Committer, broker: Silent, failure: Exception
) -> None:
    """A broker that fails costs the deliveries of that moment a lease, and the next are rung."""
    ringer = Ringer(broker, committer)
    running = asyncio.ensure_future(ringer.run())
    broker.failure = failure
    ringer.ring([a_delivery()])
    await turns()
    broker.failure = None
    later = a_delivery()
    ringer.ring([later])
    await turns()
    assert broker.published == [later]
    running.cancel()


async def test_ringing_is_bounded(committer: Committer, broker: Silent) -> None:
    """Past its bound ringing forgets instead of growing: the publish lease remembers."""
    ringer = Ringer(broker, committer)
    delivery = a_delivery()
    ringer.ring(delivery for _ in range(60_000))
    assert ringer._queue.qsize() == 50_000
