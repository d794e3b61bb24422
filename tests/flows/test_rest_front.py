"""An application that calls another department's REST API through the bus: the same calls, another base address."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from ipaddress import ip_network

import httpx2 as httpx
import orjson
import pytest
from aiohttp import web
from openapi_spec_validator import OpenAPIV31SpecValidator

from adapters.egress import Egress
from adapters.http import open_session
from adapters.rest.outbound import RestAdapter, RestSettings
from bus.clock import SystemClock
from documents import kinds
from documents.compile import Compiled, compile_documents
from documents.load import load
from documents.model import Documents
from documents.snapshot import rest_operation
from documents.subjects import subject
from identity.credentials import issue as issue_credential
from identity.grants import Grant, Grants, May
from routes.model import Snapshot, System
from running.node import Node
from tests.flows.conftest import CLOCK, Bus, Province
from transforms.apart.pool import Pool

DOCUMENTS = """\
kind: Agency
code: H99
name: {vi: Tỉnh, en: Province}
---
kind: System
name: register
agency: H99
adapter: rest
endpoint: http://127.0.0.1
operations:
  look-up: {method: GET, path: "/dossiers/{number}", repeatable: true}
  find: {method: GET, path: /dossiers, query: {page: page, tag: tags, open: open}, repeatable: true, maxAge: PT60S}
  create: {method: POST, path: "/units/{unit}/dossiers", query: {urgent: urgent}}
  remove: {method: DELETE, path: "/dossiers/{number}"}
  note: {method: POST, path: /notes}
  reshaped: {method: POST, path: /reshaped}
---
kind: Transform
name: other-shape
language: mapping
fields: {other: text}
"""

CONTRACT = """\
---
kind: Contract
name: {name}
version: 1.0.0
title: {{vi: A, en: A}}
owner: H99
exchange: {exchange}
request: {{format: json, schema: {name}.json}}
{answers}
limits: {{timeout: PT5S}}
---
kind: Route
contract: {name}@1
to: register
operation: {name}
{more}
"""
REPLY = """\
reply: {format: json, schema: reply.json}
faults: {not-found: {status: 404, schema: fault.json}, gone: {status: 410}}
"""
SCHEMAS = {
    "look-up": ({"number": {"type": "string"}}, ["number"]),
    "find": ({"page": {"type": "integer"}, "tags": {"type": "array"}, "open": {"type": "boolean"}}, []),
    "create": (
        {"unit": {"type": "integer"}, "urgent": {"type": "boolean"}, "name": {"type": "string"}},
        ["unit", "name"],
    ),
    "remove": ({"number": {"type": "string"}}, ["number"]),
    "note": ({"text": {"type": "string"}}, ["text"]),
    "reshaped": ({"text": {"type": "string"}}, ["text"]),
}
EXCHANGES = {"remove": "document", "note": "event"}


@dataclass
class Provider:
    """The department's own REST system: what it was called with, and how it answers."""

    calls: list[tuple[str, str, bytes]] = field(default_factory=list)
    answer: Callable[[web.BaseRequest], web.StreamResponse] = lambda _: web.json_response({"name": "Hồ sơ"})
    open: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        self.calls.append((request.method, request.raw_path, await request.read()))
        await self.open.wait()
        return self.answer(request)


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    provider = Provider()
    provider.open.set()
    runner = web.ServerRunner(web.Server(provider), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    provider.port = runner.addresses[0][1]
    yield provider
    provider.open.set()
    await runner.cleanup()


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Compiled, Documents]:
    folder = tmp_path_factory.mktemp("province")
    text = DOCUMENTS
    for name, (members, required) in SCHEMAS.items():
        exchange = EXCHANGES.get(name, "request")
        more = "transform: {request: other-shape}" if name == "reshaped" else ""
        text += CONTRACT.format(name=name, exchange=exchange, answers=REPLY if exchange == "request" else "", more=more)
        schema = {"type": "object", "properties": members, "required": required, "additionalProperties": False}
        (folder / f"{name}.json").write_bytes(orjson.dumps(schema))
    (folder / "reply.json").write_text('{"type": "object", "required": ["name"]}')
    (folder / "fault.json").write_text('{"type": "object", "required": ["reason"]}')
    (folder / "all.yaml").write_text(text)
    loaded = load(folder)
    assert loaded.problems == ()
    with Pool() as pool:
        made, problems = compile_documents(loaded.documents, pool)
    assert problems == ()
    return made, loaded.documents


