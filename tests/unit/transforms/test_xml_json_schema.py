"""The JSON Schema of the JSON view of XML."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.envelope import Body, Format
from contracts.json_schema import JsonSchemaValidator
from contracts.json_schema_check import check_schema
from contracts.xsd import XsdDocuments
from transforms.xml_view import XmlView

XSD = """<x:schema xmlns:x="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:t" xmlns:t="urn:t"
  elementFormDefault="qualified">
  <x:element name="Form" type="t:Form"><x:annotation><x:documentation>A
     form.</x:documentation></x:annotation></x:element>
  <x:complexType name="Form"><x:sequence>
    <x:element name="code" type="t:Code"/>
    <x:element name="count" type="x:int" nillable="true"/>
    <x:element name="big" type="x:integer" minOccurs="0"/>
    <x:element name="price" minOccurs="0"><x:simpleType><x:restriction base="x:decimal">
      <x:minInclusive value="0"/><x:maxExclusive value="100"/></x:restriction></x:simpleType></x:element>
    <x:element name="sex" type="t:Sex" minOccurs="0"/>
    <x:element name="day" type="x:date" minOccurs="0"/>
    <x:element name="marks" type="t:Marks" minOccurs="0"/>
    <x:element name="note" maxOccurs="3"><x:complexType><x:simpleContent><x:extension base="x:string">
      <x:attribute name="lang" type="x:language" use="required"/></x:extension></x:simpleContent></x:complexType>
      </x:element>
    <x:choice><x:element name="phone" type="x:string"/><x:sequence><x:element name="street" type="x:string"/>
      <x:element name="town" type="x:string" minOccurs="0"/></x:sequence></x:choice>
    <x:element name="part" type="t:Form" minOccurs="0" maxOccurs="unbounded"/>
  </x:sequence></x:complexType>
  <x:simpleType name="Code"><x:restriction base="t:Word"><x:pattern value="A.*"/></x:restriction></x:simpleType>
  <x:simpleType name="Word"><x:restriction base="x:string"><x:maxLength value="4"/>
    <x:pattern value="[A-Z]+"/><x:pattern value="[A-Z]\\d$"/></x:restriction></x:simpleType>
  <x:simpleType name="Sex"><x:restriction base="x:int"><x:enumeration value="1"/><x:enumeration value="2"/>
    </x:restriction></x:simpleType>
  <x:simpleType name="Marks"><x:restriction><x:simpleType><x:list itemType="x:int"/></x:simpleType>
    <x:maxLength value="2"/></x:restriction></x:simpleType>
</x:schema>"""
LEAST = {"code": "A", "count": 1, "note": [{"@lang": "vi", "$": "x"}], "phone": "1"}


@pytest.fixture(scope="module")
def view() -> XmlView:
    return XmlView(XsdDocuments({"a.xsd": XSD.encode()}, ["a.xsd"]), "{urn:t}Form")


@pytest.fixture(scope="module")
def validator(view: XmlView) -> JsonSchemaValidator:
    schema, _ = view.json_schema()
    assert check_schema(schema, {"a.json": schema}, path="a.json") == []
    return JsonSchemaValidator(schema, {"a.json": schema}, path="a.json")


def wrong(validator: JsonSchemaValidator, value: object) -> list[str]:
    return [each.rule for each in validator.check(Body(Format.JSON, orjson.dumps(value)))[1]]


def test_it_is_described_as_the_schema_describes_it(view: XmlView) -> None:
    """What an author wrote of an element stands in the JSON Schema."""
    assert view.json_schema()[0]["description"] == "A form."


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"code": "AB"},
        {"count": None},
        {"big": 10**18},
        {"big": "9" * 30},
        {"price": 99.5},
        {"sex": 2},
        {"day": "2026-11-25Z"},
        {"marks": [1, 2]},
        {"phone": None, "street": "x"},
        {"phone": None, "street": "x", "town": "y"},
        {"part": [LEAST, LEAST]},
    ],
)
def test_what_the_view_takes_fits(view: XmlView, validator: JsonSchemaValidator, change: dict[str, Any]) -> None:
    """A view that can be written fits the schema, and so does what is read of the XML again."""
    value = {key: each for key, each in {**LEAST, **change}.items() if each is not None or key == "count"}
    assert wrong(validator, value) == []
    assert wrong(validator, view.decode(view.encode(value))) == []


@pytest.mark.parametrize(
    "change",
    [
        {"code": "B"},
        {"code": "ABCDE"},
        {"code": "a"},
        {"code": None},
        {"count": 2**40},
        {"count": "1"},
        {"big": "1x"},
        {"price": 100},
        {"price": -1},
        {"sex": 3},
        {"day": "25/11/2026"},
        {"marks": [1, 2, 3]},
        {"note": []},
        {"note": [{"@lang": "vi", "$": "x"}] * 4},
        {"note": [{"$": "x"}]},
        {"street": "x"},
        {"phone": None},
        {"phone": None, "town": "y"},
        {"part": LEAST},
        {"part": [{"code": "A"}]},
        {"other": 1},
    ],
)
def test_what_the_schema_forbids_does_not_fit(validator: JsonSchemaValidator, change: dict[str, Any]) -> None:
    """Types, facets, bounds, choices and names are the XSD's."""
    value = {key: each for key, each in {**LEAST, **change}.items() if each is not None}
    assert wrong(validator, value)


def test_what_it_cannot_say_is_told() -> None:
    """A pattern that JSON Schema has no words for is left out, and told."""
    xsd = """<x:schema xmlns:x="http://www.w3.org/2001/XMLSchema"><x:element name="a"><x:simpleType>
      <x:restriction base="x:string"><x:pattern value="\\i\\c*"/></x:restriction></x:simpleType></x:element>
      </x:schema>"""
    schema, left_out = XmlView(XsdDocuments({"a.xsd": xsd.encode()}, ["a.xsd"]), "a").json_schema()
    assert left_out == ("/a: pattern",)
    assert schema["type"] == "string"


@given(st.dictionaries(st.sampled_from([*LEAST, "big", "price", "sex", "day", "marks", "street", "town"]), st.none()))
def test_it_forbids_nothing_that_is_left_out_rightly(
    view: XmlView, validator: JsonSchemaValidator, without: dict[str, None]
) -> None:
    """Whatever is left out: what fits the schema can be written."""
    whole = {**LEAST, "big": 1, "price": 1.5, "sex": 1, "day": "2026-11-25", "marks": [1]}
    value = {key: each for key, each in whole.items() if key not in without}
    if not wrong(validator, value):
        assert view.encode(value)
