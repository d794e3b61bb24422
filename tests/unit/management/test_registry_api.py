"""Contracts, grants and whole changes over the API: one proposes, another decides."""

from base64 import b64encode
from datetime import timedelta

import orjson
import pytest

from documents.certificates import clients, signers
from documents.model import Key
from documents.standing import State
from documents.store import read
from identity.grants import civil_date
from running.home import Home
from tests.certificates import Own
from tests.unit.management.conftest import Client

pytestmark = pytest.mark.parametrize("home", ["sqlite", "postgresql"], indirect=True)

SCHEMA = {"type": "object", "required": ["number"], "properties": {"number": {"type": "string"}}}
WIDER = SCHEMA | {"properties": {"number": {"type": "string"}, "note": {"type": "string"}}}
NARROWER = SCHEMA | {"required": ["number", "note"]}


def contract(version: str = "1.0.0", schema: object = SCHEMA) -> dict[str, object]:
    """A change that brings one version of a contract with its schema."""
    path = f"new/question-{version}.json"
    return {
        "documents": [
            {
                "kind": "Contract",
                "name": "new.question",
                "version": version,
                "title": {"vi": "Hỏi", "en": "Ask"},
                "owner": "H99.02",
                "exchange": "document",
                "request": {"format": "json", "schema": path},
            }
        ],
        "files": [{"path": path, "content": b64encode(orjson.dumps(schema)).decode()}],
    }


async def test_a_version_is_planned_proposed_and_approved(call: Client, home: Home) -> None:
    """A dry run writes nothing; a proposed version is not in force until another person approves it."""
    before = home.queries.documents_at()
    planned = await call("reg", "POST", "/changes?dryRun=true", contract())
    assert planned.status_code == 200, planned.text
    assert (planned.json()["created"], planned.json()["done"]) == (["Contract new.question 1.0.0"], False)
    assert home.queries.documents_at() == before

    assert (await call("adm", "POST", "/changes", contract())).json()["done"]
    place = "/contracts/new.question/versions/1.0.0"
    shown = (await call("reg", "GET", place)).json()
    assert shown["standing"]["state"] == "proposed"
    assert shown["standing"]["proposedBy"] == "person:adm"
    assert "new.question" not in {each.key.name for each in read(home.queries).in_force()}

    own = await call("adm", "POST", f"{place}/decision", {"decision": "approve"})
    assert (own.status_code, own.json()["code"]) == (403, "own-proposal")
    role = await call("reg", "POST", f"{place}/decision", {"decision": "approve"})
    assert (role.status_code, role.json()["code"]) == (403, "role-missing")
    approved = await call("adm2", "POST", f"{place}/decision", {"decision": "approve"})
    assert approved.json()["state"] == "active"
    assert "new.question" in {each.key.name for each in read(home.queries).in_force()}


async def test_a_breaking_version_is_refused_with_its_reason(call: Client) -> None:
    """What senders of the version before would be hurt by is not even proposed under the same major."""
    assert (await call("reg", "POST", "/changes", contract())).status_code == 200
    broken = await call("reg", "POST", "/changes", contract("1.1.0", NARROWER))
    assert broken.status_code == 422
    assert "breaks senders of 1.0.0" in broken.text
    assert (await call("reg", "POST", "/changes", contract("1.1.0", WIDER))).status_code == 200
    told = (await call("op", "GET", "/contracts/new.question/versions/1.1.0/difference")).json()
    assert (told["from"], told["senders"], told["allowed"]) == ("1.0.0", "compatible", True)


async def test_a_version_ends_after_its_sunset(call: Client, home: Home) -> None:
    """A deprecated version says until when; it is retired from that day on, and not before."""
    place = "/contracts/environment.air-quality/versions/1.0.0"
    today = civil_date(home.clock.now())
    tomorrow = (today + timedelta(days=1)).isoformat()
    deprecated = await call("reg", "POST", f"{place}/deprecation", {"sunset": tomorrow})
    assert (deprecated.json()["state"], deprecated.json()["sunset"]) == ("deprecated", tomorrow)
    early = await call("adm", "POST", f"{place}/retirement")
    assert (early.status_code, early.json()["code"]) == (409, "sunset-ahead")
    assert (await call("reg", "POST", f"{place}/deprecation", {"sunset": today.isoformat()})).status_code == 200
    assert (await call("adm", "POST", f"{place}/retirement")).json()["state"] == "retired"
    states = (await call("op", "GET", "/contracts?state=retired")).json()["items"]
    assert [each["name"] for each in states] == ["environment.air-quality"]


