"""`lgsp` as people use it, on the model province: every command, its exit status, and what it does not say."""

import io
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

import cli
from provinces.model.applications.runner import applications
from provinces.model.flows import FOLDER
from running.demo import _stand_ins
from tests.process import Up, lgsp, up

POPULATION = "population.register"
MARKER = "Marqueur"
"""Stands in every name that is sent here, and must not show wherever people look."""

ENDED = {"done", "failed", "expired"}
REFERRAL = json.loads((FOLDER / "health/examples/referral.json").read_bytes())
CITIZEN = FOLDER / "population/examples/verify-citizen.json"
STATIONS, ONE_STOP = "health.commune-stations", "one-stop.province"


@dataclass(frozen=True)
class Ran:
    """What a command said, and how it ended."""

    status: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


def run(*arguments: object, given: str = "") -> Ran:
    """The command in this process, just as its script runs it."""
    out, err, status = io.StringIO(), io.StringIO(), 0
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["lgsp", *map(str, arguments)])
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given.encode())))
        try:
            cli.main()
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else int(bool(ended.code))
    return Ran(status, out.getvalue(), err.getvalue())


@dataclass
class Bus:
    """The model province, served: its stand-ins and the bus in processes of their own, one data folder."""

    data: Path
    up: Up
    endpoints: dict[str, str]
    said: list[str] = field(default_factory=list)

    def run(self, *arguments: object, given: str = "") -> Ran:
        ran = run(*arguments, "--data", self.data, given=given)
        self.said += [ran.out, ran.err]
        return ran

    def send(self, contract: str, body: object, sender: str, *options: object) -> Ran:
        file = self.data.parent / "body.json"
        file.write_text(body.read_text() if isinstance(body, Path) else json.dumps(body), encoding="utf-8")
        return self.run("send", contract, file, "--as", sender, *options)

    def behave(self, system: str, **manners: object) -> None:
        """Set the mood of a stand-in."""
        address = "/".join(self.endpoints[system].split("/")[:3])
        headers = {"Content-Type": "application/json"}
        with urlopen(Request(f"{address}/_behave", json.dumps(manners).encode(), headers, method="POST")):
            pass

    def ended(self, message: str) -> dict[str, Any]:
        """The timeline of a message once it has ended, as JSON."""
        while (shown := self.run("audit", "show", message, "--json").json())["state"] not in ENDED:
            time.sleep(0.02)
        return dict(shown)

    def dead_letter(self) -> tuple[str, str]:
        """A referral that the hospital answered with an error page: the message, and its dead delivery."""
        self.behave("his.provincial-hospital", mode="rude", kind="html", times=1)
        sent = self.send("health.patient-referral", a_referral(), STATIONS, "--json")
        assert sent.json()["status"] == 202
        message = sent.json()["body"]["id"]
        assert self.ended(message)["state"] == "failed"
        letters = self.run("dead", "list", "--json").json()
        (event,) = (each for each in self.ended(message)["events"] if each["event"] == "attempt.ended")
        assert event["delivery"] in {each["delivery"] for each in letters}
        return message, event["delivery"]


def a_referral() -> dict[str, Any]:
    """One whose every text about a person holds the marker."""
    patient: dict[str, Any] = REFERRAL["patient"] | {"name": f"{MARKER} Một"}
    contacts = [{"name": f"{MARKER} Hai", "phone": "0900000009"}]
    name = f"CT-H99.05.02-261120-{time.time_ns() % 1000:03d}"
    return {**REFERRAL, "patient": patient, "contacts": contacts, "reason": f"{MARKER} Ba", "referralNumber": name}


@contextmanager
def served(folder: Path) -> Iterator[Bus]:
    """Set up with the commands themselves: secrets, documents, then serving."""
    data = folder / "data"
    passwords = {system: f"password-of-{system}" for system in applications()}
    with _stand_ins(passwords, folder / "ports.json") as endpoints:
        for system, application in applications().items():
            arguments = ("secret", "set", application.agency, application.secret, "--data", data)
            assert run(*arguments, given=passwords[system] + "\n").status == 0
        assert run("apply", FOLDER, "--yes", "--data", data).status == 0
        options = [option for name, url in endpoints.items() for option in ("--endpoint", f"{name}={url}")]
        with up(data, *options) as running:
            yield Bus(data, running, endpoints)


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bus]:
    with served(tmp_path_factory.mktemp("command")) as bus:
        yield bus


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def province(tmp_path: Path) -> Path:
    """A copy of the model province, to be spoilt."""
    folder = tmp_path / "province"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__", "applications"))
    return folder


