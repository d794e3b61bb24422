"""Time, identifiers and chance, passed in wherever they are needed so that tests need no sleep."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Protocol
from uuid import UUID

import uuid_utils


class Clock(Protocol):
    """Wall time for records, monotonic time for waits, and identifiers in the order of time."""

    def now(self) -> int:
        """Milliseconds since 1970-01-01T00:00:00Z."""

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back."""

    def new_id(self) -> UUID:
        """A UUIDv7 (RFC 9562 §5.7)."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic()

    def new_id(self) -> UUID:
        return UUID(int=uuid_utils.uuid7().int)


@dataclass
class ManualClock:
    """A clock that stands still until it is told to advance."""

    milliseconds: int = 1_800_000_000_000

    def now(self) -> int:
        return self.milliseconds

    def monotonic(self) -> float:
        return self.milliseconds / 1000

    def new_id(self) -> UUID:
        return UUID(int=uuid_utils.uuid7(nanoseconds=self.milliseconds * 1_000_000).int)

    def advance(self, seconds: float) -> None:
        self.milliseconds += round(seconds * 1000)


def jitter() -> Callable[[], float]:
    """Numbers between -1 and 1 by which waits are varied, so that what failed together does not come back together."""
    own = random.Random()  # noqa: S311 - nothing is kept secret by it
    return lambda: own.uniform(-1, 1)


def instant(text: str, zone: tzinfo | None = None) -> int:
    """Milliseconds since the epoch, of a time as RFC 3339 and xs:dateTime write it; one without a zone is of `zone`.
    Raises `ValueError` for anything else."""
    try:
        told = datetime.fromisoformat(text)
        if told.tzinfo is None:
            if zone is None:
                raise ValueError("no zone")
            told = told.replace(tzinfo=zone)
        return round(told.timestamp() * 1000)
    except OverflowError:
        raise ValueError("no time") from None


@lru_cache(maxsize=256)  # the events of one transaction have one time
def iso(milliseconds: int) -> str:
    """RFC 3339 in UTC with milliseconds: ``2026-11-22T09:55:00.123Z``."""
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{milliseconds % 1000:03d}Z"
