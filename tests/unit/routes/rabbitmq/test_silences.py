"""Queues that do not answer."""

from bus.clock import ManualClock
from routes.rabbitmq.silences import FIRST, LONGEST, Silences


def test_silent_queue_is_asked_less_and_less(clock: ManualClock) -> None:
    """Each time that a queue was asked in vain it is left alone twice as long, up to a bound."""
    silences = Silences(clock.monotonic)
    lengths = []
    for _ in range(5):
        silences.begin(["his"])
        began = clock.monotonic()
        while silences.hold("his"):
            clock.advance(1)
        lengths.append(clock.monotonic() - began)
    assert lengths == [FIRST, 2 * FIRST, 4 * FIRST, LONGEST, LONGEST]


def test_queue_that_answers_is_asked_as_ever(clock: ManualClock) -> None:
    """One confirmation ends a silence, and the next begins short again."""
    silences = Silences(clock.monotonic)
    silences.begin(["his"])
    silences.begin(["his"])
    silences.end(["his", "other"])
    assert not silences.hold("his")
    silences.begin(["his"])
    clock.advance(FIRST)
    assert not silences.hold("his")


def test_silence_of_one_is_nobody_elses(clock: ManualClock) -> None:
    """Only the queue that did not answer is left alone, and once for a batch, however many were for it."""
    silences = Silences(clock.monotonic)
    silences.begin(["his", "his", "his"])
    assert silences.hold("his")
    assert not silences.hold("other")
    clock.advance(FIRST)
    assert not silences.hold("his")