# --- check and apply ---------------------------------------------------------------------------------------------


def test_check_of_what_is_right(data: Path) -> None:
    """A province that is right passes, with 0, whatever secrets are still missing here; a check makes nothing."""
    checked = run("check", FOLDER, "--data", data)
    assert checked.status == 0
    assert "0 errors" in checked.out
    report = run("check", FOLDER, "--data", data, "--json")
    assert (report.status, report.json()["ok"]) == (0, True)
    assert not data.exists()


def test_check_of_what_is_wrong(province: Path, data: Path) -> None:
    """A mistake is told with its file and line and what to do, and ends with 1."""
    page = province / "environment/environment.yaml"
    page.write_text(page.read_text(encoding="utf-8").replace("exchange: event", "exchange: evnt"), encoding="utf-8")
    checked = run("check", province, "--data", data)
    line = page.read_text(encoding="utf-8").splitlines().index("exchange: evnt") + 1
    assert checked.status == 1
    assert f"environment/environment.yaml:{line}: error:" in checked.err
    assert "document" in checked.err
    report = run("check", province, "--data", data, "--json")
    assert (report.status, report.json()["ok"]) == (1, False)


def test_apply_shows_its_plan_and_asks(data: Path) -> None:
    """Nothing is written before a person has seen the plan and agreed; applied twice, nothing is left to do."""
    declined = run("apply", FOLDER, "--data", data, given="n\n")
    assert declined.status == 1
    assert "+ Contract health.patient-referral" in declined.out
    assert "to create, 0 to change, 0 to remove" in declined.out
    assert run("status", "--data", data, "--json").json()["systems"] == {}
    before = run("status", "--data", data, "--json").json()["revision"]
    dry = run("apply", FOLDER, "--dry-run", "--data", data)
    assert (dry.status, run("status", "--data", data, "--json").json()["revision"]) == (0, before)
    agreed = run("apply", FOLDER, "--data", data, given="y\n")
    assert agreed.status == 0
    assert agreed.out.endswith("Applied.\n")
    again = run("apply", FOLDER, "--data", data)
    assert (again.status, again.out.splitlines()[-1]) == (0, "Nothing to change.")
    assert run("status", "--data", data, "--json").json()["revision"] == before + 1


def test_apply_removes_only_when_told(province: Path, data: Path) -> None:
    """What a folder no longer has is kept and named, and removed with --prune."""
    assert run("apply", province, "--yes", "--data", data).status == 0
    (province / "operations/operations.yaml").unlink()
    page = province / "environment/environment.yaml"
    kept = [each for each in page.read_text(encoding="utf-8").split("---\n") if "operations-centre" not in each]
    page.write_text("---\n".join(kept), encoding="utf-8")
    plain = run("apply", province, "--yes", "--data", data)
    assert plain.status == 0
    assert "System operations-centre.province is no longer written; --prune would remove it" in plain.out
    pruned = run("apply", province, "--yes", "--prune", "--data", data)
    assert pruned.status == 0
    assert "- System operations-centre.province" in pruned.out
    assert run("apply", province, "--yes", "--prune", "--data", data).out.splitlines()[-1] == "Nothing to change."


def test_apply_of_what_is_wrong_changes_nothing(province: Path, data: Path) -> None:
    """Documents with a mistake are not applied, not even the others."""
    (province / "agencies.yaml").write_text("kind: Agency\ncode: nonsense\n", encoding="utf-8")
    assert run("apply", province, "--yes", "--data", data).status == 1
    assert run("apply", FOLDER, "--dry-run", "--data", data).out.count("+ Agency ") == 14


# --- sending and looking ------------------------------------------------------------------------------------------


