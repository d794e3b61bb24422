"""`lgsp contract diff`, and versions that follow those of the store."""

import json
import re
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from bus.errors import ContractUnknown, VersionUnknown
from bus.settings import read_settings
from documents.load import load
from running import contracts
from running.apply import apply_folder
from running.home import Home

DOCUMENTS = """kind: Agency
code: H98
name: {vi: Tỉnh, en: Province}
---
kind: Contract
name: civil.question
version: 1.0.0
title: {vi: Hỏi, en: Ask}
owner: H98
exchange: document
request: {format: json, schema: first.json}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "province"
    made.mkdir()
    (made / "first.json").write_text('{"type": "object"}', encoding="utf-8")
    (made / "second.json").write_text('{"type": "object", "required": ["a"]}', encoding="utf-8")
    (made / "documents.yaml").write_text(DOCUMENTS, encoding="utf-8")
    return made


def second(folder: Path, version: str) -> None:
    """The folder with another version in the place of the first."""
    text = DOCUMENTS.replace("1.0.0", version).replace("first.json", "second.json")
    (folder / "documents.yaml").write_text(text, encoding="utf-8")


def test_a_version_is_held_against_the_one_in_the_store(folder: Path, tmp_path: Path) -> None:
    """A folder that no longer has the former version breaks it no less: only the next major may be applied."""
    home = Home(read_settings(data=tmp_path / "data"), "user:test")
    try:
        home.prepare()
        assert apply_folder(home, folder).done
        second(folder, "1.1.0")
        refused = apply_folder(home, folder)
        assert not refused.done
        assert any("1.1.0 breaks senders of 1.0.0" in each.message for each in refused.problems)
        second(folder, "2.0.0")
        assert apply_folder(home, folder).done
        found = contracts.compared(contracts.documents_of(home, None), "civil.question@1.0.0", "civil.question@2.0.0")
        assert found.allowed
    finally:
        home.close()


def test_the_answer_is_for_people_and_for_programs(folder: Path) -> None:
    """Both name the verdicts, the parts and an example."""
    text = DOCUMENTS + "---" + re.split("---", DOCUMENTS)[1].replace("1.0.0", "1.1.0").replace("first", "second")
    (folder / "documents.yaml").write_text(text, encoding="utf-8")
    documents = load(folder).documents
    found = contracts.compared(documents, "civil.question@1.0.0", "civil.question@1.1.0")
    shown, programs = StringIO(), StringIO()
    contracts.show(Console(file=shown, width=200), found, json=False)
    assert "breaking for senders, compatible for receivers" in shown.getvalue()
    assert "make it 2.0.0" in shown.getvalue()
    contracts.show(Console(file=programs, width=10_000), found, json=True)
    told = json.loads(programs.getvalue())
    assert (told["senders"], told["receivers"], told["allowed"]) == ("breaking", "compatible", False)
    (broken,) = [each for each in told["changes"] if each["verdict"] == "breaking"]
    assert json.loads(broken["example"]) == {}


def test_what_is_not_there_cannot_be_compared(folder: Path) -> None:
    """A contract or a version that nobody wrote is said to be unknown."""
    documents = load(folder).documents
    with pytest.raises(ContractUnknown):
        contracts.compared(documents, "civil.answer@1.0.0", "civil.question@1.0.0")
    with pytest.raises(VersionUnknown):
        contracts.compared(documents, "civil.question@1.0.0", "civil.question@1.1.0")
