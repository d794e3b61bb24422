"""Checking a province: what documents say of one another, and what they carry."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from documents.check import check, check_folder, check_folder_bounded
from documents.load import load
from documents.problems import Severity
from identity.secrets import Secrets

Build = Callable[..., Path]
TODAY = date(2026, 11, 22)
EXCHANGE = "civil/exchange.yaml"


def test_a_right_province_has_no_problem(province: Build) -> None:
    """Names lead somewhere, schemas and transforms compile, examples and tests hold: nothing is said."""
    report = check_folder(province(), TODAY)
    assert report.problems == ()
    assert report.ok
    assert check(load(province()).documents, TODAY).problems == ()


@pytest.mark.parametrize(
    ("file", "old", "new", "place", "words"),
    [
        # what documents say of one another
        (
            "agencies.yaml",
            "parent: H98",
            "parent: H97",
            "agencies.yaml:8",
            "there is no agency H97: did you mean `H98`?",
        ),
        ("agencies.yaml", "en: Province}", "en: P}\nparent: H98.01", "agencies.yaml:4", "parent leads in a circle"),
        ("systems.yaml", "agency: H98.01", "agency: H98.02", "systems.yaml:8", "there is no agency H98.02"),
        (
            "systems.yaml",
            "endpoint: https://register.example.internal/api\n",
            "",
            f"{EXCHANGE}:14",
            "has no `endpoint`",
        ),
        ("systems.yaml", "code != '0'", "code != ", "systems.yaml:15", "is not"),
        (EXCHANGE, "owner: H98.01", "owner: H98.03", f"{EXCHANGE}:5", "there is no agency H98.03"),
        (EXCHANGE, "to: register", "to: registry", f"{EXCHANGE}:14", "no system registry: did you mean `register`?"),
        (EXCHANGE, "operation: ask", "operation: tell", f"{EXCHANGE}:15", "no operation tell: there is ask."),
        (
            EXCHANGE,
            "request: question-out",
            "request: question",
            f"{EXCHANGE}:16",
            "no transform question: did you mean",
        ),
        (EXCHANGE, "faults: {unknown: unknown-back}", "faults: {odd: unknown-back}", f"{EXCHANGE}:16", "no fault odd"),
        (EXCHANGE, "codeList: sorts", "codeList: sort", f"{EXCHANGE}:25", "did you mean `sorts`?"),
        (
            EXCHANGE,
            "system: register\nmay: receive",
            "system: register\nmay: send",
            f"{EXCHANGE}:14",
            "no grant to receive",
        ),
        (EXCHANGE, "system: shop", "system: shops", f"{EXCHANGE}:43", "no system shops: did you mean `shop`?"),
        (EXCHANGE, "operation: ask", "when: 'a >'", f"{EXCHANGE}:15", "a >"),
        (EXCHANGE, "operation: ask", "orderBy: number", f"{EXCHANGE}:15", "not a JSON Pointer"),
        (EXCHANGE, "subject: /number", "subject: number", f"{EXCHANGE}:7", "not a JSON Pointer"),
        (EXCHANGE, "personalData: [/number]", "personalData: [a]", f"{EXCHANGE}:7", "not a JSON Pointer"),
        # what they carry
        (
            "schemas/question.json",
            '"object"',
            '"objekt"',
            f"{EXCHANGE}:7",
            "#/type: `objekt` is none of array, boolean, integer, null, number, object, string: did you mean `object`?",
        ),
        (
            "schemas/question.json",
            "terms.json#",
            "term.json#",
            f"{EXCHANGE}:7",
            "no schema among the documents lies at",
        ),
        ("schemas/question.json", '"required"', "required", f"{EXCHANGE}:7", "not JSON"),
        ("examples/question.json", '"number"', '"numer"', f"{EXCHANGE}:10", "must pass, but: /"),
        ("examples/empty.json", "{}", '{"number": "1"}', f"{EXCHANGE}:10", "must be refused, but passes"),
        ("tests/question.json", '"01"', '"1"', f"{EXCHANGE}:18", 'at /Loai: "01" was made, "1" is expected'),
        ("tests/question.json", '"So"', '"Số"', f"{EXCHANGE}:18", "at /Số: nothing was made"),
        ("tests/answer.json", "true", '"yes"', f"{EXCHANGE}:19", "becomes breaks the contract: /found type boolean"),
        ("tests/answer.json", "true", "", f"{EXCHANGE}:19", "cannot be converted: The body is not JSON"),
        ("tests/fault.json", "none", "some", f"{EXCHANGE}:20", "at /reason"),
        (EXCHANGE, "{found: Co}", "{found: {from: Co, date: dd}}", f"{EXCHANGE}:30", "dd"),
    ],
)
def test_each_mistake_is_found_where_it_stands(
    province: Build, file: str, old: str, new: str, place: str, words: str
) -> None:
    """One mistake is said at its line, with what to do, and makes the province unfit to apply."""
    report = check_folder(province({file: (old, new)}), TODAY)
    found = [problem for problem in report.errors if words in problem.message]
    assert [f"{problem.file}:{problem.line}" for problem in found][:1] == [place], report.problems
    assert not report.ok


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {EXCHANGE: ("legalBasis: NĐ 1\n", "legalBasis: NĐ 1\nvalidUntil: 2026-11-21\n")},
            "this grant ended on 2026-11-21",
        ),
        ({"agencies.yaml": ("parent: H98", "validUntil: 2026-01-01\nsuccessor: H98")}, "its successor is H98"),
        ({"x.yaml": "kind: Transform\nname: x\nlanguage: mapping\nfields: {a: b}\n"}, "nothing uses the transform x"),
        ({"x.yaml": "kind: CodeList\nname: x\nentries: {a: b}\n"}, "no transform uses the code list x"),
        ({EXCHANGE: ("valid: [examples/question.json], ", "")}, "there is no valid example"),
        ({"systems.yaml": ('fault: {"7": unknown}', 'fault: {"7": odd}')}, "the operation says the fault odd"),
        ({"systems.yaml": (', fault: {"7": unknown}', "")}, "register cannot say the fault unknown"),
    ],
)
def test_what_is_merely_odd_is_a_warning(
    province: Build, changes: dict[str, tuple[str, str] | str], words: str
) -> None:
    """A warning is said and keeps nobody from applying."""
    report = check_folder(province(changes), TODAY)
    assert any(words in problem.message for problem in report.warnings), report.problems
    assert report.ok


def test_a_contract_without_a_route_is_a_warning(province: Build) -> None:
    """A contract may be agreed before anybody receives it; until then its messages are refused."""
    text = (province() / EXCHANGE).read_text().partition("---")[0].replace("civil.question", "civil.other")
    report = check_folder(province({"other.yaml": text}), TODAY)
    assert [problem.severity for problem in report.problems] == [Severity.WARNING]
    assert "no route leads civil.other@1 anywhere" in report.problems[0].message


def test_a_request_with_two_receivers_says_when_each_is_meant(province: Build) -> None:
    """A request goes to one system: without conditions, nobody knows to which."""
    text = """\