def test_request_is_answered(bus: Bus) -> None:
    """A request sent by hand is answered with the reply, and its timeline tells of it."""
    sent = bus.send("population.citizen-verification", CITIZEN, ONE_STOP)
    assert sent.status == 0
    assert '"matches": true' in sent.out
    message = sent.out.split("lgsp audit show ")[1].split()[0]
    shown = bus.run("audit", "show", message)
    assert shown.status == 0
    assert f"message {message}: population.citizen-verification@" in shown.out
    assert [each["event"] for each in bus.ended(message)["events"]][:2] == ["message.accepted", "attempt.ended"]


def test_document_is_accepted(bus: Bus) -> None:
    """A document is accepted at once, and the command says how to follow it."""
    sent = bus.send("health.patient-referral@1", a_referral(), STATIONS)
    assert sent.status == 0
    message = sent.out.split("lgsp audit show ")[1].split()[0]
    assert sent.out.startswith(f"accepted: message {message}\n")
    assert bus.ended(message)["state"] == "done"


def test_body_may_come_by_standard_input(bus: Bus) -> None:
    """With ``-`` the body is read from standard input, and --wait waits for the end."""
    text = json.dumps(a_referral())
    arguments = ("health.patient-referral", "-", "--as", STATIONS, "--wait", "20", "--json")
    sent = bus.run("send", *arguments, given=text)
    assert (sent.status, sent.json()["status"]) == (0, 200)


def test_same_key_is_the_same_message(bus: Bus) -> None:
    """Sent again with the same key, a message is the one that there is."""
    referral = a_referral()
    locations = [
        bus.send("health.patient-referral", referral, STATIONS, "--key", "by-hand", "--json").json()["location"]
        for _ in range(2)
    ]
    assert locations[0] == locations[1]


def test_refused_message_fails(bus: Bus) -> None:
    """A message that breaks its contract ends with 1, and the answer says where and never what."""
    wrong = a_referral() | {"urgency": MARKER, "diagnoses": []}
    refused = bus.send("health.patient-referral", wrong, STATIONS)
    assert refused.status == 1
    assert '"body-invalid"' in refused.out
    assert "/urgency" in refused.out
    assert MARKER not in refused.out + refused.err


def test_status_tells_what_waits(bus: Bus) -> None:
    """The status says where the folder is served, and how many deliveries each system has in each state."""
    bus.send("population.citizen-verification", CITIZEN, ONE_STOP)
    told = bus.run("status", "--json").json()
    assert told["serving"] == bus.up.url
    assert told["systems"]["population.register"]["delivered"] >= 1
    assert f"serving {bus.up.url}" in bus.run("status").out


def test_system_is_paused_and_resumed(bus: Bus) -> None:
    """A person pauses a system and sees that, by whom and what waits; resumed, it gets what waited."""
    paused = bus.run("system", "pause", POPULATION, "--reason", "maintenance")
    assert (paused.status, "lgsp system resume" in paused.out) == (0, True)
    assert "was paused already" in bus.run("system", "pause", POPULATION).out
    while (
        bus.send("population.citizen-verification", CITIZEN, ONE_STOP, "--wait", "1", "--json").json()["status"] != 202
    ):
        time.sleep(0.02)
    (row,) = (each for each in bus.run("system", "list", "--json").json() if each["system"] == POPULATION)
    assert (row["state"], row["by"].startswith("user:")) == ("paused", True)
    assert bus.run("status", "--json").json()["blocked"] == {POPULATION: "paused"}
    assert f"{POPULATION} is paused since" in bus.run("status").out
    assert "called again" in bus.run("system", "resume", POPULATION).out
    assert "neither paused nor silent" in bus.run("system", "resume", POPULATION).out
    while bus.send("population.citizen-verification", CITIZEN, ONE_STOP, "--json").json()["status"] != 200:
        time.sleep(0.02)


