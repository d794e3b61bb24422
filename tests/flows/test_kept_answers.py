"""What a caller sees of an answer that broke the contract, and is right once the contract or a transform is mended."""

from uuid import UUID

from adapters.call import Outcome, Result
from bus.envelope import Body, Format
from journal.commands import TakeReply
from journal.queries import Queries
from routes.model import Route
from routes.reply import again
from tests.flows.conftest import Bus, Province


async def test_kept_answer_reaches_its_caller(bus: Bus, province: Province, queries: Queries) -> None:
    """A caller that was told 502 finds the reply at the same place once it is right; the receiver was called once."""
    bad = Outcome(Result.ANSWERED, "http-200", 200, Body(Format.JSON, b'{"bad":1}'))
    province.receivers["his"].answer = lambda _: bad
    async with bus() as (node, client):
        asked = await client.post("/messages/ask", json={})
        assert (asked.status_code, asked.json()["code"]) == (502, "reply-invalid")
        view = (await client.get(asked.headers["location"])).json()
        kept = queries.reply(UUID(view["id"]), UUID(view["deliveries"][0]["id"]))
        assert kept
        mended = Route("ask", 1, "his", reply=lambda body: Body(body.format, body.data.replace(b"bad", b"good")))
        reply = again(province.contracts["ask"], mended, kept[1])
        delivery, raw = kept
        assert raw.kind == "raw"
        assert await node.committer.write(TakeReply(delivery.id, delivery.message, "user:an", 2, reply, 60_000))
        answered = await client.get(asked.headers["location"] + "/reply")
        assert (answered.status_code, answered.content) == (200, b'{"good":1}')
        assert (await client.get(asked.headers["location"])).json()["state"] == "done"
    assert len(province.receivers["his"].calls) == 1
