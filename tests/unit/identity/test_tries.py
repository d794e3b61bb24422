"""Wrong tries, and how long they make others wait."""

from bus.clock import ManualClock
from bus.errors import SignInLimited
from identity.tries import LONGEST_WAIT, Tries


def wait_of(tries: Tries, key: str) -> int:
    """Seconds that `key` must wait now."""
    try:
        tries.require_free(key)
    except SignInLimited as limited:
        return limited.retry_after or 0
    return 0


def test_waits_double(clock: ManualClock) -> None:
    """After the free ones, each wrong try must wait twice as long as the one before, up to a bound."""
    tries = Tries(clock, 3, 1e9)
    waits = []
    for _ in range(16):
        tries.count("an")
        waits.append(wait_of(tries, "an"))
        clock.advance(waits[-1])
        assert wait_of(tries, "an") == 0
    assert waits == [0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, *[int(LONGEST_WAIT)] * 4]
    assert wait_of(tries, "binh") == 0


def test_wrong_tries_are_forgotten_one_by_one(clock: ManualClock) -> None:
    """Over hours, nobody has many more tries than the one in each time that is forgotten."""
    tries, done = Tries(clock, 5, 600), 0
    for _ in range(21_600):
        if not wait_of(tries, "an"):
            tries.count("an")
            done += 1
        clock.advance(1)
    assert 21_600 / 600 - 1 <= done <= 21_600 / 600 + 16


def test_a_right_one_is_as_if_it_had_not_been(clock: ManualClock) -> None:
    """A try that is forgiven leaves the wrong ones before it, and makes nobody wait."""
    tries = Tries(clock, 2, 1e9)
    for _ in range(50):
        tries.count("10.0.0.1")
        tries.forgive("10.0.0.1")
    assert wait_of(tries, "10.0.0.1") == 0
    tries.count("10.0.0.1")
    tries.count("10.0.0.1")
    assert wait_of(tries, "10.0.0.1") == 1
    tries.forget("10.0.0.1")
    assert wait_of(tries, "10.0.0.1") == 0
    tries.forgive("nobody")


def test_counts_are_bounded(clock: ManualClock) -> None:
    """However many names are made up, memory does not grow; the one that was quiet for longest goes first."""
    tries = Tries(clock, 1, 1e9, most=10)
    for number in range(100):
        tries.count(f"name-{number}")
        tries.count("an")
    assert len(tries) == 10
    assert wait_of(tries, "an") == LONGEST_WAIT
    assert wait_of(tries, "name-0") == 0
