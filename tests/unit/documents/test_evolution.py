"""What a new version of a contract does to those who keep to the former one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest

from contracts.compatibility import Verdict
from documents.evolution import Change, Toward, Version, check_steps, compare, predecessor
from documents.kinds.contract import Attachments, Contract
from documents.load import load
from documents.model import Documents
from documents.shapes import Shapes

OBJECT: Mapping[str, Any] = {"type": "object", "additionalProperties": False, "properties": {"a": {"type": "string"}}}
WIDER: Mapping[str, Any] = {**OBJECT, "properties": {**OBJECT["properties"], "b": {"type": "string"}}}
BASE: Mapping[str, Any] = {
    "kind": "Contract",
    "name": "civil.question",
    "title": {"vi": "Hỏi", "en": "Ask"},
    "owner": "H98",
    "exchange": "request",
}


def documents(folder: Path, *versions: Mapping[str, Any]) -> Documents:
    """Versions 1.0.0, 1.1.0 … of one contract; `request` and `reply` are schemas."""
    texts = []
    for minor, given in enumerate(versions):
        written = {**BASE, "version": f"1.{minor}.0", **given}
        for part in ("request", "reply"):
            name = f"{part}-{minor}.json"
            (folder / name).write_bytes(orjson.dumps(given.get(part, OBJECT)))
            written[part] = {"format": "json", "schema": name}
        texts.append(orjson.dumps(written).decode())
    (folder / "contracts.yaml").write_text("\n---\n".join(texts), encoding="utf-8")
    loaded = load(folder)
    assert not loaded.problems
    return loaded.documents


def compared(folder: Path, old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[list[Change], Verdict, Verdict]:
    made = documents(folder, old, new)
    shapes = Shapes(made.files)
    before, after = (Version(each, shapes, made.files) for _, each in made.of(Contract))
    found = compare(before, after)
    return list(found.changes), found.verdict(Toward.SENDERS), found.verdict(Toward.RECEIVERS)


@pytest.mark.parametrize(
    ("old", "new", "senders", "receivers"),
    [
        ({}, {}, Verdict.COMPATIBLE, Verdict.COMPATIBLE),
        ({}, {"request": WIDER}, Verdict.COMPATIBLE, Verdict.BREAKING),
        ({"request": WIDER}, {}, Verdict.BREAKING, Verdict.COMPATIBLE),
        ({}, {"reply": WIDER}, Verdict.BREAKING, Verdict.COMPATIBLE),
        ({"reply": WIDER}, {}, Verdict.COMPATIBLE, Verdict.BREAKING),
        ({}, {"faults": {"gone": {"status": 410}}}, Verdict.BREAKING, Verdict.COMPATIBLE),
        ({"faults": {"gone": {"status": 410}}}, {}, Verdict.COMPATIBLE, Verdict.BREAKING),
        (
            {"faults": {"gone": {"status": 410}}},
            {"faults": {"gone": {"status": 404}}},
            Verdict.COMPATIBLE,
            Verdict.BREAKING,
        ),
        ({}, {"limits": {"maxBytes": 1000}}, Verdict.BREAKING, Verdict.COMPATIBLE),
        ({}, {"limits": {"maxBytes": 2_000_000}}, Verdict.COMPATIBLE, Verdict.BREAKING),
        ({}, {"exchange": "document"}, Verdict.BREAKING, Verdict.BREAKING),
    ],
)
def test_each_side_is_told_what_concerns_it(
    tmp_path: Path, old: Mapping[str, Any], new: Mapping[str, Any], senders: Verdict, receivers: Verdict
) -> None:
    """What senders write may widen and what they read may narrow; for receivers it is the other way round."""
    assert compared(tmp_path, old, new)[1:] == (senders, receivers)


def test_every_break_of_a_schema_has_an_example(tmp_path: Path) -> None:
    """The example is a body that one of the two versions allows and the other refuses."""
    changes, *_ = compared(tmp_path, {"request": WIDER}, {"reply": WIDER})
    breaks = [each for each in changes if each.verdict is Verdict.BREAKING]
    assert {(each.part, each.toward) for each in breaks} == {("request", Toward.SENDERS), ("reply", Toward.SENDERS)}
    assert all(b'"b"' in (each.example or b"") for each in breaks)


def test_a_break_of_an_xml_schema_has_an_example(tmp_path: Path) -> None:
    """It is the valid example of the contract itself, where the new version refuses that."""
    schema = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="Ask"><xs:complexType>
      <xs:sequence><xs:element name="Note" type="xs:string" minOccurs="0"/></xs:sequence></xs:complexType></xs:element>
      </xs:schema>"""
    body = b"<Ask><Note>12 trang</Note></Ask>"
    texts = []
    for minor, kind in enumerate(("xs:string", "xs:int")):
        (tmp_path / f"ask-{minor}.xsd").write_text(schema.replace("xs:string", kind))
        (tmp_path / f"ask-{minor}.xml").write_bytes(body if minor == 0 else b"<Ask/>")
        request = {"format": "xml", "schema": f"ask-{minor}.xsd", "element": "Ask"}
        given = {"version": f"1.{minor}.0", "request": request, "examples": {"valid": [f"ask-{minor}.xml"]}}
        texts.append(orjson.dumps({**BASE, "exchange": "document", **given}).decode())
    (tmp_path / "contracts.yaml").write_text("\n---\n".join(texts), encoding="utf-8")
    made = load(tmp_path).documents
    before, after = (Version(each, Shapes(made.files), made.files) for _, each in made.of(Contract))
    senders, receivers = compare(before, after).changes
    assert (senders.verdict, senders.example) == (Verdict.BREAKING, body)
    assert (receivers.verdict, receivers.example) == (Verdict.COMPATIBLE, None)


