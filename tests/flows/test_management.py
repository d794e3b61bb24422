"""A bus that people run over HTTP: `lgsp up` with its management plane, as processes."""

import json
import os
import subprocess
import time
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from provinces.model.flows import FOLDER
from tests.process import LGSP, PATIENCE
from tests.processes import Running, running

PASSWORD = "a password for tests"
READING = FOLDER / "environment/examples/reading-below-100.json"


@dataclass(frozen=True)
class Managed:
    """A served province and the two addresses of its bus."""

    data: Path
    url: str
    manage: str

    def lgsp(self, *arguments: str, given: str = "", code: int = 0) -> str:
        ran = subprocess.run(
            [str(LGSP), *arguments],
            input=given,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
            env=os.environ | {"LGSP_DATA": str(self.data)},
        )
        assert ran.returncode == code, ran.stdout + ran.stderr
        return ran.stdout + ran.stderr

    def call(self, person: str, method: str, path: str, body: object = None, **fields: str) -> tuple[int, Any]:
        proof = b64encode(f"{person}:{PASSWORD}".encode()).decode()
        headers = {"Authorization": f"Basic {proof}", "Content-Type": "application/json"} | fields
        data = None if body is None else json.dumps(body).encode()
        return _answered(Request(f"{self.manage}/v1{path}", data, headers, method=method))

    def post(self, token: str) -> int:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        address = f"{self.url}/messages/environment.air-quality"
        return _answered(Request(address, READING.read_bytes(), headers, method="POST"))[0]

    def until(self, token: str, status: int) -> None:
        """Send until the answer is so; the time-out of the test is the end of patience."""
        while self.post(token) != status:
            time.sleep(0.2)


def _answered(request: Request) -> tuple[int, Any]:
    try:
        with urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except HTTPError as refused:
        with refused:
            return refused.code, json.loads(refused.read())


def _second_line(up: Running) -> str:
    """Where people run it."""
    assert up.process.stdout
    return up.process.stdout.readline().split()[-1]


@pytest.fixture(scope="module")
def managed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Managed]:
    data = tmp_path_factory.mktemp("managed") / "data"
    environment = {"LGSP_DATA": str(data), "LGSP_PORT": "0", "LGSP_EGRESS": '["127.0.0.0/8"]'}
    with running(data.parent, environment, "up", "--province", str(FOLDER)) as up:
        served = Managed(data, up.url, _second_line(up).removesuffix("/v1/ui/"))
        for name, role in (("an", "administrator"), ("binh", "registrar")):
            served.lgsp("user", "add", name, "--role", role, "--password-stdin", given=f"{PASSWORD}\n")
        yield served


def test_a_change_is_soon_in_force(managed: Managed) -> None:
    """A grant that is revoked over the API permits nothing soon after, in a process that is not restarted."""
    token = managed.lgsp("token", "stations.air-quality").strip()
    managed.until(token, 202)  # its credential was made just now
    place = "/grants/environment.air-quality@1/stations.air-quality/send"
    assert managed.call("an", "DELETE", place)[1]["state"] == "revoked"
    managed.until(token, 403)
    grant = managed.call("an", "GET", place)[1]["grant"]
    assert managed.call("binh", "POST", "/grants", grant)[0] == 201
    assert managed.call("an", "POST", f"{place}/decision", {"decision": "approve"})[1]["state"] == "active"


def test_a_refused_sign_in_is_found(managed: Managed) -> None:
    """Who guesses a password of the management plane stands in what auditors search."""
    assert managed.call("nobody", "GET", "/agencies")[0] == 401
    found = json.loads(managed.lgsp("audit", "search", "--event", "caller.refused", "--json"))
    assert [each["code"] for each in found if each["actor"] == "manage"] == ["sign-in-refused"]


def test_a_folder_is_applied_over_the_api(managed: Managed, tmp_path: Path) -> None:
    """`lgsp apply --to` shows the plan of the bus there, sends what is new, and leaves it to another to approve."""
    (tmp_path / "note.json").write_text('{"type": "object"}', encoding="utf-8")
    (tmp_path / "new.yaml").write_text(
        """kind: Agency
code: H99.77
name: {vi: Phòng, en: Office}
parent: H99
---
kind: Contract
name: office.note
version: 1.0.0
title: {vi: Ghi chú, en: Note}
owner: H99.77
exchange: event
request: {format: json, schema: note.json}
""",
        encoding="utf-8",
    )
    arguments = ("apply", str(tmp_path), "--to", managed.manage, "--as", "binh", "--yes", "--password-stdin")
    sent = managed.lgsp(*arguments, given=f"{PASSWORD}\n")
    assert "+ Contract office.note 1.0.0" in sent
    version = managed.call("an", "GET", "/contracts/office.note/versions/1.0.0")[1]
    assert version["standing"]["state"] == "proposed"
    assert version["standing"]["proposedBy"] == "person:binh"
    assert managed.call("an", "GET", "/agencies/H99.77")[0] == 200
    assert "Nothing to change" in managed.lgsp(*arguments, given=f"{PASSWORD}\n")


def test_who_may_not_is_told(managed: Managed) -> None:
    """A wrong password sends nothing, and an address that would show it to others is refused."""
    arguments = ("apply", str(FOLDER), "--as", "binh", "--yes", "--password-stdin", "--to")
    assert "password" in managed.lgsp(*arguments, managed.manage, given="not the password\n", code=1)
    unasked = [each for each in arguments if each != "--password-stdin"]
    assert "--password-stdin" in managed.lgsp(*unasked, managed.manage, given=f"{PASSWORD}\n", code=2)
    assert "https" in managed.lgsp(*arguments, "http://bus.example:8081", given=f"{PASSWORD}\n", code=2)
