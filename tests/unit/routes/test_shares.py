"""How workers share what a system can bear."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from routes.shares import share

WORKERS = st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=12, unique=True)


@settings(deadline=None)
@given(st.integers(1, 1000), st.text(max_size=20), WORKERS)
def test_shares_are_the_limit(limit: int, system: str, workers: list[str]) -> None:
    """The shares of all workers are the limit together, and differ by one at most."""
    shares = [share(limit, system, workers, each) for each in workers]
    assert sum(shares) == limit
    assert max(shares) - min(shares) <= 1


@settings(deadline=None)
@given(st.integers(1, 1000), WORKERS, st.randoms())
def test_order_of_hearsay_does_not_matter(limit: int, workers: list[str], chance: object) -> None:
    """Whoever knows the same workers works out the same shares, in whatever order it has heard of them."""
    assert [share(limit, "his", workers, each) for each in workers] == [
        share(limit, "his", sorted(workers, reverse=True), each) for each in workers
    ]


def test_whoever_is_not_there_has_nothing() -> None:
    """A worker that does not live has no share, and neither has anybody where nobody lives."""
    assert share(8, "his", ["a", "b"], "c") == 0
    assert share(8, "his", [], "a") == 0


def test_small_limits_spread() -> None:
    """Of many systems that bear one call at a time, each worker has some."""
    workers = ["a", "b", "c", "d"]
    whose = Counter(each for n in range(100) for each in workers if share(1, f"system-{n}", workers, each))
    assert sum(whose.values()) == 100
    assert min(whose[each] for each in workers) > 10
