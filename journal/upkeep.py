"""Upkeep of the journal: room for what comes, an end for what has had its time. Safe to do by many, and to leave half
done; every transaction is short."""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

IDLE: Final = 30 * 86_400_000
"""Milliseconds after which an order key that nobody has used is forgotten."""

STEP: Final = 500
"""Rows that one transaction deletes."""

MOST_STEPS: Final = 200
"""Of one kind in one go: what is left waits for the next."""


class Keep(NamedTuple):
    """How long, in milliseconds, by the contract that keeps longest; `evidence` None: nobody has said, so for ever."""

    body: int
    evidence: int | None


@dataclass(slots=True)
class Upkeep:
    """What was done: partitions that were made and dropped, rows that were deleted and moved by table; and what was
    left, with the reason."""

    made: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    deleted: dict[str, int] = field(default_factory=dict)
    moved: dict[str, int] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)


def first_id(milliseconds: int) -> int:
    """The least identifier of a moment, as a number (RFC 9562 §5.7)."""
    return max(milliseconds, 0) << 80