def test_dead_letter_is_replayed(bus: Bus) -> None:
    """A dead letter is listed with its reason, shown with its attempts, and delivered when a person tries it again."""
    message, delivery = bus.dead_letter()
    (row,) = (each for each in bus.run("dead", "list", "--json").json() if each["delivery"] == delivery)
    assert (row["system"], row["reason"], row["attempts"]) == ("his.provincial-hospital", "reply-invalid", 1)
    listed = bus.run("dead", "list")
    assert delivery in listed.out
    assert delivery not in bus.run("dead", "list", "--system", "archive.province").out
    shown = bus.run("dead", "show", delivery)
    assert f"delivery {delivery} of message {message}" in shown.out
    assert f"lgsp dead replay {delivery}" in shown.out
    assert bus.run("dead", "show", delivery, "--json").json()["reason"] == "reply-invalid"
    asked = bus.run("dead", "replay", delivery, given="n\n")
    assert (asked.status, asked.out.strip()) == (1, "")
    assert "his.provincial-hospital was called and may have acted on it" in asked.err
    replayed = bus.run("dead", "replay", delivery, "--yes")
    assert replayed.status == 0
    assert replayed.out.startswith(f"{delivery} was dead and will be tried again.\n")
    while bus.ended(message)["state"] != "done":
        time.sleep(0.02)
    assert delivery not in bus.run("dead", "list").out
    refused = bus.run("dead", "replay", delivery, "--yes")
    assert refused.status == 2
    assert "--again" in refused.err


def test_messages_and_events_are_found(bus: Bus) -> None:
    """A message is found by what it is and by whom it is about, who is named to nobody else; and what was done, by who
    did it."""
    sent = bus.send("health.patient-referral", a_referral(), STATIONS, "--json").json()["body"]["id"]
    bus.ended(sent)
    only = ("--contract", "health.patient-referral@1", "--sender", STATIONS, "--state", "done", "--since", "2026-01-01")
    assert sent in bus.run("message", "list", *only).out
    about = REFERRAL["patient"]["identityNumber"]
    found = bus.run("message", "list", *only, "--subject", "--json", given=f"{about}\n")
    assert (sent in {each["id"] for each in found.json()}, about in found.out) == (True, False)
    assert bus.run("message", "list", *only, "--subject", "--json", given="000000000000\n").json() == []
    assert len(bus.run("message", "list", "--limit", "1", "--json").json()) == 1
    assert bus.run("message", "list", "--system", "nobody").out == "no messages\n"
    accepted = bus.run("audit", "search", "--event", "message.accepted", "--actor", STATIONS, "--json").json()
    assert sent in {each["message"] for each in accepted}
    assert {(each["event"], each["actor"]) for each in accepted} == {("message.accepted", STATIONS)}
    assert sent in bus.run("audit", "search", "--message", sent, "--system", "his.provincial-hospital").out


def test_operations_centre_is_told_of_what_died(bus: Bus) -> None:
    """What dies is told, as a message of the bus's own, to the system that a route and a grant name: no data in it."""
    message, delivery = bus.dead_letter()
    notices: list[dict[str, Any]] = []
    while not notices:
        url = bus.endpoints["operations-centre.province"] + "/notices"
        with urlopen(Request(url, headers={"X-API-Key": "password-of-operations-centre.province"})) as answer:
            notices = [each for each in json.load(answer) if each["delivery"] == delivery]
        time.sleep(0.02)
    (notice,) = notices
    assert {name: notice[name] for name in ("message", "contract", "sender", "system", "state", "reason")} == {
        "message": message,
        "contract": "health.patient-referral",
        "sender": STATIONS,
        "system": "his.provincial-hospital",
        "state": "dead",
        "reason": "reply-invalid",
    }
    assert MARKER not in json.dumps(notice)


def test_dead_letters_are_replayed_by_filter(bus: Bus) -> None:
    """A filter is shown first and changes nothing then; what may have been acted on is meant only by its reason; one
    command tries all of them again, and tells so."""
    message, delivery = bus.dead_letter()
    only = ("--system", "his.provincial-hospital", "--contract", "health.patient-referral")
    unnamed = bus.run("dead", "replay", *only, "--yes")
    assert (unnamed.status, "no dead letters" in unnamed.out) == (0, True)
    assert "left out unless named by --reason: outcome-unknown, reply-invalid" in unnamed.err
    named = (*only, "--reason", "reply-invalid", "--since", "2026-01-01")
    shown = bus.run("dead", "replay", *named, "--dry-run")
    assert (shown.status, delivery in shown.out) == (0, True)
    assert bus.run("dead", "replay", *named, given="n\n").status == 1
    assert delivery in bus.run("dead", "list", *named).out
    kept = bus.run("dead", "replay", delivery, "--reply")
    assert kept.status == 1
    assert "nothing has changed" in kept.err
    replayed = bus.run("dead", "replay", *named, "--yes", "--rate", "1000", "--json")
    assert replayed.status == 0
    told = replayed.json()
    assert (told["done"], told["passed"]) == (told["count"], 0)
    assert sum(each["count"] for each in told["counts"]) == told["count"] > 0
    while bus.ended(message)["state"] != "done":
        time.sleep(0.02)
    assert delivery not in bus.run("dead", "list").out