Front = Callable[..., AbstractAsyncContextManager[tuple[Node, httpx.AsyncClient]]]


class Later(SystemClock):
    """A clock whose monotonic time a test sets forward."""

    def __init__(self) -> None:
        self.by = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.by


@pytest.fixture
def front(bus: Bus, province: Province, provider: Provider, compiled: tuple[Compiled, Documents]) -> Front:
    """The bus, with the provider behind it; ``one-stop`` may send everything."""
    made, documents = compiled

    @asynccontextmanager
    async def run(clock: SystemClock = CLOCK) -> AsyncIterator[tuple[Node, httpx.AsyncClient]]:
        operations = {
            str(name): rest_operation(each)
            for name, each in documents.named(kinds.System)["register"].operations.items()
        }
        settings = RestSettings(f"http://127.0.0.1:{provider.port}", operations)
        async with open_session(Egress([ip_network("127.0.0.0/8")])) as session:
            system = System("register", "H99", RestAdapter(settings, session))
            grants = [Grant(name, 1, "one-stop", May.SEND) for name in SCHEMAS]
            grants += [Grant(name, 1, "register", May.RECEIVE) for name in SCHEMAS]

            def snapshot(revision: int = 0) -> Snapshot:
                return Snapshot(
                    revision,
                    made.contracts,
                    made.routes,
                    {"register": system},
                    Grants(grants),
                    province.credentials,
                    province.keys,
                    partial(subject, documents),
                    paths=made.paths,
                )

            province.snapshot = snapshot  # type: ignore[method-assign]
            async with bus(clock) as (node, client):
                yield node, client

    return run


async def events(client: httpx.AsyncClient, message: str) -> list[str]:
    """The audit events of a message, in the order of time."""
    while True:
        told = [each["event"] for each in (await client.get(f"/messages/{message}")).json()["timeline"]]
        if any(each.startswith("reply.") for each in told):
            return told
        await asyncio.sleep(0.01)


async def test_call_reaches_the_provider_and_its_answer_the_caller(front: Front, provider: Provider) -> None:
    """Path, query and body arrive as they were sent, and status and body of the answer come back."""
    provider.answer = lambda _: web.json_response({"name": "Hồ sơ", "n": 1}, status=201)
    async with front() as (_, client):
        made = await client.post("/rest/register/units/7/dossiers?urgent=true", json={"name": "Đơn"})
        looked = await client.get("/rest/register/dossiers/a%2Fb%20c")
        message = (await client.get(f"/messages/{made.headers['bus-message']}")).json()
        told = await events(client, made.headers["bus-message"])
    assert (made.status_code, made.json()) == (201, {"name": "Hồ sơ", "n": 1})
    assert "location" not in made.headers
    assert looked.status_code == 201
    assert provider.calls[0][:2] == ("POST", "/units/7/dossiers?urgent=true")
    assert orjson.loads(provider.calls[0][2]) == {"name": "Đơn"}
    assert provider.calls[1] == ("GET", "/dossiers/a%2Fb%20c", b"")
    assert (message["contract"], message["sender"]) == ("create", "one-stop")
    assert told == ["message.accepted", "attempt.ended", "reply.returned"]


async def test_lists_and_types_reach_the_provider(front: Front, provider: Provider) -> None:
    """Parameters become what the contract's schema names, and go out as they came in."""
    async with front() as (_, client):
        given = await client.get("/rest/register/dossiers?tag=a&tag=b%26c&page=2&open=False")
        wrong = await client.get("/rest/register/dossiers?page=two")
    assert given.status_code == 200
    assert [each[1] for each in provider.calls] == ["/dossiers?page=2&tag=a&tag=b%26c&open=false"]
    assert (wrong.status_code, wrong.json()["code"], wrong.json()["errors"][0]["pointer"]) == (
        400,
        "body-invalid",
        "/page",
    )


