"""Transforms that read or write what is not there are found before any message is lost to them."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from documents.check import check_folder

Build = Callable[..., Path]
TODAY = date(2026, 11, 22)
EXCHANGE = "civil/exchange.yaml"
XSD = """\
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:s" elementFormDefault="qualified">
  <xs:element name="Ask"><xs:complexType><xs:sequence>
    <xs:element name="So" type="xs:string"/>
    <xs:element name="Muc" minOccurs="0" maxOccurs="9"><xs:complexType><xs:sequence>
      <xs:element name="Ma" type="xs:string"/></xs:sequence></xs:complexType></xs:element>
  </xs:sequence></xs:complexType></xs:element>
</xs:schema>
"""
TO_XML = 'language: mapping\nto: {format: xml, schema: s.xsd, element: "{urn:s}Ask"}\nfields: '


def told(folder: Path) -> list[str]:
    return [str(problem) for problem in check_folder(folder, TODAY).errors]


@pytest.mark.parametrize(
    ("form", "path", "place"),
    [
        ("nummer", "nummer", "/fields/So"),
        ("{from: nummer, default: x}", "nummer", "/fields/So/from"),
        ("{firstOf: [sort, nummer]}", "nummer", "/fields/So/firstOf/1"),
        ('{concat: [nummer, " - ", sort]}', "nummer", "/fields/So/concat/0"),
        ("{when: \"sort == 'a'\", then: /nummer, else: sort}", "nummer", "/fields/So/then"),
        ("{from: ., fields: {x: nummer}}", "nummer", "/fields/So/fields/x"),
        ("{each: number, item: ../nummer}", "nummer", "/fields/So/item"),
    ],
)
def test_path_that_the_contract_does_not_have(province: Build, form: str, path: str, place: str) -> None:
    """A path that leads nowhere in the contract's request is told at its own line, with what was probably meant, even
    where the field would just be left out."""
    folder = province({EXCHANGE: ("{So: number,", f"{{So: {form},")})
    (error,) = (each for each in told(folder) if "question-out" in each)
    assert error.startswith("civil/exchange.yaml:")
    assert f"what question-out reads has no {path}: did you mean `number`?" in error
    assert error.endswith(f"[{place}]")


def test_path_of_an_open_contract(province: Build) -> None:
    """Where the contract allows fields that it does not name, a path may lead to them."""
    schema = "schemas/question.json"
    folder = province({schema: ('"additionalProperties": false, ', ""), EXCHANGE: ("{So: number,", "{So: nummer,")})
    assert not [each for each in told(folder) if "reads has no" in each]


@pytest.mark.parametrize(
    ("fields", "key", "there", "place"),
    [
        ("{Sso: number}", "Sso", "did you mean `So`?", "/fields/Sso"),
        ("{So: number, Muc: {each: sort, fields: {Mma: .}}}", "Muc[*].Mma", "did you mean `Ma`?", "/Muc/fields/Mma"),
        ("{So: {fields: {x: number}}}", "So.x", "there is none.", "/fields/So/fields/x"),
    ],
)
def test_key_that_the_receiver_does_not_have(province: Build, fields: str, key: str, there: str, place: str) -> None:
    """A field without a place in the receiver's XML is told by its name, with what was probably meant."""
    old = "language: mapping\nfields: {So: number, Loai: {from: sort, codeList: sorts}}"
    folder = province({EXCHANGE: (old, TO_XML + fields), "s.xsd": XSD})
    (error,) = (each for each in told(folder) if "question-out" in each)
    assert f"what question-out writes has no {key}: {there}" in error
    assert error.endswith(f"{place}]")


def test_what_fits_is_not_told(province: Build) -> None:
    """A transform whose every name is there has no problem."""
    old = "language: mapping\nfields: {So: number, Loai: {from: sort, codeList: sorts}}"
    fields = "{So: number, Muc: {each: sort, fields: {Ma: .}}}"
    folder = province({EXCHANGE: (old, TO_XML + fields), "s.xsd": XSD})
    assert not [each for each in told(folder) if "question-out" in each]
