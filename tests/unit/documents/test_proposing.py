"""Mappings proposed by names and types."""

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.errors import BusError, ContractUnknown, QueryInvalid, VersionUnknown
from documents.check import check_folder
from documents.load import load
from documents.outline import Node, outline
from documents.proposals import Order, propose_bounded
from documents.proposing import CodeList, Proposal, propose
from transforms.mapping import Mapping, compile_mapping

NAMES = (
    *("birthDate", "HoTen", "gender", "diaChi", "phone", "cccd", "tinh", "huyen", "xa", "coQuan", "hoSo", "ma"),
    *("trangThai", "lyDo", "ghiChu", "soTien", "soLuong", "chanDoan", "benhNhan", "quocTich", "danToc", "tonGiao"),
    *("father", "mother", "thuaDat", "dienTich", "mst", "company", "giayPhep", "ngayCap", "ketQua", "vehicle"),
)


def shape(properties: dict[str, Any], *required: str) -> Node:
    return outline({"type": "object", "properties": properties, "required": list(required)}, {}, "a.json")


def compiled(proposal: Proposal, lists: tuple[CodeList, ...] = ()) -> Mapping:
    entries = {each.name: each.entries for each in lists}
    return compile_mapping("proposed", proposal.fields, code_lists=entries, views=lambda *_: pytest.fail("a view"))


STRING = {"type": "string"}
PERSON = shape(
    {
        "patient": {"type": "object", "properties": {"fullName": STRING, "birthDate": {**STRING, "format": "date"}}},
        "gender": {"enum": ["male", "female"]},
        "fee": {"type": "string"},
        "diagnoses": {"type": "array", "items": {"type": "object", "properties": {"code": STRING, "note": STRING}}},
        "phones": {"type": "array", "items": STRING},
        "agency": STRING,
    }
)
MESSAGE = {
    "patient": {"fullName": "Lê Mẫu", "birthDate": "1990-02-15"},
    "gender": "female",
    "fee": "1500",
    "diagnoses": [{"code": "J18", "note": "a"}, {"code": "I10"}],
    "phones": ["1", "2"],
    "agency": "H57",
}


def test_names_types_dates_codes_and_lists_find_each_other() -> None:
    """A mapping is made of what is alike in two languages, with the conversions that the schemas ask for."""
    target = shape(
        {
            "HoTen": STRING,
            "NgaySinh": {**STRING, "pattern": "^[0-9]{2}/[0-9]{2}/[0-9]{4}$"},
            "GioiTinh": {"enum": ["1", "2"]},
            "LePhi": {"type": "number"},
            "DSChanDoan": {"type": "array", "items": {"type": "object", "properties": {"Ma": STRING, "DonVi": STRING}}},
            "DienThoai": {"type": "array", "items": STRING},
            "PhienBan": {"const": "2"},
            "BenhVien": STRING,
            "GhiChuThem": STRING,
        },
        *("HoTen", "PhienBan", "BenhVien"),
    )
    lists = (CodeList("gender", {"male": "1", "female": "2"}),)
    proposal = propose(PERSON, target, lists)
    assert compiled(proposal, lists)(MESSAGE) == {
        "HoTen": "Lê Mẫu",
        "NgaySinh": "15/02/1990",
        "GioiTinh": "2",
        "LePhi": 1500,
        "DSChanDoan": [{"Ma": "J18", "DonVi": "H57"}, {"Ma": "I10", "DonVi": "H57"}],
        "DienThoai": ["1", "2"],
        "PhienBan": "2",
    }
    assert proposal.lacking == ["/BenhVien"]
    assert proposal.open == ["/GhiChuThem"]
    assert proposal.sure["HoTen",] == "likely (0.85): /patient/fullName"
    assert proposal.fields["HoTen"] == {"from": "patient.fullName", "required": True}


def test_what_stands_in_a_list_is_not_taken_for_one_value() -> None:
    """A single value is not made of many: the person is told where its like stands."""
    proposal = propose(PERSON, shape({"chanDoan": {"type": "object", "properties": {"ma": STRING}}}, "chanDoan"))
    assert proposal.fields == {}
    assert proposal.open == ["/chanDoan/ma (its like, /diagnoses/code, stands in a list)"]


def test_codes_that_differ_are_said() -> None:
    """Without a code list the value is copied, and the comment says that it needs one."""
    proposal = propose(PERSON, shape({"gioiTinh": {"enum": ["1", "2"]}}))
    assert proposal.fields == {"gioiTinh": "gender"}
    assert proposal.sure["gioiTinh",].endswith("the codes differ (female, male …): it needs a codeList")


