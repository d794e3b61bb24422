"""What a look at one thing found."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"  # it runs, and will hurt one day
    FAILURE = "failure"  # it does not run, or it may lose something


@dataclass(frozen=True, slots=True)
class Finding:
    """`what` was looked at, what was `seen`, and how to `mend` it where it is not well."""

    what: str
    level: Level
    seen: str
    mend: str = ""


def well(what: str, seen: str) -> Finding:
    return Finding(what, Level.OK, seen)


def warning(what: str, seen: str, mend: str) -> Finding:
    return Finding(what, Level.WARNING, seen, mend)


def failure(what: str, seen: str, mend: str) -> Finding:
    return Finding(what, Level.FAILURE, seen, mend)
