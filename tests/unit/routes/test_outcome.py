"""The outcome table of design: what happens after each way in which a call can end."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.call import Outcome, Result
from bus.states import Change
from routes.model import Retry
from routes.outcome import JITTER, REASONS, SLOW, Verdict, decide

LONG = 7 * 86_400_000
RETRY = Retry(first=5.0, max=900.0)

TABLE = {
    (Result.ANSWERED, True): Verdict(Change.SUCCEED),
    (Result.ANSWERED, False): Verdict(Change.SUCCEED),
    (Result.FAULT, True): Verdict(Change.SUCCEED),
    (Result.FAULT, False): Verdict(Change.SUCCEED),
    (Result.NOT_SENT, True): Verdict(Change.RETRY, "code", 5_000),
    (Result.NOT_SENT, False): Verdict(Change.RETRY, "code", 5_000),
    (Result.UNKNOWN, True): Verdict(Change.RETRY, "code", 5_000),
    (Result.UNKNOWN, False): Verdict(Change.KILL, "outcome-unknown"),
    (Result.TROUBLE, True): Verdict(Change.RETRY, "code", 5_000),
    (Result.TROUBLE, False): Verdict(Change.RETRY, "code", 5_000),
    (Result.MISCONFIGURED, True): Verdict(Change.RETRY, "misconfigured", 60_000),
    (Result.MISCONFIGURED, False): Verdict(Change.RETRY, "misconfigured", 60_000),
    (Result.REFUSED, True): Verdict(Change.KILL, "refused"),
    (Result.REFUSED, False): Verdict(Change.KILL, "refused"),
    (Result.REPLY_INVALID, True): Verdict(Change.KILL, "reply-invalid"),
    (Result.REPLY_INVALID, False): Verdict(Change.KILL, "reply-invalid"),
}


def verdict(
    result: Result,
    *,
    attempt: int = 1,
    repeatable: bool = True,
    remaining: int = LONG,
    chance: float = 0.0,
    retry_after: float | None = None,
    retry: Retry = RETRY,
) -> Verdict:
    outcome = Outcome(result, "code", retry_after=retry_after)
    return decide(outcome, attempt=attempt, repeatable=repeatable, retry=retry, remaining=remaining, chance=chance)


@pytest.mark.parametrize(("result", "repeatable"), [*product(Result, (True, False))])
def test_table(result: Result, repeatable: bool) -> None:
    """Each result, for a call that may be repeated and for one that may not, has exactly the verdict of the table."""
    assert verdict(result, repeatable=repeatable) == TABLE[result, repeatable]


@pytest.mark.parametrize(("result", "repeatable"), [*product(Result, (True, False))])
def test_too_late_to_try_again(result: Result, repeatable: bool) -> None:
    """Where the next try would come when the life has ended, the delivery expires with the same reason; what would not
    be tried again anyway ends as it always does."""
    expected = TABLE[result, repeatable]
    late = verdict(result, repeatable=repeatable, remaining=expected.delay)
    if expected.change is Change.RETRY:
        assert late == Verdict(Change.EXPIRE, expected.reason)
        assert verdict(result, repeatable=repeatable, remaining=expected.delay + 1) == expected
    else:
        assert late == verdict(result, repeatable=repeatable, remaining=-1) == expected


@pytest.mark.parametrize(
    ("attempt", "seconds"), [(1, 5), (2, 10), (3, 20), (7, 320), (8, 640), (9, 900), (10, 900), (10**6, 900)]
)
def test_delays_double_up_to_the_policy(attempt: int, seconds: int) -> None:
    """Each delay is twice the one before, never more than the policy's longest, however many attempts there were."""
    assert verdict(Result.TROUBLE, attempt=attempt).delay == seconds * 1000


def test_what_people_must_mend_is_tried_slowly() -> None:
    """After a misconfiguration the route's own policy does not matter: a minute first, later a quarter of an hour."""
    quick = Retry(0.1, 1.0)
    delays = [verdict(Result.MISCONFIGURED, attempt=attempt, retry=quick).delay for attempt in (1, 2, 5, 50)]
    assert delays == [60_000, 120_000, 900_000, 900_000]
    assert SLOW.max * 1000 == delays[-1]


@given(st.integers(1, 60), st.floats(-1, 1), st.floats(0.01, 1000), st.floats(1, 100))
def test_jitter_stays_within_its_bounds(attempt: int, chance: float, first: float, factor: float) -> None:
    """Whatever chance says, a delay differs from the policy's by no more than a fifth."""
    retry = Retry(first, first * factor)
    plain = min(first * 2 ** (attempt - 1), retry.max) * 1000
    delay = verdict(Result.NOT_SENT, attempt=attempt, chance=chance, retry=retry, remaining=2**60).delay
    assert plain * (1 - JITTER) - 1 <= delay <= plain * (1 + JITTER) + 1


def test_jitter_uses_both_directions() -> None:
    """What failed together comes back apart: up to a fifth earlier or later."""
    assert [verdict(Result.TROUBLE, chance=chance).delay for chance in (-1.0, 0.0, 1.0)] == [4_000, 5_000, 6_000]


def test_receiver_may_ask_for_patience() -> None:
    """Retry-After makes a delay longer, never shorter, and counts against the life that remains."""
    assert verdict(Result.NOT_SENT, retry_after=60.5).delay == 60_500
    assert verdict(Result.NOT_SENT, retry_after=0.1).delay == 5_000
    assert verdict(Result.MISCONFIGURED, retry_after=3600).delay == 3_600_000
    late = verdict(Result.NOT_SENT, retry_after=60.0, remaining=30_000)
    assert late == Verdict(Change.EXPIRE, "code")


def test_each_reason_is_explained() -> None:
    """Every reason with which a verdict kills is one of those that are documented."""
    assert {each.reason for each in TABLE.values() if each.change is Change.KILL} <= set(REASONS)
