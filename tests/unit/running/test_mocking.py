"""Stand-ins for the systems of a province, made of its documents."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from bus.errors import QueryInvalid
from bus.settings import read_settings
from running.home import Home
from running.mocking import mocked

MODEL = Path(__file__).parents[3] / "provinces" / "model"
DOCUMENTS = """kind: Agency
code: H98
name: {vi: Tỉnh, en: Province}
---
kind: System
name: civil.status
agency: H98
adapter: rest
endpoint: https://civil.example.vn
operations:
  look-up: {method: GET, path: "/people/{person-id}", query: {pages: pages, full: full}}
  add: {method: POST, path: /people}
---
kind: Contract
name: civil.look-up
version: 1.0.0
title: {vi: Xem, en: Look}
owner: H98
exchange: request
request: {format: json, schema: question.json}
reply: {format: json, schema: person.json}
faults: {gone: {status: 410, schema: gone.json}}
---
kind: Contract
name: civil.add
version: 1.0.0
title: {vi: Thêm, en: Add}
owner: H98
exchange: document
request: {format: json, schema: person.json}
---
kind: Route
contract: civil.look-up@1
to: civil.status
operation: look-up
---
kind: Route
contract: civil.add@1
to: civil.status
operation: add
"""
FILES = {
    "documents.yaml": DOCUMENTS,
    "question.json": json.dumps(
        {
            "type": "object",
            "required": ["person-id"],
            "properties": {
                "person-id": {"type": "string", "pattern": "^[0-9]+$"},
                "pages": {"type": "array", "items": {"type": "integer"}},
                "full": {"type": "boolean"},
            },
            "additionalProperties": False,
        }
    ),
    "person.json": json.dumps(
        {"type": "object", "required": ["name"], "properties": {"name": {"type": "string", "minLength": 2}}}
    ),
    "gone.json": json.dumps({"type": "object", "required": ["why"], "properties": {"why": {"const": "moved"}}}),
}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(read_settings(data=tmp_path / "data"), "user:test")
    yield made
    made.close()


@pytest.fixture
def url(home: Home, tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "province"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    with mocked(home, folder, "civil.status", 0) as endpoint:
        yield endpoint


def asked(url: str, method: str = "GET", body: bytes | None = None, **headers: str) -> tuple[int, Any]:
    request = Request(url, body, {"Content-Type": "application/json", **headers}, method=method)
    try:
        with urlopen(request, timeout=10) as answer:
            data = answer.read()
            return answer.status, json.loads(data) if data else None
    except HTTPError as refused:
        data = refused.read()
        return refused.code, json.loads(data) if data else None


def test_a_stand_in_answers_with_what_the_contract_promises(url: str) -> None:
    """The reply is valid by the contract, and a document is taken without one."""
    status, person = asked(f"{url}/people/12?pages=1&pages=2&full=true")
    assert status == 200
    assert len(person["name"]) >= 2
    assert asked(f"{url}/people", "POST", b'{"name": "An"}') == (204, None)


@pytest.mark.parametrize(
    ("path", "method", "body", "status", "detail"),
    [
        ("/people/x", "GET", None, 400, "/person-id pattern"),
        ("/people/1?full=maybe", "GET", None, 400, "/full type"),
        ("/people", "POST", b'{"name": "A"}', 400, "/name minLength"),
        ("/people", "POST", b"{", 400, "not JSON"),
        ("/people", "DELETE", None, 405, "no operation"),
        ("/animals", "GET", None, 404, "no operation"),
    ],
)
def test_a_stand_in_refuses_what_does_not_fit(
    url: str, path: str, method: str, body: bytes | None, status: int, detail: str
) -> None:
    """What the contract does not allow is refused, with the place and the rule."""
    given, problem = asked(url + path, method, body)
    assert given == status
    assert detail in problem["detail"]


def test_a_fault_may_be_asked_for(url: str) -> None:
    """Who develops against a system sees the answers that are rare."""
    assert asked(f"{url}/people/1", Prefer="code=410") == (410, {"why": "moved"})


def test_every_system_of_the_model_province_can_be_stood_in_for(home: Home) -> None:
    """SOAP and REST systems alike, also where a transform lies between; what only sends is refused with what there
    is."""
    for system in ("population.register", "his.provincial-hospital", "civil-status.justice", "archive.province"):
        with mocked(home, MODEL, system, 0) as endpoint:
            assert endpoint.endswith(system)
    with pytest.raises(QueryInvalid), mocked(home, MODEL, "one-stop.province", 0):
        pass
