"""The clock by which leases of calls are judged."""

from dataclasses import dataclass

import pytest

from routes.steady import LONGEST, PROMPT, SLACK, SteadyClock


@dataclass
class Store:
    """A store with a clock that may be set, and the time as it passes; both in milliseconds."""

    passed: float = 0.0
    ahead: int = 1_000_000

    def __post_init__(self) -> None:
        self.steady = SteadyClock(lambda: self.passed / 1000)

    @property
    def now(self) -> int:
        return round(self.passed) + self.ahead

    def asked(self, after: float = 1_000, taking: float = 10) -> None:
        """After so long, it is asked for the time; the answer takes a while."""
        self.passed += after
        asked = self.passed
        self.passed += taking
        self.steady.heard(self.now, asked / 1000)


@pytest.fixture
def store() -> Store:
    return Store()


def test_nothing_is_known_at_first(store: Store) -> None:
    """Before the store was heard of there is no bound."""
    assert store.steady.latest() is None


def test_passes_as_time_does(store: Store) -> None:
    """Between two answers it goes on by itself."""
    store.asked()
    store.passed += 20_000
    assert store.steady.latest() == store.now + SLACK


@pytest.mark.parametrize("jump", [SLACK + 1, 3_600_000])
def test_set_forward(store: Store, jump: int) -> None:
    """What the clock was set forward by does not count, until no call is under way any more that knew it before."""
    store.asked()
    store.ahead += jump
    for _ in range(100):
        store.asked()
    assert store.steady.latest() == store.now - jump + SLACK
    store.asked(after=1_000 * LONGEST)
    assert store.steady.latest() == store.now + SLACK


def test_set_forward_twice(store: Store) -> None:
    """The wait begins anew with each jump."""
    store.asked()
    store.ahead += 60_000
    store.asked()
    store.asked(after=1_000 * (LONGEST - 10))
    store.ahead += 60_000
    store.asked()
    store.asked(after=30_000)
    assert store.steady.latest() == store.now - 120_000 + SLACK


def test_set_forward_and_back(store: Store) -> None:
    """Set right again, it is followed at once."""
    store.asked()
    store.ahead += 60_000
    store.asked()
    store.ahead -= 60_000
    store.asked()
    assert store.steady.latest() == store.now + SLACK
    store.ahead -= 60_000
    store.asked()
    assert store.steady.latest() == store.now + SLACK


def test_slow_answer_tells_nothing(store: Store) -> None:
    """How late the store was when an answer took long, nobody knows."""
    store.asked()
    before = store.steady.latest()
    store.asked(after=0, taking=1_000 * PROMPT + 8_000)
    assert before is not None
    assert store.steady.latest() == before + 1_000 * PROMPT + 8_000


def test_follows_a_clock_that_goes_wrong_slowly(store: Store) -> None:
    """Drift is no jump."""
    store.asked()
    for _ in range(1_000):
        store.ahead += 50
        store.asked()
    assert store.steady.latest() == store.now + SLACK
