"""Grants over the API: one person requests, another approves."""

from collections.abc import Mapping
from typing import Any

from bus.errors import ResourceUnknown
from documents.kinds import Grant
from documents.model import Documents, Key, Written
from documents.standing import Standing
from management.changing import has, read_document, shown
from management.contracts import settled, standing
from management.paging import page
from management.plane import Answer, Call


def list_(
    call: Call,
    *,
    limit: int,
    cursor: str | None = None,
    q: str | None = None,
    state: str | None = None,
    system: str | None = None,
) -> Answer:
    """In the order of contracts, systems and what they permit."""
    documents, _ = call.plane.documents()
    found = [
        (written.key.name, _told(documents, written))
        for written, grant in documents.of(Grant)
        if (q is None or has(grant, q))
        and (system is None or grant.system == system)
        and (state is None or _standing(documents, written).state == state)
    ]
    return page(sorted(found, key=lambda each: each[0]), limit, cursor)


def get(call: Call, *, contract: str, system: str, may: str) -> Answer:
    documents, _ = call.plane.documents()
    key = _key(contract, system, may)
    written = documents.by_key.get(key)
    if written is None:
        raise ResourceUnknown(kind=key.kind, name=key.name)
    return Answer(_told(documents, written))


def request(call: Call, *, body: Mapping[str, Any]) -> Answer:
    """Ask for one. It holds once another person has approved it."""
    written = read_document("Grant", body)
    if isinstance(written.document, Grant):
        settled(call, call.registry.request_grant(call.actor, written.document), written.key)
    documents, _ = call.plane.documents()
    return Answer(_told(documents, documents.by_key[written.key]), 201)


def decide(call: Call, *, contract: str, system: str, may: str, body: Mapping[str, Any]) -> Answer:
    key = _key(contract, system, may)
    done = call.registry.approve_grant if body["decision"] == "approve" else call.registry.reject_grant
    return settled(call, done(call.actor, key.name), key)


def revoke(call: Call, *, contract: str, system: str, may: str) -> Answer:
    key = _key(contract, system, may)
    return settled(call, call.registry.revoke_grant(call.actor, key.name), key)


def _key(contract: str, system: str, may: str) -> Key:
    return Key("Grant", f"{contract}/{system}/{may}")


def _standing(documents: Documents, written: Written) -> Standing:
    return documents.standing(written.key) or Standing()


def _told(documents: Documents, written: Written) -> dict[str, Any]:
    return {"grant": shown(written.document), "standing": standing(_standing(documents, written))}
