"""A version of a contract from its proposal to its retirement, as those who send meet it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import httpx2 as httpx

from adapters.call import Outcome, Result
from adapters.egress import Egress
from adapters.http import open_session
from bus.envelope import Body, Format
from bus.settings import read_settings
from documents.check import check
from documents.load import load
from documents.model import Documents
from documents.snapshot import Builder
from documents.store import read, writing
from identity.grants import civil_date
from routes.memory_broker import MemoryBroker
from routes.model import Snapshot
from running.home import Home
from running.node import Node, running
from running.registry import Decided, Registry
from tests.flows.conftest import Receiver
from transforms.apart.pool import Pool

AN, BINH = "user:an", "user:binh"
DOCUMENTS = """\
kind: Agency
code: H98
name: {vi: Tỉnh}
---
kind: System
name: shop
agency: H98
adapter: rest
---
kind: System
name: register
agency: H98
adapter: rest
endpoint: https://register.example.internal/api
operations: {note: {path: /note}}
---
kind: Contract
name: civil.note
version: 1.0.0
title: {vi: Ghi chú}
owner: H98
exchange: document
request: {format: json, schema: note.json}
---
kind: Route
contract: civil.note@1
to: register
retry: {first: PT1S, max: PT1S}
---
{kind: Grant, contract: civil.note@1, system: shop, may: send, purpose: Ghi, legalBasis: NĐ 1}
---
{kind: Grant, contract: civil.note@1, system: register, may: receive, purpose: Ghi, legalBasis: NĐ 1}
"""
NEXT = "\n---\n" + DOCUMENTS.split("---\n")[3].replace("1.0.0", "1.1.0").replace("note.json", "next.json")


def documents(folder: Path, text: str) -> Documents:
    folder.mkdir()
    (folder / "note.json").write_text('{"type": "object"}')
    (folder / "next.json").write_text('{"type": "object", "title": "next"}')
    (folder / "all.yaml").write_text(text, encoding="utf-8")
    loaded = load(folder)
    assert loaded.problems == ()
    return loaded.documents


@dataclass
class Town:
    """A bus in this process, whose documents lie in a store; its one receiver is a function."""

    home: Home
    registry: Registry
    receiver: Receiver = field(default_factory=Receiver)
    node: Node | None = None
    load: Callable[[], Awaitable[Snapshot]] | None = None

    async def decide(self, call: Callable[[Registry], Decided]) -> Decided:
        """Change something, and have the bus see it at once."""
        decided = await asyncio.to_thread(call, self.registry)
        assert decided.errors == ()
        assert self.load
        assert self.node
        self.node.snapshots.refreshed(await self.load())
        return decided


@asynccontextmanager
async def town(folder: Path, text: str = DOCUMENTS) -> AsyncIterator[tuple[Town, httpx.AsyncClient]]:
    home = Home(read_settings({}, data=folder / "data"), AN)
    home.prepare()
    command = writing(Documents(), documents(folder / "first", text), AN)
    assert command
    home.write(command)
    registry = Registry(home.queries, home.write, home.clock, check=lambda each, today, _: check(each, today).problems)
    made = Town(home, registry)
    token = home.token("shop")
    async with open_session(Egress(())) as session:
        with Pool() as pool:
            builder = Builder(home.queries, home.keys, home.credentials, home.secrets, session, home.clock, pool)

            def snapshot() -> Snapshot:
                built = builder.load()
                systems = {name: replace(each, adapter=made.receiver) for name, each in built.systems.items()}
                return replace(built, systems=systems)

            made.load = lambda: asyncio.to_thread(snapshot)
            store = home.open_store("town")
            async with running(
                store, home.queries, MemoryBroker(), snapshot, home.clock, "town", sweep_every=0.02
            ) as made.node:
                transport = httpx.ASGITransport(made.node.app)
                headers = {"Authorization": f"Bearer {token}", "Accept-Language": "en"}
                async with httpx.AsyncClient(transport=transport, base_url="http://bus", headers=headers) as client:
                    yield made, client
    home.close()


async def version(client: httpx.AsyncClient, contract: str) -> str:
    """Send under a contract: the version under which it was accepted."""
    answer = await client.post(f"/messages/{contract}", json={})
    assert answer.status_code == 202, answer.text
    return str((await client.get(answer.headers["location"])).json()["version"])


async def code(client: httpx.AsyncClient, contract: str) -> tuple[int, str]:
    answer = await client.post(f"/messages/{contract}", json={})
    return answer.status_code, answer.json()["code"]


async def test_a_version_comes_and_goes(tmp_path: Path) -> None:
    """A proposal is unknown; approved, it is what senders get who name none. The former one says that it is deprecated
    and until when; retired, it is refused with the version to use, and what it had accepted is delivered."""
    async with town(tmp_path) as (made, client):
        assert await version(client, "civil.note") == "1.0.0"
        proposal = documents(tmp_path / "second", DOCUMENTS + NEXT)
        await made.decide(lambda registry: registry.propose(AN, proposal))
        assert await version(client, "civil.note@1") == "1.0.0"
        assert await code(client, "civil.note@1.1.0") == (404, "version-unknown")
        await made.decide(lambda registry: registry.approve(BINH, "civil.note@1.1.0"))
        assert await version(client, "civil.note") == "1.1.0"

        today = civil_date(made.home.clock.now())
        await made.decide(lambda registry: registry.deprecate(AN, "civil.note@1.0.0", today + timedelta(days=30)))
        sent = await client.post("/messages/civil.note@1.0.0", json={})
        described = await client.get("/contracts/civil.note@1.0.0/openapi.json")
        for answer in (sent, described):
            assert answer.headers["deprecation"].startswith("@1")
            assert answer.headers["sunset"].endswith(" 17:00:00 GMT")
        assert described.json()["paths"]["/messages/civil.note@1"]["post"]["deprecated"] is True
        newer = await client.get("/contracts/civil.note/openapi.json")
        assert "deprecated" not in newer.json()["paths"]["/messages/civil.note@1"]["post"]
        assert "deprecation" not in (await client.post("/messages/civil.note", json={})).headers

        made.receiver.answer = lambda _: Outcome(Result.NOT_SENT, "connection-refused")
        waiting = (await client.post("/messages/civil.note@1.0.0", json={})).headers["location"]
        await made.decide(lambda registry: registry.deprecate(AN, "civil.note@1.0.0", today))
        await made.decide(lambda registry: registry.retire(BINH, "civil.note@1.0.0"))
        refused = await client.post("/messages/civil.note@1.0.0", json={})
        assert (refused.status_code, refused.json()["code"]) == (410, "contract-retired")
        assert "civil.note@1.1.0" in refused.json()["detail"]
        made.receiver.answer = lambda _: Outcome(Result.ANSWERED, "http-200", 200, Body(Format.JSON, b"{}"))
        while (state := (await client.get(waiting)).json()["state"]) not in {"done", "failed", "expired"}:
            await asyncio.sleep(0.02)
        assert state == "done"


async def test_a_grant_comes_and_goes(tmp_path: Path) -> None:
    """A grant that was revoked permits nothing, nor does one that is requested; approved, it does."""
    async with town(tmp_path) as (made, client):
        name = "civil.note@1/shop/send"
        (grant,) = (each.document for key, each in read(made.home.queries).by_key.items() if key.name == name)
        await made.decide(lambda registry: registry.revoke_grant(BINH, name))
        assert await code(client, "civil.note") == (403, "grant-missing")
        await made.decide(lambda registry: registry.request_grant(AN, grant))  # type: ignore[arg-type]  # it is one
        assert await code(client, "civil.note") == (403, "grant-missing")
        await made.decide(lambda registry: registry.approve_grant(BINH, name))
        assert await version(client, "civil.note") == "1.0.0"


MOVED = (
    DOCUMENTS.replace("exchange: document", "exchange: request")
    .replace("note.json}\n", "note.json}\nreply: {format: json, schema: note.json}\n")
    .replace("contract: civil.note@1\nto:", "contract: civil.note@2\nto:")
    .replace(
        "{kind: Grant, contract: civil.note@1, system: register",
        "{kind: Grant, contract: civil.note@2, system: register",
    )
)
SECOND = (
    "\n---\n"
    + MOVED.split("---\n")[3].replace("1.0.0", "2.0.0").replace("note.json", "next.json")
    + """migrates: {from: civil.note@1, request: forth, reply: back}
