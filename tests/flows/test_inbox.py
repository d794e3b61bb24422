"""Inboxes: systems that fetch their messages and say what became of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx2 as httpx
import pytest

from bus.envelope import Body, Format
from bus.errors import TransformFailed
from identity.grants import Grant, May
from journal.conditions import Pause
from running.node import Node
from tests.flows.conftest import Bus, Province
from tests.flows.test_messages import ended

everywhere = pytest.mark.parametrize("stack", ["embedded", "servers"])


@pytest.fixture(autouse=True)
def fetching(province: Province) -> None:
    """`his` fetches what others are sent."""
    province.fetching["his"] = 60.0
    province.routes = [replace(route, repeatable=True) for route in province.routes]


@asynccontextmanager
async def running(bus: Bus, province: Province) -> AsyncIterator[tuple[Node, httpx.AsyncClient, httpx.AsyncClient]]:
    """The bus, a sender, and the system that fetches."""
    token = province.client("his")
    async with bus() as (node, sender):
        headers = {"Authorization": f"Bearer {token}", "Accept-Language": "en"}
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(node.app), base_url="http://bus", headers=headers
        ) as his:
            yield node, sender, his


async def fetched(his: httpx.AsyncClient, query: str = "wait=5") -> list[dict[str, Any]]:
    answer = await his.get(f"/inbox?{query}")
    assert answer.status_code == 200
    return list(answer.json()["deliveries"])


async def sent(sender: httpx.AsyncClient, body: dict[str, Any], contract: str = "tell") -> str:
    answer = await sender.post(f"/messages/{contract}", json=body, headers={"Prefer": "respond-async"})
    assert answer.status_code == 202
    return str(answer.headers["location"])


async def over(sender: httpx.AsyncClient, location: str) -> dict[str, Any]:
    """The message at its end."""
    return await ended(sender, location)


@everywhere
async def test_fetched_and_acknowledged(bus: Bus, province: Province) -> None:
    """What was accepted is fetched as it was sent, with what is known of it; once acknowledged it is delivered, and
    nothing was called for it."""
    async with running(bus, province) as (_, sender, his):
        location = await sent(sender, {"ä": 1})
        (item,) = await fetched(his)
        assert item["body"] == {"ä": 1}
        assert f"/messages/{item['message']}" == location
        known = {name: item[name] for name in ("contract", "version", "exchange", "sender", "attempt", "format")}
        assert known == {
            "contract": "tell",
            "version": "1.0.0",
            "exchange": "document",
            "sender": "one-stop",
            "attempt": 1,
            "format": "json",
        }
        assert item["acceptedAt"] < item["leaseUntil"] < item["expiresAt"]
        assert (await sender.get(location)).json()["state"] == "in-progress"
        assert (await his.post(item["ack"])).status_code == 204
        message = await over(sender, location)
        assert message["state"] == "done"
        assert [event["event"] for event in message["timeline"]] == ["message.accepted", "attempt.ended"]
        assert await fetched(his, "wait=0") == []
    assert province.receivers["his"].calls == []


async def test_raw(bus: Bus, province: Province) -> None:
    """A single one comes as its own bytes where its system wants that, with what is known of it in headers; then an
    empty inbox is no content."""
    async with running(bus, province) as (_, sender, his):
        await sent(sender, {"ä": [1, 2]})
        await sent(sender, {"second": True})
        answer = await his.get("/inbox?as=raw&wait=5")
        assert answer.json() == {"ä": [1, 2]}
        assert answer.headers["bus-contract"] == "tell@1.0.0"
        assert answer.headers["bus-sender"] == "one-stop"
        attempt = {"Bus-Attempt": answer.headers["bus-attempt"]}
        acknowledged = await his.post(f"{answer.headers['location']}/ack", headers=attempt)
        assert acknowledged.status_code == 204
        assert (await his.get("/inbox?as=raw&wait=5")).json() == {"second": True}
        assert (await his.get("/inbox?as=raw")).status_code == 204


async def test_a_wait_ends_with_what_comes(bus: Bus, province: Province) -> None:
    """Who waits is answered as soon as something is accepted, in time long before the wait is over."""
    async with running(bus, province) as (_, sender, his):
        waiting = asyncio.create_task(fetched(his, "wait=60"))
        await asyncio.sleep(0)
        await sent(sender, {"n": 1})
        assert [each["body"] for each in await waiting] == [{"n": 1}]


@everywhere
async def test_two_never_get_the_same(bus: Bus, province: Province) -> None:
    """Of many who wait at once each gets what no other gets, and everything is got by somebody."""
    province.fetching["his"] = 60.0
    async with running(bus, province) as (_, sender, his):
        waiting = [asyncio.create_task(fetched(his, "wait=60&max=1")) for _ in range(4)]
        await asyncio.sleep(0)
        await asyncio.gather(*(sent(sender, {"n": number}) for number in range(4)))
        found = [item["body"]["n"] for items in await asyncio.gather(*waiting) for item in items]
        assert sorted(found) == [0, 1, 2, 3]


async def test_no_more_than_it_may_hold(bus: Bus, province: Province) -> None:
    """A system holds no more than its concurrency says, however much it asks for."""
    async with running(bus, province) as (_, sender, his):
        for number in range(6):
            await sent(sender, {"n": number})
        held = await fetched(his)
        assert len(held) == 4
        assert await fetched(his, "wait=0") == []
        await his.post(held[0]["ack"])
        assert len(await fetched(his)) == 1


@everywhere
async def test_reply_reaches_who_waits(bus: Bus, province: Province) -> None:
    """The body of the acknowledgement of a request is the reply, which its waiting caller gets."""
    async with running(bus, province) as (_, sender, his):
        asking = asyncio.create_task(sender.post("/messages/ask", json={"id": 7}))
        (item,) = await fetched(his)
        assert (await his.post(item["ack"], json={"found": True})).status_code == 204
        answer = await asking
        assert (answer.status_code, answer.json()) == (200, {"found": True})


async def test_declared_fault(bus: Bus, province: Province) -> None:
    """A fault that the contract declares is told by its name, another is refused."""
    async with running(bus, province) as (_, sender, his):
        asking = asyncio.create_task(sender.post("/messages/ask", json={"id": 7}))
        (item,) = await fetched(his)
        refused = await his.post(f"{item['ack']}&fault=another", json={})
        assert (refused.status_code, refused.json()["code"]) == (400, "query-invalid")
        assert (await his.post(f"{item['ack']}&fault=not-found", json={"id": 7})).status_code == 204
        answer = await asking
        assert (answer.status_code, answer.json()["fault"], answer.json()["body"]) == (422, "not-found", {"id": 7})


async def test_a_wrong_reply_can_be_mended(bus: Bus, province: Province) -> None:
    """A reply that breaks the contract is refused with its findings, and the message stays with its system."""
    async with running(bus, province) as (_, sender, his):
        asking = asyncio.create_task(sender.post("/messages/ask", json={}))
        (item,) = await fetched(his)
        missing = await his.post(item["ack"])
        assert (missing.status_code, missing.json()["code"]) == (415, "media-type-unsupported")
        wrong = await his.post(item["ack"], json={"bad": 1})
        assert (wrong.status_code, wrong.json()["code"]) == (400, "body-invalid")
        assert wrong.json()["errors"][0]["pointer"] == "/bad"
        assert (await his.post(item["ack"], json={"good": 1})).status_code == 204
        assert (await asking).json() == {"good": 1}


async def test_given_back_for_later(bus: Bus, province: Province) -> None:
    """What is given back for later comes again with a higher attempt; the reason is told to whoever looks."""
    async with running(bus, province) as (_, sender, his):
        location = await sent(sender, {})
        (item,) = await fetched(his)
        for _ in range(2):
            given_back = await his.post(item["nack"], json={"reason": "busy", "retry": True})
            assert given_back.status_code == 204
        (again,) = await fetched(his)
        assert (again["id"], again["attempt"]) == (item["id"], 2)
        timeline = (await sender.get(location)).json()["timeline"]
        assert [event["code"] for event in timeline if event["event"] == "attempt.ended"] == ["nack-busy"]


async def test_given_back_for_good(bus: Bus, province: Province) -> None:
    """What is given back for good is a dead letter, refused."""
    async with running(bus, province) as (_, sender, his):
        location = await sent(sender, {})
        (item,) = await fetched(his)
        for _ in range(2):
            given_back = await his.post(item["nack"], json={"reason": "invalid", "retry": False})
            assert given_back.status_code == 204
        message = await over(sender, location)
        (delivery,) = message["deliveries"]
        assert (delivery["state"], delivery["reason"]) == ("dead", "refused")


@pytest.mark.parametrize("said", [{"reason": "Nguyễn Văn A đã mất"}, {"retry": "no"}, {"text": "x"}, [1]])
async def test_only_known_reasons(bus: Bus, province: Province, said: object) -> None:
    """A reason is one of the words of the bus; anything else is refused, and the message stays with its system."""
    async with running(bus, province) as (_, sender, his):
        await sent(sender, {})
        (item,) = await fetched(his)
        refused = await his.post(item["nack"], json=said)
        assert (refused.status_code, refused.json()["code"]) == (400, "query-invalid")
        assert (await his.post(item["ack"])).status_code == 204


@everywhere
async def test_late(bus: Bus, province: Province) -> None:
    """When a lease has ended, the message is given out again, and an answer to the former attempt is refused, as often
    as it comes; the one of the present attempt counts, and may be repeated."""
    province.fetching["his"] = 0.05
    async with running(bus, province) as (_, sender, his):
        location = await sent(sender, {})
        (first,) = await fetched(his)
        (second,) = await fetched(his, "wait=30")
        assert (second["id"], second["attempt"]) == (first["id"], 2)
        for _ in range(3):
            late = await his.post(first["ack"])
            assert (late.status_code, late.json()["code"]) == (409, "lease-ended")
        province.fetching["his"] = 60.0
        while True:  # this attempt's lease may have ended as well
            if (await his.post(second["ack"])).status_code == 204:
                break
            (second,) = await fetched(his, "wait=30")
        assert (await his.post(second["ack"])).status_code == 204
        message = await over(sender, location)
        assert message["state"] == "done"
        assert "answer.late" in [event["event"] for event in message["timeline"]]


async def test_unrepeatable(bus: Bus, province: Province) -> None:
    """Where a route says that doing it twice does harm, what was not answered in time waits for a person."""
    province.fetching["his"] = 0.05
    province.routes = [replace(route, repeatable=False) for route in province.routes]
    async with running(bus, province) as (_, sender, his):
        location = await sent(sender, {})
        await fetched(his)
        message = await over(sender, location)
        (delivery,) = message["deliveries"]
        assert (delivery["state"], delivery["reason"]) == ("dead", "outcome-unknown")


@everywhere
async def test_in_order(bus: Bus, province: Province) -> None:
    """Of one order key one message is given out at a time, as they were accepted, each with its place; those of others
    do not wait for it."""

    def key(body: Any) -> str | None:
        return str(body["who"])

    province.routes = [replace(route, order_by=key) for route in province.routes]
    async with running(bus, province) as (_, sender, his):
        for who, number in (("a", 1), ("a", 2), ("b", 1), ("a", 3)):
            await sent(sender, {"who": who, "n": number})
        held = await fetched(his)
        assert [each["body"] for each in held] == [{"who": "a", "n": 1}, {"who": "b", "n": 1}]
        places = [held[0]["sequence"]]
        for number in (2, 3):
            await his.post(held[0]["ack"])
            held = await fetched(his)
            assert [each["body"] for each in held] == [{"who": "a", "n": number}]
            places.append(held[0]["sequence"])
        assert places == sorted(places)


async def test_paused(bus: Bus, province: Province) -> None:
    """While a person has paused a system nothing is given out to it."""
    async with running(bus, province) as (node, sender, his):
        await node.committer.write(Pause("his", "user:operator"))
        while not node.conditions.blocked("his"):
            await asyncio.sleep(0.01)
        await sent(sender, {})
        assert await fetched(his, "wait=0") == []


@everywhere
async def test_nothing_new(bus: Bus, province: Province) -> None:
    """Who asks again and again gets 304 as long as there is nothing new, without the journal being asked, and then what
    came."""
    async with running(bus, province) as (node, sender, his):
        first = await his.get("/inbox")
        assert (first.status_code, first.json()) == (200, {"deliveries": []})
        known = {"If-None-Match": first.headers["etag"]}
        written = node.committer.write
        asked = 0

        async def counting(command: Any) -> Any:
            nonlocal asked
            asked += type(command).__name__ == "Fetch"
            return await written(command)

        node.committer.write = counting  # type: ignore[method-assign]
        answers = [await his.get("/inbox", headers=known) for _ in range(20)]
        assert {answer.status_code for answer in answers} == {304}
        assert asked <= 1
        await sent(sender, {})
        assert (await his.get("/inbox", headers=known)).status_code == 200


async def test_only_ones_own(bus: Bus, province: Province) -> None:
    """A system that is called has no inbox, and the deliveries of another are unknown to whoever has one."""
    province.fetching["mirror"] = 60.0
    province.grants.append(Grant("tell", 1, "mirror", May.RECEIVE))
    mirror = province.client("mirror")
    async with running(bus, province) as (_, sender, his):
        no_inbox = await sender.get("/inbox")
        assert (no_inbox.status_code, no_inbox.json()["code"]) == (403, "inbox-missing")
        await sent(sender, {})
        (item,) = await fetched(his)
        for which in (item["ack"], item["nack"], item["ack"].replace(item["id"], "x")):
            other = await his.post(which, headers={"Authorization": f"Bearer {mirror}"})
            assert (other.status_code, other.json()["code"]) == (404, "delivery-unknown")
        assert (await his.post(item["ack"])).status_code == 204


async def test_after_the_transform(bus: Bus, province: Province) -> None:
    """A message is fetched in its system's own shape, and answered in it; what cannot be brought into it is dead."""

    def outgoing(body: Body) -> Body:
        if b"impossible" in body.data:
            raise TransformFailed(transform="t", rule="required", place="/x")
        return Body(Format.XML, b"<Tin>\xc3\xa4</Tin>")

    def incoming(body: Body) -> Body:
        assert body.format is Format.XML
        return Body(Format.JSON, b'{"from":"xml"}')

    province.routes = [replace(each, request=outgoing, reply=incoming) for each in province.routes]
    async with running(bus, province) as (_, sender, his):
        location = await sent(sender, {"impossible": 1})
        asking = asyncio.create_task(sender.post("/messages/ask", json={}))
        (item,) = await fetched(his)
        assert (item["format"], item["body"]) == ("xml", "<Tin>ä</Tin>")
        xml = {"Content-Type": "application/xml"}
        assert (await his.post(item["ack"], content=b"<Ok/>", headers=xml)).status_code == 204
        assert (await asking).json() == {"from": "xml"}
        while (message := await over(sender, location))["state"] != "failed":
            await fetched(his)
        (delivery,) = message["deliveries"]
        assert (delivery["state"], delivery["reason"]) == ("dead", "refused")


@pytest.mark.parametrize("query", ["wait=61", "wait=-1", "wait=x", "max=0", "max=101", "as=xml"])
async def test_wrong_questions(bus: Bus, province: Province, query: str) -> None:
    """What cannot be meant is refused; so is a HEAD, which would take what nobody reads, and an answer that does not
    say which attempt it is about."""
    async with running(bus, province) as (_, sender, his):
        refused = await his.get(f"/inbox?{query}")
        assert (refused.status_code, refused.json()["code"]) == (400, "query-invalid")
        assert (await his.head("/inbox")).status_code == 405
        await sent(sender, {})
        (item,) = await fetched(his)
        assert (await his.post(item["ack"].partition("?")[0])).status_code == 400
        assert (await his.post(item["ack"])).status_code == 204


async def test_the_end_lets_everybody_go(bus: Bus, province: Province) -> None:
    """When the process is to end, who waits is told that there is nothing."""
    async with running(bus, province) as (node, _, his):
        waiting = asyncio.create_task(fetched(his, "wait=60"))
        await asyncio.sleep(0)
        node.waiting.close()
        assert await waiting == []
