"""`lgsp inbox`: what people do in the place of a system that fetches its messages."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from routes.inbox import NACKS
from tests.flows.test_command import Ran, run
from tests.process import up

DOCUMENTS = """\
kind: Agency
code: H99
name: {vi: Tỉnh, en: Province}
---
kind: System
name: sender
agency: H99
adapter: rest
---
kind: System
name: archive
agency: H99
adapter: inbox
---
kind: Contract
name: test.question
version: 1.0.0
title: {vi: Câu hỏi, en: Question}
owner: H99
exchange: document
request: {format: json, schema: any.json}
---
kind: Route
contract: test.question@1
to: archive
---
kind: Grant
contract: test.question@1
system: sender
may: send
purpose: Thử
legalBasis: Quy chế
---
kind: Grant
contract: test.question@1
system: archive
may: receive
purpose: Thử
legalBasis: Quy chế
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A served bus with a system that fetches."""
    folder = tmp_path_factory.mktemp("inbox")
    (folder / "province").mkdir()
    (folder / "province" / "documents.yaml").write_text(DOCUMENTS, encoding="utf-8")
    (folder / "province" / "any.json").write_text('{"type": "object"}', encoding="utf-8")
    (folder / "body.json").write_text('{"n": 1}', encoding="utf-8")
    assert run("apply", folder / "province", "--yes", "--data", folder / "data").status == 0
    with up(folder / "data"):
        yield folder / "data"


def inbox(data: Path, *arguments: object) -> Ran:
    return run("inbox", *arguments, "--as", "archive", "--data", data)


def sent_and_fetched(data: Path) -> dict[str, Any]:
    assert run("send", "test.question", data.parent / "body.json", "--as", "sender", "--data", data).status == 0
    (item,) = inbox(data, "fetch", "--wait", 10, "--json").json()
    return dict(item)


def test_looked_at_fetched_and_acknowledged(data: Path) -> None:
    """What is sent is seen, fetched with its body, and gone once it is acknowledged; to look takes nothing."""
    assert "an empty inbox" in inbox(data, "list").out
    item = sent_and_fetched(data)
    assert item["body"] == {"n": 1}
    (row,) = inbox(data, "list", "--json").json()
    assert (row["delivery"], row["state"], row["attempts"]) == (item["id"], "delivering", 1)
    assert inbox(data, "ack", item["id"], "--attempt", 1).status == 0
    assert json.loads(inbox(data, "list", "--json").out) == []
    assert "an empty inbox" in inbox(data, "fetch").out


def test_given_back(data: Path) -> None:
    """What is given back for good is a dead letter; what is not right is refused, with the reason on the screen."""
    item = sent_and_fetched(data)
    wrong = inbox(data, "nack", item["id"], "--reason", "tired")
    assert (wrong.status, "query-invalid" in wrong.out) == (1, True)
    late = inbox(data, "ack", item["id"], "--attempt", 7)
    assert (late.status, "lease-ended" in late.out) == (1, True)
    assert inbox(data, "nack", item["id"], "--reason", "invalid", "--no-retry").status == 0
    (letter,) = run("dead", "list", "--json", "--data", data).json()
    assert (letter["delivery"], letter["code"]) == (item["id"], "nack-invalid")


def test_reasons_are_told(data: Path) -> None:
    """The command's help names every reason that there is."""
    said = " ".join(inbox(data, "nack", "--help").out.split())
    assert all(reason in said for reason in NACKS)
