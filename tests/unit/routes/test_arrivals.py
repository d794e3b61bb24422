"""Who waits at which inbox, and what this process knows to be there."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import pytest

from bus.clock import ManualClock
from bus.errors import QuotaExceeded
from journal.queries import Queries
from routes.arrivals import FRESH, MOST_WAITING, REMEMBERED, Arrivals
from routes.conditions import Conditions


class Journal:
    """Knows in which inboxes something is, and what it was asked."""

    def __init__(self) -> None:
        self.there: set[str] = set()
        self.questions: list[list[str]] = []

    def fetchable(self, systems: Sequence[str], now: int) -> set[str]:
        self.questions.append(list(systems))
        return self.there & set(systems)


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture
def arrivals(journal: Journal, clock: ManualClock) -> Arrivals:
    return Arrivals(cast("Queries", journal), Conditions(clock, "gateway"), clock)


async def begun(*waits: Any) -> list[asyncio.Task[bool]]:
    tasks = [asyncio.ensure_future(each) for each in waits]
    await asyncio.sleep(0)
    return tasks


async def test_one_is_told_the_first_that_came(arrivals: Arrivals) -> None:
    """Of those who wait at an inbox the one who has waited longest is told, and no other; nobody at another inbox."""
    first, second, other = await begun(arrivals.wait("his", 60), arrivals.wait("his", 60), arrivals.wait("mirror", 60))
    arrivals.came("his")
    assert await first is True
    assert not second.done()
    assert not other.done()
    arrivals.close()
    assert list(await asyncio.gather(second, other)) == [False, False]


async def test_a_wait_ends(arrivals: Arrivals) -> None:
    """Who is told nothing within the time goes away with nothing."""
    assert await arrivals.wait("his", 0.001) is False


async def test_what_one_is_told_is_not_lost_with_him(arrivals: Arrivals) -> None:
    """Who is told and cancelled at the same moment leaves it to the next."""
    first, second = await begun(arrivals.wait("his", 60), arrivals.wait("his", 60))
    arrivals.came("his")
    first.cancel()
    assert await second is True


async def test_empty_for_a_while(arrivals: Arrivals, clock: ManualClock) -> None:
    """An inbox that was found empty is believed to be for a moment, unless something came since it was looked at."""
    assert not arrivals.is_empty("his")
    news = arrivals.news("his")
    arrivals.nothing("his", news, clock.monotonic())
    assert arrivals.is_empty("his")
    clock.advance(FRESH + 0.1)
    assert not arrivals.is_empty("his")
    arrivals.came("his")
    arrivals.nothing("his", news, clock.monotonic())
    assert not arrivals.is_empty("his")


async def test_one_question_for_all(arrivals: Arrivals, journal: Journal, clock: ManualClock) -> None:
    """However many wait at however many inboxes, a look is one question; it tells who has something, and of the others
    that they are empty."""
    waits = await begun(*(arrivals.wait(f"system-{number % 10}", 60) for number in range(100)))
    journal.there = {"system-3"}
    await arrivals.look()
    assert journal.questions == [[f"system-{number}" for number in range(10)]]
    await asyncio.sleep(0)
    assert [number for number, wait in enumerate(waits) if wait.done()] == [3]
    assert [arrivals.is_empty(f"system-{number}") for number in (2, 3)] == [True, False]
    arrivals.close()
    await asyncio.gather(*waits)


async def test_forgotten(arrivals: Arrivals, journal: Journal, clock: ManualClock) -> None:
    """An inbox at which nobody waits is looked at for a while after somebody asked, and then no more."""
    arrivals.asked("his")
    await arrivals.look()
    clock.advance(REMEMBERED + 1)
    await arrivals.look()
    assert journal.questions == [["his"]]


async def test_not_endlessly_many(arrivals: Arrivals) -> None:
    """Who comes when as many wait as may is told to come again."""
    waits = await begun(*(arrivals.wait("his", 60) for _ in range(MOST_WAITING)))
    with pytest.raises(QuotaExceeded):
        await arrivals.wait("his", 60)
    arrivals.close()
    await asyncio.gather(*waits)
