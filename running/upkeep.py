"""The upkeep of the journal that a serving process does by itself."""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from bus.errors import BusError
from documents import kinds
from documents.store import read
from journal.queries import Queries
from journal.upkeep import Keep, Upkeep

EVERY: Final = 3600.0
"""Seconds."""

log = structlog.get_logger("upkeep")


def kept_for(queries: Queries) -> Keep:
    """What the contracts ask for, in force or not: the longest of each. Blocks."""
    retentions = [contract.retention for _, contract in read(queries).of(kinds.Contract)]
    if not retentions:
        return Keep(0, None)
    return Keep(
        max(each.body.seconds for each in retentions) * 1000,
        max(each.evidence.seconds for each in retentions) * 1000,
    )


async def keep_up_hourly(keep_up: Callable[[], Upkeep]) -> None:
    """At once, and then each hour, until cancelled; `keep_up` blocks."""
    while True:
        try:
            done = await asyncio.to_thread(keep_up)
        except BusError as unavailable:
            log.warning("upkeep-postponed", code=unavailable.code)
        except Exception as unforeseen:  # noqa: BLE001 - the next hour may be better
            log.error("upkeep-failed", kind=type(unforeseen).__name__)
        else:
            log.info("kept-up", made=len(done.made), dropped=len(done.dropped), deleted=sum(done.deleted.values()))
        await asyncio.sleep(EVERY)