kind: System
name: second
agency: H98.01
adapter: rest
endpoint: https://second.example.internal
---
kind: Route
contract: civil.question@1
to: second
---
kind: Grant
contract: civil.question@1
system: second
may: receive
purpose: Đáp
legalBasis: NĐ 1
"""
    report = check_folder(province({"second.yaml": text}), TODAY)
    assert [problem.file for problem in report.errors] == [EXCHANGE, "second.yaml"]
    conditional = text.replace("to: second\n", "to: second\nwhen: sort == 'long'\n")
    changes = {"second.yaml": conditional, EXCHANGE: ("operation: ask", "operation: ask\nwhen: sort != 'long'")}
    assert check_folder(province(changes, "again"), TODAY).ok


def test_what_is_written_but_wrong_is_not_said_to_be_missing(province: Build) -> None:
    """A mistake in a system does not make everything that names the system wrong."""
    report = check_folder(province({"systems.yaml": ("adapter: rest\nendpoint", "adapter: REST\nendpoint")}), TODAY)
    assert [f"{problem.file}:{problem.line}" for problem in report.errors] == ["systems.yaml:9"]


def test_a_broken_transform_is_said_once(province: Build) -> None:
    """A transform's mistake is said where the transform is written, not again at each route."""
    report = check_folder(province({EXCHANGE: ("So: number", "So: {from: number, wenn: 1}")}), TODAY)
    assert {problem.line for problem in report.errors} == {25}


def test_secrets_that_are_not_set_are_warnings(province: Build, tmp_path: Path) -> None:
    """Whoever applies is told which secret to set, and for which agency."""
    secrets = Secrets(tmp_path / "secrets")
    (problem,) = check_folder(province(), TODAY, secrets).problems
    assert "lgsp secret set H98.01 register-password" in problem.message
    secrets.set("H98.01", "register-password", "x")
    assert check_folder(province(), TODAY, secrets).problems == ()


def test_checking_in_a_child_process_finds_the_same(province: Build) -> None:
    """Registration compiles in a child of bounded time and memory, and hears what it found."""
    folder = province({"tests/question.json": ('"01"', '"1"')})
    assert check_folder_bounded(folder, TODAY).problems == check_folder(folder, TODAY).problems


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schemas/question.json": None}, "there is no file schemas/question.json: did you mean"),
        (
            {"schemas/question.json": '{\n"type" "object"}'},
            "the schema schemas/question.json is not JSON (RFC 8259): see its line 2,",
        ),
    ],
)
def test_schema_that_cannot_be_read_is_told_once(province: Build, changes: dict[str, str | None], message: str) -> None:
    """A schema that is missing or no JSON is one problem, where the contract names it, in its own lines."""
    (error,) = check_folder(province(changes), TODAY).errors
    assert (error.file, error.line, error.path) == ("civil/exchange.yaml", 7, "/request/schema")
    assert error.message.startswith(message)


@pytest.mark.parametrize("change", [("operation: ask", "operatoin: ask"), ("language: mapping", "langauge: mapping")])
def test_document_that_cannot_be_read_is_not_missed(province: Build, change: tuple[str, str]) -> None:
    """What only seems unused, because the document that uses it holds a typing error, is not told of."""
    report = check_folder(province({"civil/exchange.yaml": change}), TODAY)
    assert len(report.errors) <= 2
    assert not report.warnings
