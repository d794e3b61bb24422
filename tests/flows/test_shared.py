"""Two processes of the bus on one journal: together they call a system no more than it can bear."""

import asyncio
from collections import Counter

import pytest

from tests.flows.conftest import Bus, Province
from tests.flows.test_silent import all_delivered, tell, until

CONCURRENCY = 4


@pytest.fixture
def stack() -> str:
    """Only servers are shared."""
    return "servers"


async def test_two_processes_never_call_more_than_one_may(bus: Bus, province: Province) -> None:
    """While a second process comes, serves and goes, a system is never called more often at the same time than its
    limit, each delivery is called once, and both have their part."""
    his = province.receivers["his"]
    his.delay = 0.05
    async with bus() as (first, client):
        locations = await tell(client, 40)
        async with bus() as (second, _):
            while {first.conditions.workers(), second.conditions.workers()} != {frozenset({"process-1", "process-2"})}:
                locations += await tell(client, 10)
                await asyncio.sleep(0.1)
            locations += await tell(client, 200)
            await all_delivered(client, locations)
        locations += await tell(client, 50)
        await until(lambda: first.conditions.workers() == {"process-1"})
        await all_delivered(client, locations)
        timelines = [(await client.get(each)).json()["timeline"] for each in locations]
    actors = Counter(event["actor"] for told in timelines for event in told if event["event"] == "attempt.ended")
    assert min(actors["process-1"], actors["process-2"]) > 20
    assert his.most_inside == CONCURRENCY
    assert set(Counter(call.headers["Idempotency-Key"] for call in his.calls).values()) == {1}
