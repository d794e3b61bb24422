"""Messages of a former contract, migrated to the receivers of the one that follows it."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bus.envelope import Body, Format
from documents.check import check_folder
from documents.compile import Compiled, compile_documents
from documents.load import load
from documents.problems import Severity
from documents.trying import Attempt, try_bounded
from transforms.apart.pool import Pool

Build = Callable[..., Path]
TODAY = date(2026, 11, 25)
FORMER, NEXT = "civil.question@1", "civil.question@2"
FILES = "attachments: {mediaTypes: [application/pdf]}"
SECOND = """\
kind: Contract
name: civil.question
version: 2.0.0
title: {vi: Câu hỏi, en: Question}
owner: H98.01
exchange: request
request: {format: json, schema: schemas/question-2.json}
reply: {format: json, schema: schemas/answer-2.json}
faults: {unknown: {schema: schemas/unknown.json}}
examples: {valid: [examples/question-2.json]}
migrates:
  from: civil.question@1
  request: question-1-2
  reply: answer-2-1
  tests:
    - {input: examples/question.json, output: examples/question-2.json}
    - {reply: tests/answered-2.json, output: tests/answered.json}
---
{kind: Transform, name: question-1-2, language: mapping, fields: {id: number, sort: sort}}
---
{kind: Transform, name: answer-2-1, language: mapping, fields: {found: known}}
"""
MORE = {
    "civil/second.yaml": SECOND,
    "schemas/question-2.json": """{"type": "object", "required": ["id"], "additionalProperties": false, "properties":
        {"id": {"type": "string"}, "sort": {"type": "string"}}}""",
    "schemas/answer-2.json": """{"type": "object", "required": ["known"],
        "properties": {"known": {"type": "boolean"}}}""",
    "examples/question-2.json": """{"id": "000000000001", "sort": "short"}""",
    "tests/answered-2.json": """{"known": true}""",
}


@pytest.fixture
def pool() -> Iterator[Pool]:
    with Pool() as pool:
        yield pool


def moved(files: dict[str, str]) -> str:
    """The exchange of the province, its receiver moved to the second major."""
    text = files["civil/exchange.yaml"]
    for old, new in (
        ("kind: Route\ncontract: civil.question@1", "kind: Route\ncontract: civil.question@2"),
        ("contract: civil.question@1\nsystem: register", "contract: civil.question@2\nsystem: register"),
        ("input: examples/question.json", "input: examples/question-2.json"),
        ("output: tests/answered.json", "output: tests/answered-2.json"),
        ("So: number", "So: id"),
        ("found: Co", "known: Co"),
    ):
        assert old in text
        text = text.replace(old, new)
    return text


@pytest.fixture
def build(province: Build, files: dict[str, str]) -> Callable[..., Path]:
    """The province with two majors, of which only the second has a route, and ``{file: (old, new)}`` replaced in it."""

    def made(*changes: tuple[str, str, str]) -> Path:
        written = {**MORE, "civil/exchange.yaml": moved(files)}
        for path, old, new in changes:
            text = written.get(path, files.get(path, ""))
            assert old in text
            written[path] = text.replace(old, new)
        return province(dict(written))

    return made


def compiled(folder: Path, pool: Pool) -> Compiled:
    loaded = load(folder)
    assert loaded.problems == ()
    made, problems = compile_documents(loaded.documents, pool)
    assert problems == ()
    return made


def json(value: object) -> Body:
    return Body(Format.JSON, orjson.dumps(value))


def test_a_migration_that_is_right_is_right(build: Build) -> None:
    """Its tests pass, its transforms are used, and the former contract, which has no route of its own, is told of as
    little as any other."""
    assert [str(each) for each in check_folder(build(), TODAY).problems] == []


@pytest.mark.parametrize(
    ("step", "change"),
    [
        (
            "request",
            ("civil/exchange.yaml", "schema: schemas/question.json", f"schema: schemas/question.json, {FILES}"),
        ),
        ("reply", ("civil/second.yaml", "schema: schemas/answer-2.json", f"schema: schemas/answer-2.json, {FILES}")),
    ],
)
def test_attachments_without_a_place_are_told(build: Build, step: str, change: tuple[str, str, str]) -> None:
    """What may come along with a former message must be what may come along with the new one, and back: files were
    accepted and left away."""
    problems = [each for each in check_folder(build(change), TODAY).problems if "attachments" in each.message]
    assert [(each.file, each.path) for each in problems if "migration" in each.message] == [
        ("civil/second.yaml", f"/migrates/{step}")
    ]


def test_former_messages_go_the_new_way(build: Build, pool: Pool) -> None:
    """The route of the second major is one of the first as well: what is sent becomes what the receiver wants in two
    steps, what it answers comes back in two. Its grant is for the second."""
    (route,) = compiled(build(), pool).routes[FORMER]
    assert (route.system, route.operation, route.reference, route.granted) == ("register", "ask", FORMER, NEXT)
    assert route.request
    assert route.reply
    assert orjson.loads(route.request(json({"number": "1", "sort": "long"})).data) == {"So": "1", "Loai": "02"}
    assert orjson.loads(route.reply(json({"Co": False})).data) == {"found": False}
    assert orjson.loads(route.faults["unknown"](json({"LyDo": "none"})).data) == {"reason": "none"}


def test_both_ways_are_one(build: Build, pool: Pool) -> None:
    """Whatever is sent, the former route makes of it what the new route makes of what the migration makes of it."""
    made = compiled(build(), pool)
    (former,), (new,), (step,) = made.routes[FORMER], made.routes[NEXT], made.migrations

    @settings(max_examples=60, deadline=None)
    @given(
        st.fixed_dictionaries(
            {
                "number": st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12),
                "sort": st.sampled_from(["short", "long"]),
            }
        )
    )
    def holds(message: dict[str, str]) -> None:
        assert former.request
        assert new.request
        assert step.request
        assert former.request(json(message)) == new.request(step.request(json(message)))

    holds()


def test_a_system_with_a_route_of_its_own_keeps_it(build: Build, pool: Pool) -> None:
    """Migration leads only to systems that the former contract does not lead to itself."""
    own = """\
