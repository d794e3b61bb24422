"""A bus over documents, behind a real socket, and clients of SOAP that know it by its WSDL alone."""

import asyncio
import socket
import ssl
import warnings
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx2 as httpx
import requests
import uvicorn
from zeep import Client
from zeep.settings import Settings
from zeep.transports import Transport

from adapters.egress import Network
from bus.clock import SystemClock
from documents.compile import compile_documents
from documents.load import load
from documents.of_the_bus import with_own
from documents.originals import original
from documents.subjects import subject
from identity.certificates import Holder
from identity.credentials import Credential, issue_readable
from identity.credentials import issue as issue_credential
from identity.keyring import KeyRing, Purpose, new_key
from identity.tokens import issue
from journal.database import open_engine, open_store
from journal.queries import Queries
from routes.memory_broker import MemoryBroker
from routes.model import Snapshot, System
from running.node import Node, running
from running.serving import Serving
from tests.flows.conftest import Receiver
from tests.flows.soap_province import FILES
from transforms.apart.pool import Pool

CLOCK = SystemClock()

ENVELOPES = {
    "1.1": ("text/xml; charset=utf-8", "http://schemas.xmlsoap.org/soap/envelope/"),
    "1.2": ("application/soap+xml; charset=utf-8", "http://www.w3.org/2003/05/soap-envelope"),
}


@dataclass
class Wired:
    """A province's documents, with receivers that are functions, and whoever calls."""

    folder: Path
    pool: Pool
    receivers: dict[str, Receiver] = field(default_factory=dict)
    clients: dict[bytes, Holder] = field(default_factory=dict)
    signers: dict[bytes, Holder] = field(default_factory=dict)
    fetching: dict[str, float] = field(default_factory=dict)
    """Systems that fetch their messages, and for how many seconds these are theirs."""
    credentials: dict[str, Credential] = field(default_factory=dict)
    keys: KeyRing = field(default_factory=lambda: KeyRing(new_key(each, 1, CLOCK.new_id) for each in Purpose))

    def snapshot(self) -> Snapshot:
        loaded = load(self.folder)
        documents = loaded.documents
        compiled, problems = compile_documents(documents, self.pool)
        assert not (*loaded.problems, *problems), (loaded.problems, problems)
        everything = with_own(documents)
        systems = {name: System(name, "H99", receiver) for name, receiver in self.receivers.items()}
        systems |= {name: System(name, "H99", fetches=True, visibility=each) for name, each in self.fetching.items()}
        return Snapshot(
            1,
            compiled.contracts,
            compiled.routes,
            systems,
            compiled.grants,
            self.credentials,
            self.keys,
            lambda contract: subject(everything, contract),
            partial(original, documents, compiled),
            clients=self.clients,
            signers=self.signers,
        )

    def credential(self, system: str = "one-stop") -> tuple[Credential, str]:
        """One more credential of a system, and its secret."""
        credential, secret = issue_credential(system, CLOCK.now() - 1000, CLOCK.new_id)
        self.credentials[credential.id] = credential
        return credential, secret

    def readable(self, system: str = "one-stop") -> str:
        """The secret of one more credential of a system, for WS-Security."""
        credential, secret = issue_readable(system, CLOCK.now() - 1000, CLOCK.new_id, self.keys)
        self.credentials[credential.id] = credential
        return secret

    def token(self, system: str = "one-stop") -> str:
        credential, _ = self.credential(system)
        return issue(system, credential.id, self.keys, CLOCK.now())


@dataclass
class Served:
    """A bus that runs; `secret` is one-stop's."""

    url: str
    wired: Wired
    node: Node
    queries: Queries
    secret: str
    http: httpx.AsyncClient

    def receiver(self, name: str = "his") -> Receiver:
        return self.wired.receivers[name]

    async def post(
        self,
        path: str,
        body: str | bytes,
        version: str = "1.1",
        headers: dict[str, str] | None = None,
        header: str = "",
    ) -> httpx.Response:
        """Send an envelope around `body`, and `header` blocks."""
        media_type, namespace = ENVELOPES[version]
        text = body.decode() if isinstance(body, bytes) else body
        head = f"<s:Header>{header}</s:Header>" if header else ""
        data = f'<s:Envelope xmlns:s="{namespace}">{head}<s:Body>{text}</s:Body></s:Envelope>'
        return await self.send(path, data.encode(), {"Content-Type": media_type} | (headers or {}))

    async def send(self, path: str, data: bytes, headers: dict[str, str]) -> httpx.Response:
        return await self.http.post(f"/soap/{path}", content=data, headers=headers)

    def client(self, path: str, wsdl: str, session: requests.Session, **options: Any) -> Any:
        """zeep, which loads the WSDL from the bus as anybody's tool would; it blocks."""
        session.auth = ("one-stop", self.secret)
        session.headers["Accept-Language"] = "en"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made: Any = Client
            carrying: Any = Transport
            return made(
                f"{self.url}/soap/{path}?{wsdl}", transport=carrying(session=session), settings=Settings(), **options
            )

    async def call(self, path: str, use: Callable[[Any], Any], wsdl: str = "wsdl", **options: Any) -> Any:
        """What zeep makes of a call, in a thread."""

        def called() -> Any:
            with requests.Session() as session:
                return use(self.client(path, wsdl, session, **options))

        return await asyncio.to_thread(called)


@asynccontextmanager
async def served(
    wired: Wired,
    database: str,
    known_as: str = "",
    tls: ssl.SSLContext | None = None,
    proxies: Sequence[Network] = (),
) -> AsyncIterator[Served]:
    """The bus over these documents."""
    _, secret = wired.credential()
    name = CLOCK.new_id().hex
    engine, store = open_engine(database), open_store(database, CLOCK, f"writer-{name}")
    queries = Queries(engine)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"{'https://localhost' if tls else 'http://127.0.0.1'}:{listening.getsockname()[1]}"
        async with running(
            store,
            queries,
            MemoryBroker(),
            wired.snapshot,
            CLOCK,
            f"process-{name}",
            sweep_every=0.02,
            url=known_as,
            proxies=proxies,
        ) as node:
            server = uvicorn.Server(Serving(node.app, 10.0, tls))
            serving = asyncio.create_task(server.serve([listening]))
            basic = b64encode(f"one-stop:{secret}".encode()).decode()
            headers = {"Authorization": f"Basic {basic}", "Accept-Language": "en"}
            try:
                async with httpx.AsyncClient(base_url=url, headers=headers) as http:
                    yield Served(url, wired, node, queries, secret, http)
            finally:
                server.should_exit = True
                await serving
    while engine.pool.checkedout():  # type: ignore[attr-defined]
        await asyncio.sleep(0.01)
    engine.dispose()


def province(folder: Path, pool: Pool, files: dict[str, str] | None = None) -> Wired:
    """The documents, written; `his` answers."""
    for path, text in {**FILES, **(files or {})}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return Wired(folder, pool, {"his": Receiver()})
