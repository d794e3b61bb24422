"""Where a compiler stands in a document, and what it found wrong there.

A compiler goes on after a problem, so that whoever writes a document sees every problem at once.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import TypeVar

from bus.errors import DocumentInvalid, Finding

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a document, as the steps to it, and how many lists or documents it is inside of.

    All spots of one document share what was `found`.
    """

    steps: tuple[str | int, ...] = ()
    inside: int = 0
    found: list[Finding] = field(default_factory=list)

    def at(self, *steps: str | int) -> "Spot":
        return replace(self, steps=self.steps + steps)

    def within(self) -> "Spot":
        """The same place, where paths begin at a member of what they began at before."""
        return replace(self, inside=self.inside + 1)

    def say(self, rule: str) -> None:
        self.found.append(Finding(place=pointer(self.steps), rule=rule))

    def attempt(self, build: Callable[[], T]) -> T | None:
        """What `build` makes; None when it found problems, which are noted at this place."""
        try:
            return build()
        except DocumentInvalid as wrong:
            here = pointer(self.steps)
            self.found.extend(replace(each, place=here + each.place) for each in wrong.findings)
            return None

    def conclude(self) -> None:
        """Raises `DocumentInvalid` when anything was found."""
        if self.found:
            raise DocumentInvalid(findings=self.found, count=len(self.found))


def pointer(steps: Iterable[str | int]) -> str:
    """The JSON Pointer (RFC 6901) of these steps; empty for the whole."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def invalid(rule: str) -> DocumentInvalid:
    """One problem with a text as a whole."""
    return DocumentInvalid(findings=[Finding(place="", rule=rule)], count=1)


def shown(text: object) -> str:
    """A text out of a document, short enough for a message."""
    try:
        words = str(text)
    except ValueError:  # Python writes no whole number of more than 4300 digits
        words = "a number"
    return f"`{words}`" if len(words) <= 60 else f"`{words[:59]}…`"


def known(names: Iterable[str], asked: str) -> str:
    """What there is, and what was probably meant."""
    there = sorted(names)
    close = get_close_matches(asked, there, n=1)
    return f"did you mean `{close[0]}`?" if close else "there is " + (", ".join(there[:12]) or "none") + "."
