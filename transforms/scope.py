"""What a compiled mapping works in: the place it reads from, what it may still make, and how it fails."""

import math
from collections.abc import Callable
from typing import Final

MISSING: Final = object()
"""There is no value. JSON's null counts as none; a mapping writes null only where its author wrote null."""

DEPTH: Final = 200
"""Objects and lists inside one another; jiter reads 200 levels, orjson writes 254."""

TURN: Final = 64
"""What one turn through a list costs, in characters, so that lists within lists end even where they make nothing."""

VALUE: Final = 8
"""What one value costs beside its own characters: quotes, comma, colon, and the object that holds it here."""


class Broken(Exception):
    """The value cannot be made. `rule` says why, in words and names of the mapping, never in data of the message;
    `steps` lead to the place in the result, innermost first."""

    def __init__(self, rule: str, *steps: str | int) -> None:
        super().__init__(rule)
        self.rule = rule
        self.steps: list[str | int] = list(steps)


class Budget:
    """How much may still be made, in characters: `limit`, or some times that where lists lie within lists and their
    members are paid for at each level."""

    __slots__ = ("left", "limit")

    def __init__(self, limit: int, times: int = 1) -> None:
        self.limit = limit
        self.left = limit * times

    def spend(self, characters: int) -> None:
        self.left -= characters
        if self.left < 0:
            raise Broken(f"the result is larger than {self.limit} characters")


class Scope:
    """Where paths begin: `here` for ``a``, `root` for ``/a``, `outer.here` for ``../a``."""

    __slots__ = ("budget", "here", "outer", "root")

    def __init__(self, here: object, root: object, outer: "Scope | None", budget: Budget) -> None:
        self.here = here
        self.root = root
        self.outer = outer
        self.budget = budget

    def step(self, here: object) -> "Scope":
        """The scope of one member of a list, or of a document inside a value."""
        return Scope(here, self.root, self, self.budget)


Make = Callable[[Scope], object]
"""Makes one value of the result, or `MISSING`; raises only `Broken`."""

Convert = Callable[[object], object]
"""One single value into another, or into `MISSING`; raises only `Broken`."""


def absent(_scope: Scope) -> object:
    return MISSING


def members(value: object) -> list[object]:
    """What a list holds. A single value counts as a list of one: older systems write a list of one that way."""
    return value if isinstance(value, list) else [value]


def charge(value: object, budget: Budget, depth: int = DEPTH) -> None:
    """Pay for a value, and refuse what could not be written as JSON: too deep, too large, not a finite number, a whole
    number beyond 64 bits (RFC 8259 §6: such numbers are read differently by different systems)."""
    cost = VALUE
    if isinstance(value, str):
        cost += len(value)
    elif isinstance(value, dict):
        cost += _charge_members(value, budget, _deeper(depth))
    elif isinstance(value, list):
        inner = _deeper(depth)
        for member in value:
            charge(member, budget, inner)
    elif isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise Broken("a whole number needs more than 64 bits")
    elif isinstance(value, float) and not math.isfinite(value):
        raise Broken("a number is not finite")
    budget.spend(cost)


def _charge_members(value: dict[str, object], budget: Budget, depth: int) -> int:
    """What names and plain members cost, as most are: a call for each would cost more than all the rest."""
    cost = 0
    for key, member in value.items():
        cost += len(key)
        if type(member) is str:
            cost += VALUE + len(member)
        elif member is None or type(member) is bool:
            cost += VALUE
        else:
            charge(member, budget, depth)
    return cost


def _deeper(depth: int) -> int:
    if depth == 0:
        raise Broken(f"the result is deeper than {DEPTH} levels")
    return depth - 1