async def test_a_grant_is_requested_approved_and_revoked(call: Client, home: Home) -> None:
    """A requested grant permits nothing; an approved one does, until it is revoked."""
    grant = {
        "contract": "environment.air-quality@1",
        "system": "one-stop.province",
        "may": "receive",
        "purpose": "Xem chất lượng không khí",
        "legalBasis": "NĐ 278/2025/NĐ-CP",
    }
    place = "/grants/environment.air-quality@1/one-stop.province/receive"

    def holds() -> bool:
        return f"{grant['contract']}/{grant['system']}/receive" in {
            each.key.name for each in read(home.queries).in_force()
        }

    requested = await call("reg", "POST", "/grants", grant)
    assert (requested.status_code, requested.json()["standing"]["state"]) == (201, "requested"), requested.text
    assert not holds()
    assert (await call("adm", "POST", f"{place}/decision", {"decision": "approve"})).json()["state"] == "active"
    assert holds()
    assert (await call("adm", "DELETE", place)).json()["state"] == "revoked"
    assert not holds()
    listed = (await call("op", "GET", "/grants?state=revoked")).json()["items"]
    assert [each["grant"]["system"] for each in listed] == ["one-stop.province"]


async def test_a_system_that_moved_gets_no_secret(call: Client, home: Home) -> None:
    """Another path keeps the secret, another host loses it until an administrator confirms."""
    place = "/systems/population.register"

    async def move(endpoint: str) -> State | None:
        found = await call("reg", "GET", place)
        body = found.json() | {"endpoint": endpoint}
        answer = await call("reg", "PUT", place, body, if_match=found.headers["ETag"])
        assert answer.status_code == 200, answer.text
        standing = read(home.queries).standing(Key("System", "population.register"))
        return standing.state if standing else None

    there = (await call("reg", "GET", place)).json()["endpoint"]
    assert await move(f"{there}/elsewhere") is State.ACTIVE
    assert await move("https://attacker.example/") is State.DETACHED
    assert (await call("reg", "POST", f"{place}/secrets")).status_code == 403
    assert (await call("adm", "POST", f"{place}/secrets")).status_code == 204
    assert (await call("adm", "POST", f"{place}/secrets")).status_code == 409
    names = [each["event"] for each in (await call("aud", "GET", "/audit-events?limit=20")).json()["items"]]
    assert {"system.detached", "system.confirmed"} <= set(names)


async def test_a_new_system_gets_no_secret_that_went_elsewhere(call: Client, home: Home) -> None:
    """Neither a new system that names a secret of its agency nor another WSDL in the place of the address is a way to
    have a secret sent to a host of one's own."""
    known = (await call("reg", "GET", "/systems/population.register")).json()

    def state(name: str) -> State | None:
        standing = read(home.queries).standing(Key("System", name))
        return standing.state if standing else None

    new = known | {"name": "new.register", "endpoint": "https://attacker.example/"}
    assert (await call("reg", "PUT", "/systems/new.register", new)).status_code == 201
    assert state("new.register") is State.DETACHED

    beside = known | {"name": "other.register"}
    assert (await call("reg", "PUT", "/systems/other.register", beside)).status_code == 201
    assert state("other.register") is State.ACTIVE

    path = known["wsdl"]
    wsdl = read(home.queries).files[path]
    without = {name: value for name, value in known.items() if name != "endpoint"}
    document = await call("reg", "GET", "/systems/population.register")
    answer = await call("reg", "PUT", "/systems/population.register", without, if_match=document.headers["ETag"])
    assert answer.status_code == 200
    assert state("population.register") is State.DETACHED
    assert (await call("adm", "POST", "/systems/population.register/secrets")).status_code == 204
    other = b64encode(wsdl.replace(b"<wsdl:service", b"<!-- elsewhere --><wsdl:service", 1)).decode()
    change = {"documents": [without | {"kind": "System"}], "files": [{"path": path, "content": other}]}
    assert (await call("reg", "POST", "/changes", change)).status_code == 200
    assert state("population.register") is State.DETACHED