def test_open_delivery_is_not_replayed(bus: Bus) -> None:
    """What is still on its way, or is no delivery, cannot be tried again: 1, and the reason."""
    bus.behave("his.provincial-hospital", mode="down", times=1)
    sent = bus.send("health.patient-referral", a_referral(), STATIONS, "--json").json()["body"]["id"]
    delivery = None
    while delivery is None:
        events = bus.run("audit", "show", sent, "--json").json()["events"]
        delivery = next((each["delivery"] for each in events if "delivery" in each), None)
    refused = bus.run("dead", "replay", delivery)
    assert refused.status == 1
    assert "cannot replay" in refused.err
    assert bus.run("dead", "replay", "01a3185c-53e8-77b6-86d1-928bad1852a0").status == 1
    assert bus.run("dead", "show", "01a3185c-53e8-77b6-86d1-928bad1852a0").status == 1
    assert bus.run("audit", "show", "01a3185c-53e8-77b6-86d1-928bad1852a0").status == 1


# --- credentials, tokens, secrets ---------------------------------------------------------------------------------


def ask_token(bus: Bus, client: str, secret: str) -> str:
    """What a system gets for its secret, once the bus knows of it."""
    form = {"grant_type": "client_credentials", "client_id": client, "client_secret": secret}
    while True:
        try:
            with urlopen(f"{bus.up.url}/token", urlencode(form).encode()) as answer:
                return str(json.loads(answer.read())["access_token"])
        except HTTPError as refused:
            refused.close()
        time.sleep(0.05)


def described(bus: Bus, path: str, token: str) -> tuple[int, str, str]:
    """Status, media type and what was answered."""
    request = Request(f"{bus.up.url}/contracts/{path}", headers={"Authorization": f"Bearer {token}"})
    try:
        with urlopen(request) as answer:
            return answer.status, answer.headers.get_content_type(), answer.read().decode()
    except HTTPError as refused:
        with refused:
            return refused.code, refused.headers.get_content_type(), refused.read().decode()


def test_what_is_in_force_is_exported(bus: Bus, tmp_path: Path) -> None:
    """`lgsp export` writes what is in force; applied, nothing changes; a file that says something else is kept."""
    assert bus.run("export", tmp_path).status == 0
    assert bus.run("apply", tmp_path, "--yes", "--prune").out == "Nothing to change.\n"
    (tmp_path / "agencies.yaml").write_text("kind: Agency\n")
    refused = bus.run("export", tmp_path)
    assert refused.status == 1
    assert "agencies.yaml" in refused.err
    assert (tmp_path / "agencies.yaml").read_text() == "kind: Agency\n"


def test_contracts_describe_themselves(bus: Bus) -> None:
    """A system with a grant gets the contract in every form, as the command writes it; others are told to ask."""
    issued = bus.run("credential", "issue", STATIONS, "--json").json()
    token = ask_token(bus, issued["client_id"], issued["client_secret"])
    for name, form in (("openapi.json", "openapi"), ("asyncapi.json", "asyncapi"), (".wsdl", "wsdl")):
        status, _, told = described(bus, f"health.patient-referral@1/{name}", token)
        assert status == 200
        assert told.strip() == bus.run("describe", "health.patient-referral", "--as", form).out.strip()
    assert described(bus, "health.patient-referral", token)[:2] == (200, "text/html")
    assert described(bus, "health.patient-referral/schema.xsd", token)[:2] == (200, "application/xml")
    assert described(bus, "health.patient-referral/nothing", token)[0] == 404
    assert described(bus, "health.patient-referral@9/openapi.json", token)[0] == 404
    status, _, told = described(bus, "archive.case-file/openapi.json", token)
    assert status == 403
    assert "grant-missing" in told


def status_with(bus: Bus, token: str) -> tuple[int, str]:
    request = Request(f"{bus.up.url}/messages", headers={"Authorization": f"Bearer {token}"})
    try:
        with urlopen(request) as answer:
            return answer.status, ""
    except HTTPError as refused:
        with refused:
            return refused.code, json.loads(refused.read())["code"]


