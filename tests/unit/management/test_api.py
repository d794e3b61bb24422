"""The management API: who may call it, how it refuses, and what it does to documents."""

import json
import re
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest
from openapi_spec_validator import validate
from ruamel.yaml import YAML

from documents.store import read
from identity.roles import Action, Role
from journal.searching import EventFilter
from management.app import DESCRIPTION, actions
from management.handlers import HANDLERS
from running.home import Home
from running.pages import HOUSE
from running.people import change_people
from tests.unit.management.conftest import PASSWORD, PEOPLE, Client, calling

AGENCY = {"code": "H99.99", "name": {"vi": "Sở mới", "en": "New department"}, "parent": "H99"}


def test_description_is_openapi() -> None:
    """The description is valid OpenAPI 3.0, and every operation of it has its function and its action."""
    described = YAML(typ="safe").load(DESCRIPTION)
    validate(described)
    assert described["openapi"] == "3.0.3"
    assert set(actions()) == set(HANDLERS)


async def test_nobody_is_let_in_without_a_password(call: Client) -> None:
    """Without a name, with a wrong password and with an unknown name the answer is the same 401."""
    bodies = set()
    for auth in (None, ("adm", "not that password"), ("nobody", PASSWORD)):
        answer = await call.http.get("/v1/agencies", auth=auth)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")
        assert answer.headers["Content-Type"] == "application/problem+json"
        bodies.add(str(answer.json() | {"reference": ""}))
    assert len(bodies) == 1


async def test_refused_sign_ins_are_told(call: Client, home: Home) -> None:
    """Who tries to sign in and is refused stands in the audit trail, by address and reason and not by the name that was
    tried; a flood of tries is counted, and told once a minute."""
    answers = [await call.http.get("/v1/agencies", auth=("adm", f"guess {each}")) for each in range(40)]
    await call.http.get("/v1/agencies")
    assert {each.status_code for each in answers} == {401, 429}
    found = home.queries.events(EventFilter("caller.refused")).items
    told = [json.loads(each.content) for each in reversed(found)]
    assert [(each["actor"], each["source"], each["code"], each["count"]) for each in told] == [
        ("manage", "127.0.0.1", "sign-in-refused", 1),
        ("manage", "127.0.0.1", "sign-in-limited", 1),
    ]
    assert answers[0].json()["reference"] == f"{found[-1].writer}-{found[-1].number}"
    assert "guess" not in str(told)


async def test_tries_are_the_callers_and_not_its_proxys(home: Home) -> None:
    """Behind a proxy of the bus's own, whoever guesses keeps others out that come through the same proxy no longer than
    if they came by themselves."""
    settings = home.settings.model_copy(update={"proxies": (ip_network("127.0.0.0/8"),)})
    async with calling(replace(home, settings=settings)) as call:
        for each in range(30):
            fields = {"X-Forwarded-For": "203.0.113.9"}
            tried = await call.http.get("/v1/agencies", auth=(f"x{each}", "guess"), headers=fields)
        assert tried.status_code == 429
        assert (await call("adm", "GET", "/agencies")).status_code == 200
    sources = {json.loads(each.content)["source"] for each in home.queries.events(EventFilter("caller.refused")).items}
    assert sources == {"203.0.113.9"}


@pytest.mark.parametrize("person", ["reg", "op", "aud", "adm"])
async def test_roles_decide(call: Client, person: str) -> None:
    """Of every operation each role is allowed or refused as the table of docs/management.md says, before anything else
    that is sent is looked at."""
    role, table = PEOPLE[person], (HOUSE / "docs" / "management.md").read_text(encoding="utf-8")
    place = list(Role).index(role)
    lines = re.findall(r"^\| `([A-Z]+) (/\S*)` \|.*?\|((?: ✓? ?\|){4})$", table, re.MULTILINE)
    assert len(lines) == len(HANDLERS)
    for method, path, marks in lines:
        allowed = "✓" in marks.split("|")[place]
        answer = await call(person, method, re.sub(r"\{\w+\}", "-", path))
        refused = answer.status_code == 403 and answer.json()["code"] == "role-missing"
        assert refused is not allowed, (method, path, answer.text)


async def test_who_am_i(call: Client) -> None:
    """Whoever has signed in sees their roles and what those permit."""
    answer = (await call("aud", "GET", "/me")).json()
    assert (answer["name"], answer["roles"]) == ("aud", [Role.AUDITOR])
    assert "read-audit" in answer["actions"]
    assert "change-agencies" not in answer["actions"]


