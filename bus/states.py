"""The life of a delivery and of a message, as tables.

Every change of a delivery's state is a row of `TRANSITIONS`; the journal builds its compare-and-set statements from
the table, and the diagram in docs/architecture.md is printed from it (``python -m bus.states``).
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType

from bus.errors import IllegalTransition


class State(StrEnum):
    """Where one message stands on its way to one system."""

    HELD = "held"  # an earlier delivery of the same order key is still open
    PENDING = "pending"  # due at a time, in nobody's hands
    QUEUED = "queued"  # handed to the broker under a publish lease
    DELIVERING = "delivering"  # a worker, or the system that fetched it, holds it under a lease
    DELIVERED = "delivered"
    DEAD = "dead"  # not tried again until a person replays it
    EXPIRED = "expired"


class Change(StrEnum):
    """What may happen to a delivery."""

    PROMOTE = "promote"  # its turn has come in its order key
    RING = "ring"  # published, or published again when nobody claimed it in time
    UNRING = "unring"  # the broker would not take it
    CLAIM = "claim"  # a worker takes it
    FETCH = "fetch"  # its system takes it out of its inbox
    SUCCEED = "succeed"  # the receiver answered
    RETRY = "retry"  # not now; due again later
    KILL = "kill"  # only a person can help
    EXPIRE = "expire"  # its life is over
    REPLAY = "replay"  # a person asks for another try
    TAKE_REPLY = "take-reply"  # the answer that was kept raw is right by now
    ENLIST = "enlist"  # the same of one that has a place in an order: it waits until its turn has come


class MessageState(StrEnum):
    """The state of a message, derived from its deliveries."""

    ACCEPTED = "accepted"
    IN_PROGRESS = "in-progress"
    DONE = "done"
    FAILED = "failed"
    EXPIRED = "expired"


TRANSITIONS: Mapping[tuple[State, Change], State] = MappingProxyType(
    {
        (State.HELD, Change.PROMOTE): State.PENDING,
        (State.HELD, Change.EXPIRE): State.EXPIRED,
        (State.PENDING, Change.RING): State.QUEUED,
        (State.PENDING, Change.FETCH): State.DELIVERING,
        (State.PENDING, Change.EXPIRE): State.EXPIRED,
        (State.QUEUED, Change.RING): State.QUEUED,
        (State.QUEUED, Change.UNRING): State.PENDING,
        (State.QUEUED, Change.CLAIM): State.DELIVERING,
        (State.QUEUED, Change.EXPIRE): State.EXPIRED,
        (State.DELIVERING, Change.SUCCEED): State.DELIVERED,
        (State.DELIVERING, Change.RETRY): State.PENDING,
        (State.DELIVERING, Change.KILL): State.DEAD,
        (State.DELIVERING, Change.EXPIRE): State.EXPIRED,
        (State.DELIVERED, Change.REPLAY): State.PENDING,
        (State.DEAD, Change.REPLAY): State.PENDING,
        (State.DEAD, Change.TAKE_REPLY): State.DELIVERED,
        (State.EXPIRED, Change.REPLAY): State.PENDING,
        (State.DELIVERED, Change.ENLIST): State.HELD,
        (State.DEAD, Change.ENLIST): State.HELD,
        (State.EXPIRED, Change.ENLIST): State.HELD,
    }
)

# A delivery is born waiting its turn, over the broker's limit, on its way, or dead: an event's subscriber that is full.
INITIAL = (State.HELD, State.PENDING, State.QUEUED, State.DEAD)
LOSSES = frozenset({Change.KILL, Change.EXPIRE})
TERMINAL = frozenset({State.DELIVERED, State.DEAD, State.EXPIRED})


def change(state: State, what: Change) -> State:
    """The state after `what` happened in `state`; raises `IllegalTransition` where the table has no such row."""
    try:
        return TRANSITIONS[state, what]
    except KeyError:
        raise IllegalTransition(state=state, change=what) from None


def sources(what: Change) -> tuple[State, ...]:
    """The states in which `what` may happen: the WHERE of its compare-and-set."""
    return tuple(state for state, possible in TRANSITIONS if possible is what)


def target(what: Change) -> State:
    """The one state that `what` leads to: the SET of its compare-and-set."""
    (state,) = {after for (_, possible), after in TRANSITIONS.items() if possible is what}
    return state


def message_state(deliveries: Iterable[State]) -> MessageState:
    """Derive a message's state.

    No delivery (an event without subscribers) is done. While any is open the message is in progress, or merely
    accepted as long as nobody has claimed one. Of those that ended, a dead one makes it failed, else an expired one
    expired.
    """
    states = frozenset(deliveries)
    if states <= {State.DELIVERED}:
        return MessageState.DONE
    if states <= TERMINAL:
        return MessageState.FAILED if State.DEAD in states else MessageState.EXPIRED
    if states <= {State.HELD, State.PENDING, State.QUEUED}:
        return MessageState.ACCEPTED
    return MessageState.IN_PROGRESS


def diagram() -> str:
    """The table as a Mermaid state diagram."""
    rows = ["stateDiagram-v2", *(f"    [*] --> {state}" for state in INITIAL)]
    rows += [f"    {before} --> {after}: {what}" for (before, what), after in TRANSITIONS.items()]
    rows += [f"    {state} --> [*]" for state in State if state in TERMINAL]
    return "\n".join(rows)


if __name__ == "__main__":
    print(diagram())
