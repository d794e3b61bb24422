"""Sending, asking, publishing: what a system sees of the data plane."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import httpx2 as httpx
import orjson
import pytest

from adapters.call import Call, Outcome, Result
from bus.envelope import Body, Format
from contracts.model import Limits
from identity.grants import Grant, May
from routes.model import Snapshot
from routes.waiting import Waiting
from tests.flows.conftest import Bus, Province


@pytest.fixture(params=["embedded", "servers"])
def stack(request: pytest.FixtureRequest) -> str:
    """Every fact below holds on both."""
    return str(request.param)


def answering(result: Result, data: bytes = b"{}", fault: str = "") -> Callable[[Call], Outcome]:
    return lambda call: Outcome(result, "test", reply=Body(Format.JSON, data), fault=fault)


async def ended(client: httpx.AsyncClient, location: str) -> dict[str, object]:
    """The message once no delivery is open any more."""
    while True:
        document = (await client.get(location)).json()
        if document["state"] in {"done", "failed", "expired"}:
            return dict(document)
        await asyncio.sleep(0.01)


async def test_document_is_delivered(bus: Bus, province: Province) -> None:
    """A document is answered with 202 and its place, and then arrives byte for byte."""
    async with bus() as (_, client):
        sent = await client.post("/messages/tell", json={"ä": 1})
        assert sent.status_code == 202
        assert sent.json()["state"] == "accepted"
        message = await ended(client, sent.headers["location"])
    assert message["state"] == "done"
    (call,) = province.receivers["his"].calls
    assert call.body == Body(Format.JSON, sent.request.content)


async def test_request_is_answered(bus: Bus, province: Province) -> None:
    """A request waits by default and is answered with the provider's reply."""
    province.receivers["his"].answer = answering(Result.ANSWERED, data=b'{"found":true}')
    async with bus() as (_, client):
        asked = await client.post("/messages/ask", json={})
        assert (asked.status_code, asked.content) == (200, b'{"found":true}')
        again = await client.get(asked.headers["location"] + "/reply")
        assert (again.status_code, again.content) == (200, b'{"found":true}')


async def test_event_reaches_every_subscriber(bus: Bus, province: Province) -> None:
    """An event is delivered to each of its subscribers."""
    async with bus() as (_, client):
        sent = await client.post("/messages/news", json={"aqi": 160}, headers={"Prefer": "wait=5"})
    assert sent.status_code == 200
    assert [len(each.calls) for each in province.receivers.values()] == [1, 1]


async def test_event_without_subscribers_is_done(bus: Bus, province: Province) -> None:
    """An event that no route matches is accepted and done."""
    province.routes = [replace(route, condition=lambda value: False) for route in province.routes]
    async with bus() as (_, client):
        sent = await client.post("/messages/news", json={})
        assert (await ended(client, sent.headers["location"]))["state"] == "done"


async def test_condition_chooses_the_receiver(bus: Bus, province: Province) -> None:
    """Conditions are asked with the parsed body, and the first route that matches takes a document."""
    tell = next(route for route in province.routes if route.contract == "tell")
    province.routes.insert(0, replace(tell, system="mirror", condition=lambda value: value == {"to": "mirror"}))
    async with bus() as (_, client):
        await client.post("/messages/tell", json={"to": "mirror"}, headers={"Prefer": "wait=5"})
        await client.post("/messages/tell", json={}, headers={"Prefer": "wait=5"})
    assert [len(each.calls) for each in province.receivers.values()] == [1, 1]


@pytest.mark.parametrize(
    ("result", "status", "code"),
    [
        (Result.REFUSED, 502, "receiver-refused"),
        (Result.UNKNOWN, 504, "outcome-unknown"),
        (Result.REPLY_INVALID, 502, "reply-invalid"),
        (Result.FAULT, 422, "declared-fault"),
    ],
)
async def test_failed_request_says_how(bus: Bus, province: Province, result: Result, status: int, code: str) -> None:
    """Each way in which a request can fail has its status and code, from the waiting POST and from /reply alike."""
    province.receivers["his"].answer = answering(result, fault="not-found" if result is Result.FAULT else "")
    async with bus() as (_, client):
        asked = await client.post("/messages/ask", json={})
        again = await client.get(asked.headers["location"] + "/reply")
    assert (asked.status_code, asked.json()["code"]) == (status, code)
    assert asked.json() == again.json()
    assert asked.headers["content-type"] == "application/problem+json"


async def test_reply_that_breaks_the_contract_is_kept(bus: Bus, province: Province) -> None:
    """A reply that the contract does not allow is stored raw, and its sender gets 502."""
    province.receivers["his"].answer = answering(Result.ANSWERED, data=b'{"bad":1}')
    async with bus() as (_, client):
        asked = await client.post("/messages/ask", json={})
        assert (asked.status_code, asked.json()["code"]) == (502, "reply-invalid")


