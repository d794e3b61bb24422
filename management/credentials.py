"""Systems' credentials over the API: issued with a secret that is told once, revoked, never more than two at once."""

from collections.abc import Mapping
from typing import Any, Final

from bus.clock import iso
from bus.errors import CredentialsEnough, ResourceUnknown
from documents.kinds import System
from identity.credentials import Credential
from management.paging import listed
from management.plane import Answer, Call

MOST_LIVE: Final = 2
"""One in use, and one that takes its place."""

DAY: Final = 24 * 60 * 60 * 1000


def list_(call: Call, *, system: str) -> Answer:
    require_system(call, system)
    return listed([_told(call, each) for each in _of(call, system)], None)


def issue(call: Call, *, system: str, body: Mapping[str, Any]) -> Answer:
    """Raises `CredentialsEnough` where two are valid already."""
    require_system(call, system)
    now = call.plane.now()
    if sum(each.live(now) for each in _of(call, system)) >= MOST_LIVE:
        raise CredentialsEnough(system=system, count=MOST_LIVE)
    life = body["days"] * DAY if "days" in body else None
    credential, secret = call.plane.home.issue_credential(system, life, actor=call.actor)
    return Answer(_told(call, credential) | {"secret": secret}, 201)


def revoke(call: Call, *, credential: str) -> Answer:
    found = call.plane.home.credentials().get(credential)
    if found is None:
        raise ResourceUnknown(kind="Credential", name=credential)
    if found.revoked_at is None:
        call.plane.home.revoke_credential(found, actor=call.actor)
    return Answer()


def require_system(call: Call, system: str) -> None:
    documents, _ = call.plane.documents()
    if system not in documents.named(System):
        raise ResourceUnknown(kind="System", name=system)


def _of(call: Call, system: str) -> list[Credential]:
    found = (each for each in call.plane.home.credentials().values() if each.system == system)
    return sorted(found, key=lambda each: each.created_at)


def _told(call: Call, credential: Credential) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": credential.id,
        "system": credential.system,
        "createdAt": iso(credential.created_at),
        "live": credential.live(call.plane.now()),
    }
    if credential.expires_at is not None:
        told["expiresAt"] = iso(credential.expires_at)
    if credential.revoked_at is not None:
        told["revokedAt"] = iso(credential.revoked_at)
    return told
