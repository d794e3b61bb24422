"""How long something stays in somebody's hands before the sweeper takes it back. Milliseconds."""

from bus.states import Change, State

PUBLISH_LEASE = 10_000
"""From ringing to ringing again, when nobody has claimed. Doubled with each ring, so that a slow system's full queue is
not filled with copies."""

LONGEST_PUBLISH_LEASE = 15 * 60_000

CALL_MARGIN = 15_000
"""A claim's lease is the call's time-out and this: for the transform, the commit, and a busy machine."""


def publish_lease(rings: int) -> int:
    """The lease of the ring after `rings` earlier ones."""
    return min(PUBLISH_LEASE << min(rings, 10), LONGEST_PUBLISH_LEASE)


def overdue(state: State, *, repeatable: bool, expires_at: int, now: int) -> Change:
    """What the sweeper does with an open delivery whose time has come.

    A call whose lease ended may or may not have been made: only a repeatable one is tried again without a person.
    """
    if state is State.DELIVERING:
        return Change.RETRY if repeatable else Change.KILL
    if expires_at <= now or state is State.HELD:
        return Change.EXPIRE
    return Change.RING