def test_a_break_under_the_same_major_is_an_error(tmp_path: Path) -> None:
    """A version that refuses what its predecessor allowed is told to take the next major."""
    made = documents(tmp_path, {"request": WIDER}, {})
    (problem,) = check_steps(made, Shapes(made.files))
    assert "civil.question 1.1.0 breaks senders of 1.0.0 (request:" in problem.message
    assert problem.message.endswith("make it version 2.0.0.")


def test_the_predecessor_is_the_highest_below(tmp_path: Path) -> None:
    """Versions are numbers: 1.10.0 follows 1.9.0, and nothing of another major."""
    made = documents(tmp_path, *[{} for _ in range(11)])
    eleventh = next(each for _, each in made.of(Contract) if each.version == "1.10.0")
    former = predecessor(made, eleventh)
    assert former is not None
    assert former.version == "1.9.0"
    first = next(each for _, each in made.of(Contract) if each.version == "1.0.0")
    assert predecessor(made, first) is None


def test_attachments_are_of_both_sides(tmp_path: Path) -> None:
    """Of a request senders may widen what they send and receivers what they take; of a reply the other way round."""

    def written(part: str, allowed: Mapping[str, Any] | None) -> Version:
        made = documents(tmp_path, {})
        ((_, contract),) = made.of(Contract)
        payload = getattr(contract, part)
        given = None if allowed is None else Attachments.model_validate(allowed)
        return Version(
            contract.model_copy(update={part: payload.model_copy(update={"attachments": given})}),
            Shapes(made.files),
            made.files,
        )

    narrow, wide = {"max": 1, "mediaTypes": ["a/b"]}, {"max": 2, "mediaTypes": ["a/b", "a/c"]}
    for part, gives, takes in (
        ("request", Toward.SENDERS, Toward.RECEIVERS),
        ("reply", Toward.RECEIVERS, Toward.SENDERS),
    ):
        for old, new, sides in (
            (None, narrow, {takes}),
            (narrow, wide, {takes}),
            (wide, narrow, {gives}),
            (wide, None, {gives}),
            (wide, wide, set()),
            ({"max": 1, "mediaTypes": ["a/b", "a/c"]}, {"max": 2, "mediaTypes": ["a/b"]}, {gives, takes}),
        ):
            found = compare(written(part, old), written(part, new))
            breaks = {each.toward for each in found.changes if each.verdict is Verdict.BREAKING}
            assert (part, old, new, breaks) == (part, old, new, sides)
