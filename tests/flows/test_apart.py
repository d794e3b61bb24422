"""Messages whose transform runs in a process of its own, from sender to receiver."""

import asyncio
from dataclasses import replace

import orjson

from bus.envelope import Body
from documents.conversion import JSON, conversion
from routes.model import Convert
from tests.flows.conftest import Bus, Province
from transforms.apart.languages import Jsonata
from transforms.apart.pool import Pool
from transforms.apart.process import Bounds
from transforms.apart.program import Program

ENDLESS = "a = 'hang' ? ($f := function($x){$f($x + 1)}; $f(1)) : {'made': a}"


def convert(pool: Pool, text: str) -> Convert:
    made = conversion(JSON, JSON, Jsonata(Program("t", "jsonata", "t", {"t": f"({text})".encode()}), pool))
    assert made
    return made


async def test_one_that_hangs_is_a_dead_letter(bus: Bus, province: Province) -> None:
    """A message over which a transform hangs is dead with the reason; those after it, by the same transform and to
    others, arrive meanwhile; and no process is left."""
    with Pool(2, Bounds(1.0)) as pool:
        tell, ask = province.routes[1], province.routes[0]
        province.routes[1] = replace(tell, request=convert(pool, ENDLESS), apart=pool.threads)
        province.routes[0] = replace(ask, reply=convert(pool, "{'answered': true}"), apart=pool.threads)
        calls = province.receivers["his"].calls
        async with bus() as (_, client):
            dead = (await client.post("/messages/tell", json={"a": "hang"})).headers["location"]
            answered = await client.post("/messages/ask", json={})
            assert (answered.status_code, answered.json()) == (200, {"answered": True})
            fine = (await client.post("/messages/tell", json={"a": "fine"})).headers["location"]

            async def ended(location: str) -> dict[str, object]:
                while True:
                    told = orjson.loads((await client.get(location)).content)
                    if told["state"] in {"done", "failed"}:
                        return dict(told)
                    await asyncio.sleep(0.02)

            assert (await ended(fine))["state"] == "done"
            failed = orjson.dumps(await ended(dead))
            assert b'"reason":"refused"' in failed
            assert b'"code":"transform-too-costly"' in failed
        assert [each.body for each in calls if each.body.data != b"{}"] == [Body(JSON.format, b'{"made":"fine"}')]
    assert pool.pids == ()