def test_codes_find_each_other_by_a_list_whatever_they_are_called() -> None:
    """The only field from whose codes a list leads to the target's is taken, in either direction."""
    there, back = shape({"a1": {"enum": ["x", "y"]}}), shape({"b2": {"enum": ["8", "9"]}})
    lists = (CodeList("letters", {"x": "8", "y": "9"}),)
    assert propose(there, back, lists).fields == {"b2": {"from": "a1", "codeList": "letters"}}
    assert propose(back, there, lists).fields == {"a1": {"from": "b2", "codeList": "letters", "reverse": True}}


def test_a_schema_that_contains_itself_is_followed_once() -> None:
    """Recursion ends, and what lies before it is there."""
    schema = {"$ref": "#/$defs/P", "$defs": {"P": {"properties": {"name": STRING, "mother": {"$ref": "#/$defs/P"}}}}}
    node = outline(schema, {}, "a.json")
    assert propose(node, node).fields["name"] == "name"


@st.composite
def samples(draw: Callable[[Any], Any]) -> tuple[dict[str, Any], Any]:
    """A schema, each of whose names stands once, and a message of it in which everything is there."""
    names = iter(draw(st.permutations(NAMES)))

    def value(depth: int) -> tuple[dict[str, Any], Any]:
        kind = draw(st.sampled_from(["string", "integer", "boolean", *(["object", "list"] if depth < 3 else [])]))
        if kind == "object":
            return several(depth)
        if kind == "list":
            items, item = several(depth) if draw(st.booleans()) else value(4)
            return {"type": "array", "items": items}, [item, item]
        return {"type": kind}, draw(
            {"string": st.text(max_size=3), "integer": st.integers(0, 9)}.get(kind, st.booleans())
        )

    def several(depth: int) -> tuple[dict[str, Any], Any]:
        made = {name: value(depth + 1) for _, name in zip(range(draw(st.integers(1, 3))), names, strict=False)}
        if not made:
            return value(4)
        schema = {"type": "object", "properties": {name: each for name, (each, _) in made.items()}}
        return {**schema, "required": list(made)}, {name: each for name, (_, each) in made.items()}

    return several(0)


@given(samples())
def test_a_shape_is_its_own_like(sample: tuple[dict[str, Any], Any]) -> None:
    """From a schema to itself everything is proposed, and the mapping gives every message back."""
    schema, message = sample
    node = outline(schema, {}, "a.json")
    proposal = propose(node, node)
    assert (proposal.lacking, proposal.open, proposal.unused) == ([], [], [])
    assert compiled(proposal)(message) == message


MODEL = Path(__file__).parents[3] / "provinces" / "model"
HOSPITAL = "health/benh-vien.wsdl#{urn:h99:benh-vien}TiepNhanChuyenTuyenRequest"


def test_a_proposal_is_a_document_that_passes_a_check(tmp_path: Path) -> None:
    """What is written, comments and all, is a transform among the province's others, and says what it lacks."""
    documents = load(MODEL).documents
    found = propose_bounded(documents, Order("health.patient-referral@1.0.0", HOSPITAL, "referral-proposed"))
    assert "      HoTen: patient.name  # likely (" in found.text
    assert "# must be there, and has no like:\n#   /@PhienBan\n" in found.text
    assert "/@PhienBan" in found.proposal.lacking
    folder = shutil.copytree(MODEL, tmp_path / "province")
    (folder / "proposed.yaml").write_text(found.text, encoding="utf-8")
    assert [each for each in check_folder(folder, date(2026, 11, 25)).errors if "proposed" in str(each)] == []


@pytest.mark.parametrize(
    ("source", "target", "error"),
    [
        ("no.such", HOSPITAL, ContractUnknown),
        ("health.patient-referral@9", HOSPITAL, VersionUnknown),
        ("health.patient-referral#fault", HOSPITAL, QueryInvalid),
        ("health.patient-referral", "health/benh-vien.wsdl", QueryInvalid),
        ("health.patient-referral", "health/benh-vien.wsdl#{urn:none}X", QueryInvalid),
    ],
)
def test_what_is_not_there_is_said(source: str, target: str, error: type[BusError]) -> None:
    """An end that leads nowhere is an error that says what there is."""
    with pytest.raises(error):
        propose_bounded(load(MODEL).documents, Order(source, target, "proposed"))
