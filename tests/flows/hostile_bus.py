"""A bus behind a real socket, served as `lgsp up` serves it, and a client that is not polite."""

import asyncio
import shutil
import socket
import threading
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import orjson
import pytest
import uvicorn
import uvloop

from bus.clock import SystemClock
from bus.envelope import Exchange, Format
from bus.settings import read_settings
from contracts.json_schema import JsonSchemaValidator
from contracts.model import Contract, Fault, Limits, Part
from contracts.xsd import XsdDocuments, XsdValidator
from journal.commands import Event, PutRow
from journal.database import open_engine, open_store, sqlite_url
from journal.queries import Queries
from routes.memory_broker import MemoryBroker
from routes.model import Retry, Route
from running.logs import configure
from running.node import Node, running
from running.serving import Serving
from tests.flows.conftest import Province, Receiver, grants

CLOCK = SystemClock()
PATIENCE = 0.4
"""Seconds for a head, and then for a body; every client here that is not slow on purpose is on this machine."""

MOST_BYTES = 1_048_576
UNANSWERED = 30.0
"""Seconds after which a test gives up on the bus."""

SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 200},
        "age": {"type": "number", "maximum": 150},
        "born": {"type": "string", "format": "date"},
        "sex": {"enum": ["male", "female"]},
        "phones": {"type": "array", "items": {"type": "string", "pattern": "^[0-9]+$"}},
        "extra": {},
    },
    "additionalProperties": False,
}

