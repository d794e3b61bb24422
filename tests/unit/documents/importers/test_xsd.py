"""XML Schemas become contracts."""

from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli import app
from commands.importing import Kind
from documents.check import check_folder
from documents.importers.report import every_remark
from documents.importers.run import IMPORTERS, Order, Outcome, import_here
from documents.importers.target import Target
from documents.importers.writing import write, written

TODAY = date(2026, 11, 25)
XS = 'xmlns:x="http://www.w3.org/2001/XMLSchema"'
READING = f"""<x:schema {XS} targetNamespace="urn:t" xmlns:t="urn:t">
  <x:include schemaLocation="types.xsd"/>
  <x:element name="Reading" type="t:Reading"><x:annotation><x:documentation>
     Số liệu
     quan trắc </x:documentation></x:annotation></x:element>
  <x:element name="Part" type="x:string"/>
  <x:element name="Never" abstract="true"/>
</x:schema>"""
TYPES = f"""<x:schema {XS} targetNamespace="urn:t" xmlns:t="urn:t"><x:complexType name="Reading"><x:sequence>
  <x:element ref="t:Part"/></x:sequence></x:complexType></x:schema>"""


def imported(folder: Path, **said: object) -> Outcome:
    target = Target("env.sensors", "H98.12", **said)  # type: ignore[arg-type]
    return import_here(Order("xsd", folder, target, TODAY))


@pytest.fixture
def reading(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "reading.xsd").write_text(READING)
    (folder / "types.xsd").write_text(TYPES)
    return folder


def test_each_root_element_becomes_a_contract(reading: Path) -> None:
    """An element that no other refers to and that is not abstract becomes a contract, titled as it is documented."""
    outcome = imported(reading)
    assert outcome.ok
    (contract,) = outcome.imported.of("Contract")
    assert contract["name"] == "env.sensors.reading"
    assert contract["title"] == {"vi": "Số liệu quan trắc", "en": "Số liệu quan trắc"}
    assert contract["request"]["element"] == "{urn:t}Reading"


def test_what_is_written_passes_a_check(reading: Path, tmp_path: Path) -> None:
    """What an import writes into a folder is a province that has no error."""
    outcome = imported(reading, legal_basis="NĐ 1")
    write(tmp_path / "out", written(outcome.imported, "env.sensors/1.0.0"))
    report = check_folder(tmp_path / "out", TODAY)
    assert report.ok
    assert {str(key) for key in report.documents.by_key} == {
        "Agency H98.12",
        "Contract env.sensors.reading 1.0.0",
        "Grant env.sensors.reading@1/env.sensors/send",
        "System env.sensors",
    }
    assert sorted(report.documents.files) == ["env.sensors/1.0.0/reading.xsd", "env.sensors/1.0.0/types.xsd"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("<a/>", "schema-unusable"),
        ("<a", "schema-unusable"),
        (f'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x:schema {XS}>&e;</x:schema>', "schema-unusable"),
        (f"<x:schema {XS}><x:complexType name='T'/></x:schema>", "no-element"),
        (f"<x:schema {XS}><x:element name='a' type='none'/></x:schema>", "schema-unusable"),
        (f"<x:schema {XS}><x:include schemaLocation='http://10.0.0.1/b.xsd'/></x:schema>", "schema-unusable"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_reason(tmp_path: Path, text: str, code: str) -> None:
    """A schema that is broken or leads elsewhere is refused, and its place told."""
    (tmp_path / "a.xsd").write_text(text)
    (note,) = imported(tmp_path).imported.notes
    assert (note.remark.code, note.place) == (code, "a.xsd")


def test_of_several_schemas_one_must_be_named(reading: Path) -> None:
    """Two schemas that do not refer to each other are two imports."""
    (reading / "other.xsd").write_text(READING)
    (note,) = imported(reading).imported.notes
    assert note.remark.code == "entry-several"


def test_the_command_writes_and_then_leaves_what_was_changed(reading: Path, tmp_path: Path) -> None:
    """`--out` writes documents; where they were changed since, it does not write over them unasked."""
    words = [
        "import",
        "xsd",
        str(reading),
        "--system",
        "env.sensors",
        "--agency",
        "H98.12",
        "--out",
        str(tmp_path / "o"),
    ]
    assert CliRunner().invoke(app, words).exit_code == 0
    assert CliRunner().invoke(app, words).exit_code == 0
    contracts = tmp_path / "o/env.sensors/1.0.0/contracts.yaml"
    contracts.write_text(contracts.read_text().replace("quan trắc", "không khí"))
    assert CliRunner().invoke(app, words).exit_code == 1
    assert "không khí" in contracts.read_text()
    assert CliRunner().invoke(app, [*words, "--yes"]).exit_code == 0
    assert "không khí" not in contracts.read_text()


def test_the_command_applies_and_a_second_time_changes_nothing(reading: Path, tmp_path: Path) -> None:
    """Without `--out` the documents go into the store, with what is there; again, nothing changes."""
    words = ["import", "xsd", str(reading), "--system", "env.sensors", "--agency", "H98.12", "--data", str(tmp_path)]
    assert "Applied." in CliRunner().invoke(app, [*words, "--yes"]).output
    assert "Nothing to change." in CliRunner().invoke(app, [*words, "--yes"]).output


def test_each_importer_has_a_word_on_the_command_line() -> None:
    """What `lgsp import` offers is what can be imported."""
    assert {each.value for each in Kind} == set(IMPORTERS)


def test_each_remark_is_said_in_both_languages_with_the_same_facts() -> None:
    """Every remark has its own code, and names the same facts in Vietnamese and in English."""
    import re

    for remark in every_remark():
        assert re.fullmatch("[a-z]+(-[a-z]+)*", remark.code)
        assert set(re.findall(r"\{\w+\}", remark.en)) == set(re.findall(r"\{\w+\}", remark.vi)), remark.code
