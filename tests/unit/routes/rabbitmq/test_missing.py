"""Queues that were found missing."""

from bus.clock import ManualClock
from routes.rabbitmq.missing import LEFT_TO_CONSUMERS, Missing


def test_queue_that_never_was_is_made_at_once(clock: ManualClock) -> None:
    """Nobody consumes from a queue that nobody has made."""
    assert Missing(clock.monotonic).may_be_made("his")


def test_queue_that_was_there_is_left_to_its_consumers(clock: ManualClock) -> None:
    """A queue that was deleted is made by a publisher only when its consumers had time to hear of it."""
    missing = Missing(clock.monotonic)
    missing.found(["his"])
    assert missing.was_there("his")
    assert not missing.may_be_made("his")
    clock.advance(LEFT_TO_CONSUMERS / 2)
    assert not missing.may_be_made("his")
    clock.advance(LEFT_TO_CONSUMERS / 2)
    assert missing.may_be_made("his")


def test_queue_that_is_found_again_is_missing_anew_the_next_time(clock: ManualClock) -> None:
    """The time that consumers have begins with each deletion."""
    missing = Missing(clock.monotonic)
    missing.found(["his"])
    assert not missing.may_be_made("his")
    clock.advance(LEFT_TO_CONSUMERS)
    missing.found(["his"])
    assert not missing.may_be_made("his")
