"""A bus in a thread of its own, behind a real socket, whose receivers are a stand-in and other people's servers."""

import asyncio
import shutil
import socket
import threading
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from ipaddress import ip_network
from pathlib import Path

import httpx2 as httpx
import orjson
import uvicorn
from lxml import etree

from adapters.call import Call, Outcome, Result
from adapters.egress import Egress
from adapters.http import open_session
from adapters.soap.manner import Manner
from adapters.soap.outbound import SoapAdapter, SoapSettings
from adapters.soap.wsdl import load as load_wsdl
from bus.clock import SystemClock
from bus.envelope import Body, Format
from documents.compile import compile_documents
from documents.importers.run import Order, import_here
from documents.importers.target import Target as Importing
from documents.importers.writing import write, written
from documents.load import load
from documents.of_the_bus import with_own
from documents.originals import original
from documents.subjects import subject
from identity.credentials import issue as issue_credential
from identity.keyring import KeyRing, Purpose, new_key
from journal.database import open_engine, open_store, sqlite_url
from journal.queries import Queries
from routes.memory_broker import MemoryBroker
from routes.model import Snapshot, System
from running.node import running
from running.serving import Serving
from tests.interop.sample import NS, REFUSED, VIEW, recorded_xml, refused_xml
from transforms.apart.pool import Pool

CLOCK = SystemClock()
HERE = Path(__file__).parent
STAND_IN = "stand-in"
FILES = "files"
"""The system that takes attachments, as only a SOAP system does."""
OLD = "old"
OLD_ANSWER = f'<o:findResponse xmlns:o="urn:old"><found>{REFUSED["reason"]}</found></o:findResponse>'.encode()
SENDER = "one-stop"


@dataclass
class StandIn:
    """The receiver behind the front door: it keeps what came, and answers what is agreed."""

    calls: list[Call] = field(default_factory=list)

    async def call(self, call: Call) -> Outcome:
        self.calls.append(call)
        result, code, body, fault = self._answer(call)
        return Outcome(result, code, 200, body, fault=fault)

    def _answer(self, call: Call) -> tuple[Result, str, Body, str]:
        if call.operation == "find":
            return Result.ANSWERED, "http-200", Body(Format.XML, OLD_ANSWER), ""
        if call.body.format is Format.JSON:
            return Result.ANSWERED, "http-200", Body(Format.JSON, orjson.dumps(VIEW)), ""
        if etree.fromstring(call.body.data).findtext(f".//{{{NS}}}kind") == "refuse":
            return Result.FAULT, "declared-fault", Body(Format.XML, refused_xml()), "refused"
        return Result.ANSWERED, "http-200", Body(Format.XML, recorded_xml()), ""


@dataclass(frozen=True)
class Bus:
    """A running bus: `secret` is the sender's."""

    url: str
    secret: str = field(repr=False)
    stand_in: StandIn = field(repr=False)
    http: httpx.Client = field(repr=False)


@dataclass(frozen=True, slots=True)
class Target:
    """A server of SOAP behind the bus: where it is, which port of the WSDL it is called as, and how it wants it."""

    url: str
    wsdl_port: str = "RecordsSoap"
    manner: Manner = field(default_factory=Manner)


def _contract(target: str, name: str, exchange: str, payloads: str, operation: str, timeout: str = "PT20S") -> str:
    grants = "".join(
        f"---\nkind: Grant\ncontract: {target}.{name}@1\nsystem: {system}\nmay: {may}\npurpose: Thử\nlegalBasis: NĐ 1\n"
        for system, may in ((SENDER, "send"), (target, "receive"))
    )
    return (
        f"---\nkind: Contract\nname: {target}.{name}\nversion: 1.0.0\ntitle: {{vi: Thử, en: Trial}}\nowner: H99\n"
        f"exchange: {exchange}\n{payloads}\nlimits: {{timeout: {timeout}}}\n"
        f"---\nkind: Route\ncontract: {target}.{name}@1\nto: {target}\n{operation}{grants}"
    )