async def test_request_expires_with_its_timeout(bus: Bus, province: Province) -> None:
    """A request whose receiver cannot be reached ends with 504 when its time is over."""
    province.contracts["ask"] = replace(province.contracts["ask"], limits=Limits(timeout=0.5))
    province.receivers["his"].answer = answering(Result.NOT_SENT)
    async with bus() as (_, client):
        asked = await client.post("/messages/ask", json={})
    assert (asked.status_code, asked.json()["code"]) == (504, "message-expired")
    assert len(province.receivers["his"].calls) > 1


async def test_retry_arrives_once_the_receiver_is_back(bus: Bus, province: Province) -> None:
    """What could not be sent is tried again with the same Idempotency-Key until it arrives."""
    outcomes = iter([Result.NOT_SENT, Result.TROUBLE, Result.ANSWERED])
    province.receivers["his"].answer = lambda call: Outcome(next(outcomes), "test")
    async with bus() as (_, client):
        sent = await client.post("/messages/tell", json={}, headers={"Prefer": "wait=5"})
    assert sent.json()["state"] == "done"
    calls = province.receivers["his"].calls
    assert len(calls) == 3
    assert len({call.headers["Idempotency-Key"] for call in calls}) == 1


async def test_wait_that_ends_first_answers_202(bus: Bus, province: Province) -> None:
    """Past the preferred wait the caller gets 202 and finds the reply at its place later."""
    province.receivers["his"].delay = 1.2
    async with bus() as (_, client):
        asked = await client.post("/messages/ask", json={}, headers={"Prefer": "wait=1"})
        assert (asked.status_code, asked.headers["preference-applied"]) == (202, "wait=1")
        assert "retry-after" in asked.headers
        await ended(client, asked.headers["location"])
        assert (await client.get(asked.headers["location"] + "/reply")).status_code == 200