@pytest.mark.parametrize(("status", "body"), [(404, {"reason": "x"}), (410, {"any": 1}), (410, None)])
async def test_declared_fault_has_the_providers_own_status(
    front: Front, provider: Provider, status: int, body: object
) -> None:
    """A fault that the contract declares comes back as the provider said it, with a body or without."""
    provider.answer = lambda _: web.json_response(body, status=status) if body else web.Response(status=status)
    async with front() as (_, client):
        answer = await client.get("/rest/register/dossiers/7")
    assert (answer.status_code, orjson.loads(answer.content or b"null")) == (status, body)


async def test_other_failures_are_the_buss_own(front: Front, provider: Provider) -> None:
    """What the contract does not declare is a problem document that names the message."""
    provider.answer = lambda _: web.json_response({"secret": 1}, status=409)
    async with front() as (_, client):
        answer = await client.get("/rest/register/dossiers/7")
    assert (answer.status_code, answer.json()["code"]) == (502, "receiver-refused")
    assert answer.headers["location"] == f"/messages/{answer.headers['bus-message']}"
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/rest/nobody/dossiers", 404, None),
        ("GET", "/rest/register", 404, None),
        ("GET", "/rest/register/other", 404, None),
        ("POST", "/rest/register/reshaped", 404, None),
        ("GET", "/rest/register/dossiers/../../messages", 404, None),
        ("GET", "/rest/register/dossiers/%2e%2e", 404, None),
        ("GET", "/rest%2Fregister/dossiers", 404, None),
        ("PATCH", "/rest/register/dossiers/7", 405, "DELETE, GET, HEAD, OPTIONS"),
        ("TRACE", "/rest/register/notes", 405, None),
        ("OPTIONS", "/rest/register/dossiers/7", 204, "DELETE, GET, HEAD, OPTIONS"),
        ("OPTIONS", "/rest/register/other", 404, None),
        ("GET", "/rest/register/dossiers?unknown=1", 400, None),
        ("GET", "/rest/register/dossiers?page=%ff", 400, None),
    ],
)
async def test_calls_that_lead_nowhere(
    front: Front, provider: Provider, method: str, path: str, status: int, allow: str | None
) -> None:
    """An unknown path is 404, a wrong method 405 with those that there are, and the provider hears of neither."""
    async with front() as (_, client):
        request = httpx.Request(method, httpx.URL("http://bus", raw_path=path.encode()), headers=client.headers)
        answer = await client.send(request)
    assert answer.status_code == status
    if allow:
        assert answer.headers["allow"] == allow
    if status >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
    assert provider.calls == []


async def test_head_is_get_without_its_body(front: Front, provider: Provider) -> None:
    """HEAD asks the provider by GET and gives the headers of its answer."""
    async with front() as (_, client):
        answer = await client.head("/rest/register/dossiers/7")
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) > 2
    assert provider.calls[0][0] == "GET"


async def test_documents_and_events_are_taken(front: Front, provider: Provider) -> None:
    """What has no reply is answered with 202; a caller that waits for a document gets the provider's own status."""
    provider.answer = lambda _: web.Response(status=204)
    async with front() as (_, client):
        removed = await client.delete("/rest/register/dossiers/7")
        noted = await client.post("/rest/register/notes", json={"text": "x"})
        waited = await client.delete("/rest/register/dossiers/8", headers={"Prefer": "wait=5"})
    assert (removed.status_code, noted.status_code) == (202, 202)
    assert removed.headers["location"] == f"/messages/{removed.headers['bus-message']}"
    assert (waited.status_code, waited.content, waited.headers["preference-applied"]) == (204, b"", "wait=5")


async def test_late_reply(front: Front, provider: Provider) -> None:
    """Past its wait a REST client gets 504 and where the reply will be; 202 only if it had asked for that."""
    provider.open.clear()
    async with front() as (_, client):
        late = await client.get("/rest/register/dossiers/7", headers={"Prefer": "wait=0"})
        later = await client.get("/rest/register/dossiers/7", headers={"Prefer": "respond-async"})
        provider.open.set()
        while (reply := await client.get(late.headers["location"] + "/reply")).status_code == 202:
            await asyncio.sleep(0.01)
    assert (late.status_code, late.json()["code"], late.headers["retry-after"]) == (504, "reply-pending", "2")
    assert (later.status_code, later.json()["location"]) == (202, later.headers["location"])
    assert (reply.status_code, reply.json()) == (200, {"name": "Hồ sơ"})


