"""Reuse before build: which contracts are near another, and how much each contract is used."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from bus.errors import ContractUnknown, DocumentInvalid, QueryInvalid, VersionUnknown
from documents import kinds
from documents.bounded import TooCostly, run_bounded
from documents.compile import newest
from documents.describing import describe, described
from documents.load import load
from documents.model import Documents, Key
from documents.shapes import Shapes
from documents.similarity import NEAR, Contracts, Near
from documents.store import read
from running.home import Home
from running.printing import plain, print_json, table

SECONDS = 60.0
MEMORY = 3 * 1024**3
FIELDS = "fields.json"
"""The file in the data folder that remembers what was read of schemas."""
MOST_FIELDS = 12
MOST_NEW = 20
WORTH_LISTING = 0.2
"""How close a contract must be to be listed where somebody asks."""

WORTH_SAYING = 0.6
"""How close a contract must be for a plan to speak of it unasked."""


@dataclass(frozen=True, slots=True)
class Found:
    """What is near one contract, and who answers for each: agency code and name."""

    contract: str
    near: tuple[Near, ...]
    owners: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Use:
    """How much one contract is used. `spared`: exchanges that systems would have built between one another, less the
    one that each built with the bus."""

    contract: str
    owner: str
    senders: tuple[str, ...]
    receivers: tuple[str, ...]
    messages: int

    @property
    def spared(self) -> int:
        return max(0, len(self.senders) * len(self.receivers) - len(self.senders) - len(self.receivers) + 1)


def similar(home: Home, folder: Path | None, reference: str, most: int) -> Found:
    """What is near a contract of the folder, or of the store. Raises `ContractUnknown`, `VersionUnknown`,
    `DocumentInvalid`, `QueryInvalid`."""
    documents = _together(home, folder)
    name, _, version = reference.partition("@")
    versions = [each for each in newest(documents).values() if each.name == name]
    if not versions:
        raise ContractUnknown
    fitting = (each for each in versions if version in {"", each.version, str(each.major)})
    asked = next(fitting, None)
    if asked is None:
        raise VersionUnknown(contract=name, version=version)
    return _bounded(home, folder, [asked.reference], most, WORTH_LISTING)[0]


def near_new(home: Home, folder: Path, created: Sequence[Key]) -> list[Found]:
    """What the store has that is near each contract about to be created; of the first twenty. Nothing where that cannot
    be found out in time: it is advice, and no reason to hold up a change."""
    new = [f"{key.name}@{key.version.partition('.')[0]}" for key in created if key.kind == "Contract"]
    there = frozenset(newest(read(home.queries).in_force()))
    asked = [each for each in dict.fromkeys(new) if each not in there][:MOST_NEW]
    if not asked or not there:
        return []
    try:
        return [each for each in _bounded(home, folder, asked, 2, WORTH_SAYING, there) if each.near]
    except (DocumentInvalid, QueryInvalid):
        return []


def _together(home: Home, folder: Path | None) -> Documents:
    """What the store has and, before it, what the folder has."""
    store = read(home.queries).in_force()
    if folder is None:
        return store
    loaded = load(folder).documents
    return Documents({**store.by_key, **loaded.by_key}, {**store.files, **loaded.files})


def _bounded(
    home: Home, folder: Path | None, asked: Sequence[str], most: int, near: float, among: frozenset[str] | None = None
) -> list[Found]:
    """`among` which contracts to look; None: all."""
    documents, file = _together(home, folder), home.settings.data / FIELDS
    try:
        found = run_bounded(_near, documents, asked, most, near, among, file, seconds=SECONDS, size=MEMORY)
    except TooCostly:
        raise QueryInvalid(name="contract", hint=f"comparing took more than {SECONDS:g} s") from None
    if isinstance(found, DocumentInvalid):
        raise found
    return found


def _near(
    documents: Documents,
    asked: Sequence[str],
    most: int,
    near: float,
    wanted: frozenset[str] | None,
    file: Path,
) -> list[Found] | DocumentInvalid:
    all_of_them = {each.key: each for _, each in described(documents, file)}
    contracts, shapes = newest(documents), Shapes(documents.files)
    among = Contracts(each for each in all_of_them.values() if wanted is None or each.key in wanted)
    agencies = documents.named(kinds.Agency)
    found = []
    for reference in asked:
        one = contracts[reference]
        try:
            mine = all_of_them.get(reference) or describe(one, shapes)
            closest = among.nearest(mine, most + 5, near=near)
        except DocumentInvalid as invalid:
            return invalid
        # Another major of the same contract is no news.
        others = [each for each in closest if each.key.partition("@")[0] != one.name and each.shared][:most]
        owners = {each.key: _owner(agencies, contracts[each.key].owner) for each in others}
        found.append(Found(reference, tuple(others), owners))
    return found


def _owner(agencies: Mapping[str, kinds.Agency], code: str) -> str:
    agency = agencies.get(code)
    name = next(iter(agency.name.values()), "") if agency else ""
    return f"{code} {name}".strip()


def uses(home: Home) -> list[Use]:
    """Every contract's use, the most used first."""
    documents = read(home.queries).in_force()
    counts = home.queries.messages_by_contract()
    found = []
    for reference, contract in newest(documents).items():
        granted = [each for _, each in documents.of(kinds.Grant) if each.contract == reference]
        senders, receivers = (
            tuple(sorted({str(each.system) for each in granted if each.may == may})) for may in ("send", "receive")
        )
        messages = counts.get((contract.name, contract.major), 0)
        found.append(Use(reference, contract.owner, senders, receivers, messages))
    return sorted(found, key=lambda each: (-each.messages, -len(each.senders) - len(each.receivers), each.contract))


