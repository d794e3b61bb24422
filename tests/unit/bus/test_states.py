"""The two tables of states."""

import pytest

from bus.errors import IllegalTransition
from bus.states import (
    INITIAL,
    TERMINAL,
    TRANSITIONS,
    Change,
    MessageState,
    State,
    change,
    message_state,
    sources,
    target,
)


def test_every_state_can_be_reached_and_left() -> None:
    """No state is an island: each is born or reached, and each can be left, the ended ones by a person alone."""
    assert set(INITIAL) | set(TRANSITIONS.values()) == set(State)
    for state in State:
        ways = {what for before, what in TRANSITIONS if before is state}
        by_a_person = {Change.REPLAY, Change.ENLIST}
        assert ways - {Change.TAKE_REPLY} == by_a_person if state in TERMINAL else ways


def test_each_change_leads_to_one_state() -> None:
    """A change leads to the same state from wherever it is allowed, so that one statement can make it."""
    for what in Change:
        assert {change(state, what) for state in sources(what)} == {target(what)}


def test_what_the_table_lacks_is_refused() -> None:
    """A change that the table does not know is refused, never ignored."""
    with pytest.raises(IllegalTransition, match="delivered cannot claim"):
        change(State.DELIVERED, Change.CLAIM)


@pytest.mark.parametrize(
    ("deliveries", "expected"),
    [
        ([], MessageState.DONE),
        ([State.QUEUED], MessageState.ACCEPTED),
        ([State.QUEUED, State.DELIVERED], MessageState.IN_PROGRESS),
        ([State.DELIVERING], MessageState.IN_PROGRESS),
        ([State.DELIVERED, State.DELIVERED], MessageState.DONE),
        ([State.DELIVERED, State.DEAD], MessageState.FAILED),
        ([State.EXPIRED, State.DEAD], MessageState.FAILED),
        ([State.EXPIRED, State.DELIVERED], MessageState.EXPIRED),
    ],
)
def test_message_state_is_derived(deliveries: list[State], expected: MessageState) -> None:
    """A message's state follows from those of its deliveries."""
    assert message_state(deliveries) is expected