async def test_agency_is_written_read_and_removed(call: Client, home: Home) -> None:
    """PUT creates, with the ETag that a change and a removal must name; each is one audit event of the person."""
    made = await call("reg", "PUT", "/agencies/H99.99", AGENCY)
    assert made.status_code == 201, made.text
    tag = made.headers["ETag"]
    found = await call("aud", "GET", "/agencies/H99.99")
    assert found.headers["ETag"] == tag
    assert found.json() == {"kind": "Agency", **AGENCY}
    assert (await call("aud", "GET", "/agencies/H99.99", if_none_match=tag)).status_code == 304

    changed = AGENCY | {"name": {"vi": "Sở khác", "en": "Another"}}
    unseen = await call("reg", "PUT", "/agencies/H99.99", changed)
    assert (unseen.status_code, unseen.json()["code"]) == (428, "precondition-missing")
    stale = await call("reg", "PUT", "/agencies/H99.99", changed, if_match='"0123"')
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition-failed")
    again = await call("reg", "PUT", "/agencies/H99.99", changed, if_match=tag)
    assert again.status_code == 200
    assert again.headers["ETag"] != tag

    assert (await call("reg", "DELETE", "/agencies/H99.99", if_match=again.headers["ETag"])).status_code == 204
    assert (await call("reg", "GET", "/agencies/H99.99")).status_code == 404
    told = (await call("aud", "GET", "/audit-events?actor=person:reg&event=documents.applied")).json()["items"]
    assert [each["changes"].partition(" ")[0] for each in told] == ["Agency/H99.99"] * 3


async def test_what_is_named_elsewhere_stays(call: Client, home: Home) -> None:
    """An agency that systems belong to is not removed: the answer says which documents name it."""
    tag = (await call("reg", "GET", "/agencies/H99")).headers["ETag"]
    answer = await call("reg", "DELETE", "/agencies/H99", if_match=tag)
    assert answer.status_code == 422, answer.text
    assert answer.json()["problems"]
    assert any(key.name == "H99" for key in read(home.queries).by_key)


async def test_all_that_is_wrong_is_said(call: Client) -> None:
    """A document with several mistakes is refused with each of them, and where."""
    answer = await call(
        "reg", "PUT", "/systems/new.system", {"name": "new.system", "agency": "H99", "adapter": "carrier"}
    )
    assert answer.status_code == 422
    (problem,) = answer.json()["problems"]
    assert problem["pointer"] == "/adapter"


async def test_a_name_is_that_of_its_path(call: Client) -> None:
    """What is written at a path bears its name."""
    answer = await call("reg", "PUT", "/agencies/H99.98", AGENCY)
    assert (answer.status_code, answer.json()["code"]) == (400, "request-invalid")


async def test_no_data_in_refusals(call: Client) -> None:
    """What was sent and is wrong is not quoted back."""
    secret = "xyzzy-0123456789"
    for answer in (
        await call("adm", "GET", f"/agencies?limit={secret}"),
        await call("adm", "POST", "/people", {"name": f"{secret}!", "roles": [secret], "password": secret}),
        await call("reg", "PUT", "/agencies/H99.99", AGENCY | {"parent": secret}),
        await call("adm", "POST", "/changes", {"documents": [{"kind": secret}]}),
    ):
        assert answer.status_code in {400, 422}
        assert secret not in answer.text


async def test_a_body_of_another_kind_is_refused(call: Client) -> None:
    """The API speaks JSON: another media type gets 415, and what to send instead."""
    fields = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await call.http.post("/v1/changes", auth=("adm", PASSWORD), content=b"a=b", headers=fields)
    assert (answer.status_code, answer.json()["code"]) == (415, "body-not-json")


async def test_what_is_known_already_is_not_sent_again(call: Client) -> None:
    """If-None-Match may name several ETags, weak ones and any."""
    tag = (await call("aud", "GET", "/agencies/H99")).headers["ETag"]
    for given, status in ((f'"other", W/{tag}', 304), ("*", 304), (f'"{tag[1:9]}"', 200)):
        assert (await call("aud", "GET", "/agencies/H99", if_none_match=given)).status_code == status


async def test_another_site_changes_nothing(call: Client) -> None:
    """What a page of another site made a browser send is refused, whoever has signed in."""
    answer = await call("op", "POST", "/systems/one-stop.province/pause", sec_fetch_site="cross-site")
    assert (answer.status_code, answer.json()["code"]) == (403, "cross-site")


