"""What the tests of routes are made of: carried deliveries, a contract, a snapshot, a store that remembers."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar
from uuid import uuid4

import pytest

from adapters.call import Adapter
from bus.clock import ManualClock
from bus.envelope import Body, Envelope, Exchange, Format
from bus.errors import Finding
from contracts.model import Contract, Fault, Part
from identity.grants import Grant, Grants, May
from identity.keyring import KeyRing, Purpose, new_key
from journal.commands import Command, Event, Record, Reference
from journal.committer import Committer
from journal.conditions import PROCESS_LEASE, Beaten, Condition, Process
from journal.queries import Present
from journal.store import Written
from routes.broker import Arrived, Carried, Signal
from routes.conditions import SETTLED, Conditions
from routes.model import Route, Snapshot, System

KEYS = KeyRing(new_key(purpose, 1, uuid4) for purpose in Purpose)


class Unless:
    """A validator that refuses one text."""

    def __init__(self, bad: bytes = b'"bad"') -> None:
        self._bad = bad

    def check(self, body: Body) -> tuple[object, Sequence[Finding]]:
        return body.data, [Finding("", "const")] if body.data == self._bad else []


PART = Part(Format.JSON, Unless())


def an_envelope(**fields: Any) -> Envelope:
    given: dict[str, Any] = {
        "message": uuid4(),
        "contract": "a.b",
        "version": "1.0.0",
        "exchange": Exchange.DOCUMENT,
        "sender": "sender",
        "accepted_at": 1,
        "expires_at": 2,
        "traceparent": f"00-{'1' * 32}-{'2' * 16}-01",
        "format": Format.JSON,
    }
    return Envelope(**given | fields)


def a_delivery(system: str = "his", body: bytes | None = b"{}", **fields: Any) -> Carried:
    return Carried(uuid4(), system, an_envelope(**fields), body)


def a_contract(exchange: Exchange = Exchange.DOCUMENT, **fields: Any) -> Contract:
    given: dict[str, Any] = {
        "name": "a.b",
        "version": "1.0.0",
        "exchange": exchange,
        "owner": "H99",
        "request": PART,
        "reply": PART if exchange is Exchange.REQUEST else None,
        "faults": {"not-found": Fault("not-found", PART)},
    }
    return Contract(**given | fields)


def a_snapshot(
    contracts: Iterable[Contract] = (),
    routes: Iterable[Route] = (),
    systems: Mapping[str, Adapter | None] | None = None,
    grants: Iterable[Grant] = (),
    revision: int = 7,
    **limits: Any,
) -> Snapshot:
    """Contracts of one name in the order given; every system with the same limits."""
    named: dict[str, tuple[Contract, ...]] = {}
    for contract in contracts:
        named[contract.name] = (*named.get(contract.name, ()), contract)
    led: dict[str, tuple[Route, ...]] = {}
    for route in routes:
        led[route.reference] = (*led.get(route.reference, ()), route)
    known = {name: System(name, "H99", adapter, **limits) for name, adapter in (systems or {}).items()}
    return Snapshot(revision, named, led, known, Grants(grants), {}, KEYS)


def may(system: str, what: May, contract: str = "a.b", major: int = 1) -> Grant:
    return Grant(contract, major, system, what)


def an_only_process(clock: ManualClock, name: str, *others: str, **blocked: Condition) -> Conditions:
    """How things stand where this process lives, and perhaps others with it."""
    conditions = Conditions(clock, name)
    see(conditions, clock, name, *others, **blocked)
    return conditions


def see(conditions: Conditions, clock: ManualClock, name: str, *others: str, **blocked: Condition) -> None:
    """How things stand now; the processes have lived for long."""
    joined = clock.now() - SETTLED
    conditions.beaten(Beaten(clock.now(), joined), clock.monotonic())
    living = tuple(Process(each, "worker", "1", joined, clock.now() + PROCESS_LEASE) for each in (name, *others))
    conditions.see(Present(tuple(blocked.values()), living), clock.monotonic())


class Memory:
    """A store that keeps every command, answers as it is told, and can be made to fail."""

    def __init__(self) -> None:
        self.commands: list[Command[Any]] = []
        self.answer: Callable[[Command[Any]], object] = lambda command: None
        self.failure: Exception | None = None

    blocks: ClassVar[bool] = True

    def write(self, commands: Sequence[Command[Any]]) -> Written:
        if self.failure:
            raise self.failure
        self.commands += commands
        return Written([self._result(each) for each in commands], [])

    def _result(self, command: Command[Any]) -> object:
        return Reference("writer", len(self.commands)) if isinstance(command, Record) else self.answer(command)

    def of(self, kind: type[Any]) -> list[Any]:
        return [command for command in self.commands if isinstance(command, kind)]

    @property
    def events(self) -> list[Event]:
        return [record.event for record in self.of(Record)]

    def close(self) -> None: ...


@pytest.fixture
def store() -> Memory:
    return Memory()


@pytest.fixture
async def committer(store: Memory) -> AsyncIterator[Committer]:
    committer = Committer(store)
    yield committer
    await committer.close()


class Silent:
    """A broker that carries nothing and remembers what it was asked for; `failure` is raised from every call."""

    def __init__(self) -> None:
        self.published: list[Carried] = []
        self.refused: tuple[Carried, ...] = ()
        self.subscriptions: dict[str, tuple[int, Arrived]] = {}
        self.signals: list[tuple[str, Signal]] = []
        self.failure: Exception | None = None
        self.reachable = True

    def _fail(self) -> None:
        if self.failure:
            raise self.failure

    async def publish(self, batch: Sequence[Carried]) -> Sequence[Carried]:
        self._fail()
        self.published += batch
        return self.refused

    async def subscribe(self, system: str, prefetch: int, arrived: Arrived) -> None:
        self._fail()
        self.subscriptions[system] = (prefetch, arrived)

    async def unsubscribe(self, system: str) -> None:
        self._fail()
        del self.subscriptions[system]

    async def signal(self, process: str, signal: Signal) -> None:
        self._fail()
        self.signals.append((process, signal))

    async def listen(self, process: str, heard: Callable[[Signal], None], missed: Callable[[], None]) -> None: ...

    async def close(self) -> None: ...


@pytest.fixture
def broker() -> Silent:
    return Silent()


async def turns(count: int = 20) -> None:
    """Let the event loop go round."""
    for _ in range(count):
        await asyncio.sleep(0)