def _documents(targets: Mapping[str, Target]) -> dict[str, str]:
    def xml(part: str, element: str) -> str:
        return f'{part}: {{format: xml, schema: record.xsd, element: "{{{NS}}}{element}"}}'

    fault = f'{{schema: record.xsd, format: xml, root: "{{{NS}}}Refused", element: "{{{NS}}}Refused", status: 409}}'
    record = f"{xml('request', 'Record')}\n{xml('reply', 'Recorded')}\nfaults: {{refused: {fault}}}"
    view = "request: {format: json, schema: view.json}\nreply: {format: json, schema: view.json}"
    written = f"kind: System\nname: {SENDER}\nagency: H99\nadapter: inbox\n"
    for name, target in targets.items():
        written += f"---\nkind: System\nname: {name}\nagency: H99\nendpoint: {target.url}\n"
        written += f"adapter: soap\nwsdl: service.wsdl\nport: {target.wsdl_port}\n"
        written += _contract(name, "record", "request", record, "operation: Record\n")
        written += _contract(name, "note", "document", xml("request", "Note"), "operation: Note\n")
    written += f"---\nkind: System\nname: {STAND_IN}\nagency: H99\nadapter: rest\nendpoint: https://stand-in.invalid/\n"
    written += "operations: {take: {}}\n"
    written += _contract(STAND_IN, "record", "request", record, "")
    written += _contract(STAND_IN, "note", "document", xml("request", "Note"), "")
    written += _contract(STAND_IN, "view", "request", view, "")
    written += f"---\nkind: System\nname: {FILES}\nagency: H99\nadapter: soap\nwsdl: service.wsdl\nport: RecordsSoap\n"
    file = f"{xml('request', 'Note')[:-1]}, attachments: {{mediaTypes: [application/octet-stream]}}}}"
    written += _contract(FILES, "file", "document", file, "operation: Note\n")
    ask = f"{xml('request', 'Note')}\n{xml('reply', 'Note')}"
    written += _contract(SENDER, "ask", "request", ask, "", "PT2M")
    agencies = "kind: Agency\ncode: H99\nname: {vi: Tỉnh, en: Province}\nvalidFrom: 2021-01-01\n"
    return {"agencies.yaml": agencies, "exchanges.yaml": written}


def _old() -> Mapping[str, bytes]:
    """A system whose service is in rpc/encoded, as its import makes it."""
    imported = import_here(Order("wsdl", HERE / OLD, Importing(OLD, "H98", consumers=(SENDER,)), date(2026, 11, 25)))
    return written(imported.imported, f"{OLD}/1.0.0")


@contextmanager
def bus(migrated: Path, folder: Path, targets: Mapping[str, Target]) -> Iterator[Bus]:
    """Serve until the block ends. `targets` are by the names of their systems."""
    shutil.copy(migrated, folder / "journal.sqlite")
    province = folder / "province"
    shutil.copytree(HERE / "province", province)
    for path, text in _documents(targets).items():
        (province / path).write_text(text, encoding="utf-8")
    write(province, _old())
    up, stand_in = threading.Event(), StandIn()
    servers: list[uvicorn.Server] = []
    credential, secret = issue_credential(SENDER, CLOCK.now() - 1000, CLOCK.new_id)
    keys = KeyRing(new_key(each, 1, CLOCK.new_id) for each in Purpose)
    files = {each.name: each.read_bytes() for each in (HERE / "province").iterdir()}
    with socket.create_server(("127.0.0.1", 0)) as listening, Pool() as pool:

        async def serve() -> None:
            engine = open_engine(sqlite_url(folder))
            store = open_store(sqlite_url(folder), CLOCK, "writer")
            async with open_session(Egress((ip_network("127.0.0.0/8"),))) as session:
                receivers: dict[str, SoapAdapter | StandIn] = {STAND_IN: stand_in, FILES: stand_in, OLD: stand_in}
                for name, target in targets.items():
                    service = load_wsdl("service.wsdl", files, port=target.wsdl_port)
                    receivers[name] = SoapAdapter(SoapSettings(target.url, manner=target.manner), service, session)

                loaded = load(province)
                compiled, problems = compile_documents(loaded.documents, pool)
                assert not (*loaded.problems, *problems), (loaded.problems, problems)
                everything = with_own(loaded.documents)
                snapshot = Snapshot(
                    1,
                    compiled.contracts,
                    compiled.routes,
                    {name: System(name, "H99", receiver) for name, receiver in receivers.items()}
                    | {SENDER: System(SENDER, "H99", fetches=True, visibility=120.0)},
                    compiled.grants,
                    {credential.id: credential},
                    keys,
                    lambda contract: subject(everything, contract),
                    partial(original, loaded.documents, compiled),
                )
                queries, broker = Queries(engine), MemoryBroker()
                async with running(
                    store, queries, broker, lambda: snapshot, CLOCK, "process", sweep_every=0.02
                ) as node:
                    server = uvicorn.Server(Serving(node.app, 10.0))
                    servers.append(server)
                    asyncio.get_running_loop().call_soon(up.set)
                    await server.serve([listening])
            while engine.pool.checkedout():  # type: ignore[attr-defined]
                await asyncio.sleep(0.01)
            engine.dispose()

        def run() -> None:
            with suppress(KeyboardInterrupt):
                try:
                    asyncio.run(serve())
                finally:
                    up.set()

        thread = threading.Thread(target=run)
        thread.start()
        up.wait()
        basic = b64encode(f"{SENDER}:{secret}".encode()).decode()
        headers = {"Authorization": f"Basic {basic}", "Accept-Language": "en"}
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        try:
            with httpx.Client(base_url=url, headers=headers, timeout=30.0) as http:
                yield Bus(url, secret, stand_in, http)
        finally:
            for server in servers:
                server.should_exit = True
            thread.join()