---
{kind: Transform, name: forth, language: mapping, fields: {newWord: oldWord}}
---
{kind: Transform, name: back, language: mapping, fields: {oldAnswer: newAnswer}}
"""
)


async def test_an_old_sender_meets_a_new_receiver(tmp_path: Path) -> None:
    """Who sends under the former major is heard by a system that has a route for the next one alone, and understands
    what it answers; each message keeps the version under which it was accepted. The grant that the system needs is for
    the next one."""
    async with town(tmp_path, MOVED + SECOND) as (made, client):
        answer = Outcome(Result.ANSWERED, "http-200", 200, Body(Format.JSON, b'{"newAnswer":"there"}'))
        made.receiver.answer = lambda _: answer
        asked = await client.post("/messages/civil.note", json={"oldWord": "here"})
        assert (asked.status_code, asked.json()) == (200, {"oldAnswer": "there"})
        (call,) = made.receiver.calls
        assert call.body.data == b'{"newWord":"here"}'
        assert (await client.get(asked.headers["location"])).json()["version"] == "1.0.0"
        await made.decide(lambda registry: registry.revoke_grant(BINH, "civil.note@2/register/receive"))
        assert await code(client, "civil.note") == (403, "receiver-not-granted")


async def test_a_fetching_system_knows_what_was_migrated(tmp_path: Path) -> None:
    """It is given the message in the new contract's shape, with the version of acceptance and the contract that it was
    brought to."""
    text = (MOVED + SECOND).replace("exchange: request", "exchange: document")
    for field_ in ("endpoint: https://register.example.internal/api\n", "operations: {note: {path: /note}}\n"):
        text = text.replace(field_, "")
    text = text.replace("name: register\nagency: H98\nadapter: rest", "name: register\nagency: H98\nadapter: inbox")
    async with town(tmp_path, text) as (made, client):
        await client.post("/messages/civil.note", json={"oldWord": "here"})
        token = {"Authorization": f"Bearer {made.home.token('register')}"}
        await made.decide(lambda registry: Decided())
        (fetched,) = (await client.get("/inbox", headers=token)).json()["deliveries"]
        assert (fetched["version"], fetched["migratedTo"]) == ("1.0.0", "civil.note@2")
        assert fetched["body"] == {"newWord": "here"}
