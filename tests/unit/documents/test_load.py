"""Reading a province folder."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bus.errors import DocumentInvalid
from documents import kinds
from documents.load import load
from documents.model import Key, Row, of_rows

Build = Callable[..., Path]


def said(folder: Path) -> list[str]:
    return [str(problem) for problem in load(folder).problems]


def test_a_right_folder_is_read_without_a_word(province: Build) -> None:
    """Every document is there by its kind and name, and every file that one names or leads to, and no other."""
    loaded = load(province())
    assert loaded.problems == ()
    assert Key("Contract", "civil.question", "1.0.0") in loaded.documents.by_key
    assert Key("Grant", "civil.question@1/shop/send") in loaded.documents.by_key
    assert "schemas/terms.json" in loaded.documents.files
    assert not {"notes.md", "agencies.yaml"} & set(loaded.documents.files)


def test_codes_are_texts_in_a_code_list(province: Build) -> None:
    """A code that was written without quotes keeps its zero."""
    lists = load(province()).documents.named(kinds.CodeList)
    assert lists["sorts"].entries == {"short": "01", "long": "02"}


def test_documents_survive_the_store(province: Build) -> None:
    """What the store keeps is read back to an equal set, in the same order of fields."""
    documents = load(province()).documents
    again = of_rows(documents.rows(), documents.files)
    assert again == documents
    assert [row.content for row in again.rows()] == [row.content for row in documents.rows()]
    (transform,) = (each for _, each in again.of(kinds.Transform) if each.name == "question-out")
    assert list(transform.fields) == ["So", "Loai"]


@pytest.mark.parametrize(
    "row", [Row("Sytem", "a", "", b"{}"), Row("System", "a", "", b"{"), Row("System", "a", "", b"{}")]
)
def test_rows_that_nobody_wrote_are_refused(row: Row) -> None:
    """A row that is no document is an error that names it, not a traceback."""
    with pytest.raises(DocumentInvalid) as caught:
        of_rows([row], {})
    assert row.kind in caught.value.findings[0].place


@pytest.mark.parametrize(
    ("file", "old", "new", "line", "words"),
    [
        ("systems.yaml", "endpoint", "endpiont", 10, "unknown field `endpiont`: did you mean `endpoint`?"),
        ("systems.yaml", "secret:register-password", "geheim", 11, "never stands in a document"),
        ("systems.yaml", "scheme: basic", "scheme: digest", 11, "the scheme is one of"),
        ("systems.yaml", "username: bus, ", "", 11, "`username` is missing"),
        ("systems.yaml", "adapter: rest", "adapter: REST", 4, "'rest', 'soap' or 'inbox'"),
        ("systems.yaml", "https://register", "ftp://register", 10, "an endpoint is https://"),
        ("systems.yaml", "https://register", "https://bus:pw@register", 10, "an endpoint is https://"),
        ("systems.yaml", "path: /ask", "path: ask", 14, "a path begins with /"),
        ("systems.yaml", "path: /ask", "path: '/ask/{{x}}'", 14, "one pair of braces"),
        ("systems.yaml", "kind: System", "kind: Sytem", 1, "unknown kind `Sytem`: did you mean `System`?"),
        ("systems.yaml", "kind: System\n", "", 1, "`kind` is missing"),
        ("systems.yaml", "name: register", "name: shop", 6, "System shop was already given in systems.yaml:1"),
        ("agencies.yaml", "code: H98.01", "code: h98.01", 6, "one capital letter and two digits"),
        ("agencies.yaml", "code: H98.01", "code: 000.00.01.H98", 6, "as legacyCode"),
        ("agencies.yaml", "name: {vi: Tỉnh, en: Province}", "name: Tỉnh", 3, "write fields here"),
        ("agencies.yaml", "parent: H98", "validFrom: 2027-02-30", 8, "a day is YEAR-MONTH-DAY"),
        ("agencies.yaml", "parent: H98", "successor: H98", 5, "write validUntil"),
        ("agencies.yaml", "parent: H98", "parent: H98.01", 5, "its own parent"),
        ("civil/exchange.yaml", "version: 1.0.0", "version: 1.0", 3, "MAJOR.MINOR.PATCH"),
        ("civil/exchange.yaml", "exchange: request", "exchange: event", 1, "nobody answers an event"),
        ("civil/exchange.yaml", "reply: {format: json, schema: schemas/answer.json}\n", "", 1, "a request is answered"),
        ("civil/exchange.yaml", "format: json", "format: xml", 7, "names its root"),
        (
            "civil/exchange.yaml",
            "schemas/question.json",
            "schemas/qestion.json",
            7,
            "did you mean `schemas/question.json`?",
        ),
        ("civil/exchange.yaml", "schemas/question.json", "../question.json", 7, "without .."),
        ("civil/exchange.yaml", "schemas/question.json", "/etc/passwd", 7, "without .."),
        ("civil/exchange.yaml", "contract: civil.question@1", "contract: civil.question", 13, "NAME@MAJOR"),
        ("civil/exchange.yaml", "input: examples/question.json, ", "", 18, "a test has `input`"),
        ("civil/exchange.yaml", "purpose: Hỏi\n", "", 41, "`purpose` is missing"),
        ("civil/exchange.yaml", "purpose: Hỏi", "purpose: ' '", 45, "write some text"),
    ],
)
def test_each_mistake_is_said_with_its_line_and_what_to_do(
    province: Build, file: str, old: str, new: str, line: int, words: str
) -> None:
    """One mistake, one problem, at the line where it stands."""
    problems = load(province({file: (old, new)})).problems
    assert [(each.file, each.line, words in each.message) for each in problems] == [(file, line, True)]


def test_every_mistake_is_said_at_once(province: Build) -> None:
    """A writer mends all of them in one go."""
    text = """\