async def test_who_calls(front: Front, province: Province, provider: Provider) -> None:
    """Basic with a system's own secret will do as well as a token; a stranger, and who has no grant, get no further."""
    credential, secret = issue_credential("other", CLOCK.now() - 1000, CLOCK.new_id)
    mine, own = issue_credential("one-stop", CLOCK.now() - 1000, CLOCK.new_id)
    province.credentials |= {credential.id: credential, mine.id: mine}
    async with front() as (_, client):
        del client.headers["authorization"]
        nobody = await client.get("/rest/register/dossiers/7")
        wrong = await client.get("/rest/register/dossiers/7", auth=("one-stop", "wrong"))
        other = await client.get("/rest/register/dossiers/7", auth=("other", secret))
        basic = await client.get("/rest/register/dossiers/7", auth=("one-stop", own))
    assert (nobody.status_code, wrong.status_code) == (401, 401)
    assert "Basic" in ", ".join(nobody.headers.get_list("www-authenticate"))
    assert (other.status_code, other.json()["code"]) == (403, "grant-missing")
    assert basic.status_code == 200
    assert len(provider.calls) == 1


async def test_same_key_is_one_call(front: Front, provider: Provider) -> None:
    """A call that is sent again under its Idempotency-Key is answered with the first one's answer."""
    provider.answer = lambda _: web.json_response({"name": str(len(provider.calls))}, status=201)
    headers = {"Idempotency-Key": "k-1"}
    async with front() as (_, client):
        first = await client.post("/rest/register/units/7/dossiers", json={"name": "a"}, headers=headers)
        second = await client.post("/rest/register/units/7/dossiers", json={"name": "a"}, headers=headers)
        other = await client.post("/rest/register/units/8/dossiers", json={"name": "a"}, headers=headers)
    assert (first.status_code, first.json()) == (second.status_code, second.json()) == (201, {"name": "1"})
    assert (other.status_code, other.json()["code"]) == (409, "idempotency-key-reused")


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b'{"unit":8,"name":"a"}', "application/json", 400, "body-invalid"),
        (b"[]", "application/json", 400, "body-invalid"),
        (b'{"name":"a"', "application/json", 400, "json-malformed"),
        (b"<a/>", "application/xml", 415, "media-type-unsupported"),
        (b"", "application/json", 400, "body-invalid"),
        (b'{"name":"' + b"a" * 1_048_560 + b'"}', "application/json", 413, "body-too-large"),
    ],
)
async def test_bodies_that_cannot_be_taken(
    front: Front, provider: Provider, body: bytes, content_type: str, status: int, code: str
) -> None:
    """A body is held against the contract together with the parameters, before the provider hears of it."""
    async with front() as (_, client):
        answer = await client.post(
            "/rest/register/units/7/dossiers", content=body, headers={"Content-Type": content_type}
        )
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert provider.calls == []


async def test_read_with_a_body_is_refused(front: Front, provider: Provider) -> None:
    """The bus would not pass on the body of a GET, so it takes none."""
    async with front() as (_, client):
        answer = await client.request("GET", "/rest/register/dossiers/7", content=b"{}")
    assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")
    assert provider.calls == []


async def test_repeated_read_is_answered_from_the_journal(front: Front, provider: Provider) -> None:
    """For as long as the operation declares, the same caller gets the same answer without a call, and it is told of;
    after that, or where it wants it fresh, the provider is asked."""
    provider.answer = lambda _: web.json_response({"name": str(len(provider.calls))})
    clock = Later()
    path = "/rest/register/dossiers?page=1&tag=a"
    async with front(clock) as (node, client):
        first = await client.get(path)
        clock.by = 30.0
        node.snapshots.refreshed(None)
        again = await client.get("/rest/register/dossiers?tag=a&page=1")
        timeline = (await client.get(f"/messages/{first.headers['bus-message']}")).json()["timeline"]
        fresh = await client.get(path, headers={"Cache-Control": "no-cache"})
        clock.by = 100.0
        node.snapshots.refreshed(None)
        stale = await client.get(path)
    assert [each.json()["name"] for each in (first, again, fresh, stale)] == ["1", "1", "2", "3"]
    assert again.headers["bus-message"] == first.headers["bus-message"]
    assert 30 <= int(again.headers["age"]) <= 35
    assert again.headers["etag"] == first.headers["etag"] != fresh.headers["etag"]
    assert again.headers["cache-control"] == "private, max-age=60"
    assert "age" not in fresh.headers
    repeated = next(each for each in timeline if each["event"] == "reply.repeated")
    assert (repeated["actor"], repeated["status"], repeated["ageSeconds"]) == (
        "one-stop",
        200,
        int(again.headers["age"]),
    )


