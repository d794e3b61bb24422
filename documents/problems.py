"""What is wrong with documents: where, and what to do about it."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

MOST_NAMES = 12  # a longer list of what there is helps nobody


class Severity(StrEnum):
    """Whether documents can be applied in spite of it."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem, in words that say what to do.

    `file` is relative to the province folder, `line` counts from 1 (0: the file as a whole), `path` is a JSON Pointer
    into the document.
    """

    file: str
    line: int
    path: str
    message: str
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.severity}: {self.message}" + (f" [{self.path}]" if self.path else "")


def meant(asked: str, there: Iterable[str]) -> str:
    """What was probably meant by a name that is not there, or else what there is."""
    names = sorted(set(there))
    close = get_close_matches(asked, names, n=1)
    if close:
        return f"did you mean `{close[0]}`?"
    if not names:
        return "there is none."
    return "there is " + ", ".join(names[:MOST_NAMES]) + (", …" if len(names) > MOST_NAMES else ".")


def pointer(steps: Iterable[str | int]) -> str:
    """The JSON Pointer (RFC 6901) of these steps."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)
