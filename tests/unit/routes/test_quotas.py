"""How much a sender may send: at once, in the long run, in a day; alone and with other gateways."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.clock import ManualClock
from bus.errors import QuotaExceeded
from routes.model import Quota
from routes.quotas import Quotas


def taken(quotas: Quotas, quota: Quota, tries: int, system: str = "sender") -> int:
    """How many of so many tries are allowed, all at the same moment."""
    allowed = 0
    for _ in range(tries):
        try:
            quotas.take(system, quota)
        except QuotaExceeded:
            continue
        allowed += 1
    return allowed


def refusal(quotas: Quotas, quota: Quota) -> QuotaExceeded:
    with pytest.raises(QuotaExceeded) as refused:
        quotas.take("sender", quota)
    return refused.value


def test_burst_and_then_the_rate(clock: ManualClock) -> None:
    """After a pause a burst goes through at once, and then as many as the rate allows, however many are tried."""
    quotas, quota = Quotas(clock), Quota(per_second=50, burst=100)
    assert taken(quotas, quota, 500) == 100
    for _ in range(10):
        clock.advance(0.1)
        assert taken(quotas, quota, 500) == 5
    clock.advance(3600)
    assert taken(quotas, quota, 500) == 100


@pytest.mark.parametrize(("per_second", "at_once"), [(50, 50), (2.5, 2), (0.1, 1)])
def test_burst_is_a_seconds_worth(clock: ManualClock, per_second: float, at_once: int) -> None:
    """Where no burst is given, a second's worth goes through at once, and one at least."""
    assert taken(Quotas(clock), Quota(per_second=per_second), 100) == at_once


@given(
    per_second=st.floats(0.1, 1000),
    burst=st.integers(1, 50),
    pauses=st.lists(st.integers(0, 3000), min_size=1, max_size=60),
)
def test_long_run_is_the_rate(per_second: float, burst: int, pauses: list[int]) -> None:
    """Whatever the rhythm, no span of time sees more than the burst and what the rate allows in it."""
    clock = ManualClock()
    quotas, quota = Quotas(clock), Quota(per_second=per_second, burst=burst)
    allowed = 0
    for pause in pauses:
        clock.advance(pause / 1000)
        allowed += taken(quotas, quota, 20)
    assert allowed <= burst + per_second * sum(pauses[1:]) / 1000 + 1e-3


def test_retry_after_is_kept(clock: ManualClock) -> None:
    """Who waits as long as the refusal says is let through."""
    quotas, quota = Quotas(clock), Quota(per_second=0.2)
    assert taken(quotas, quota, 2) == 1
    refused = refusal(quotas, quota)
    assert (refused.retry_after, refused.facts) == (5, {"system": "sender", "limit": "0.2/s"})
    clock.advance(5)
    assert taken(quotas, quota, 2) == 1


def test_day_ends_at_midnight_of_civil_time(clock: ManualClock) -> None:
    """A day's number is used up until midnight, and the refusal says how long that is."""
    # 1,800,000,000 s is 15:00 of civil time.
    quotas, quota = Quotas(clock), Quota(per_day=1_000)
    assert taken(quotas, quota, 2_000) == 1_000
    refused = refusal(quotas, quota)
    assert (refused.retry_after, refused.facts["limit"]) == (9 * 3600, "1000/d")
    clock.advance(9 * 3600 - 1)
    assert taken(quotas, quota, 2_000) == 0
    clock.advance(1)
    assert taken(quotas, quota, 2_000) == 1_000


def test_refused_by_the_day_costs_nothing_of_the_rate(clock: ManualClock) -> None:
    """What the day refuses uses up nothing of the second, and the other way round."""
    quotas, quota = Quotas(clock), Quota(per_second=1, burst=10, per_day=5)
    assert taken(quotas, quota, 100) == 5
    assert taken(quotas, Quota(per_second=1, burst=10), 100) == 5


def test_gateways_share(clock: ManualClock) -> None:
    """Each of four gateways allows a quarter, at once, in the long run and in a day; a fifth takes from each."""
    live = 4
    quotas, quota = Quotas(clock, lambda: live), Quota(per_second=40, burst=80, per_day=30 * 4)
    assert taken(quotas, quota, 100) == 20
    clock.advance(1)
    assert taken(quotas, quota, 100) == 10
    clock.advance(1)
    assert taken(quotas, quota, 100) == 0
    other = Quota(per_second=40, burst=80)
    assert taken(quotas, other, 100, "other") == 20
    live = 5
    clock.advance(1)
    assert taken(quotas, other, 100, "other") == 8


def test_systems_do_not_share(clock: ManualClock) -> None:
    """One sender's storm uses up nothing of another's quota; one without a quota sends as it likes."""
    quotas, quota = Quotas(clock), Quota(per_second=1)
    assert taken(quotas, quota, 100, "loud") == 1
    assert taken(quotas, quota, 100, "quiet") == 1
    for _ in range(1_000):
        quotas.take("free", None)


def test_days_are_those_of_the_clock(clock: ManualClock) -> None:
    """The number of a day is kept by the civil date, not by 24 hours since the first message."""
    quotas, quota = Quotas(clock), Quota(per_day=1)
    clock.advance(9 * 3600 - 1)
    assert taken(quotas, quota, 2) == 1
    clock.advance(1)
    assert taken(quotas, quota, 2) == 1
