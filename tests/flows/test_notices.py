"""What a subscriber sees of the bus's own events."""

import asyncio

import orjson

from adapters.call import Outcome, Result
from bus.envelope import Exchange
from contracts.model import Contract
from identity.grants import Grant, May
from routes.model import Retry, Route
from routes.notices import DEAD, OPENED
from tests.flows.conftest import PART, Bus, Province, Receiver


async def test_death_is_told_to_a_subscriber(bus: Bus, province: Province) -> None:
    """A delivery that dies is told to whoever has a route and a grant, as a message with a journal of its own; when the
    telling dies itself, nobody is told."""
    centre = province.receivers["centre"] = Receiver()
    province.contracts[DEAD] = Contract(DEAD, "1.0.0", Exchange.EVENT, "Z00.LGSP", PART)
    province.routes.append(Route(DEAD, 1, "centre", repeatable=True, retry=Retry(0.05, 0.2)))
    province.grants.append(Grant(DEAD, 1, "centre", May.RECEIVE))
    province.receivers["his"].answer = lambda _: Outcome(Result.REFUSED, "http-422", 422)
    centre.answer = lambda _: Outcome(Result.REFUSED, "http-400", 400)
    async with bus() as (node, client):
        sent = await client.post("/messages/tell", json={}, headers={"Prefer": "wait=5"})
        while not centre.calls:
            await asyncio.sleep(0.01)
        told = orjson.loads(centre.calls[0].body.data)
        message = sent.headers["location"].rpartition("/")[2]
        assert {
            name: told[name] for name in ("message", "contract", "sender", "system", "state", "reason", "code")
        } == {
            "message": message,
            "contract": "tell",
            "sender": "one-stop",
            "system": "his",
            "state": "dead",
            "reason": "refused",
            "code": "http-422",
        }
        await client.post("/messages/tell", json={}, headers={"Prefer": "wait=5"})
        while len(centre.calls) < 2:
            await asyncio.sleep(0.01)
        await node.sweeper.sweep()
    assert len(centre.calls) == 2


async def test_open_circuit_is_told_to_a_subscriber(bus: Bus, province: Province) -> None:
    """A system that answers nobody is told of once, by a message to whoever has a route and a grant."""
    centre = province.receivers["centre"] = Receiver()
    province.contracts[OPENED] = Contract(OPENED, "1.0.0", Exchange.EVENT, "Z00.LGSP", PART)
    province.routes.append(Route(OPENED, 1, "centre", repeatable=True, retry=Retry(0.05, 0.2)))
    province.grants.append(Grant(OPENED, 1, "centre", May.RECEIVE))
    province.receivers["his"].answer = lambda _: Outcome(Result.NOT_SENT, "connection-refused")
    async with bus() as (_, client):
        for _ in range(20):
            await client.post("/messages/tell", json={})
        while not centre.calls:
            await asyncio.sleep(0.01)
    (call,) = centre.calls
    told = orjson.loads(call.body.data)
    assert (told["system"], told["code"]) == ("his", "connection-refused")
