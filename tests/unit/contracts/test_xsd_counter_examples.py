"""A document for each break of an XML Schema."""

import pytest

from bus.envelope import Body, Format
from contracts.compatibility import Covered, Verdict
from contracts.xsd import XsdDocuments, XsdValidator
from contracts.xsd_compatibility import covers
from contracts.xsd_counter_examples import with_example

SCHEMA = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:c="urn:c" targetNamespace="urn:c"
 elementFormDefault="qualified"><xs:element name="Case"><xs:complexType><xs:sequence>
 <xs:element name="Name"><xs:simpleType><xs:restriction base="xs:string"><xs:maxLength value="20"/></xs:restriction>
 </xs:simpleType></xs:element>
 <xs:element name="Code"><xs:simpleType><xs:restriction base="xs:string"><xs:pattern value="[0-9]{9}"/></xs:restriction>
 </xs:simpleType></xs:element>
 <xs:element name="Kind"><xs:simpleType><xs:restriction base="xs:string"><xs:enumeration value="a"/>
  <xs:enumeration value="b"/></xs:restriction></xs:simpleType></xs:element>
 <xs:element name="Fee" minOccurs="0"><xs:simpleType><xs:restriction base="xs:decimal"><xs:fractionDigits value="2"/>
  <xs:maxInclusive value="500"/></xs:restriction></xs:simpleType></xs:element>
 <xs:element name="Page" type="xs:int" minOccurs="0" maxOccurs="40"/>
 <xs:choice><xs:element name="Mail" type="xs:string"/><xs:element name="Phone" type="xs:string" nillable="true"/>
 </xs:choice>
 <xs:element name="Part" type="c:Part" minOccurs="0"/>
 </xs:sequence><xs:attribute name="id" type="xs:token" use="required"/><xs:attribute name="by" type="xs:string"/>
 </xs:complexType></xs:element>
 <xs:complexType name="Part"><xs:sequence><xs:element name="Part" type="c:Part" minOccurs="0"/>
 <xs:element name="Day" type="xs:date" minOccurs="0"/></xs:sequence></xs:complexType></xs:schema>"""

ROOT = "{urn:c}Case"


def documents(schema: str) -> XsdDocuments:
    return XsdDocuments({"c.xsd": schema.encode()}, ["c.xsd"])


def shown(wide: XsdDocuments, narrow: XsdDocuments) -> Covered:
    return with_example(covers(wide, narrow, ROOT), wide, narrow, ROOT)


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ('<xs:maxLength value="20"/>', '<xs:maxLength value="15"/>', "/Case/Name"),
        ('value="[0-9]{9}"', 'value="[0-9]{12}"', "/Case/Code"),
        ('<xs:enumeration value="b"/>', "", "/Case/Kind"),
        ('<xs:fractionDigits value="2"/>', '<xs:fractionDigits value="1"/>', "/Case/Fee"),
        ('<xs:maxInclusive value="500"/>', '<xs:maxInclusive value="499.5"/>', "/Case/Fee"),
        ('maxOccurs="40"', 'maxOccurs="39"', "/Case/Page"),
        ('type="xs:int"', 'type="xs:short"', "/Case/Page"),
        ('<xs:element name="Mail" type="xs:string"/>', "", "/Case/Mail"),
        (' nillable="true"', "", "/Case/Phone"),
        ('type="xs:date"', 'type="xs:dateTime"', "/Case/Part/Day"),
        ('name="by" type="xs:string"', 'name="by" type="xs:string" use="required"', "/Case/@by"),
        ('<xs:attribute name="by" type="xs:string"/>', "", "/Case/@by"),
        ('element name="Case"', 'element name="Dossier"', ""),
    ],
)
def test_a_break_is_shown_by_a_document(old: str, new: str, place: str) -> None:
    """The document is right by the former schema and wrong by the new one, for the reason that comes first."""
    assert old in SCHEMA
    wide, narrow = documents(SCHEMA.replace(old, new, 1)), documents(SCHEMA)
    found = shown(wide, narrow)
    assert found.verdict is Verdict.BREAKING
    assert found.findings[0].place == place
    assert found.example is not None
    body = Body(Format.XML, found.example)
    assert XsdValidator(narrow, ROOT).check(body)[1] == []
    assert XsdValidator(wide, ROOT).check(body)[1] != []
    assert shown(wide, narrow) == found


def test_what_is_compatible_or_only_written_otherwise_has_no_example() -> None:
    """Two patterns for the same texts stay unknown: every document that was tried is right by both."""
    narrow = documents(SCHEMA)
    same, wider = (documents(SCHEMA.replace("[0-9]{9}", each)) for each in ("[0-9]{4}[0-9]{5}", "[0-9]{9}|X"))
    assert (shown(same, narrow).verdict, shown(same, narrow).example) == (Verdict.UNKNOWN, None)
    assert shown(wider, narrow).example is None
    assert shown(narrow, narrow) == Covered(Verdict.COMPATIBLE)