def test_credential_lives_until_it_is_revoked(bus: Bus) -> None:
    """An issued credential gets tokens; revoked, its tokens are refused as soon as the bus has looked."""
    issued = bus.run("credential", "issue", ONE_STOP, "--json").json()
    token = ask_token(bus, issued["client_id"], issued["client_secret"])
    assert status_with(bus, token) == (200, "")
    listed = {each["credential"]: each for each in bus.run("credential", "list", ONE_STOP, "--json").json()}
    assert listed[issued["credential"]]["live"] is True
    assert issued["client_secret"] not in "".join(bus.said[:-2]).replace(issued["client_secret"], "", 1)
    assert bus.run("credential", "revoke", issued["credential"]).status == 0
    looks = 0
    while (answer := status_with(bus, token)) == (200, ""):
        looks += 1
        time.sleep(0.05)
    assert answer == (401, "token-revoked")
    assert looks <= 40  # of a twentieth of a second each, at the least: two seconds
    listed = {each["credential"]: each for each in bus.run("credential", "list", "--json").json()}
    assert listed[issued["credential"]]["live"] is False
    assert ONE_STOP in bus.run("credential", "list").out


def test_secret_of_a_credential_is_shown_once(bus: Bus) -> None:
    """The secret stands in the answer that issues it and nowhere after."""
    issued = bus.run("credential", "issue", STATIONS)
    secret = issued.out.split("client_secret")[1].split()[0]
    assert secret.startswith("lgsp_")
    for command in (("credential", "list"), ("credential", "list", "--json"), ("status",)):
        assert secret not in bus.run(*command).out
    assert secret.encode() not in (bus.data / "journal.sqlite").read_bytes()


def test_operator_gets_a_token(bus: Bus) -> None:
    """An operator's token is a system's for the data plane; for a system that is not there, there is none."""
    told = bus.run("token", ONE_STOP)
    assert told.status == 0
    while status_with(bus, told.out.strip())[0] != 200:
        time.sleep(0.05)
    refused = bus.run("token", "nobody")
    assert refused.status == 2
    assert "there is no system nobody" in refused.err


def test_secret_is_in_force_at_once(bus: Bus) -> None:
    """A password that was set wrong and then right works with the next call: a running bus hears of it, and the value
    is shown nowhere."""
    setting = ("secret", "set", "H99.02", "population-password")
    assert bus.run(*setting, given="mistyped-password\n").status == 0
    while bus.send("population.citizen-verification", CITIZEN, ONE_STOP).status == 0:
        time.sleep(0.05)
    assert bus.run(*setting, given="password-of-population.register").status == 0
    while bus.send("population.citizen-verification", CITIZEN, ONE_STOP).status != 0:
        time.sleep(0.05)
    assert bus.run("secret", "list", "H99.02").out == "population-password\n"
    assert bus.run("secret", "list", "H99.02", "--json").json() == ["population-password"]
    assert "mistyped-password" not in "".join(bus.said)


# --- wrong use ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nonsense",), "No such command"),
        (("send",), "Missing argument"),
        (("status", "--nonsense"), "No such option"),
        (("audit", "show", "nonsense"), "is not an id"),
        (("dead", "show", "nonsense"), "is not an id"),
        (("dead", "list", "--limit", "0"), "--limit"),
        (("send", "a.b", "/nowhere", "--as", ONE_STOP), "No such file"),
        (("send", "a.b", "-", "--as", "nobody"), "there is no system nobody"),
        (("credential", "issue", "nobody"), "there is no system nobody"),
        (("credential", "revoke", "nothing"), "see lgsp credential list"),
        (("secret", "set", "nonsense", "password"), "agency code"),
        (("up", "--endpoint", "nonsense"), "SYSTEM=URL"),
        (("up", "--port", "99999"), "port"),
    ],
)
def test_wrong_use_is_explained(bus: Bus, arguments: tuple[str, ...], said: str) -> None:
    """Wrong use ends with 2 and one line that says what is wrong; nothing is left for a developer to read."""
    ran = bus.run(*arguments)
    assert ran.status == 2
    assert said.lower() in ran.err.lower()
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("status",),
        ("dead", "list"),
        ("audit", "show", "01a3185c-53e8-77b6-86d1-928bad1852a0"),
        ("dead", "replay", "01a3185c-53e8-77b6-86d1-928bad1852a0"),
        ("credential", "list"),
        ("token", ONE_STOP),
    ],
)
def test_empty_folder_is_no_bus(data: Path, arguments: tuple[str, ...]) -> None:
    """Commands on a folder without a bus say how to make one, and leave nothing behind."""
    ran = run(*arguments, "--data", data)
    assert ran.status == 2
    assert "`lgsp apply` makes one" in ran.err
    assert not data.exists()


