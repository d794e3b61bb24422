"""Contracts over the API: their versions, where each stands, how it differs from the one before, and what is near."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from adapters.rest.conditional import names
from bus.clock import iso
from bus.errors import ContractUnknown, VersionUnknown
from documents import kinds
from documents.evolution import Toward, predecessor
from documents.model import Documents, Key, Written
from documents.of_the_bus import with_own
from documents.standing import Standing
from management.changing import done, etag, has, shown
from management.paging import listed, page
from management.plane import Answer, Call
from running import reuse
from running.contracts import Compared, compared
from running.registry import Decided


def list_(
    call: Call, *, limit: int, cursor: str | None = None, q: str | None = None, state: str | None = None
) -> Answer:
    """In the order of names; `q`: what one of their versions has in it."""
    documents, _ = call.plane.documents()
    found: dict[str, list[Written]] = {}
    for written, contract in documents.of(kinds.Contract):
        found.setdefault(contract.name, []).append(written)
    wanted = {
        name: versions
        for name, versions in found.items()
        if (q is None or any(has(each.document, q) for each in versions))
        and (state is None or any(_standing(documents, each).state == state for each in versions))
    }
    return page([(name, _summary(documents, wanted[name])) for name in sorted(wanted)], limit, cursor)


def get(call: Call, *, contract: str, version: str) -> Answer:
    documents, _ = call.plane.documents()
    written = _version(documents, contract, version)
    tag = etag(written.document, _standing(documents, written).content)
    if call.if_none_match and names(call.if_none_match, tag):
        return Answer(None, 304, {"ETag": tag})
    told = {"document": shown(written.document), "standing": standing(_standing(documents, written))}
    return Answer(told, headers={"ETag": tag})


def difference(call: Call, *, contract: str, version: str, from_: str | None = None) -> Answer:
    """Since the version before it of the same major, where no other is named."""
    documents, _ = call.plane.documents()
    newer = _version(documents, contract, version).document
    former = predecessor(documents, newer) if isinstance(newer, kinds.Contract) else None
    since = from_ or (former.version if former else None)
    if since is None:
        raise VersionUnknown(contract=contract, version=f"before {version}")
    return Answer(_difference(compared(with_own(documents), f"{contract}@{since}", f"{contract}@{version}")))


def similar(call: Call, *, contract: str, limit: int) -> Answer:
    """The nearest first, with what they share and lack, and who owns them."""
    found = reuse.similar(call.plane.home, None, contract, limit)
    return listed(
        [
            {
                "contract": each.key,
                "owner": found.owners[each.key],
                "share": each.share,
                "closeness": each.close,
                "shared": [{"asked": str(one), "has": str(other)} for one, other in each.shared],
                "lacking": [str(field) for field in each.lacking],
            }
            for each in found.near
        ],
        None,
    )


def decide(call: Call, *, contract: str, version: str, body: Mapping[str, Any]) -> Answer:
    """Approve what another has proposed, or send it back."""
    registry, name = call.registry, f"{contract}@{version}"
    decision = registry.approve if body["decision"] == "approve" else registry.reject
    return settled(call, decision(call.actor, name), Key("Contract", contract, version))


def deprecate(call: Call, *, contract: str, version: str, body: Mapping[str, Any]) -> Answer:
    name = f"{contract}@{version}"
    found = call.registry.deprecate(call.actor, name, date.fromisoformat(body["sunset"]))
    return settled(call, found, Key("Contract", contract, version))


def retire(call: Call, *, contract: str, version: str) -> Answer:
    found = call.registry.retire(call.actor, f"{contract}@{version}")
    return settled(call, found, Key("Contract", contract, version))


def settled(call: Call, found: Decided, key: Key) -> Answer:
    """Where it stands now. Raises `DocumentInvalid` where an error forbids what was asked."""
    done(found)
    documents, _ = call.plane.documents()
    return Answer(standing(documents.standing(key) or Standing()))


def standing(stands: Standing) -> dict[str, str]:
    """As the API tells it: what is not known is left out."""
    told = {"state": str(stands.state)}
    if stands.since:
        told["since"] = iso(stands.since)
    if stands.sunset:
        told["sunset"] = stands.sunset.isoformat()
    if stands.proposed_by:
        told["proposedBy"] = stands.proposed_by
    if stands.decided_by:
        told["decidedBy"] = stands.decided_by
    return told


def _standing(documents: Documents, written: Written) -> Standing:
    return documents.standing(written.key) or Standing()


def _version(documents: Documents, contract: str, version: str) -> Written:
    written = documents.by_key.get(Key("Contract", contract, version))
    if written is None:
        known = any(each.name == contract for _, each in documents.of(kinds.Contract))
        raise VersionUnknown(contract=contract, version=version) if known else ContractUnknown
    return written


def _summary(documents: Documents, versions: list[Written]) -> dict[str, Any]:
    """The newest first; title, owner and exchange are the newest version's."""
    ordered = sorted(versions, key=lambda each: [int(part) for part in each.key.version.split(".")], reverse=True)
    newest = shown(ordered[0].document)
    return {
        "name": newest["name"],
        "title": newest["title"],
        "owner": newest["owner"],
        "exchange": newest["exchange"],
        "versions": [
            {"version": each.key.version, "standing": standing(_standing(documents, each))} for each in ordered
        ],
    }


def _difference(found: Compared) -> dict[str, Any]:
    changes = [
        {
            "part": each.part,
            "toward": str(each.toward),
            "verdict": str(each.verdict),
            "reason": each.reason,
            **({"example": each.example.decode()} if each.example is not None else {}),
        }
        for each in found.comparison.changes
    ]
    return {
        "from": found.former.version,
        "to": found.newer.version,
        "senders": str(found.comparison.verdict(Toward.SENDERS)),
        "receivers": str(found.comparison.verdict(Toward.RECEIVERS)),
        "allowed": found.allowed,
        "changes": changes,
    }