async def test_pages_hold_everything_once(call: Client) -> None:
    """Following `next` gives every document once, in order."""
    whole = [each["code"] for each in (await call("op", "GET", "/agencies?limit=200")).json()["items"]]
    found, cursor = [], ""
    while True:
        page = (await call("op", "GET", f"/agencies?limit=3{cursor}")).json()
        found += [each["code"] for each in page["items"]]
        if "next" not in page:
            break
        cursor = f"&cursor={page['next']}"
    assert found == whole == sorted(whole)


async def test_the_page_of_the_description(call: Client) -> None:
    """The page for people comes from the bus alone, and nothing on it is fetched from elsewhere."""
    page = await call.http.get("/v1/ui/")
    assert page.status_code == 200
    assert "http://" not in page.text
    assert "https://" not in page.text
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    assert (await call.http.get("/v1/openapi.json")).json()["info"]["title"] == "LGSP management"


async def test_credentials_take_turns(call: Client) -> None:
    """Two credentials of a system are valid at once, a third not before one was revoked; a secret is told once."""
    place = "/systems/one-stop.province/credentials"
    first = await call("adm", "POST", place, {})
    second = await call("adm", "POST", place, {"days": 30})
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["secret"] != second.json()["secret"]
    third = await call("adm", "POST", place, {})
    assert (third.status_code, third.json()["code"]) == (409, "credentials-enough")
    assert (await call("adm", "DELETE", f"/credentials/{first.json()['id']}")).status_code == 204
    assert (await call("adm", "POST", place, {})).status_code == 201
    listed = await call("reg", "GET", place)
    assert [each["live"] for each in listed.json()["items"]] == [False, True, True]
    assert "secret" not in listed.text


async def test_people_are_added_changed_and_disabled(call: Client) -> None:
    """Somebody new signs in at once, has other roles once they are given, and is out once disabled."""
    made = await call("adm", "POST", "/people", {"name": "new", "roles": ["operator"], "password": PASSWORD})
    assert made.status_code == 201, made.text
    assert (await call("new", "GET", "/messages")).status_code == 200
    tag = (await call("adm", "GET", "/people/new")).headers["ETag"]
    assert (await call("adm", "PATCH", "/people/new", {"roles": ["registrar"]})).status_code == 428
    changed = await call("adm", "PATCH", "/people/new", {"roles": ["registrar"]}, if_match=tag)
    assert changed.json()["roles"] == ["registrar"]
    assert (await call("new", "GET", "/messages")).status_code == 403
    disabled = await call("adm", "PATCH", "/people/new", {"disabled": True}, if_match=changed.headers["ETag"])
    assert disabled.json()["disabled"]
    assert (await call("new", "GET", "/agencies")).status_code == 401


async def test_a_refused_change_of_a_person_changes_nothing(call: Client) -> None:
    """Of a change that would take the last administrator away not even the title is written."""
    tag = (await call("adm", "GET", "/people/adm2")).headers["ETag"]
    assert (await call("adm", "PATCH", "/people/adm2", {"disabled": True}, if_match=tag)).status_code == 200
    before = await call("adm", "GET", "/people/adm")
    change = {"title": "Half", "disabled": True}
    refused = await call("adm", "PATCH", "/people/adm", change, if_match=before.headers["ETag"])
    assert (refused.status_code, refused.json()["code"]) == (409, "last-administrator")
    assert (await call("adm", "GET", "/people/adm")).json() == before.json()


async def test_a_person_who_changed_meanwhile_is_not_overwritten(
    call: Client, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What another writes just before the change is written is seen, and the answer is 412."""
    tag = (await call("adm", "GET", "/people/op")).headers["ETag"]
    other, write = Home(home.settings, "user:other"), Home.write
    written: list[object] = []

    def late(self: Home, command: Any) -> Any:
        if self is home and not written:
            written.append(command)
            change_people(other, lambda people: people.change("op", 1, "user:other", title="Other"))
        return write(self, command)

    monkeypatch.setattr(Home, "write", late)
    answer = await call("adm", "PATCH", "/people/op", {"title": "Mine"}, if_match=tag)
    other.close()
    assert (answer.status_code, answer.json()["code"]) == (412, "precondition-failed")
    assert (await call("adm", "GET", "/people/op")).json()["title"] == "Other"


def test_every_operation_is_described_for_its_role() -> None:
    """No action of the table is without an operation, but for those that only the command has."""
    assert set(Action) - {each for each in actions().values() if each} == {Action.VERIFY_AUDIT}
