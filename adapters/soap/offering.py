"""Which service stands at an address: made of the documents when it is first asked for, and kept while they stay."""

import asyncio
from collections.abc import Callable
from datetime import date
from typing import Any

import structlog

from adapters.rest.describing import describable
from adapters.soap.offers import Offer, of_contract
from bus.errors import (
    ContractUnknown,
    DocumentInvalid,
    GrantMissing,
    NotInXml,
    PathUnknown,
    SchemaInvalid,
    VersionUnknown,
)
from contracts.model import Contract
from identity.grants import May
from routes.accept import means, safe_version
from routes.model import Snapshot

log = structlog.get_logger("gateway")


class Offering:
    """The services of one process. A name is a contract's, else a system's whose own service it is."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, str], tuple[Any, Offer | None]] = {}
        self._making = asyncio.Lock()

    async def called(self, snapshot: Snapshot, name: str, version: str | None) -> Offer:
        """What is called at ``/soap/name@version``: of a contract the newest version of each major that is meant.

        Raises `ContractUnknown`, `VersionUnknown`, `NotInXml`.
        """
        versions = snapshot.contracts.get(name, ())
        if not versions:
            return await self._original(snapshot, name, version)
        newest: dict[str, Contract] = {}
        for each in versions:
            if means(version, each.version):
                newest.setdefault(each.reference, each)
        if not newest:
            raise VersionUnknown(contract=name, version=safe_version(version))
        offers = await self._each(snapshot, tuple(newest.values()))
        if len(offers) == 1:
            return offers[0]
        operations = tuple(operation for each in offers for operation in each.operations)
        most, attached = max(each.max_bytes for each in offers), max(each.attached for each in offers)
        return Offer(operations, most, offers[0].describe, attached=attached)

    async def shown(
        self, snapshot: Snapshot, name: str, version: str | None, system: str, today: date
    ) -> tuple[str, Offer]:
        """What `system` may see described, with the name it goes on to call. Raises also `GrantMissing`."""
        if name in snapshot.contracts:
            contract = describable(snapshot, name, version, system, today)
            return contract.reference, await self._alone(snapshot, contract)
        offer = await self._original(snapshot, name, version)
        contracts = [snapshot.version(each.contract, each.version) for each in offer.operations]
        there = [each for each in contracts if each]
        if any(snapshot.grants.allows(system, each.reference, may, today) for each in there for may in May):
            return name, offer
        if not there:
            raise ContractUnknown
        raise GrantMissing(system=system, contract=there[0].reference, owner=there[0].owner)

    async def _each(self, snapshot: Snapshot, contracts: tuple[Contract, ...]) -> list[Offer]:
        """Those of several versions that can be called; raises `NotInXml` where none can."""
        offers: list[Offer] = []
        for place, each in enumerate(contracts):
            try:
                offers.append(await self._alone(snapshot, each))
            except NotInXml:
                if place + 1 == len(contracts) and not offers:
                    raise
        return offers

    async def _alone(self, snapshot: Snapshot, contract: Contract) -> Offer:
        """One version of a contract. Raises `NotInXml` where it has no description in XML."""
        if snapshot.describe is None:
            raise PathUnknown
        describe = snapshot.describe
        key = contract.name, contract.version
        offer = await self._kept(key, contract, lambda: of_contract(describe(contract), contract))
        if offer is None:
            raise NotInXml(contract=contract.reference)
        return offer

    async def _original(self, snapshot: Snapshot, name: str, version: str | None) -> Offer:
        original = snapshot.original
        if original is None or version is not None or name not in snapshot.systems:
            raise ContractUnknown
        offer = await self._kept((name, ""), original, lambda: original(name))
        if offer is None:
            raise ContractUnknown
        return offer

    async def _kept(self, key: tuple[str, str], source: Any, make: Callable[[], Offer | None]) -> Offer | None:
        """What was made of this source, or is made of it now: once, however many ask."""
        known, offer = self._made.get(key, (None, None))
        if known is not source:
            async with self._making:
                known, offer = self._made.get(key, (None, None))
                if known is not source:
                    offer = await asyncio.to_thread(_attempt, make)
                    self._made[key] = source, offer
        return offer


def _attempt(make: Callable[[], Offer | None]) -> Offer | None:
    try:
        return make()
    except (SchemaInvalid, DocumentInvalid) as error:
        log.warning("not-offered-over-soap", code=error.code)
        return None
