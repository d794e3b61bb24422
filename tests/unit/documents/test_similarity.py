"""Contracts that are nearly equal are found, whatever their fields are called; others are not."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from bench.similarity import MODEL, judged, model, varied
from cli import app
from documents import describing
from documents.describing import described
from documents.fields import GLOSSARY, Field, fields_of, meaning, named
from documents.load import load
from documents.similarity import Contracts, Described, likeness

PROVINCE = Path(__file__).parents[3] / "provinces" / "model"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("NgaySinh", "birthDate"),
        ("ngay_sinh", "Ngày sinh"),
        ("HO_TEN", "fullName"),
        ("diaChi", "Địa chỉ"),
        ("IDNumber", "id-number"),
        ("diagnoses", "ChanDoan"),
        ("MaSoThue", "taxCode"),
        ("HTTPStatus", "http_status"),
    ],
)
def test_names_mean_the_same(one: str, other: str) -> None:
    """A name is its words, with or without diacritics, in either language, however they are joined."""
    assert meaning(one) == meaning(other)


@given(st.text())
def test_any_name_has_a_meaning(name: str) -> None:
    """No name is too strange to be compared."""
    assert all(word == word.lower() for word in meaning(name))
    assert likeness(named((name,)), named((name,))) in {0.0, 1.0}


def test_types_places_and_codes_count() -> None:
    """Of two fields of one name, the one of the same type at the same place is more alike; equal codes make up for
    another name."""
    asked = named(("patient", "code"), "string")
    assert likeness(asked, named(("patient", "code"), "string")) == 1.0
    assert likeness(asked, named(("ward", "code"), "string")) < 1.0
    assert likeness(asked, named(("patient", "code"), "integer")) < 1.0
    codes = frozenset({"male", "female", "unknown"})
    assert likeness(named(("sexCode",), "string", "", codes), named(("kind",), "string", "", codes)) > 0.6
    assert likeness(named(("sexCode",), "string"), named(("kind",), "string")) == 0.0


def test_fields_of_a_schema() -> None:
    """Members are found through references, lists and alternatives; a schema that holds itself ends."""
    schema = {
        "properties": {
            "who": {"$ref": "#/$defs/person"},
            "lines": {"type": "array", "items": {"properties": {"amount": {"type": "number"}}}},
            "when": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
        },
        "$defs": {
            "person": {
                "properties": {
                    "name": {"type": "string"},
                    "sex": {"enum": ["m", "f"]},
                    "boss": {"$ref": "#/$defs/person"},
                }
            }
        },
    }
    found = {str(each): each for each in fields_of(schema, {}, "x.json")}
    assert set(found) == {"who/name", "who/sex", "lines/amount", "when"}
    assert found["when"].format == "date"
    assert found["who/sex"].codes == {"m", "f"}


def test_what_was_read_is_remembered_until_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second look reads no schema that is as it was, and finds the same; one that has changed is read again, and a
    file that holds something else is as good as none."""
    folder, file = shutil.copytree(MODEL, tmp_path / "province"), tmp_path / "fields.json"
    first = [each for _, each in described(load(folder).documents)]
    assert [each for _, each in described(load(folder).documents, file)] == first

    with monkeypatch.context() as patch:
        read: list[str] = []

        def reading(_schema: object, _resources: object, path: str) -> list[Field]:
            read.append(path)
            return []

        patch.setattr(describing, "fields_of", reading)
        assert [each for _, each in described(load(folder).documents, file)] == first
        assert read == []
        schema = folder / "health" / "schemas" / "patient-referral.json"
        schema.write_text(schema.read_text().replace('"ward"', '"department"'))
        assert [each for _, each in described(load(folder).documents, file)] != first
        assert read == ["health/schemas/patient-referral.json"]

    for text in ("[]", "{", '{"a": 1}'):
        file.write_text(text)
        assert [each.key for _, each in described(load(folder).documents, file)] == [each.key for each in first]


