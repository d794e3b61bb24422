"""Order: of the deliveries of one order key one is on its way, the others are held until their turn has come.

The row of the key in `orders` says which one. Whoever changes it keeps it locked until its transaction ends; so the
order of sequences is the order of commits, and two on their way are impossible. The turn goes on with the very
transaction that ends the one before, and to the held one of the lowest sequence.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from bus.states import State
from journal.commands import NewDelivery


@dataclass(frozen=True, slots=True)
class Place:
    """A new delivery's place in its order, and whether it has to wait for its turn."""

    sequence: int
    held: bool


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn that goes on, if nothing is on its way but perhaps `delivery`, which has ended. `state` is what the next
    one becomes: queued where it is rung at once, else pending. `passed` is the sequence of the one that ended where its
    receiver has it, or may have it; else 0."""

    system: str
    key: bytes
    delivery: UUID
    state: State
    passed: int = 0


MAY_HAVE_IT: Final = frozenset({"outcome-unknown", "reply-invalid"})
"""Reasons of dead letters that a receiver may have acted on."""


def passed(sequence: int | None, state: State, reason: str) -> int:
    """How far an order has come with a delivery that ended so."""
    return sequence or 0 if state is State.DELIVERED or reason in MAY_HAVE_IT else 0


def ordered(deliveries: Iterable[NewDelivery]) -> list[tuple[NewDelivery, bytes]]:
    """Those that take a place in an order; one that is born dead takes none."""
    return [
        (each, each.order_key) for each in deliveries if each.order_key is not None and each.state is not State.DEAD
    ]
