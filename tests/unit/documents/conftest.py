"""A small province of our own, which tests break in one place at a time."""

from collections.abc import Callable
from pathlib import Path

import pytest

AGENCIES = """\
kind: Agency
code: H98
name: {vi: Tỉnh, en: Province}
---
kind: Agency
code: H98.01
name: {vi: Sở, en: Department}
parent: H98
"""

SYSTEMS = """\
kind: System
name: shop
agency: H98
adapter: rest
---
kind: System
name: register
agency: H98.01
adapter: rest
endpoint: https://register.example.internal/api
auth: {scheme: basic, username: bus, password: secret:register-password}
operations:
  ask:
    path: /ask
    failure: {when: "code != '0'", code: code, fault: {"7": unknown}}
"""

EXCHANGE = """\
kind: Contract
name: civil.question
version: 1.0.0
title: {vi: Câu hỏi, en: Question}
owner: H98.01
exchange: request
request: {format: json, schema: schemas/question.json, subject: /number, personalData: [/number]}
reply: {format: json, schema: schemas/answer.json}
faults: {unknown: {schema: schemas/unknown.json}}
examples: {valid: [examples/question.json], invalid: [examples/empty.json]}
---
kind: Route
contract: civil.question@1
to: register
operation: ask
transform: {request: question-out, reply: answer-back, faults: {unknown: unknown-back}}
tests:
  - {input: examples/question.json, output: tests/question.json}
  - {reply: tests/answer.json, output: tests/answered.json}
  - {reply: tests/fault.json, fault: unknown, output: tests/unknown.json}
---
kind: Transform
name: question-out
language: mapping
fields: {So: number, Loai: {from: sort, codeList: sorts}}
---
kind: Transform
name: answer-back
language: mapping
fields: {found: Co}
---
kind: Transform
name: unknown-back
language: mapping
fields: {reason: LyDo}
---
kind: CodeList
name: sorts
entries: {short: 01, long: "02"}
---
kind: Grant
contract: civil.question@1
system: shop
may: send
purpose: Hỏi
legalBasis: NĐ 1
---
kind: Grant
contract: civil.question@1
system: register
may: receive
purpose: Đáp
legalBasis: NĐ 1
"""

FILES = {
    "agencies.yaml": AGENCIES,
    "systems.yaml": SYSTEMS,
    "civil/exchange.yaml": EXCHANGE,
    "schemas/question.json": """{"type": "object", "required": ["number"], "additionalProperties": false, "properties":
        {"number": {"$ref": "terms.json#/$defs/number"}, "sort": {"type": "string"}}}""",
    "schemas/terms.json": """{"$defs": {"number": {"type": "string", "maxLength": 12}}}""",
    "schemas/answer.json": """{"type": "object", "required": ["found"],
        "properties": {"found": {"type": "boolean"}}}""",
    "schemas/unknown.json": """{"type": "object", "properties": {"reason": {"type": "string"}}}""",
    "examples/question.json": """{"number": "000000000001", "sort": "short"}""",
    "examples/empty.json": "{}",
    "tests/question.json": """{"So": "000000000001", "Loai": "01"}""",
    "tests/answer.json": """{"code": "0", "Co": true}""",
    "tests/answered.json": """{"found": true}""",
    "tests/fault.json": """{"code": "7", "LyDo": "none"}""",
    "tests/unknown.json": """{"reason": "none"}""",
    "notes.md": "not a document",
}


@pytest.fixture(scope="session")
def files() -> dict[str, str]:
    """The province's files, unbroken."""
    return dict(FILES)


Build = Callable[..., Path]


@pytest.fixture
def province(tmp_path: Path) -> Build:
    """Write the province, with ``{file: (old, new)}`` replaced in it, or ``{file: text}`` added, None taken away."""

    def build(changes: dict[str, tuple[str, str] | str | None] | None = None, name: str = "province") -> Path:
        files = dict(FILES)
        for path, change in (changes or {}).items():
            if change is None:
                del files[path]
            elif isinstance(change, str):
                files[path] = change
            else:
                old, new = change
                assert old in files[path]
                files[path] = files[path].replace(old, new, 1)
        folder = tmp_path / name
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        return folder

    return build
