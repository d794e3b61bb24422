"""A bus in this process, over a snapshot made by hand: contracts that want an object, receivers that are functions."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from uuid import uuid4

import httpx2 as httpx
import orjson
import pytest

from adapters.call import Call, Outcome, Result
from bus.clock import Clock, SystemClock
from bus.envelope import Body, Exchange, Format
from bus.errors import Finding, JsonMalformed
from contracts.model import Contract, Fault, Limits, Part
from identity.credentials import Credential
from identity.credentials import issue as issue_credential
from identity.grants import Grant, Grants, May
from identity.keyring import KeyRing, Purpose, new_key
from identity.tokens import issue
from journal.database import open_engine, open_store
from journal.queries import Queries
from routes.memory_broker import MemoryBroker
from routes.model import Retry, Route, Snapshot, System
from routes.rabbitmq.broker import RabbitBroker
from routes.rabbitmq.topology import Topology
from running.node import Node, running
from tests.services.rabbitmq import Passing

CLOCK = SystemClock()


class WantsObject:
    """A validator that accepts any JSON object without the member `bad`."""

    def check(self, body: Body) -> tuple[object, list[Finding]]:
        try:
            value = orjson.loads(body.data)
        except orjson.JSONDecodeError as broken:
            raise JsonMalformed(line=broken.lineno, column=broken.colno) from None
        if not isinstance(value, dict):
            return value, [Finding("", "type", "object")]
        return value, [Finding("/bad", "additionalProperties")] if "bad" in value else []


PART = Part(Format.JSON, WantsObject())


@dataclass
class Receiver:
    """A receiving system in this process: records its calls and answers as it is told."""

    answer: Callable[[Call], Outcome] = lambda call: Outcome(Result.ANSWERED, "http-200", 200, Body(Format.JSON, b"{}"))
    calls: list[Call] = field(default_factory=list)
    delay: float = 0.0
    inside: int = 0
    most_inside: int = 0

    async def call(self, call: Call) -> Outcome:
        self.calls.append(call)
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        try:
            await asyncio.sleep(self.delay)
            return self.answer(call)
        finally:
            self.inside -= 1


@dataclass
class Province:
    """What the snapshot is made of; change it before the bus runs."""

    receivers: dict[str, Receiver]
    contracts: dict[str, Contract]
    routes: list[Route]
    grants: list[Grant]
    rate_per_second: float | None = None
    fetching: dict[str, float] = field(default_factory=dict)
    """Those of the receivers that fetch their messages, and for how many seconds these are theirs."""
    credentials: dict[str, Credential] = field(default_factory=dict)
    keys: KeyRing = field(default_factory=lambda: KeyRing(new_key(each, 1, CLOCK.new_id) for each in Purpose))

    def snapshot(self, revision: int = 0) -> Snapshot:
        routes: dict[str, tuple[Route, ...]] = {}
        for route in self.routes:
            routes[route.reference] = (*routes.get(route.reference, ()), route)
        return Snapshot(
            revision,
            {name: (contract,) for name, contract in self.contracts.items()},
            routes,
            {name: self._system(name, receiver) for name, receiver in self.receivers.items()},
            Grants(self.grants),
            self.credentials,
            self.keys,
        )

    def _system(self, name: str, receiver: Receiver) -> System:
        if name in self.fetching:
            return System(name, "H99", concurrency=4, fetches=True, visibility=self.fetching[name])
        return System(name, "H99", receiver, 4, self.rate_per_second)

    def client(self, system: str) -> str:
        """A credential of the system; its token."""
        credential, _ = issue_credential(system, CLOCK.now() - 1000, CLOCK.new_id)
        self.credentials[credential.id] = credential
        return issue(system, credential.id, self.keys, CLOCK.now())


def grants(contracts: Iterable[str], sender: str, receivers: Iterable[str]) -> list[Grant]:
    """Everybody may do everything."""
    each = list(contracts)
    return [Grant(name, 1, sender, May.SEND) for name in each] + [
        Grant(name, 1, receiver, May.RECEIVE) for name in each for receiver in receivers
    ]


@pytest.fixture
def province() -> Province:
    """`ask` is a request, `tell` a document, `news` an event with two subscribers; `one-stop` sends."""
    contracts = {
        name: Contract(
            name, "1.0.0", exchange, "H99", PART, PART if name == "ask" else None, limits=Limits(timeout=5.0)
        )
        for name, exchange in (("ask", Exchange.REQUEST), ("tell", Exchange.DOCUMENT), ("news", Exchange.EVENT))
    }
    contracts["ask"] = replace(contracts["ask"], faults={"not-found": Fault("not-found", PART, 404)})
    retry = Retry(0.05, 0.2)
    receivers = {"his": Receiver(), "mirror": Receiver()}
    routes = [
        Route("ask", 1, "his", retry=retry),
        Route("tell", 1, "his", retry=retry),
        Route("news", 1, "his", repeatable=True, retry=retry),
        Route("news", 1, "mirror", repeatable=True, retry=retry),
    ]
    return Province(receivers, contracts, routes, grants(contracts, "one-stop", receivers))


Bus = Callable[..., AbstractAsyncContextManager[tuple[Node, httpx.AsyncClient]]]


@pytest.fixture
def stack() -> str:
    """Which journal and broker the bus runs on: ``embedded`` (SQLite, in memory), or ``servers`` (PostgreSQL,
    RabbitMQ)."""
    return "embedded"


@pytest.fixture
def topology() -> Topology:
    """The names that this test has in RabbitMQ."""
    return Passing(f"test-{uuid4().hex}")


@pytest.fixture
def bus(province: Province, stack: str, topology: Topology, request: pytest.FixtureRequest) -> Bus:
    """Run the bus on the journal of this test; each time it is entered is a start of the process."""
    starts = 0
    database = request.getfixturevalue("database" if stack == "embedded" else "postgresql_database")
    amqp = "" if stack == "embedded" else request.getfixturevalue("rabbitmq_server")

    @asynccontextmanager
    async def run(clock: Clock = CLOCK) -> AsyncIterator[tuple[Node, httpx.AsyncClient]]:
        nonlocal starts
        starts += 1
        engine = open_engine(database)
        store = open_store(database, clock, f"writer-{starts}")
        token = province.client("one-stop")
        broker = RabbitBroker(amqp, topology=topology) if amqp else MemoryBroker()
        async with running(
            store, Queries(engine), broker, province.snapshot, clock, f"process-{starts}", sweep_every=0.02
        ) as node:
            transport = httpx.ASGITransport(node.app)
            headers = {"Authorization": f"Bearer {token}", "Accept-Language": "en"}
            async with httpx.AsyncClient(transport=transport, base_url="http://bus", headers=headers) as client:
                yield node, client
        # A question that nobody waits for any more is still being answered in its thread.
        while engine.pool.checkedout():  # type: ignore[attr-defined]
            await asyncio.sleep(0.01)
        engine.dispose()

    return run