# --- what is shown ---------------------------------------------------------------------------------------------------


def show(out: Console, found: Found, *, json: bool) -> None:
    if json:
        print_json(out, {"contract": found.contract, "near": [_document(found, each) for each in found.near]})
        return
    rows = [(each.key, f"{each.share:.0%}", f"{each.close:.2f}", found.owners[each.key]) for each in found.near]
    table(out, ("contract", "has of it", "closeness", "owner"), rows, "nothing is near it: build it")
    near = [each for each in found.near if each.close >= NEAR]
    for each in near:
        out.print(plain(f"\n{each.key}, of {found.owners[each.key]}"))
        out.print(plain(f"  has     {_listed(_pair(one, other) for one, other in each.shared)}"))
        if each.lacking:
            out.print(plain(f"  lacks   {_listed(map(str, each.lacking))}"))
    if near:
        out.print(plain(f"\nTo use it instead, ask its owner for a grant, with a document such as:\n{_grant(near[0])}"))


def tell_new(out: Console, found: Sequence[Found]) -> None:
    """A line for each contract that is nearly there already."""
    for one in found:
        for each in one.near:
            there = f"what {each.key} of {one.owners[each.key]} already offers"
            words = f"{one.contract}: {each.share:.0%} of it is {there}"
            out.print(plain(f"{words}; see `lgsp contract similar {one.contract}`."), style="yellow")


def show_uses(out: Console, found: Sequence[Use], *, json: bool) -> None:
    if json:
        print_json(
            out,
            [
                {
                    "contract": each.contract,
                    "owner": each.owner,
                    "senders": each.senders,
                    "receivers": each.receivers,
                    "messages": each.messages,
                    "spared": each.spared,
                }
                for each in found
            ],
        )
        return
    rows = [
        (each.contract, each.owner, len(each.senders), len(each.receivers), each.messages, each.spared)
        for each in found
    ]
    table(
        out, ("contract", "owner", "senders", "receivers", "messages", "links spared"), rows, "there are no contracts"
    )


def _document(found: Found, near: Near) -> dict[str, object]:
    return {
        "contract": near.key,
        "owner": found.owners[near.key],
        "share": round(near.share, 3),
        "closeness": round(near.close, 3),
        "has": [{"field": str(one), "as": str(other)} for one, other in near.shared],
        "lacks": [str(each) for each in near.lacking],
    }


def _pair(one: object, other: object) -> str:
    return str(one) if str(one) == str(other) else f"{one} = {other}"


def _listed(texts: Iterable[str]) -> str:
    known = list(texts)
    more = f" and {len(known) - MOST_FIELDS} more" if len(known) > MOST_FIELDS else ""
    return ", ".join(known[:MOST_FIELDS]) + more


def _grant(near: Near) -> str:
    return (
        f"  kind: Grant\n  contract: {near.key}\n  system: YOUR-SYSTEM\n  may: send\n"
        "  purpose: WHAT FOR\n  legalBasis: BY WHICH LAW, DECREE OR DECISION"
    )
