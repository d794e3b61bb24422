"""Which service stands at an address: made of the documents when it is first asked for, and kept while they stay."""

import asyncio
from copy import copy

from adapters.soap.offers import Offer, of_contract
from bus.errors import ContractUnknown, PathUnknown, SchemaInvalid, VersionUnknown
from contracts.model import Contract
from routes.accept import means, safe_version
from routes.model import Snapshot


class Offering:
    """The services of one process."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, str], tuple[Contract, Offer | SchemaInvalid]] = {}
        self._making = asyncio.Lock()

    async def of(self, snapshot: Snapshot, name: str, version: str | None) -> Offer:
        """What is called at ``/soap/name@version``: the newest version of each major that is meant.

        Raises `ContractUnknown`, `VersionUnknown`, `SchemaInvalid`.
        """
        versions = snapshot.contracts.get(name, ())
        if not versions:
            raise ContractUnknown
        newest: dict[str, Contract] = {}
        for each in versions:
            if means(version, each.version):
                newest.setdefault(each.reference, each)
        if not newest:
            raise VersionUnknown(contract=name, version=safe_version(version))
        if len(newest) == 1:
            return await self.alone(snapshot, *newest.values())
        offers = [await self.alone(snapshot, each) for each in newest.values()]
        operations = tuple(operation for each in offers for operation in each.operations)
        return Offer(operations, max(each.max_bytes for each in offers), offers[0].describe)

    async def alone(self, snapshot: Snapshot, contract: Contract) -> Offer:
        """One version of a contract. Raises `SchemaInvalid` where it has no description in XML."""
        key = contract.name, contract.version
        known, offer = self._made.get(key, (None, None))
        if known is not contract or offer is None:
            async with self._making:
                offer = await asyncio.to_thread(_made, snapshot, contract)
            self._made[key] = contract, offer
        if isinstance(offer, SchemaInvalid):
            raise copy(offer)
        return offer


def _made(snapshot: Snapshot, contract: Contract) -> Offer | SchemaInvalid:
    if snapshot.describe is None:
        raise PathUnknown
    try:
        return of_contract(snapshot.describe(contract), contract)
    except SchemaInvalid as error:
        return error