async def test_condition_is_answered_with_304(front: Front, provider: Provider) -> None:
    """Who has the answer already gets 304: without a call within maxAge, else after asking the provider."""
    async with front() as (_, client):
        listed = await client.get("/rest/register/dossiers?page=1")
        had = await client.get("/rest/register/dossiers?page=1", headers={"If-None-Match": listed.headers["etag"]})
        looked = await client.get("/rest/register/dossiers/7")
        asked = await client.get(
            "/rest/register/dossiers/7", headers={"If-None-Match": f'"a", W/{looked.headers["etag"]}'}
        )
        other = await client.get("/rest/register/dossiers/7", headers={"If-None-Match": '"a"'})
    assert [each.status_code for each in (had, asked, other)] == [304, 304, 200]
    assert (had.content, had.headers["etag"]) == (b"", listed.headers["etag"])
    assert looked.headers["cache-control"] == "private, no-cache"
    assert len(provider.calls) == 4


async def test_answer_is_repeated_to_its_own_caller_alone(front: Front, province: Province, provider: Provider) -> None:
    """What one system was told is never given to another, nor to one whose grant has ended."""
    async with front() as (node, client):
        await client.get("/rest/register/dossiers?page=1")
        token = province.client("other")
        snapshot = node.snapshots.current()
        extended = Grants([*snapshot.grants, Grant("find", 1, "other", May.SEND)])
        node.snapshots.refreshed(replace(snapshot, grants=extended, credentials=dict(province.credentials)))
        other = await client.get("/rest/register/dossiers?page=1", headers={"Authorization": f"Bearer {token}"})
        node.snapshots.refreshed(
            replace(snapshot, grants=Grants(each for each in extended if each.system != "one-stop"))
        )
        ended = await client.get("/rest/register/dossiers?page=1")
    assert (other.status_code, ended.status_code) == (200, 403)
    assert len(provider.calls) == 2


async def test_description_is_the_providers_own_with_our_address(front: Front) -> None:
    """OpenAPI's own validator finds nothing wrong with it; it has the operations that the caller may call, parameters
    and body apart, and no others."""
    async with front() as (_, client):
        document = (await client.get("/rest/register/openapi.json")).json()
        none = await client.get("/rest/nobody/openapi.json")
        wrong = await client.post("/rest/register/openapi.json")
    OpenAPIV31SpecValidator(document).validate()
    assert document["servers"] == [{"url": "/rest/register"}]
    assert set(document["paths"]) == {"/dossiers/{number}", "/dossiers", "/units/{unit}/dossiers", "/notes"}
    assert set(document["paths"]["/dossiers/{number}"]) == {"get", "delete"}
    create = document["paths"]["/units/{unit}/dossiers"]["post"]
    assert [(each["name"], each["in"], each["required"]) for each in create["parameters"]] == [
        ("unit", "path", True),
        ("urgent", "query", False),
    ]
    assert create["parameters"][0]["schema"] == {"type": "integer"}
    body = document["components"]["schemas"]["create.body"]
    assert (set(body["properties"]), body["required"]) == ({"name"}, ["name"])
    assert set(create["responses"]) == {"2XX", "404", "410", "default"}
    assert set(document["paths"]["/notes"]["post"]["responses"]) == {"202", "default"}
    assert (none.status_code, wrong.status_code) == (404, 405)


async def test_description_is_for_those_with_a_grant(front: Front, province: Province) -> None:
    """Who may call nothing of a system does not learn what it has."""
    token = province.client("other")
    async with front() as (_, client):
        other = await client.get("/rest/register/openapi.json", headers={"Authorization": f"Bearer {token}"})
    assert (other.status_code, other.json()["code"]) == (403, "grant-missing")