def test_settings_that_do_not_exist_are_refused(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that the bus does not know is wrong use: it was meant to do something."""
    monkeypatch.setenv("LGSP_PROT", "8080")
    ran = run("status", "--data", data)
    assert ran.status == 2
    assert "LGSP_PORT" in ran.err


def test_nobody_serves(province: Path, data: Path) -> None:
    """Sending where nobody serves is refused with the command that would."""
    assert run("apply", province, "--yes", "--data", data).status == 0
    ran = run("send", "a.b", CITIZEN, "--as", ONE_STOP, "--data", data)
    assert ran.status == 2
    assert "start one with `lgsp up" in ran.err
    assert run("status", "--data", data, "--json").json()["serving"] is None


def test_folder_is_served_once(bus: Bus) -> None:
    """A second bus on the same folder is refused while the first serves on."""
    second = lgsp("up", "--data", str(bus.data), "--port", "0")
    assert (second.returncode, second.stdout) == (1, "")
    assert "Another `lgsp up` holds the data folder" in second.stderr
    assert bus.run("status", "--json").json()["serving"] == bus.up.url


def test_taken_port_is_explained(bus: Bus, data: Path) -> None:
    """A port that somebody listens on already is named, with the way out."""
    refused = lgsp("up", "--data", str(data), "--port", str(bus.up.port))
    assert refused.returncode == 2
    assert f"cannot listen on 127.0.0.1:{bus.up.port}; choose another with --port" in refused.stderr


def test_every_reading_command_speaks_json(bus: Bus) -> None:
    """With --json each command that reads prints one JSON document and nothing else."""
    message, delivery = bus.dead_letter()
    for command in (
        ("check", str(FOLDER)),
        ("status",),
        ("dead", "list"),
        ("dead", "show", delivery),
        ("dead", "replay", "--reason", "reply-invalid", "--dry-run"),
        ("message", "list"),
        ("audit", "show", message),
        ("audit", "search"),
        ("credential", "list"),
        ("secret", "list", "H99.02"),
    ):
        ran = bus.run(*command, "--json")
        assert ran.status == 0, command
        assert ran.json() is not None, command


def test_personal_data_stay_in_messages(bus: Bus) -> None:
    """However a message goes, by success, death or refusal, no command and no log line shows a value out of it."""
    message, delivery = bus.dead_letter()
    done = bus.send("health.patient-referral", a_referral(), STATIONS, "--json").json()["body"]["id"]
    bus.ended(done)
    bus.send("health.patient-referral", a_referral() | {"ward": MARKER}, STATIONS)
    for command in (
        ("status",),
        ("dead", "list"),
        ("dead", "show", delivery),
        ("audit", "show", message),
        ("audit", "show", done),
        ("message", "list"),
        ("audit", "search"),
        ("credential", "list"),
    ):
        bus.run(*command)
        bus.run(*command, "--json")
    logs = "".join(path.read_text(encoding="utf-8") for path in (bus.data / "log").iterdir())
    assert message in logs
    assert MARKER not in logs
    assert MARKER not in "".join(bus.said)
    assert MARKER not in (bus.data / "stderr.txt").read_text()


def test_terminal_is_not_obeyed() -> None:
    """What a terminal would obey is shown, not done, and JSON stays JSON."""
    from rich.console import Console

    from running.printing import plain, print_json

    evil = "\x1b]0;owned\x07 \x9b31m \u202e \u200b a[bold]b[/bold]"
    out = io.StringIO()
    Console(file=out, soft_wrap=True).print(plain(evil))
    assert out.getvalue().rstrip("\n").isprintable()
    assert "[bold]" in out.getvalue()
    told = io.StringIO()
    print_json(Console(file=told, soft_wrap=True), {"evil": evil})
    assert told.getvalue().replace("\n", "").isprintable()
    assert json.loads(told.getvalue()) == {"evil": evil}


# --- the demonstration --------------------------------------------------------------------------------------------

RUDE = """
import json, sys
from contextlib import contextmanager
from urllib.request import Request, urlopen
import cli
from running import demo

honest = demo._stand_ins

@contextmanager
def rude(passwords, ports):
    with honest(passwords, ports) as endpoints:
        address = "/".join(endpoints["his.provincial-hospital"].split("/")[:3])
        manners = json.dumps({"mode": "rude", "kind": "html"}).encode()
        urlopen(Request(f"{address}/_behave", manners, {"Content-Type": "application/json"})).close()
        yield endpoints

demo._stand_ins = rude
sys.argv = ["lgsp", "demo", "--once", "--data", sys.argv[1]]
cli.main()
"""


def test_demonstration_ends_well(data: Path) -> None:
    """The demonstration shows every flow, ends with 0, and leaves its folder to look at."""
    shown = lgsp("demo", "--once", "--data", str(data))
    assert (shown.returncode, shown.stderr) == (0, ""), shown.stdout
    assert shown.stdout.count("✓") >= 10
    assert "✗" not in shown.stdout
    assert run("status", "--data", data, "--json").json()["systems"]["population.register"] == {"delivered": 3}
    assert lgsp("demo", "--once", "--data", str(data)).returncode == 0


def test_demonstration_tells_when_something_is_wrong(data: Path) -> None:
    """With one application that answers with error pages the demonstration shows which flow failed and ends with 1."""
    shown = subprocess.run(
        [sys.executable, "-c", RUDE, str(data)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | {"COLUMNS": "200"},
    )
    assert shown.returncode == 1, shown.stderr
    told = " ".join(shown.stdout.split())
    assert "✗ Refer a patient health.commune-stations" in told
    assert "UNEXPECTED: dead reply-invalid" in told
    assert "✓ Verify a citizen one-stop.province" in told


def test_demonstration_empties_no_other_folder(tmp_path: Path) -> None:
    """A folder that no demonstration made is not emptied."""
    (tmp_path / "letters.txt").write_text("important")
    ran = run("demo", "--once", "--data", tmp_path)
    assert ran.status == 2
    assert (tmp_path / "letters.txt").read_text() == "important"


def test_secret_that_nobody_names_is_doubted(data: Path) -> None:
    """A secret of an agency that is not there, or that no document names, is set, with what was probably meant."""
    assert run("apply", FOLDER, "--yes", "--data", data).status == 0
    setting = ("secret", "set", "H99.02", "population-pasword", "--data", data)
    mistyped = run(*setting, given="x\n")
    assert mistyped.status == 0
    assert "did you mean `population-password`?" in mistyped.err
    assert "there is no agency H98.02" in run("secret", "set", "H98.02", "a", "--data", data, given="x\n").err
    assert run("secret", "set", "H99.02", "population-password", "--data", data, given="x\n").err == ""


def test_served_province_is_planned(province: Path, data: Path) -> None:
    """A bus that is started on a province tells what it changes, and nothing where nothing changes."""
    data.mkdir()
    for plans in (1, 1):
        with up(data, "--province", str(province)):
            pass
        assert (data / "stderr.txt").read_text().count("+ Contract health.patient-referral 1.0.0") == plans
    assert "Nothing to change" not in (data / "stderr.txt").read_text()


def test_journal_is_kept_up_by_command(tmp_path: Path) -> None:
    """What a journal lacks, and how long what is kept, by the contract that keeps longest, is said for people and for
    programs."""
    data = tmp_path / "data"
    assert run("apply", FOLDER, "--yes", "--data", data).status == 0
    assert run("journal", "migrate", "--post", "--data", data, "--json").json() == {"left": []}
    assert run("journal", "migrate", "--data", data).out == "The tables are as this version wants them.\n"
    done = run("journal", "maintain", "--data", data, "--json").json()
    assert done["kept"] == ["evidence of the last 7300 days, and every audit event"]
    assert run("journal", "maintain", "--data", data).out == f"Kept: {done['kept'][0]}.\n"