async def test_a_missed_signal_costs_a_look(bus: Bus, province: Province, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits while signals are lost is answered out of the journal as soon as the process can hear again."""
    monkeypatch.setattr(Waiting, "hear", lambda self, signal: None)
    async with bus() as (node, client), asyncio.timeout(50):
        asking = asyncio.create_task(client.post("/messages/tell", json={}, headers={"Prefer": "wait=60"}))
        while not (listed := (await client.get("/messages?state=done")).json()["messages"]):
            await asyncio.sleep(0.01)
        assert not asking.done()
        node.waiting.missed()
        answer = await asking
    assert (answer.status_code, answer.json()["id"]) == (200, listed[0]["id"])


async def test_respond_async_waits_for_nothing(bus: Bus, province: Province) -> None:
    """With respond-async a request is answered at once with 202."""
    async with bus() as (_, client):
        asked = await client.post("/messages/ask", json={}, headers={"Prefer": "respond-async"})
        assert asked.status_code == 202
        await ended(client, asked.headers["location"])


async def test_idempotency_key_joins_the_wait(bus: Bus, province: Province) -> None:
    """The same key and body, sent again while the first is in flight, is the same message and gets the same reply."""
    province.receivers["his"].delay = 0.3
    key = {"Idempotency-Key": "dossier-1"}
    async with bus() as (_, client):
        first, second = await asyncio.gather(
            *(client.post("/messages/ask", json={"a": 1}, headers=key) for _ in range(2))
        )
        later = await client.post("/messages/ask", json={"a": 1}, headers=key)
        other = await client.post("/messages/ask", json={"a": 2}, headers=key)
    assert first.headers["location"] == second.headers["location"] == later.headers["location"]
    assert [each.status_code for each in (first, second, later)] == [200, 200, 200]
    assert (other.status_code, other.json()["code"]) == (409, "idempotency-key-reused")
    assert len(province.receivers["his"].calls) == 1


async def test_trace_is_passed_on(bus: Bus, province: Province) -> None:
    """The sender's trace goes on to the receiver, under a span of its own."""
    sent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    async with bus() as (_, client):
        await client.post("/messages/tell", json={}, headers={"traceparent": sent, "Prefer": "wait=5"})
    (call,) = province.receivers["his"].calls
    assert call.headers["traceparent"].split("-")[1] == sent.split("-")[1]
    assert call.headers["traceparent"] != sent


async def test_timeline_tells_the_story(bus: Bus) -> None:
    """A message's own page lists its audit events in order."""
    async with bus() as (_, client):
        sent = await client.post("/messages/ask", json={})
        document = (await client.get(sent.headers["location"])).json()
    assert [event["event"] for event in document["timeline"]][:2] == ["message.accepted", "attempt.ended"]


async def test_others_messages_do_not_exist(bus: Bus, province: Province) -> None:
    """Another system's message and one that never was look the same."""
    async with bus() as (_, client):
        sent = await client.post("/messages/tell", json={})
        stranger = {"Authorization": f"Bearer {province.client('stranger')}"}
        answers = [
            await client.get(path, headers=stranger)
            for path in (sent.headers["location"], "/messages/01a3185c-53e8-77b6-86d1-928bad1852a0", "/messages/x")
        ]
    assert {(each.status_code, each.text) for each in answers} == {(404, answers[0].text)}


async def test_own_messages_are_listed(bus: Bus) -> None:
    """A sender's list can be narrowed by state and time."""
    async with bus() as (_, client):
        for _ in range(3):
            await client.post("/messages/ask", json={})
        everything = (await client.get("/messages?state=done")).json()["messages"]
        assert len(everything) == 3
        assert (await client.get("/messages?state=failed")).json() == {"messages": []}
        assert (await client.get("/messages?since=2999-01-01T00:00:00Z")).json() == {"messages": []}
        assert (await client.get("/messages?limit=2")).json()["messages"] == everything[:2]
        for query in ("state=x", "since=yesterday", "limit=0", "cursor=x"):
            refused = await client.get(f"/messages?{query}")
            assert (refused.status_code, refused.json()["code"]) == (400, "query-invalid")


async def test_own_messages_are_listed_by_pages(bus: Bus) -> None:
    """Where there may be more of a list, its answer links to the next page, which asks for the same."""
    async with bus() as (_, client):
        for _ in range(5):
            await client.post("/messages/ask", json={})
        everything = (await client.get("/messages")).json()["messages"]
        assert len(everything) == 5
        pages = [await client.get("/messages?limit=2&state=done")]
        while "next" in (last := pages[-1]).json():
            assert last.links["next"]["url"] == last.json()["next"]
            pages.append(await client.get(last.json()["next"]))
        assert "link" not in last.headers
        assert [len(page.json()["messages"]) for page in pages] == [2, 2, 1]
        assert [each for page in pages for each in page.json()["messages"]] == everything


async def test_no_grant_no_exchange(bus: Bus, province: Province) -> None:
    """Without a grant nobody sends; without one nobody receives."""
    province.grants = [grant for grant in province.grants if grant != Grant("ask", 1, "one-stop", May.SEND)]
    province.grants = [grant for grant in province.grants if grant != Grant("tell", 1, "his", May.RECEIVE)]
    province.grants = [grant for grant in province.grants if grant != Grant("news", 1, "his", May.RECEIVE)]
    async with bus() as (_, client):
        assert (await client.post("/messages/ask", json={})).json()["code"] == "grant-missing"
        assert (await client.post("/messages/tell", json={})).json()["code"] == "receiver-not-granted"
        event = await client.post("/messages/news", json={}, headers={"Prefer": "wait=5"})
        view = (await client.get(event.headers["location"])).json()
    assert {each["system"]: each.get("reason", "") for each in view["deliveries"]} == {
        "his": "receiver-not-granted",
        "mirror": "",
    }


async def test_one_delivery_is_never_called_twice_at_a_time(bus: Bus, province: Province) -> None:
    """However many messages wait, a system is called by no more than its concurrency at once, each once."""
    province.receivers["his"].delay = 0.005
    async with bus() as (_, client):
        await asyncio.gather(*(client.post("/messages/tell", json={"n": n}) for n in range(100)))
        while len(province.receivers["his"].calls) < 100:
            await asyncio.sleep(0.01)
    keys = [call.headers["Idempotency-Key"] for call in province.receivers["his"].calls]
    assert len(keys) == len(set(keys)) == 100
    assert province.receivers["his"].most_inside == 4


async def test_restart_goes_on_where_it_was(bus: Bus, province: Province) -> None:
    """What waited for a retry when the process ended is delivered by the next one."""
    province.receivers["his"].answer = answering(Result.NOT_SENT)
    async with bus() as (_, client):
        sent = await client.post("/messages/tell", json={})
    province.receivers["his"].answer = answering(Result.ANSWERED)
    async with bus() as (_, client):
        assert (await ended(client, sent.headers["location"]))["state"] == "done"


async def test_an_order_is_kept(bus: Bus, province: Province) -> None:
    """Deliveries with the same value where the route says `orderBy` arrive one after the other, as they were accepted,
    also while the receiver fails now and then; each says its place, the same at every attempt."""
    refusals = iter([True, False, True, True, *[False] * 50])

    def answer(call: Call) -> Outcome:
        return Outcome(Result.TROUBLE if next(refusals) else Result.ANSWERED, "test", reply=Body(Format.JSON, b"{}"))

    his = province.receivers["his"]
    his.answer, his.delay = answer, 0.01
    tell = next(route for route in province.routes if route.contract == "tell")
    province.routes[province.routes.index(tell)] = replace(
        tell,
        repeatable=True,
        order_by=lambda value: dict(value)["patient"],  # type: ignore[call-overload]
    )
    async with bus() as (_, client):
        places = [
            (await client.post("/messages/tell", json={"patient": patient, "number": number})).headers["location"]
            for number in range(6)
            for patient in ("An", "Bình")
        ]
        for place in places:
            assert (await ended(client, place))["state"] == "done"
    for patient in ("An", "Bình"):
        calls = [call for call in his.calls if orjson.loads(call.body.data)["patient"] == patient]
        numbers = [orjson.loads(call.body.data)["number"] for call in calls]
        assert numbers == sorted(numbers)
        sequences = {number: call.headers["Bus-Sequence"] for number, call in zip(numbers, calls, strict=True)}
        assert [sequences[number] for number in numbers] == [call.headers["Bus-Sequence"] for call in calls]
        assert list(map(int, sequences.values())) == sorted({*map(int, sequences.values())})


async def test_rate_limit_is_kept(bus: Bus, province: Province) -> None:
    """A system is called no faster than its document allows."""
    province.rate_per_second = 20.0
    async with bus() as (_, client):
        began = asyncio.get_running_loop().time()
        sent = [await client.post("/messages/tell", json={"n": n}) for n in range(6)]
        for each in sent:
            await ended(client, each.headers["location"])
        assert asyncio.get_running_loop().time() - began >= 5 / 20


async def test_failing_conversion_sends_nothing(bus: Bus, province: Province) -> None:
    """A conversion that fails in a way that nobody foresaw ends the delivery as refused, at once, and calls nobody."""

    def broken(body: Body) -> Body:
        raise ZeroDivisionError

    province.routes = [replace(route, request=broken) for route in province.routes]
    async with bus() as (_, client):
        asked = await client.post("/messages/ask", json={})
        view = (await client.get(asked.headers["location"])).json()
    assert (asked.status_code, asked.json()["code"]) == (502, "receiver-refused")
    assert view["timeline"][-1]["code"] == "internal"
    assert province.receivers["his"].calls == []


async def test_failing_reply_conversion_keeps_the_answer(bus: Bus, province: Province) -> None:
    """An answer whose conversion fails in a way that nobody foresaw is kept raw, and its sender told so."""

    def broken(body: Body) -> Body:
        raise ZeroDivisionError

    province.routes = [replace(route, reply=broken) for route in province.routes]
    async with bus() as (_, client):
        asked = await client.post("/messages/ask", json={})
    assert (asked.status_code, asked.json()["code"]) == (502, "reply-invalid")


async def test_system_that_cannot_be_called_says_so(bus: Bus, province: Province) -> None:
    """A request to a system that lacks its secret, and so its adapter, ends at once with 502, and a document waits
    with its reason."""
    snapshot = province.snapshot

    def crippled() -> Snapshot:
        whole = snapshot()
        return replace(whole, systems={name: replace(each, adapter=None) for name, each in whole.systems.items()})

    province.snapshot = crippled  # type: ignore[method-assign,assignment]
    async with bus() as (_, client):
        asked = await client.post("/messages/ask", json={})
        sent = await client.post("/messages/tell", json={})
        while "reason" not in (view := (await client.get(sent.headers["location"])).json())["deliveries"][0]:
            await asyncio.sleep(0.01)
    assert (asked.status_code, asked.json()["code"]) == (502, "receiver-misconfigured")
    assert view["deliveries"][0]["reason"] == "misconfigured"
    assert view["timeline"][-1]["code"] == "system-not-callable"


async def test_dead_subscriber_keeps_no_publisher_waiting(bus: Bus, province: Province) -> None:
    """An event whose every delivery was born dead is answered at once, with what became of each."""
    province.grants = [grant for grant in province.grants if grant.may is May.SEND]
    async with bus() as (_, client):
        sent = await asyncio.wait_for(client.post("/messages/news", json={}, headers={"Prefer": "wait=60"}), 10)
    assert (sent.status_code, sent.json()["state"]) == (200, "failed")


async def test_waiting_callers_are_told_when_the_process_ends(bus: Bus, province: Province) -> None:
    """A caller that waits when the process is to end gets 202 and its message's place, not a broken connection."""
    province.receivers["his"].delay = 2.0
    async with bus() as (node, client):
        asking = asyncio.ensure_future(client.post("/messages/ask", json={}))
        while not province.receivers["his"].calls:
            await asyncio.sleep(0.01)
        node.waiting.close()
        asked = await asking
        assert asked.status_code == 202
        assert (await client.post("/messages/ask", json={})).status_code == 202
        assert asked.headers["location"]
