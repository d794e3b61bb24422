"""What a system's operations look like to one who may call them: ``GET /rest/{system}/openapi.json``."""

import asyncio
from collections.abc import Iterator
from datetime import date
from typing import Any, Final

from starlette.responses import Response

from adapters.rest import answers
from adapters.rest.paths import Offer, Paths
from bus.errors import GrantMissing, PathUnknown
from contracts.descriptions.operations import Described, operations
from contracts.model import Contract
from identity.grants import May
from routes.model import Snapshot

PATH: Final = "/openapi.json"


async def offering(snapshot: Snapshot, system: str, sender: str, today: date) -> Response:
    """Those operations whose contract the caller may send or receive. Raises `PathUnknown`, `GrantMissing`,
    `SchemaInvalid`."""
    paths = snapshot.paths.get(system)
    if paths is None or not paths.offers or snapshot.describe is None:
        raise PathUnknown
    granted = [*_granted(snapshot, paths, sender, today)]
    if not granted:
        first = _contract(snapshot, paths.offers[0].leads[0].reference)
        raise GrantMissing(system=sender, contract=first.reference, owner=first.owner)
    document = await asyncio.to_thread(_document, snapshot, system, granted)
    return answers.json_answer(document, 200, {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"})


def _granted(snapshot: Snapshot, paths: Paths, sender: str, today: date) -> Iterator[tuple[Offer, Contract]]:
    for offer in paths.offers:
        for lead in offer.leads:
            if any(snapshot.grants.allows(sender, lead.reference, may, today) for may in May):
                yield offer, _contract(snapshot, lead.reference)
                break


def _contract(snapshot: Snapshot, reference: str) -> Contract:
    """The version that a call is a message of: the first of its major."""
    versions = snapshot.contracts[reference.partition("@")[0]]
    return next(each for each in versions if each.reference == reference)


def _document(snapshot: Snapshot, system: str, granted: list[tuple[Offer, Contract]]) -> dict[str, Any]:
    describe = snapshot.describe
    if describe is None:
        raise PathUnknown
    return operations(
        system,
        f"/rest/{system}",
        [
            Described(
                offer.name,
                offer.method,
                offer.path,
                offer.query,
                describe(contract),
                {fault.name: fault.status for fault in contract.faults.values() if fault.status is not None},
            )
            for offer, contract in granted
        ],
    )
