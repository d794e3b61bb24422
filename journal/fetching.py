"""Fetching: a system takes what waits for it into its own hands, under a lease, with no broker in between; what is
given out of what is due is the same in every database."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from bus.envelope import Envelope
from bus.states import Change, sources, target
from journal.commands import Command
from journal.waking import COLUMNS, due, envelope

MOST_BYTES: Final = 16 * 1024 * 1024
"""Of bodies that are given out at once; the first goes whatever its size."""

(WAITS,) = sources(Change.FETCH)
TAKEN: Final = target(Change.FETCH)

DUE: Final = f"{COLUMNS}, m.size"
"""What is asked of each delivery that is due."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A delivery in its system's hands until its lease ends; `sequence` is its place in its order, if it has one."""

    delivery: UUID
    envelope: Envelope
    attempt: int
    repeatable: bool
    now: int
    lease_until: int
    sequence: int | None = None


@dataclass(frozen=True, slots=True)
class Fetch(Command[tuple[Fetched, ...]]):
    """Compare-and-set ``pending → delivering`` of a system's deliveries that are due: at most `most`, at most as many
    as leave `leased` of them in its hands, and about `most_bytes` of bodies. A lease of `lease` ends with the
    delivery's life at the latest."""

    system: str
    worker: str
    lease: int
    most: int = 100
    leased: int = 100
    most_bytes: int = MOST_BYTES


def given(command: Fetch, now: int, leased: int, rows: Iterable[Sequence[Any]]) -> tuple[Fetched, ...]:
    """Which of what is due are given out, in the order of their acceptance, where the system holds `leased` already;
    `rows` have the columns of `DUE`."""
    found: list[Fetched] = []
    room, size = min(command.most, command.leased - leased), 0
    for each, bytes_of_it in sorted(
        ((due(tuple(row[:-1])), row[-1]) for row in rows), key=lambda pair: pair[0].delivery
    ):
        size += bytes_of_it
        if len(found) >= room or (found and size > command.most_bytes):
            break
        lease_until = min(now + command.lease, each.expires_at)
        found.append(
            Fetched(each.delivery, envelope(each), each.attempt + 1, each.repeatable, now, lease_until, each.sequence)
        )
    return tuple(found)