def test_labelled_set() -> None:
    """Among a thousand contracts, each variation of one finds that one, and hardly anything else."""
    chance = Random(7)
    known = model()
    contracts = Contracts([*known, *strangers(chance, 1_000 - len(known))])
    for _ in range(5):
        figures = judged(contracts, known, chance)
        assert figures["recall"] >= 0.8, figures
        assert figures["precision"] >= 0.8, figures


def strangers(chance: Random, count: int) -> Iterator[Described]:
    """Contracts with names of the kind that every contract has, and some of their own."""
    common = sorted({concept.title().replace(" ", "") for concept in GLOSSARY.values()})
    rare = [f"{chance.choice(common)}{chance.choice('bcdghklmnpt')}{number:x}" for number in range(600)]
    for number in range(count):
        names = [*chance.sample(common, chance.randrange(2, 7)), *chance.sample(rare, chance.randrange(2, 9))]
        fields = tuple(named((chance.choice(common), name), "string") for name in names)
        yield Described(f"stranger-{number}", meaning(f"stranger {number}"), fields)


def test_itself_and_nothing() -> None:
    """A contract is not near itself, and one without fields is near nothing."""
    known = model()
    contracts = Contracts(known)
    for each in known:
        assert each.key not in {found.key for found in contracts.nearest(each, 10, near=0.0)}
    assert contracts.nearest(Described("empty", frozenset(), ())) == []


def test_share_and_lack_are_whole() -> None:
    """Every field that is asked for is either there, once, or lacking."""
    chance = Random(3)
    known = model()
    foreign = [named(("strange", f"thing{number}")) for number in range(9)]
    for base in known:
        asked = varied(base, chance, foreign)
        for near in Contracts(known).nearest(asked, near=0.0):
            assert {one for one, _ in near.shared} | set(near.lacking) == set(asked.fields)
            assert len({other for _, other in near.shared}) == len(near.shared)
            assert 0.0 <= near.share <= 1.0


def test_command(tmp_path: Path) -> None:
    """A department's draft in its own words is told which contract has it, of whom, and how to ask; the plan says so
    too, and the report of use has every contract."""
    store = ("--data", str(tmp_path / "data"))
    assert CliRunner().invoke(app, ["apply", str(PROVINCE), "--yes", *store]).exit_code == 0
    draft = tmp_path / "draft"
    draft.mkdir()
    names = ("SoPhieu", "LyDo", "CapCuu")
    person = '{"properties": {"HoTen": {}, "NgaySinh": {}, "GioiTinh": {}, "SoDinhDanh": {}, "DienThoai": {}}}'
    listed = ", ".join(f'"{name}": {{"type": "string"}}' for name in names)
    diagnosis = '{"type": "array", "items": {"properties": {"Ma": {}, "Ten": {}}}}'
    (draft / "c.json").write_text(f'{{"properties": {{{listed}, "BenhNhan": {person}, "ChanDoan": {diagnosis}}}}}')
    (draft / "c.yaml").write_text(
        "kind: Contract\nname: clinic.chuyen-tuyen\nversion: 1.0.0\ntitle: {vi: Chuyển tuyến}\nowner: H99.05\n"
        "exchange: document\nrequest: {format: json, schema: c.json}\n"
    )
    told = CliRunner().invoke(app, ["contract", "similar", "clinic.chuyen-tuyen", "--folder", str(draft), *store])
    assert told.exit_code == 0
    assert told.stdout.splitlines()[1].startswith("health.patient-referral@1")
    assert "BenhNhan/NgaySinh = patient/birthDate" in told.stdout
    assert "contract: health.patient-referral@1" in told.stdout
    whole = tmp_path / "whole"
    shutil.copytree(PROVINCE, whole)
    shutil.copytree(draft, whole / "clinic")
    (whole / "clinic" / "c.yaml").write_text((draft / "c.yaml").read_text().replace("c.json", "clinic/c.json"))
    planned = CliRunner().invoke(app, ["apply", str(whole), "--dry-run", *store])
    assert "of it is what health.patient-referral@1 of H99.05" in planned.stdout
    used = CliRunner().invoke(app, ["contract", "reuse", *store])
    assert "population.citizen-lookup@1" in used.stdout