kind: Route
contract: civil.question@1
to: register
operation: ask
---
{kind: Grant, contract: civil.question@1, system: register, may: receive, purpose: Đáp, legalBasis: NĐ 1}
---
"""
    folder = build(("civil/second.yaml", "kind: Contract\n", f"{own}kind: Contract\n"))
    (route,) = compiled(folder, pool).routes[FORMER]
    assert route.granted == ""


def test_conditions_and_orders_are_the_new_contracts(build: Build, pool: Pool) -> None:
    """`when` and `orderBy` are asked of the migrated message; one that cannot be migrated goes, and fails there."""
    folder = build(
        ("civil/exchange.yaml", "operation: ask\n", "operation: ask\nwhen: id == '7'\norderBy: /id\n"),
        ("civil/second.yaml", "sort: sort}", "sort: {from: sort, codeList: sorts}}"),
        ("civil/second.yaml", "- {input: examples/question.json, output: examples/question-2.json}", ""),
    )
    (route,) = compiled(folder, pool).routes[FORMER]
    assert route.condition
    assert route.order_by
    assert route.condition({"number": "7", "sort": "short"})
    assert not route.condition({"number": "8", "sort": "short"})
    assert route.order_by({"number": "7", "sort": "long"}) == "7"
    assert route.condition({"number": "8", "sort": "none"})
    assert route.order_by({"number": "8", "sort": "none"}) is None


def test_steps_follow_one_another(build: Build, pool: Pool) -> None:
    """From the first major through the second to the receivers of the third."""
    third = SECOND.partition("migrates:")[0].replace("2.0.0", "3.0.0") + "migrates: {from: civil.question@2}\n---\n"
    folder = build(
        ("civil/second.yaml", "kind: Contract\n", f"{third}kind: Contract\n"),
        ("civil/exchange.yaml", "kind: Route\ncontract: civil.question@2", "kind: Route\ncontract: civil.question@3"),
        (
            "civil/exchange.yaml",
            "contract: civil.question@2\nsystem: register",
            "contract: civil.question@3\nsystem: register",
        ),
    )
    assert [str(each) for each in check_folder(folder, TODAY).problems] == []
    (route,) = compiled(folder, pool).routes[FORMER]
    assert route.granted == "civil.question@3"
    assert route.request
    assert orjson.loads(route.request(json({"number": "1", "sort": "long"})).data) == {"So": "1", "Loai": "02"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            [("civil/second.yaml", "from: civil.question@1", "from: civil.other@1")],
            "there is no contract civil.other@1",
        ),
        ([("civil/second.yaml", "from: civil.question@1", "from: civil.question@2")], "leads in a circle"),
        (
            [("civil/second.yaml", "request: question-1-2", "request: question-1-3")],
            "there is no transform question-1-3",
        ),
        ([("civil/second.yaml", "{id: number,", "{id: numbers,")], "what question-1-2 reads has no numbers"),
        ([("civil/second.yaml", "{id: number,", "{ids: number,")], "what question-1-2 writes has no ids"),
        ([("civil/second.yaml", "{found: known}", "{found: {value: maybe}}")], "tests/answered-2.json"),
        ([("civil/second.yaml", "unknown.json}}", "unknown.json, status: 404}}")], "by another status or element"),
        ([("civil/second.yaml", "reply: answer-2-1", "reply: answer-2-1\n  faults: {other: answer-2-1}")], "in common"),
        ([("schemas/question-2.json", '"required": ["id"]', '"required": ["id", "why"]')], "becomes a message that"),
        (
            [
                ("civil/exchange.yaml", "operation: ask\n", "operation: ask\norderBy: /id\n"),
                (
                    "civil/second.yaml",
                    "name: question-1-2, language: mapping, fields: {id: number, sort: sort}",
                    'name: question-1-2, language: jsonata, expression: \'{"id": number, "sort": sort}\'',
                ),
            ],
            "only mappings can migrate to it",
        ),
    ],
)
def test_mistakes_are_told(build: Build, changes: list[tuple[str, str, str]], said: str) -> None:
    """Each mistake is an error at its place in the newer contract or its transform."""
    problems = check_folder(build(*changes), TODAY).problems
    errors = [each.message for each in problems if each.severity is Severity.ERROR]
    assert any(said in each for each in errors), errors


def test_a_transform_of_a_migration_is_tried(build: Build) -> None:
    """`lgsp transform try` knows where a migration uses it, and compares with the migration's own test."""
    documents = load(build()).documents
    path = "examples/question.json"
    trial = try_bounded(documents, Attempt("question-1-2", path, documents.files[path]))
    assert trial.use == "civil.question@2 migrates request"
    assert trial.ok
    assert trial.expected
    assert trial.expected.data == documents.files["examples/question-2.json"]
