"""A live system held against its contracts: each operation is called by an example, as the bus calls it, and the answer
is judged as the bus judges it. Nothing of it goes through the journal."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Final
from uuid import uuid4

from rich.console import Console

from adapters.call import CODES, Adapter, Call, FaultRule, Outcome, Result
from adapters.egress import EVERYWHERE, Egress
from adapters.http import open_session
from bus.clock import SystemClock
from bus.envelope import Body
from bus.errors import BusError, QueryInvalid
from contracts.model import Contract
from documents import kinds
from documents.model import Documents
from documents.problems import meant
from documents.snapshot import Builder
from documents.store import read
from routes.events import attributes
from routes.model import Route, Snapshot
from routes.notices import SENDER
from routes.reply import take
from running.home import Home
from running.printing import plain, print_json, table
from running.up import LOOPBACK
from transforms.apart.pool import Pool

LARGEST: Final = 16 * 1024 * 1024
"""Bytes of an answer."""

GOOD: Final = frozenset({"conforms", "fault", "left out"})


@dataclass(frozen=True, slots=True)
class Verified:
    """What came of one example. `verdict`: conforms; fault (a declared one, rightly said); breaks (answered otherwise
    than the contract says); failed (not answered); left out."""

    contract: str
    operation: str
    example: str
    verdict: str
    why: str = ""
    milliseconds: int = 0


def verified(home: Home, system: str, *, writes: bool = False, endpoint: str | None = None) -> list[Verified]:
    """Every route to the system, by every valid example of its contract. Operations that may change something
    (`repeatable` is not said of them) are called only with `writes`. Raises `QueryInvalid`."""
    documents = read(home.queries)
    called = [str(each.name) for _, each in documents.of(kinds.System) if each.endpoint or each.wsdl]
    if system not in called:
        raise QueryInvalid(name="system", hint=f"there is no system {system} that is called: {meant(system, called)}")
    return asyncio.run(_verified(home, documents, system, writes=writes, endpoint=endpoint))


async def _verified(
    home: Home, documents: Documents, system: str, *, writes: bool, endpoint: str | None
) -> list[Verified]:
    # Who names an endpoint by hand may mean one on this machine.
    egress = Egress((*(home.settings.egress or EVERYWHERE), *(LOOPBACK if endpoint else ())))
    endpoints = {system: endpoint} if endpoint else {}
    found: list[Verified] = []
    async with open_session(egress) as session:
        with Pool() as pool:
            own = (home.queries, home.keys, home.credentials, home.secrets)
            builder = Builder(*own, session, home.clock, pool, endpoints)
            snapshot = await asyncio.to_thread(builder.load)
            adapter = snapshot.systems[system].adapter
            if adapter is None:
                raise QueryInvalid(name="system", hint=f"{system} cannot be called: lgsp doctor says what it lacks")
            for contract, route in _routes(snapshot, system):
                for name, body in _examples(documents, contract):
                    found.append(await _one(adapter, contract, route, name, body, writes=writes))
    return found


def _routes(snapshot: Snapshot, system: str) -> Iterator[tuple[Contract, Route]]:
    """The newest contract of each route to the system."""
    for reference, routes in sorted(snapshot.routes.items()):
        name, _, major = reference.partition("@")
        versions = [each for each in snapshot.contracts.get(name, ()) if each.version.partition(".")[0] == major]
        for route in routes:
            if route.system == system and versions:
                yield versions[0], route


def _examples(documents: Documents, contract: Contract) -> Iterator[tuple[str, Body | None]]:
    """The contract's valid examples by their files; one that is None where there is no example."""
    written = next(
        each
        for _, each in documents.of(kinds.Contract)
        if (each.name, each.version) == (contract.name, contract.version)
    )
    paths = [str(path) for path in written.examples.valid]
    for path in paths:
        yield path, Body(contract.request.format, documents.files[path])
    if not paths:
        yield "", None


async def _one(
    adapter: Adapter, contract: Contract, route: Route, name: str, body: Body | None, *, writes: bool
) -> Verified:
    reference, operation = f"{contract.name}@{contract.version}", route.operation or ""
    if body is None:
        return Verified(reference, operation, name, "left out", "the contract has no valid example")
    if not (writes or route.repeatable):
        return Verified(reference, operation, name, "left out", "it may change something: --writes calls it too")
    began = time.monotonic()
    try:
        converted = await asyncio.to_thread(route.request, body) if route.request else body
    except BusError as refused:
        return Verified(reference, operation, name, "breaks", f"the transform fails: {refused.text}")
    outcome = await adapter.call(_call(contract, route, converted))
    took = round((time.monotonic() - began) * 1000)
    verdict, why = await asyncio.to_thread(_judged, contract, route, outcome)
    return Verified(reference, operation, name, verdict, why, took)


def _judged(contract: Contract, route: Route, outcome: Outcome) -> tuple[str, str]:
    judged, reply = take(contract, route, outcome)
    said = CODES.get(judged.code, judged.code)
    match judged.result:
        case Result.ANSWERED:
            return "conforms", ""
        case Result.FAULT if reply is None or reply.kind != "raw":
            return "fault", judged.fault
        case Result.REPLY_INVALID | Result.FAULT:
            return "breaks", f"{said} {_wrong(contract, route, outcome.reply)}".strip()
        case _:
            return "failed", said


def _call(contract: Contract, route: Route, body: Body) -> Call:
    faults = tuple(FaultRule(name, fault.status, fault.element) for name, fault in contract.faults.items())
    headers: Mapping[str, str] = {"Idempotency-Key": str(uuid4())}
    event = attributes(contract, route, SystemClock().new_id(), SENDER)
    return Call(route.operation, body, headers, faults, contract.limits.timeout, LARGEST, event)


def _wrong(contract: Contract, route: Route, raw: Body | None) -> str:
    """Where an answer breaks its schema; its values are not shown."""
    if raw is None or contract.reply is None:
        return ""
    try:
        made = route.reply(raw) if route.reply else raw
        _, findings = contract.reply.validator.check(made)
    except BusError as refused:
        return refused.text
    return "; ".join(f"{each.place or 'the whole'} {each.rule} {each.limit}".strip() for each in findings[:3])


def show(out: Console, found: list[Verified], *, json: bool) -> bool:
    """The report; whether nothing breaks its contract or fails."""
    if json:
        print_json(out, [asdict(each) for each in found])
    else:
        rows = [(e.contract, e.operation, e.example, e.verdict, e.milliseconds or "", e.why) for e in found]
        table(out, ("contract", "operation", "example", "verdict", "ms", "because"), rows, "no route leads there")
        right = sum(each.verdict in {"conforms", "fault"} for each in found)
        called = sum(each.verdict != "left out" for each in found)
        out.print(plain(f"{right} of {called} calls answered as the contract says; {len(found) - called} left out."))
    return all(each.verdict in GOOD for each in found)
