"""What the management plane does to contract versions and grants for a person."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

import cli
from bus.errors import (
    BusError,
    ChangeForbidden,
    ContractUnknown,
    GrantUnknown,
    OwnProposal,
    QueryInvalid,
    RegistryChanged,
    SunsetAhead,
    VersionUnknown,
)
from bus.settings import read_settings
from documents import kinds
from documents.check import check
from documents.load import load
from documents.model import Documents, Key
from documents.standing import Standing, State
from documents.store import read, writing
from identity.grants import civil_date
from journal.commands import Document, Event, PutDocuments
from running.apply import apply_folder
from running.home import Home, me
from running.registry import Decided, Registry

AN, BINH = "user:an", "user:binh"
SCHEMA = {"type": "object", "additionalProperties": False, "properties": {"a": {"type": "string"}}}
WIDER = {**SCHEMA, "properties": {"a": {"type": "string"}, "b": {"type": "string"}}}
NARROW = {**SCHEMA, "required": ["a"]}
CONTRACT: Mapping[str, object] = {
    "kind": "Contract",
    "name": "civil.note",
    "title": {"vi": "Ghi chú"},
    "owner": "H98",
    "exchange": "event",
}
GRANT: Mapping[str, object] = {
    "kind": "Grant",
    "contract": "civil.note@1",
    "system": "shop",
    "may": "send",
    "purpose": "Ghi",
    "legalBasis": "NĐ 1",
}
AROUND = (
    {"kind": "Agency", "code": "H98", "name": {"vi": "Tỉnh"}},
    {"kind": "System", "name": "shop", "agency": "H98", "adapter": "rest"},
)
Folder = Callable[..., Path]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(read_settings(data=tmp_path / "data"), AN)
    made.prepare()
    yield made
    made.close()


@pytest.fixture
def registry(home: Home) -> Registry:
    """One that checks in this process, which is quicker."""
    return Registry(
        home.queries, home.write, home.clock, check=lambda documents, today, _: check(documents, today).problems
    )


def folder(of: Path, versions: Mapping[str, object], *more: Mapping[str, object]) -> Path:
    """Documents around versions of the contract, each with its schema."""
    of.mkdir(exist_ok=True)
    written = [*AROUND, *more]
    for version, schema in versions.items():
        (of / f"{version}.json").write_bytes(orjson.dumps(schema))
        written.append({**CONTRACT, "version": version, "request": {"format": "json", "schema": f"{version}.json"}})
    (of / "all.yaml").write_text("\n---\n".join(orjson.dumps(each).decode() for each in written), encoding="utf-8")
    return of


@pytest.fixture
def applied(home: Home, tmp_path: Path) -> Path:
    """A province with version 1.0.0 in force."""
    made = folder(tmp_path / "province", {"1.0.0": SCHEMA}, GRANT)
    command = writing(Documents(), load(made).documents, AN)
    assert command
    home.write(command)
    return made


def proposed(registry: Registry, folder_: Path, actor: str = AN) -> Decided:
    loaded = load(folder_)
    assert loaded.problems == ()
    return registry.propose(actor, loaded.documents)


def state(registry: Registry, kind: str, name: str, version: str = "") -> State | None:
    standing = read(registry.queries).standing(Key(kind, name, version))
    return standing.state if standing else None


def told(home: Home) -> list[tuple[str, str, str, str]]:
    """The audit events of changes: name, actor, states before and after."""
    rows = [orjson.loads(row.content) for writer in home.queries.writers() for row in home.queries.chain(writer)]
    return [
        (each["event"], each["actor"], each["stateBefore"], each["stateAfter"])
        for each in rows
        if each["event"].partition(".")[0] in {"contract", "grant"}
    ]


def grant(registry: Registry, **changes: object) -> Decided:
    return registry.request_grant(AN, kinds.Grant.model_validate({**GRANT, **changes}))


def test_the_life_of_a_version(registry: Registry, home: Home, applied: Path) -> None:
    """Proposed, sent back, proposed again, approved by another, deprecated, retired: each step is a state of its own
    and an audit event with who did it."""
    folder(applied, {"1.0.0": SCHEMA, "1.1.0": WIDER})
    assert proposed(registry, applied).errors == ()
    assert state(registry, "Contract", "civil.note", "1.1.0") is State.PROPOSED
    assert state(registry, "Contract", "civil.note", "1.0.0") is State.ACTIVE
    registry.reject(BINH, "civil.note@1.1.0")
    assert state(registry, "Contract", "civil.note", "1.1.0") is State.DRAFT
    assert proposed(registry, applied).revision is not None
    with pytest.raises(OwnProposal):
        registry.approve(AN, "civil.note@1.1.0")
    assert registry.approve(BINH, "civil.note@1.1.0").revision
    registry.deprecate(AN, "civil.note@1.0.0", civil_date(home.clock.now()))
    registry.retire(BINH, "civil.note@1.0.0")
    assert told(home) == [
        ("contract.proposed", AN, "-", "proposed"),
        ("contract.rejected", BINH, "proposed", "draft"),
        ("contract.proposed", AN, "draft", "proposed"),
        ("contract.approved", BINH, "proposed", "active"),
        ("contract.deprecated", AN, "active", "deprecated"),
        ("contract.retired", BINH, "deprecated", "retired"),
    ]


def test_the_life_of_a_grant(registry: Registry, home: Home, applied: Path) -> None:
    """Requested, approved by another, revoked, requested again with other words, refused."""
    name = "civil.note@1/shop/receive"
    assert grant(registry, may="receive").revision
    with pytest.raises(OwnProposal):
        registry.approve_grant(AN, name)
    registry.approve_grant(BINH, name)
    assert state(registry, "Grant", name) is State.ACTIVE
    registry.revoke_grant(BINH, name)
    assert grant(registry, may="receive", purpose="Đọc").revision
    registry.reject_grant(BINH, name)
    assert state(registry, "Grant", name) is State.REVOKED
    assert told(home) == [
        ("grant.requested", AN, "-", "requested"),
        ("grant.approved", BINH, "requested", "active"),
        ("grant.revoked", BINH, "active", "revoked"),
        ("grant.requested", AN, "revoked", "requested"),
        ("grant.rejected", BINH, "requested", "revoked"),
    ]


def test_a_grant_is_not_changed_past_who_approves(registry: Registry, applied: Path) -> None:
    """Neither one that holds nor one that is requested: the error says how it is done."""
    (problem,) = grant(registry, validUntil="2030-01-01").errors
    assert "revoke it" in problem.message
    assert grant(registry, may="receive").revision
    assert grant(registry, may="receive", purpose="Đọc").errors
    assert grant(registry, may="receive").revision is None


def test_a_proposal_is_not_changed(registry: Registry, applied: Path) -> None:
    """What waits for an approval is what will be approved."""
    folder(applied, {"1.0.0": SCHEMA, "1.1.0": WIDER})
    proposed(registry, applied)
    folder(applied, {"1.0.0": SCHEMA, "1.1.0": {**WIDER, "title": "other"}})
    assert proposed(registry, applied, BINH).errors
    registry.reject(AN, "civil.note@1.1.0")
    assert proposed(registry, applied, BINH).errors == ()


def test_a_breaking_version_is_not_proposed(home: Home, applied: Path) -> None:
    """Under the same major it is refused, and nothing is written; as the next major it may be."""
    folder(applied, {"1.0.0": SCHEMA, "1.1.0": NARROW})
    registry = Registry(home.queries, home.write, home.clock)
    refused = proposed(registry, applied)
    assert "breaks senders of 1.0.0" in refused.errors[0].message
    assert state(registry, "Contract", "civil.note", "1.1.0") is None
    folder(applied, {"1.0.0": SCHEMA, "2.0.0": NARROW})
    assert proposed(registry, applied).revision


@pytest.mark.parametrize("first", ["1.1.0", "1.2.0"])
def test_a_version_that_breaks_by_now_is_not_approved(registry: Registry, applied: Path, first: str) -> None:
    """Of two proposals that break one another, whichever is approved first, the other is not: it was checked against
    what was in force, and is again."""
    folder(applied, {"1.0.0": SCHEMA, "1.1.0": WIDER, "1.2.0": SCHEMA})
    documents = load(applied).documents
    for version in ("1.1.0", "1.2.0"):
        _write_proposal(registry, documents, version)
    second = "1.2.0" if first == "1.1.0" else "1.1.0"
    assert registry.approve(BINH, f"civil.note@{first}").errors == ()
    assert registry.approve(BINH, f"civil.note@{second}").errors
    assert state(registry, "Contract", "civil.note", second) is State.PROPOSED


def _write_proposal(registry: Registry, documents: Documents, version: str) -> None:
    """A proposal as one writes it who does not see the other."""
    content = documents.by_key[Key("Contract", "civil.note", version)].document.content
    standing = Standing(State.PROPOSED, 1, proposed_by=AN).content
    path = f"{version}.json"
    put = (
        Document("Contract", "civil.note", version, content),
        Document("File", path, "", documents.files[path]),
        Document("Standing", "Contract/civil.note", version, standing),
    )
    registry.write(PutDocuments(put, Event("documents.applied", AN)))


def test_what_is_not_there(registry: Registry, applied: Path) -> None:
    """Each unknown name is its own error."""
    calls: list[tuple[type[BusError], Callable[[], object]]] = [
        (ContractUnknown, lambda: registry.approve(BINH, "civil.other@1.0.0")),
        (VersionUnknown, lambda: registry.reject(BINH, "civil.note@1.9.0")),
        (VersionUnknown, lambda: registry.retire(BINH, "civil.note")),
        (GrantUnknown, lambda: registry.revoke_grant(BINH, "civil.note@1/shop/receive")),
        (ChangeForbidden, lambda: registry.approve(BINH, "civil.note@1.0.0")),
        (ChangeForbidden, lambda: registry.retire(BINH, "civil.note@1.0.0")),
        (QueryInvalid, lambda: registry.deprecate(BINH, "civil.note@1.0.0", date(2020, 1, 1))),
    ]
    for error, call in calls:
        with pytest.raises(error):
            call()


def test_nothing_is_retired_before_its_sunset(registry: Registry, home: Home, applied: Path) -> None:
    """A day that was promised is kept, or given anew for all to see."""
    registry.deprecate(AN, "civil.note@1.0.0", date(2100, 1, 1))
    with pytest.raises(SunsetAhead):
        registry.retire(AN, "civil.note@1.0.0")
    registry.deprecate(AN, "civil.note@1.0.0", civil_date(home.clock.now()))
    assert registry.retire(AN, "civil.note@1.0.0").revision


def test_who_did_not_see_the_newest_changes_nothing(registry: Registry, home: Home, applied: Path) -> None:
    """What another writes while a change is made makes it refused, and it may be asked for again."""

    def late(command: PutDocuments) -> int:
        home.write(PutDocuments((), Event("documents.applied", BINH)))
        registry.deprecate(BINH, "civil.note@1.0.0", date(2100, 1, 1))
        return home.write(command)

    slow = replace(registry, write=late)
    with pytest.raises(RegistryChanged):
        slow.deprecate(AN, "civil.note@1.0.0", date(2101, 1, 1))
    standing = read(home.queries).standing(Key("Contract", "civil.note", "1.0.0"))
    assert standing is not None
    assert standing.decided_by == BINH


def test_a_folder_does_not_revive(registry: Registry, home: Home, applied: Path) -> None:
    """Applied again, a folder leaves what was revoked or proposed as it stands."""
    registry.revoke_grant(BINH, "civil.note@1/shop/send")
    folder(applied, {"1.0.0": SCHEMA, "1.1.0": WIDER}, GRANT)
    documents, key = load(applied).documents, Key("Contract", "civil.note", "1.1.0")
    assert registry.propose(AN, replace(documents, by_key={key: documents.by_key[key]})).revision
    assert apply_folder(home, applied).done
    assert state(registry, "Grant", "civil.note@1/shop/send") is State.REVOKED
    assert state(registry, "Contract", "civil.note", "1.1.0") is State.PROPOSED


def test_the_commands(home: Home, applied: Path) -> None:
    """A person sees where versions stand, and deprecates and retires them, under the name that audit events have."""

    def lgsp(*arguments: str) -> str:
        ran = CliRunner().invoke(
            cli.app, ["contract", *arguments, "--data", str(home.settings.data)], catch_exceptions=False
        )
        assert ran.exit_code == 0
        return ran.output

    today = civil_date(home.clock.now())
    lgsp("deprecate", "civil.note@1.0.0", "--sunset", today.isoformat())
    (listed,) = orjson.loads(lgsp("list", "civil.note", "--json"))
    assert (listed["version"], listed["state"], listed["sunset"]) == ("1.0.0", "deprecated", today.isoformat())
    assert listed["decidedBy"] == me()
    assert "deprecated" in lgsp("list")
    lgsp("retire", "civil.note@1.0.0")
    for command in ("approve", "reject"):
        with pytest.raises(ChangeForbidden):
            lgsp(command, "civil.note@1.0.0")