kind: System
name: A b
agency: 1
adapter: soap
endpoint: x
limits: {concurrency: 0, ratePerSecond: '5', backlog: many}
operations: [a]
tls: {ca: 5, certificate: pem}
"""
    problems = load(province({"more.yaml": text})).problems
    assert [problem.path for problem in problems] == [
        *("/name", "/agency", "/endpoint", "/tls/certificate"),
        *("/limits/concurrency", "/limits/ratePerSecond", "/limits/backlog", "/operations"),
    ]


def test_what_is_broken_is_remembered_by_name(province: Build) -> None:
    """A document that could not be read is known to be there, so that nobody says it is missing."""
    loaded = load(province({"systems.yaml": ("adapter: rest\nendpoint", "adapter: REST\nendpoint")}))
    assert loaded.broken == {("System", "register")}


def test_a_link_out_of_the_folder_is_not_followed(province: Build, tmp_path: Path) -> None:
    """Neither a document nor a file is read from elsewhere."""
    folder = province({"schemas/answer.json": None})
    (tmp_path / "secret.json").write_text("{}")
    (folder / "schemas" / "answer.json").symlink_to(tmp_path / "secret.json")
    (folder / "z.yaml").symlink_to(tmp_path / "secret.json")
    assert [text.partition(": ")[0] for text in said(folder)] == ["z.yaml", "civil/exchange.yaml:8"]
    assert all("leads out of the province folder" in text for text in said(folder))


def test_hidden_files_and_foreign_ones_are_left_alone(province: Build) -> None:
    """What is not a document is not read."""
    assert said(province({".git/config.yaml": "a: b: c", "run.py": "a: b: c", "__pycache__/x.yaml": "a: b: c"})) == []


def test_a_folder_without_documents_says_so(tmp_path: Path) -> None:
    """An empty folder, or none at all, is a mistake and not an empty province."""
    assert "there is no document here" in said(tmp_path)[0]
    assert "there is no such folder" in said(tmp_path / "nowhere")[0]
