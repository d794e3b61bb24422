"""Contracts described over HTTP: who may see which, and in which form."""

import asyncio
from datetime import date
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from bus.errors import ContractUnknown, GrantMissing, PathUnknown, VersionUnknown
from bus.languages import Language
from contracts.descriptions.forms import FORMS, PAGE
from contracts.descriptions.page import POLICY
from contracts.model import Contract
from identity.grants import May
from routes.accept import means, safe_version
from routes.model import Snapshot

NAMES: Final = {".wsdl": "contract.wsdl", "wsdl": "contract.wsdl", ".xsd": "schema.xsd"}
"""Other names of forms."""


def describable(snapshot: Snapshot, name: str, version: str | None, system: str, today: date) -> Contract:
    """The contract version that is meant, if the system may send or receive it; of several the newest.

    Raises `ContractUnknown`, `VersionUnknown`, `GrantMissing`.
    """
    versions = snapshot.contracts.get(name, ())
    if not versions:
        raise ContractUnknown
    named = [each for each in versions if means(version, each.version)]
    if not named:
        raise VersionUnknown(contract=name, version=safe_version(version))
    for contract in named:
        if any(snapshot.grants.allows(system, contract.reference, may, today) for may in May):
            return contract
    raise GrantMissing(system=system, contract=named[0].reference, owner=named[0].owner)


async def described(snapshot: Snapshot, contract: Contract, request: Request, language: Language) -> Response:
    """The description that the path names; without one, the page. Raises `PathUnknown`, `SchemaInvalid`."""
    asked = request.path_params.get("form", PAGE)
    form = FORMS.get(NAMES.get(asked, asked))
    if form is None or snapshot.describe is None:
        raise PathUnknown
    describe = snapshot.describe
    data = await asyncio.to_thread(lambda: form.write(describe(contract), None, language))
    fields = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Content-Security-Policy": POLICY}
    fields |= contract.headers
    if form is FORMS[PAGE]:
        fields |= {"Content-Language": language.value, "Vary": "Accept-Language"}
    return Response(data, 200, fields, form.media_type)
