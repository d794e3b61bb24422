"""What one process knows of all: who lives, which systems wait, and whether it knows of late."""

import pytest

from bus.clock import ManualClock
from journal.conditions import PROCESS_LEASE, Beaten, Condition, Process
from journal.queries import Present
from routes.conditions import SETTLED, STALE, UNHEARD, Conditions


def look(conditions: Conditions, clock: ManualClock, *living: tuple[str, int], role: str = "worker") -> None:
    """See processes by name and time of joining."""
    processes = tuple(Process(name, role, "1", joined, clock.now() + PROCESS_LEASE) for name, joined in living)
    conditions.see(Present((), processes), clock.monotonic())


def beat(conditions: Conditions, clock: ManualClock, joined: int) -> None:
    conditions.beaten(Beaten(clock.now(), joined), clock.monotonic())


@pytest.fixture
def conditions(clock: ManualClock) -> Conditions:
    return Conditions(clock, "me")


def test_nobody_takes_a_share_unseen(conditions: Conditions, clock: ManualClock) -> None:
    """Before a process has seen itself among those who live it has no share."""
    assert conditions.workers() == frozenset()
    beat(conditions, clock, clock.now())
    look(conditions, clock)
    assert conditions.workers() == frozenset()


def test_first_one_begins_at_once(conditions: Conditions, clock: ManualClock) -> None:
    """A process that finds itself alone begins at once, and goes on when others come."""
    joined = clock.now()
    beat(conditions, clock, joined)
    look(conditions, clock, ("me", joined))
    assert conditions.workers() == {"me"}
    look(conditions, clock, ("me", joined), ("other", joined))
    assert conditions.workers() == {"me", "other"}


def test_newcomer_waits_until_all_have_seen_it(conditions: Conditions, clock: ManualClock) -> None:
    """A process that finds others leaves the whole to them until each of them has seen it or has stopped."""
    joined = clock.now()
    for _ in range(SETTLED // 1000):
        beat(conditions, clock, joined)
        look(conditions, clock, ("me", joined), ("other", joined - 60_000))
        assert conditions.workers() == {"other"}
        clock.advance(1)
    look(conditions, clock, ("me", joined), ("other", joined - 60_000))
    assert conditions.workers() == {"me", "other"}
    assert STALE * 1000 < SETTLED


def test_whoever_was_silent_is_a_newcomer(conditions: Conditions, clock: ManualClock) -> None:
    """A process whose lease had ended waits again, though it had begun alone."""
    beat(conditions, clock, clock.now())
    look(conditions, clock, ("me", clock.now()))
    clock.advance(60)
    joined = clock.now()
    beat(conditions, clock, joined)
    look(conditions, clock, ("me", joined), ("other", joined - 30_000))
    assert conditions.workers() == {"other"}


def test_share_of_the_dead_returns_with_their_lease(conditions: Conditions, clock: ManualClock) -> None:
    """Whoever is not heard of again counts until its lease ends, by the journal's time, and not longer."""
    joined = clock.now() - SETTLED
    beat(conditions, clock, joined)
    look(conditions, clock, ("me", joined), ("other", joined))
    clock.advance(PROCESS_LEASE / 1000 - 0.1)
    assert "other" in conditions.workers()
    clock.advance(0.1)
    assert "other" not in conditions.workers()


def test_knows_whether_it_knows(conditions: Conditions, clock: ManualClock) -> None:
    """A process that has not asked, or has not been heard, for some seconds takes nothing more."""
    assert not conditions.fresh
    beat(conditions, clock, clock.now())
    look(conditions, clock, ("me", clock.now()))
    assert conditions.fresh
    clock.advance(STALE)
    assert not conditions.fresh
    look(conditions, clock, ("me", clock.now()))
    assert conditions.fresh
    clock.advance(UNHEARD - STALE)
    assert not conditions.fresh


def test_gateways_are_counted_apart(conditions: Conditions, clock: ManualClock) -> None:
    """Gateways share with gateways; a process that is both counts among both."""
    look(conditions, clock, ("gateway-1", 1), role="gateway")
    assert conditions.gateways() == {"gateway-1"}
    assert not conditions.workers()
    look(conditions, clock, ("up-1", 1), role="both")
    assert conditions.gateways() == {"up-1"}


@pytest.mark.parametrize("condition", [Condition("his", paused_at=1), Condition("his", opened_at=1)])
def test_paused_and_silent_systems_wait(conditions: Conditions, clock: ManualClock, condition: Condition) -> None:
    """A system that a person has paused, or that answers nobody, is blocked; one that nobody speaks of is not."""
    conditions.see(Present((condition, Condition("well"))), clock.monotonic())
    assert [conditions.blocked(each) for each in ("his", "well", "unknown")] == [True, False, False]


def test_time_never_runs_ahead(conditions: Conditions, clock: ManualClock) -> None:
    """A beat that was long on its way makes nobody older: the journal's time is counted from its answer."""
    asked = clock.monotonic()
    clock.advance(5)
    conditions.beaten(Beaten(clock.now(), clock.now()), asked)
    assert conditions.now() == clock.now()
