"""A sweeper's watch over the clock by which leases of calls are judged."""

from dataclasses import dataclass

import pytest

from journal.commands import FOR_EVER
from routes.watch import LONGEST, PROMPT, SLACK, Watch


@dataclass
class Store:
    """A store with a clock that may be set, and the time as it passes; both in milliseconds."""

    passed: float = 0.0
    ahead: int = 1_000_000

    def __post_init__(self) -> None:
        self.watch = Watch(lambda: self.passed / 1000)

    @property
    def now(self) -> int:
        return round(self.passed) + self.ahead

    def asked(self, after: float = 1_000, taking: float = 10) -> None:
        """After so long, it is asked for the time; the answer takes a while."""
        self.passed += after
        asked = self.passed
        self.passed += taking
        self.watch.heard(self.now, asked / 1000)

    @property
    def bounds(self) -> tuple[int, int]:
        return self.watch.latest(), self.watch.watched()


@pytest.fixture
def store() -> Store:
    return Store()


def test_nothing_is_known_at_first(store: Store) -> None:
    """Before the store was heard of nothing was watched, however long the process runs."""
    store.passed += 60_000
    assert store.bounds == (0, 0)


def test_passes_as_time_does(store: Store) -> None:
    """Between two answers it goes on by itself."""
    store.asked()
    store.passed += 20_000
    assert store.bounds == (store.now + SLACK, 20_000)


def test_answers_go_on_with_the_watch(store: Store) -> None:
    """A clock that goes as time does is watched for longer and longer."""
    store.asked()
    for _ in range(100):
        store.asked(after=990)
    assert store.bounds == (store.now + SLACK, 100_000)


@pytest.mark.parametrize("jump", [SLACK + 1, 3_600_000])
def test_set_forward(store: Store, jump: int) -> None:
    """From the jump to the answer that tells of it, the clock is not believed; then the watch begins anew."""
    store.asked()
    store.passed += 60_000
    store.ahead += jump
    assert store.bounds == (store.now - jump + SLACK, 60_000)
    store.asked()
    assert store.bounds == (store.now + SLACK, 0)


def test_set_forward_little_by_little(store: Store) -> None:
    """Many small steps are a jump."""
    store.asked()
    for _ in range(5):
        store.ahead += SLACK // 5
        store.asked()
    assert store.bounds[1] > 5_000
    store.ahead += SLACK // 5
    store.asked()
    assert store.bounds == (store.now + SLACK, 0)


def test_set_back(store: Store) -> None:
    """Leases only last longer by that, so the watch goes on; to set it forward again is a jump."""
    store.asked()
    store.ahead -= 60_000
    store.asked(after=990)
    assert store.bounds == (store.now + SLACK, 1_000)
    store.ahead += 60_000
    store.asked()
    assert store.bounds == (store.now + SLACK, 0)


def test_slow_answer_tells_nothing(store: Store) -> None:
    """How late the store was when an answer took long, nobody knows."""
    store.asked()
    before = store.watch.latest()
    store.asked(after=0, taking=1_000 * PROMPT + 8_000)
    assert store.bounds == (before + 1_000 * PROMPT + 8_000, 1_000 * PROMPT + 8_000)


def test_long_enough(store: Store) -> None:
    """After a quarter of an hour every lease counts as watched, also one of days that an inbox has."""
    store.asked()
    store.passed += LONGEST - 1
    assert store.watch.watched() == LONGEST - 1
    store.passed += 1
    assert store.watch.watched() == FOR_EVER


def test_slow_drift_is_no_jump(store: Store) -> None:
    """A clock that gains a minute a day is watched for longer than a quarter of an hour."""
    store.asked()
    for _ in range(16):
        store.ahead += 42
        store.asked(after=59_990)
    assert store.watch.watched() == FOR_EVER
