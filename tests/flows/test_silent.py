"""A system that answers nobody, or that a person has paused: it is left alone, nothing is lost, and all goes on."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import httpx2 as httpx
import pytest

from adapters.call import Call, Outcome, Result
from bus.envelope import Body, Format
from contracts.model import Limits
from journal.commands import Event, PutDocuments
from journal.conditions import Pause, Resume
from routes.circuit import MOST_FAILURES
from routes.model import Snapshot
from tests.flows.conftest import Bus, Province

MANY = 60
CONCURRENCY = 4


@pytest.fixture(params=["embedded", "servers"])
def stack(request: pytest.FixtureRequest) -> str:
    """Every fact below holds on both."""
    return str(request.param)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first try comes soon."""
    monkeypatch.setattr("journal.conditions.FIRST_PROBE", 300)


def silent(call: Call) -> Outcome:
    return Outcome(Result.NOT_SENT, "connection-refused")


def answers(call: Call) -> Outcome:
    return Outcome(Result.ANSWERED, "http-200", 200, Body(Format.JSON, b"{}"))


async def until(happens: Callable[[], bool]) -> None:
    while not happens():
        await asyncio.sleep(0.01)


async def tell(client: httpx.AsyncClient, count: int) -> list[str]:
    """Send documents; where they are."""
    sent = await asyncio.gather(*(client.post("/messages/tell", json={"n": n}) for n in range(count)))
    assert {each.status_code for each in sent} == {202}
    return [each.headers["location"] for each in sent]


async def deliveries(client: httpx.AsyncClient, locations: list[str]) -> list[dict[str, object]]:
    return [delivery for each in locations for delivery in (await client.get(each)).json()["deliveries"]]


async def all_delivered(client: httpx.AsyncClient, locations: list[str]) -> list[dict[str, object]]:
    while True:
        found = await deliveries(client, locations)
        if all(each["state"] == "delivered" for each in found):
            return found
        await asyncio.sleep(0.05)


async def test_dead_system_is_left_alone_and_comes_back(bus: Bus, province: Province) -> None:
    """A system that refuses every connection is called a few times and then only tried; when it answers, everything is
    delivered, and what waited has used up no attempt."""
    his = province.receivers["his"]
    his.answer = silent
    async with bus() as (node, client):
        locations = await tell(client, MANY)
        await until(lambda: node.conditions.of("his").trips >= 2)
        assert len(his.calls) < MOST_FAILURES + 2 * CONCURRENCY + node.conditions.of("his").trips
        locations += await tell(client, MANY)
        waiting = await deliveries(client, locations)
        assert {each["state"] for each in waiting} == {"pending", "queued"}
        assert sum(each["attempts"] == 0 for each in waiting) > MANY
        assert {each["state"] for each in waiting[MANY:]} == {"pending"}
        his.answer = answers
        tried = len(his.calls)
        found = await all_delivered(client, locations)
        assert not node.conditions.blocked("his")
    assert len(his.calls) - tried <= 2 * MANY + node.conditions.of("his").trips + 1
    assert Counter(each["attempts"] for each in found)[1] > MANY


async def test_other_systems_go_on(bus: Bus, province: Province) -> None:
    """While one system answers nobody another is served as ever."""
    province.receivers["his"].answer = silent
    async with bus() as (node, client):
        await tell(client, 20)
        await until(lambda: node.conditions.blocked("his"))
        news = await client.post("/messages/news", json={})
        await until(lambda: len(province.receivers["mirror"].calls) == 1)
        states = {each["system"]: each["state"] for each in await deliveries(client, [news.headers["location"]])}
    assert states["his"] == "pending"


async def test_pause_holds_and_resumption_delivers(bus: Bus, province: Province) -> None:
    """What comes for a paused system waits as long as it is paused, also over a restart, and then is delivered once."""
    his = province.receivers["his"]
    async with bus() as (node, client):
        await node.committer.write(Pause("his", "user:an"))
        await until(lambda: node.conditions.blocked("his"))
        locations = await tell(client, MANY)
    async with bus() as (node, client):
        await node.sweeper.sweep()
        await client.post("/messages/news", json={}, headers={"Prefer": "wait=1"})
        assert his.calls == []
        await node.committer.write(Resume("his", "user:an"))
        found = await all_delivered(client, locations)
    assert {each["attempts"] for each in found} == {1}


async def test_request_to_a_paused_system_ends_with_its_time(bus: Bus, province: Province) -> None:
    """A caller who waits for a paused system waits no longer than its request lives."""
    ask = province.contracts["ask"]
    province.contracts["ask"] = replace(ask, limits=Limits(timeout=0.5))
    async with bus() as (node, client):
        await node.committer.write(Pause("his", "user:an"))
        await until(lambda: node.conditions.blocked("his"))
        asked = await client.post("/messages/ask", json={})
        assert asked.status_code in {202, 504}
        while (await client.get(asked.headers["location"])).json()["state"] != "expired":
            await asyncio.sleep(0.01)
    assert province.receivers["his"].calls == []


async def test_mended_password_heals_by_itself(bus: Bus, province: Province, monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that refuses the bus's password is left alone after two calls; once a new one is set, it is tried at
    once, and everything is delivered, also what had been put off for long."""
    monkeypatch.setattr("journal.conditions.FIRST_PROBE", 3_600_000)
    monkeypatch.setattr("journal.conditions.LAST_PROBE", 3_600_000)
    his, snapshot, revisions = province.receivers["his"], province.snapshot, [0]
    his.answer = lambda call: Outcome(Result.MISCONFIGURED, "http-401", 401)

    def newest() -> Snapshot:
        return snapshot(revisions[-1])

    province.snapshot = newest  # type: ignore[method-assign,assignment]
    async with bus() as (node, client):
        locations = await tell(client, MANY)
        await until(lambda: node.conditions.blocked("his"))
        assert len(his.calls) <= 2 + CONCURRENCY
        his.answer = answers
        event = Event("secret.changed", "user:an", facts={"agency": "H99", "name": "password"})
        revisions.append(revisions[-1] + 1)
        assert await node.committer.write(PutDocuments((), event)) == revisions[-1]
        await all_delivered(client, locations)
