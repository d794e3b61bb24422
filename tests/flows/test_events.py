"""CloudEvents through the bus: in by one mode, out by the other, signed and verified."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2 as httpx
import orjson
import pytest
from aiohttp import web

from adapters.egress import Egress
from adapters.http import open_session
from adapters.rest.cloud_events import EventForm
from adapters.rest.outbound import RestAdapter, RestSettings
from adapters.signing import Signer
from bus.clock import iso
from identity.keyring import Purpose
from tests.flows.conftest import CLOCK, Bus, Province

DOCS = Path(__file__).resolve().parents[2] / "docs"
EVENT = {"ce-specversion": "1.0", "ce-id": "4711", "ce-source": "/stations/hue-07", "ce-type": "reading"}


@pytest.fixture
async def subscriber(province: Province) -> AsyncIterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    """Subscribes to `news` over loopback, as signed structured events: its address, and what came."""
    came: list[tuple[dict[str, str], bytes]] = []

    async def take(request: web.Request) -> web.Response:
        came.append((dict(request.headers), await request.read()))
        return web.json_response({})

    application = web.Application()
    application.router.add_post("/in", take)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    address = f"http://127.0.0.1:{runner.addresses[0][1]}/in"
    async with open_session(Egress([ip_network("127.0.0.0/8")])) as session:
        signer = Signer(province.keys.current(Purpose.DELIVERIES), CLOCK)
        settings = RestSettings(address, events=EventForm(structured=True, base="https://bus.vn"), signer=signer)
        province.receivers = {"his": RestAdapter(settings, session)}  # type: ignore[dict-item]
        order = lambda value: value["station"]  # noqa: E731
        news = next(route for route in province.routes if route.contract == "news" and route.system == "his")
        province.routes = [replace(news, order_by=order)]
        yield address, came
    await runner.cleanup()


async def send(client: httpx.AsyncClient, **fields: Any) -> httpx.Response:
    return await client.post("/messages/news", timeout=20, **fields)


async def test_binary_event_arrives_structured_and_signed(
    bus: Bus, subscriber: tuple[str, list[tuple[dict[str, str], bytes]]]
) -> None:
    """An event that came in headers reaches its subscriber as one document in the bus's own words, with a signature
    that the bus's published keys verify as the docs show."""
    address, came = subscriber
    (example,) = re.findall(r"```python\n(.*?)```", (DOCS / "events.md").read_text(encoding="utf-8"), re.DOTALL)
    shown: dict[str, Any] = {"__name__": "example"}
    exec(compile(example, "docs/events.md", "exec", dont_inherit=True), shown)
    body = b'{"station": "hue-07", "pm25": 31.0}'
    async with bus() as (_, client):
        headers = EVENT | {"Content-Type": "application/json", "Prefer": "wait=10"}
        sent = await send(client, content=body, headers=headers)
        jwks = (await client.get("/.well-known/jwks.json")).json()
    assert (sent.status_code, sent.json()["state"]) == (200, "done")
    ((told, got),) = came
    assert got.endswith(b'"data":' + body + b"}")
    event = orjson.loads(got)
    assert event.pop("time") == iso(UUID(sent.json()["id"]).int >> 80)
    assert event.pop("data") == orjson.loads(body)
    assert event.pop("sequence") == f"{int(told['Bus-Sequence']):019d}"
    assert event == {
        "specversion": "1.0",
        "id": sent.json()["id"],
        "source": "/systems/one-stop",
        "type": "news@1",
        "datacontenttype": "application/json",
        "dataschema": "https://bus.vn/contracts/news@1.0.0/schema.json",
    }
    received = shown["Received"]("POST", address, told)
    assert shown["delivery"](received, got, jwks) == told["Idempotency-Key"] == sent.json()["deliveries"][0]["id"]


async def test_event_is_taken_once(bus: Bus, subscriber: tuple[str, list[tuple[dict[str, str], bytes]]]) -> None:
    """The same event again, in whichever mode, is the same message; with other data it is refused, and another source
    may use the same id."""
    document = {name.removeprefix("ce-"): value for name, value in EVENT.items()}
    structured = {"Content-Type": "application/cloudevents+json", "Prefer": "wait=10"}
    async with bus() as (_, client):
        first = await send(client, json={"station": "1"}, headers=EVENT | {"Prefer": "wait=10"})
        again = await send(client, content=orjson.dumps(document | {"data": {"station": "1"}}), headers=structured)
        other = await send(client, content=orjson.dumps(document | {"data": {"station": "2"}}), headers=structured)
        elsewhere = orjson.dumps(document | {"source": "/stations/hue-08", "data": {"station": "1"}})
        another = await send(client, content=elsewhere, headers=structured)
    assert [each.status_code for each in (first, again, other, another)] == [200, 200, 409, 200]
    assert first.json()["id"] == again.json()["id"] != another.json()["id"]
    assert other.json()["code"] == "idempotency-key-reused"
    assert len(subscriber[1]) == 2


async def test_idempotency_key_counts_alone(bus: Bus, province: Province) -> None:
    """Where the sender gives an Idempotency-Key, an event's own id makes nothing once-only."""
    async with bus() as (_, client):
        sent = [
            await client.post("/messages/tell", json={}, headers=EVENT | {"Idempotency-Key": key}) for key in ("1", "2")
        ]
    assert sent[0].json()["id"] != sent[1].json()["id"]


async def test_sender_that_asks_first_is_answered(bus: Bus) -> None:
    """The validation handshake is answered where messages are sent, and nowhere else; other OPTIONS are refused."""
    asking = {"WebHook-Request-Origin": "events.example.vn", "WebHook-Request-Rate": "120"}
    async with bus() as (_, client):
        agreed = await client.options("/messages/news", headers=asking)
        assert (agreed.status_code, agreed.headers["webhook-allowed-origin"]) == (200, "events.example.vn")
        assert agreed.headers["webhook-allowed-rate"] == "*"
        for path, headers in (
            ("/token", asking),
            ("/messages/news", {}),
            ("/messages/news", asking | {"WebHook-Request-Origin": "a, b"}),
        ):
            refused = await client.options(path, headers=headers)
            assert (refused.status_code, refused.json()["code"]) == (405, "method-not-allowed")


async def test_bad_event_is_refused_and_recorded(bus: Bus, province: Province) -> None:
    """What is no CloudEvent is told its sender, in either mode, with the audit event that tells of it."""
    structured = {"Content-Type": "application/cloudevents+json"}
    async with bus() as (_, client):
        for fields in (
            {"json": {}, "headers": EVENT | {"ce-specversion": "0.3"}},
            {"content": b"{}", "headers": structured},
        ):
            refused = await send(client, **fields)
            assert (refused.status_code, refused.json()["code"]) == (400, "event-invalid")
            assert refused.json()["reference"]
        batch = await send(client, content=b"[]", headers={"Content-Type": "application/cloudevents-batch+json"})
    assert (batch.status_code, batch.json()["code"]) == (415, "media-type-unsupported")
    assert not province.receivers["his"].calls
