"""Inboxes over SOAP: systems that cannot be called and speak nothing but SOAP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx2 as httpx
import orjson
import pytest
from lxml import etree

from bus.envelope import Body, Format
from identity.credentials import issue_readable
from tests.flows.conftest import CLOCK, Bus, Province
from tests.flows.soap_bus import ENVELOPES
from tests.flows.test_inbox import over, sent
from tests.flows.test_soap_security import security, token

everywhere = pytest.mark.parametrize("stack", ["embedded", "servers"])

NS = "{urn:lgsp:inbox}"
TYPE, ENVELOPE = ENVELOPES["1.1"]


@dataclass
class His:
    """The system that fetches, with envelopes made by hand."""

    http: httpx.AsyncClient

    async def post(self, operation: str, inside: str = "", header: str = "", **headers: str) -> httpx.Response:
        head = f"<s:Header>{header}</s:Header>" if header else ""
        body = f'<{operation} xmlns="urn:lgsp:inbox">{inside}</{operation}>'
        data = f'<s:Envelope xmlns:s="{ENVELOPE}">{head}<s:Body>{body}</s:Body></s:Envelope>'
        return await self.http.post("/soap/inbox", content=data.encode(), headers={"Content-Type": TYPE, **headers})

    async def fetch(self, inside: str = "<wait>5</wait>") -> list[dict[str, Any]]:
        answer = await self.post("fetch", inside)
        assert answer.status_code == 200
        return deliveries(answer)

    async def tell(self, operation: str, item: dict[str, Any], more: str = "") -> httpx.Response:
        which = f"<delivery>{item['id']}</delivery><attempt>{item['attempt']}</attempt>"
        return await self.post(operation, which + more)


def deliveries(answer: httpx.Response) -> list[dict[str, Any]]:
    """Each with its elements by name; `body` is the element that stands in it."""
    found = etree.fromstring(answer.content).findall(f".//{NS}delivery")
    return [
        {etree.QName(each).localname: each[0] if each.tag == f"{NS}body" else each.text or "" for each in one}
        for one in found
    ]


def error(answer: httpx.Response) -> str | None:
    return etree.fromstring(answer.content).findtext(".//{urn:lgsp:error}code")


@pytest.fixture(autouse=True)
def fetching(province: Province) -> None:
    """`his` fetches what others are sent."""
    province.fetching["his"] = 60.0
    province.routes = [replace(route, repeatable=True) for route in province.routes]


@asynccontextmanager
async def running(bus: Bus, province: Province) -> AsyncIterator[tuple[httpx.AsyncClient, His]]:
    """The bus, a sender, and the system that fetches."""
    token = province.client("his")
    async with bus() as (node, sender):
        headers = {"Authorization": f"Bearer {token}", "Accept-Language": "en"}
        transport = httpx.ASGITransport(node.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://bus", headers=headers) as http:
            yield sender, His(http)


@everywhere
async def test_fetched_and_acknowledged(bus: Bus, province: Province) -> None:
    """What was accepted is fetched with what is known of it; once acknowledged, as often as that is said, it is
    delivered."""
    async with running(bus, province) as (sender, his):
        location = await sent(sender, {"ä": 1})
        (item,) = await his.fetch()
        assert orjson.loads(item["text"]) == {"ä": 1}
        assert f"/messages/{item['message']}" == location
        known = {name: item[name] for name in ("contract", "version", "exchange", "sender", "attempt", "format")}
        assert known == {
            "contract": "tell",
            "version": "1.0.0",
            "exchange": "document",
            "sender": "one-stop",
            "attempt": "1",
            "format": "json",
        }
        assert item["acceptedAt"] < item["leaseUntil"] < item["expiresAt"]
        for _ in range(2):
            done = await his.tell("ack", item)
            assert done.status_code == 200
            assert etree.fromstring(done.content).find(f".//{NS}ackResponse") is not None
        message = await over(sender, location)
        assert message["state"] == "done"
        assert [event["event"] for event in message["timeline"]] == ["message.accepted", "attempt.ended"]
        assert await his.fetch("") == []


async def test_a_wait_ends_with_what_comes(bus: Bus, province: Province) -> None:
    """Who waits is answered as soon as something is accepted, and gets at most what it asks for."""
    async with running(bus, province) as (sender, his):
        waiting = asyncio.create_task(his.fetch("<wait>60</wait><max>1</max>"))
        await asyncio.sleep(0)
        await asyncio.gather(*(sent(sender, {"n": number}) for number in range(2)))
        assert len(await waiting) == len(await his.fetch()) == 1


@everywhere
async def test_reply_as_text(bus: Bus, province: Province) -> None:
    """The text of an acknowledgement is the reply, which the waiting caller gets; one that breaks the contract is a
    fault with its findings, and can be mended; a declared fault is told by its name."""
    async with running(bus, province) as (sender, his):
        asking = asyncio.create_task(sender.post("/messages/ask", json={"id": 7}))
        (item,) = await his.fetch()
        wrong = await his.tell("ack", item, '<text>{"bad": 1}</text>')
        assert (wrong.status_code, error(wrong)) == (500, "body-invalid")
        finding = etree.fromstring(wrong.content).find(".//{urn:lgsp:error}finding")
        assert finding is not None
        assert finding.get("place") == "/bad"
        assert (await his.tell("ack", item, '<text>{"found": "&lt;ä&gt;"}</text>')).status_code == 200
        assert (await asking).json() == {"found": "<ä>"}
        asking = asyncio.create_task(sender.post("/messages/ask", json={"id": 8}))
        (item,) = await his.fetch()
        assert (await his.tell("ack", item, "<fault>not-found</fault><text>{}</text>")).status_code == 200
        assert (await asking).json()["fault"] == "not-found"


async def test_after_the_transform(bus: Bus, province: Province) -> None:
    """A message is fetched in its system's own shape, which may be XML of no namespace, and answered in it; as a text
    where every body is asked for so."""

    def outgoing(_: Body) -> Body:
        return Body(Format.XML, b'<?xml version="1.0"?>\n<Tin a="1">\xc3\xa4<b/></Tin>')

    def incoming(body: Body) -> Body:
        assert body.format is Format.XML
        return Body(Format.JSON, orjson.dumps({"read": etree.fromstring(body.data).tag}))

    province.routes = [replace(route, request=outgoing, reply=incoming) for route in province.routes]
    async with running(bus, province) as (sender, his):
        for answer in ("<body><Ans xmlns=''/></body>", "<text>&lt;Ans/&gt;</text>"):
            asking = asyncio.create_task(sender.post("/messages/ask", json={}))
            (item,) = await his.fetch()
            assert etree.tostring(item["body"], method="c14n", exclusive=True) == b'<Tin a="1">\xc3\xa4<b></b></Tin>'
            assert (await his.tell("ack", item, answer)).status_code == 200
            assert (await asking).json() == {"read": "Ans"}
        await sent(sender, {})
        (item,) = await his.fetch("<wait>5</wait><asText>true</asText>")
        assert etree.fromstring(item["text"].encode()).tag == "Tin"


@everywhere
async def test_given_back(bus: Bus, province: Province) -> None:
    """What is given back for later comes again with a higher attempt; for good, it is a dead letter."""
    async with running(bus, province) as (sender, his):
        location = await sent(sender, {})
        (item,) = await his.fetch()
        assert (await his.tell("nack", item, "<reason>busy</reason><retry>true</retry>")).status_code == 200
        (again,) = await his.fetch()
        assert (again["id"], again["attempt"]) == (item["id"], "2")
        assert (await his.tell("nack", again, "<reason>invalid</reason><retry>0</retry>")).status_code == 200
        (delivery,) = (await over(sender, location))["deliveries"]
        assert (delivery["state"], delivery["reason"]) == ("dead", "refused")


async def test_errors_are_faults(bus: Bus, province: Province) -> None:
    """What the inbox over HTTP says as problems, that over SOAP says as faults with the same codes; what was fetched
    stays with its system."""
    one_stop = f"Bearer {province.client('one-stop')}"
    async with running(bus, province) as (sender, his):
        await sent(sender, {})
        (item,) = await his.fetch()
        which = f"<delivery>{item['id']}</delivery>"
        for operation, inside, headers, code in (
            ("fetch", "", {"Authorization": one_stop}, "inbox-missing"),
            ("ack", f"{which}<attempt>1</attempt>", {"Authorization": one_stop}, "inbox-missing"),
            ("fetch", "", {"Authorization": ""}, "authentication-missing"),
            ("fetch", "<wait>61</wait>", {}, "query-invalid"),
            ("fetch", "<max>0</max>", {}, "query-invalid"),
            ("fetch", "<max>1</max><max>1</max>", {}, "query-invalid"),
            ("fetch", "<wait xmlns=''>1</wait>", {}, "query-invalid"),
            ("fetch", "<wait><a/></wait>", {}, "query-invalid"),
            ("fetch", "<asText>yes</asText>", {}, "query-invalid"),
            ("fetch", "<reason>busy</reason>", {}, "query-invalid"),
            ("ack", which, {}, "query-invalid"),
            ("ack", f"{which}<attempt>1</attempt><body><a/><b/></body>", {}, "query-invalid"),
            ("ack", f"{which}<attempt>1</attempt><body><a/></body><text>a</text>", {}, "query-invalid"),
            ("ack", f"{which}<attempt>1</attempt><fault>another</fault><text>a</text>", {}, "query-invalid"),
            ("nack", f"{which}<attempt>1</attempt><reason>Nguyễn Văn A đã mất</reason>", {}, "query-invalid"),
            ("ack", f"{which}<attempt>2</attempt>", {}, "lease-ended"),
            ("ack", "<delivery>x</delivery><attempt>1</attempt>", {}, "delivery-unknown"),
            ("extend", "", {}, "soap-operation-unknown"),
        ):
            refused = await his.post(operation, inside, **headers)
            assert (inside, refused.status_code, error(refused)) == (inside, 401 if "auth" in code else 500, code)
            assert "Nguyễn" not in refused.text
        assert (await his.tell("ack", item)).status_code == 200


@everywhere
async def test_a_token_fetches_once(bus: Bus, province: Province) -> None:
    """Whoever overheard an envelope with a digest gets nothing by it, and the message is still there for its system."""
    async with running(bus, province) as (sender, his):
        credential, secret = issue_readable("his", CLOCK.now() - 1000, CLOCK.new_id, province.keys)
        province.credentials[credential.id] = credential
        proof = security(token(secret, name="his"))
        first = await his.post("fetch", header=proof, Authorization="")
        assert (first.status_code, deliveries(first)) == (200, [])
        await sent(sender, {})
        again = await his.post("fetch", "<wait>5</wait>", header=proof, Authorization="")
        assert (again.status_code, error(again)) == (401, "security-replayed")
        assert len(await his.fetch()) == 1