XSD = b"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:t" elementFormDefault="qualified">
<xs:element name="Person"><xs:complexType><xs:sequence>
<xs:element name="Name" type="xs:string"/>
<xs:element name="Age" type="xs:int" minOccurs="0"/>
</xs:sequence><xs:attribute name="kind" type="xs:NMTOKEN"/></xs:complexType></xs:element></xs:schema>"""

GOOD = b'{"name":"An"}'
XML = "application/xml"
GOOD_XML = b'<Person xmlns="urn:t"><Name>An</Name></Person>'


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes = field(repr=False)

    def json(self) -> Any:
        return orjson.loads(self.body)


def request(
    method: str | bytes = "POST",
    path: str | bytes = "/messages/tell",
    headers: Mapping[str, str | bytes | None] | None = None,
    body: bytes | None = GOOD,
) -> bytes:
    """The bytes of a request, nothing checked; `headers` are laid over those of a good one, None leaves one out."""

    def octets(text: str | bytes) -> bytes:
        return text if isinstance(text, bytes) else text.encode("latin-1")

    fields: dict[str, Any] = {"Host": "bus", "Content-Type": "application/json"}
    if body is not None:
        fields["Content-Length"] = str(len(body))
    fields |= dict(headers or {})
    lines = [octets(method) + b" " + octets(path) + b" HTTP/1.1"]
    lines += [octets(name) + b": " + octets(value) for name, value in fields.items() if value is not None]
    return b"\r\n".join(lines) + b"\r\n\r\n" + (body or b"")


def encoded(part: Any) -> str:
    """A part of a token (RFC 7515 §3.1): bytes, or what becomes JSON."""
    data = part if isinstance(part, bytes) else orjson.dumps(part)
    return urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class Served:
    """A running bus and how to reach it."""

    port: int
    province: Province
    token: str
    folder: Path
    queries: Queries
    node: Node
    loop: asyncio.AbstractEventLoop

    @contextmanager
    def connected(self, send_buffer: int | None = None) -> Iterator[socket.socket]:
        with socket.socket() as connection:
            if send_buffer:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
            connection.settimeout(UNANSWERED)
            connection.connect(("127.0.0.1", self.port))
            yield connection

    def raw(self, data: bytes, method: str = "POST") -> Answer:
        """Send bytes on a connection of their own; the first answer."""
        with self.connected() as connection:
            with suppress(ConnectionError):  # it may have its answer before it has sent everything
                connection.sendall(data)
            return read(connection, method)

    def call(
        self,
        method: str = "POST",
        path: str | bytes = "/messages/tell",
        body: bytes | None = GOOD,
        token: str | None = "",
        **headers: Any,
    ) -> Answer:
        """One request, with the sender's own token unless told otherwise; ``_`` in a header's name stands for ``-``."""
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            fields = {"Authorization": f"Bearer {token or self.token}"} | fields
        return self.raw(request(method, path, fields, body), method)

    def ended(self, location: str) -> Any:
        """The message once no delivery is open any more."""
        while True:
            document = self.call("GET", location, None).json()
            if document["state"] in {"done", "failed", "expired"}:
                return document

    def is_well(self) -> bool:
        """Whether the next good request is taken and arrives."""
        sent = self.call(Prefer="wait=20")
        return sent.status == 200 and sent.json()["state"] == "done"

    def put_in_force(self) -> None:
        """Swap the snapshot for the province as it is now."""

        async def swap() -> None:
            self.node.snapshots.refreshed(self.province.snapshot(self.queries.revision()))

        asyncio.run_coroutine_threadsafe(swap(), self.loop).result(UNANSWERED)

    def counted(self) -> int:
        return len(self.queries.messages(size=100_000).items)

    def revoke(self, system: str) -> None:
        """Revoke every credential of a system in the journal, as the command does; the next snapshot knows."""
        for credential in list(self.province.credentials.values()):
            if credential.system == system:
                revoked = replace(credential, revoked_at=CLOCK.now())
                self.province.credentials[credential.id] = revoked
                row: dict[str, str | int | bytes | None] = {
                    "id": revoked.id,
                    "system": system,
                    "digest": revoked.digest,
                    "created_at": revoked.created_at,
                    "expires_at": None,
                    "revoked_at": revoked.revoked_at,
                }
                put = PutRow("credentials", row, Event("credential.revoked", "test"))
                asyncio.run_coroutine_threadsafe(self.node.committer.write(put), self.loop).result(UNANSWERED)


def read(connection: socket.socket, method: str = "POST") -> Answer:
    """One answer off a connection. Raises `OSError` or `http.client.HTTPException` where none comes."""
    response = HTTPResponse(connection, method=method)
    try:
        response.begin()
        body = response.read()
    finally:
        response.close()
    return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, body)


def is_over(connection: socket.socket) -> bool:
    """Whether the bus closes the connection: waits for it."""
    with suppress(ConnectionError):
        while connection.recv(65536):
            pass
    return True


def made() -> Province:
    """`ask` is a request, `tell` and `tell-xml` are documents, `news` is an event; `one-stop` and `other` may send."""
    json_part = Part(Format.JSON, JsonSchemaValidator(SCHEMA))
    anything = Part(Format.JSON, JsonSchemaValidator(schema=True))
    xml_part = Part(Format.XML, XsdValidator(XsdDocuments({"t.xsd": XSD}, ["t.xsd"]), "{urn:t}Person"))
    limits = Limits(max_bytes=MOST_BYTES, timeout=10.0)
    contracts = {
        "ask": Contract(
            "ask",
            "1.0.0",
            Exchange.REQUEST,
            "H99",
            json_part,
            anything,
            {"not-found": Fault("not-found", json_part, 404), "busy": Fault("busy", None, 409)},
            limits,
        ),
        "tell": Contract("tell", "1.0.0", Exchange.DOCUMENT, "H99", json_part, limits=limits),
        "tell-xml": Contract("tell-xml", "1.0.0", Exchange.DOCUMENT, "H99", xml_part, limits=limits),
        "news": Contract("news", "1.0.0", Exchange.EVENT, "H99", json_part, limits=limits),
    }
    retry = Retry(0.05, 0.2)
    receivers = {"his": Receiver(), "mirror": Receiver()}
    routes = [Route(name, 1, "his", repeatable=True, retry=retry) for name in contracts]
    routes.append(Route("news", 1, "mirror", repeatable=True, retry=retry))
    everything = grants(contracts, "one-stop", receivers) + grants(contracts, "other", [])
    return Province(receivers, contracts, routes, everything)


@contextmanager
def serving(migrated: Path, folder: Path) -> Iterator[Served]:
    """Serve in a thread of its own, on an event loop of the kind that `lgsp up` uses, until the block ends."""
    shutil.copy(migrated, folder / "journal.sqlite")
    province = made()
    token = province.client("one-stop")
    engine = open_engine(sqlite_url(folder))
    queries = Queries(engine)
    up = threading.Event()
    servers: list[uvicorn.Server] = []
    found: list[Served] = []

    async def serve() -> None:
        told = configure(read_settings({}, data=folder, log=str(folder / "lgsp.jsonl")))
        store = open_store(sqlite_url(folder), CLOCK, "writer")

        def load() -> Any:
            return province.snapshot(queries.revision())

        async with running(
            store,
            queries,
            MemoryBroker(),
            load,
            CLOCK,
            "process",
            told=told,
            body_timeout=PATIENCE,
            sweep_every=0.02,
        ) as node:
            listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
            server = uvicorn.Server(Serving(node.app, PATIENCE))
            servers.append(server)
            port, loop = listening.getsockname()[1], asyncio.get_running_loop()
            found.append(Served(port, province, token, folder, queries, node, loop))
            loop.call_soon(up.set)
            await server.serve([listening])

    def run() -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(serve())
        finally:
            up.set()

    thread = threading.Thread(target=run)
    thread.start()
    up.wait()
    try:
        yield found[0]
    finally:
        for server in servers:
            server.should_exit = True
        thread.join()
        engine.dispose()


def surviving(bus: Served) -> Iterator[None]:
    """For a fixture of each test: afterwards the receivers are well, and the bus takes and delivers a good message."""
    yield
    for receiver in bus.province.receivers.values():
        receiver.answer, receiver.delay = Receiver().answer, 0.0
    assert bus.is_well()


def is_problem(answer: Answer, status: int, code: str) -> bool:
    """Whether it is the problem document of that code; shown where it is not."""
    if answer.headers.get("content-type") != "application/problem+json":
        pytest.fail(f"not a problem document: {answer}")
    document = answer.json()
    assert (answer.status, document["code"]) == (status, code)
    assert document["status"] == status
    assert document["type"] == f"urn:lgsp:error:{code}"
    assert document["detail"]
    return True


def refused(bus: Served, status: int, code: str, **call: Any) -> Answer:
    """Make a call that must be refused, in both languages; nothing of it may have been accepted."""
    before = bus.counted()
    english, vietnamese = (bus.call(Accept_Language=language, **call) for language in ("en", "vi"))
    assert is_problem(english, status, code)
    assert is_problem(vietnamese, status, code)
    assert english.json()["detail"] != vietnamese.json()["detail"]
    assert bus.counted() == before
    return english
