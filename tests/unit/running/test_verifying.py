"""A live system held against its contracts: here a stand-in, which keeps to them or does not."""

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from bus.errors import QueryInvalid
from bus.settings import read_settings
from running.apply import apply_folder
from running.home import Home
from running.stand_in import Answered, Asked, standing_in
from running.verifying import verified

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
  look-up: {method: GET, path: "/people/{id}", repeatable: true}
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
faults: {gone: {status: 410}}
examples: {valid: [question.example.json]}
---
kind: Contract
name: civil.add
version: 1.0.0
title: {vi: Thêm, en: Add}
owner: H98
exchange: document
request: {format: json, schema: person.json}
examples: {valid: [person.example.json]}
---
{kind: Route, contract: civil.look-up@1, to: civil.status, operation: look-up}
---
{kind: Route, contract: civil.add@1, to: civil.status, operation: add}
---
{kind: Grant, contract: civil.look-up@1, system: civil.status, may: receive, purpose: Hỏi, legalBasis: Luật}
---
{kind: Grant, contract: civil.add@1, system: civil.status, may: receive, purpose: Ghi, legalBasis: Luật}
"""
FILES = {
    "documents.yaml": DOCUMENTS,
    "question.json": '{"type": "object", "required": ["id"]}',
    "question.example.json": '{"id": "12"}',
    "person.json": '{"type": "object", "required": ["name"], "properties": {"name": {"minLength": 2}}}',
    "person.example.json": '{"name": "An"}',
}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    folder = tmp_path / "province"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    made = Home(read_settings(data=tmp_path / "data"), "user:test")
    made.prepare()
    assert apply_folder(made, folder).done
    yield made
    made.close()


@pytest.mark.parametrize(
    ("answer", "verdict", "why"),
    [
        (Answered(200, b'{"name": "An"}'), "conforms", ""),
        (Answered(200, b'{"name": "A"}'), "breaks", "/name minLength 2"),
        (Answered(410, b"{}"), "fault", "gone"),
        (Answered(500, b"{}"), "failed", "http-500"),
    ],
)
def test_an_answer_is_judged_by_its_contract(home: Home, answer: Answered, verdict: str, why: str) -> None:
    """An answer that keeps to the contract conforms, a declared fault is one, another answer breaks it and says where;
    what may change something is left out."""
    with standing_in({"civil.status": lambda _: answer}) as endpoints:
        found = {each.operation: each for each in verified(home, "civil.status", endpoint=endpoints["civil.status"])}
    assert (found["look-up"].verdict, found["add"].verdict) == (verdict, "left out")
    assert why in found["look-up"].why


def test_what_may_change_something_is_called_where_somebody_says_so(home: Home) -> None:
    """With writes every operation is called by its example."""
    asked: list[Asked] = []

    def answer(each: Asked) -> Answered:
        asked.append(each)
        return Answered(200, b'{"name": "An"}')

    with standing_in({"civil.status": answer}) as endpoints:
        found = verified(home, "civil.status", writes=True, endpoint=endpoints["civil.status"])
    assert {each.verdict for each in found} == {"conforms"}
    assert {(each.method, each.path) for each in asked} == {("GET", "/people/12"), ("POST", "/people")}
    assert orjson.loads(next(each.body for each in asked if each.method == "POST")) == {"name": "An"}


def test_a_system_that_nobody_calls_is_said_to_be_none(home: Home) -> None:
    """A name that is none is answered with the names that there are."""
    with pytest.raises(QueryInvalid) as refused:
        verified(home, "civil.state")
    assert "civil.status" in refused.value.text
