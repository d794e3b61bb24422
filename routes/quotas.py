"""How much a sender may send, and how often it may ask: counted in this process, as its share of what all allow."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from bus.clock import Clock
from bus.errors import QuotaExceeded
from identity.grants import CIVIL_TIME, civil_date
from routes.model import Quota

READS: Final = Quota(per_second=200, burst=1_000)
"""Every system's quota of questions (GET): enough for one that asks after each of its messages, and a bound for a loop
without a pause."""


ROUNDING: Final = 1e-6
"""Seconds by which sums of fractions may be off."""


def alone() -> int:
    """The gateways that live, where there is but one."""
    return 1


@dataclass(slots=True)
class _Count:
    """What one system has used. `free_at` is the monotonic time at which its burst is whole again."""

    free_at: float = 0.0
    day: date = date.min
    today: int = 0


class Quotas:
    """Counts for one process; `gateways` says how many live, and each of them allows its share.

    A refused message counts for nothing: who goes on at twice the rate gets half of it through. What was counted is
    gone with the process; the day's number begins anew at midnight of civil time.
    """

    def __init__(self, clock: Clock, gateways: Callable[[], int] = alone) -> None:
        self._clock = clock
        self._gateways = gateways
        self._counts: dict[str, _Count] = {}

    def take(self, system: str, quota: Quota | None) -> None:
        """One more of a system. Raises `QuotaExceeded`, which says after how many seconds there is room again."""
        if quota is None:
            return
        count = self._counts.get(system)
        if count is None:
            count = self._counts[system] = _Count()
        share = max(1, self._gateways())
        free_at = count.free_at
        if quota.per_second is not None:
            now, each = self._clock.monotonic(), share / quota.per_second
            free_at = max(free_at, now) + each
            late = free_at - now - max(each, quota.most_at_once * each / share)
            if late > ROUNDING:
                raise QuotaExceeded(system=system, limit=f"{quota.per_second:g}/s", retry_after=max(1, math.ceil(late)))
        if quota.per_day is not None:
            self._take_of_day(system, count, quota.per_day, share)
        count.free_at = free_at

    def _take_of_day(self, system: str, count: _Count, per_day: int, share: int) -> None:
        now = self._clock.now()
        day = civil_date(now)
        if count.day != day:
            count.day, count.today = day, 0
        if count.today >= math.ceil(per_day / share):
            midnight = datetime.combine(day + timedelta(days=1), time(), CIVIL_TIME)
            left = math.ceil(midnight.timestamp() - now / 1000)
            raise QuotaExceeded(system=system, limit=f"{per_day}/d", retry_after=max(1, left))
        count.today += 1