@pytest.mark.parametrize("field", ["certificates", "signedBy"])
async def test_who_gives_a_certificate_issues_a_credential(call: Client, home: Home, field: str) -> None:
    """A certificate lets its holder act as the system, so it takes whom a credential takes: to name it, and to write
    another one over its file. What changes nothing of it, and what takes it away, is a registrar's."""
    first, second = Own.made("one-stop"), Own.made("mine")
    place, path = "/systems/one-stop.province", "one-stop/own.pem"
    before = (await call("reg", "GET", place)).json() | {"kind": "System"}
    names = before | {field: [path] if field == "certificates" else path}

    def change(own: Own, *documents: object) -> dict[str, object]:
        return {"documents": documents, "files": [{"path": path, "content": b64encode(own.pem).decode()}]}

    async def sent(person: str, body: dict[str, object]) -> tuple[int, str]:
        answer = await call(person, "POST", "/changes", body)
        return answer.status_code, answer.json().get("code", "")

    def holders() -> set[bytes]:
        documents = read(home.queries)
        return {*clients(documents), *signers(documents)}

    assert await sent("reg", change(first, names)) == (403, "role-missing")
    assert await sent("adm", change(first, names)) == (200, "")
    assert await sent("reg", change(second, names)) == (403, "role-missing")
    assert await sent("reg", change(second)) == (403, "role-missing")
    assert holders() == {first.read.fingerprint}
    assert await sent("reg", change(first, names | {"title": {"vi": "Khác", "en": "Other"}})) == (200, "")
    tag = (await call("reg", "GET", place)).headers["ETag"]
    assert (await call("reg", "PUT", place, before, if_match=tag)).status_code == 200
    assert holders() == set()
    tag = (await call("reg", "GET", place)).headers["ETag"]
    assert (await call("adm", "PUT", place, names, if_match=tag)).status_code == 422  # its file went with its name


async def test_what_is_wrong_in_a_change_is_all_said(call: Client, home: Home) -> None:
    """Several documents are written together or not at all, and every problem of each is told."""
    change = contract()
    change["documents"] = [*change["documents"], {"kind": "Agency", "code": "?"}, {"kind": "Route", "to": "x"}]  # type: ignore[misc]
    at = home.queries.documents_at()
    answer = await call("adm", "POST", "/changes", change)
    assert answer.status_code == 422
    assert {each["document"].split()[0] for each in answer.json()["problems"]} == {"Agency", "Route"}
    assert home.queries.documents_at() == at


@pytest.mark.parametrize("path", ["../x.json", "/etc/passwd", "a//b", ".", "a/../../b"])
async def test_files_stay_in_the_province(call: Client, path: str) -> None:
    """A file of a change is named as documents name files."""
    change = contract()
    change["files"] = [{"path": path, "content": ""}]
    answer = await call("adm", "POST", "/changes", change)
    assert (answer.status_code, answer.json()["code"]) == (400, "request-invalid")


async def test_files_alone_change_no_version(call: Client) -> None:
    """A file that a version in force leads to is not written over, whichever documents are sent with it."""
    assert (await call("reg", "POST", "/changes", contract())).status_code == 200
    other = contract(schema=NARROWER) | {"documents": []}
    answer = await call("reg", "POST", "/changes", other)
    assert answer.status_code == 422
    assert "exists and is never changed" in answer.text


async def test_what_is_near_is_shown(call: Client) -> None:
    """A contract is told what others already offer of it."""
    answer = await call("reg", "GET", "/contracts/population.citizen-verification/similar?limit=3")
    assert answer.status_code == 200
    assert all(each["contract"] != "population.citizen-verification@1" for each in answer.json()["items"])
