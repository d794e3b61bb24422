"""Small documents of a schema."""

import pytest

from bus.envelope import Body, Format
from contracts.xsd import XsdDocuments, XsdValidator
from transforms.xml_sample import NoSample
from transforms.xml_view import XmlView

HEAD = '<x:schema xmlns:x="http://www.w3.org/2001/XMLSchema" xmlns:t="urn:t" targetNamespace="urn:t">'


NAMES = (
    *("boolean", "anyURI", "base64Binary", "hexBinary", "date", "dateTime", "time", "duration", "gYear", "gYearMonth"),
    *("gMonth", "gMonthDay", "gDay", "language", "NMTOKEN", "NCName", "positiveInteger", "negativeInteger"),
    *("unsignedByte", "double", "float", "QName"),
)
LOOP = '<x:complexType name="T"><x:sequence><x:element name="b" type="t:T"/></x:sequence></x:complexType>'
MANY = '<x:sequence><x:element name="b" minOccurs="9999" maxOccurs="9999" type="x:int"/></x:sequence>'


def documents(inner: str) -> XsdDocuments:
    return XsdDocuments({"a.xsd": f"{HEAD}{inner}</x:schema>".encode()}, ["a.xsd"])


@pytest.mark.parametrize(
    "facets",
    [
        '<x:restriction base="x:string"><x:pattern value="[A-Z]{2}-\\d{3,5}"/></x:restriction>',
        '<x:restriction base="x:string"><x:pattern value="(AB|C)?[^A]x*"/></x:restriction>',
        '<x:restriction base="x:string"><x:minLength value="12"/></x:restriction>',
        '<x:restriction base="x:string"><x:enumeration value="B"/><x:enumeration value="A"/></x:restriction>',
        '<x:restriction base="x:int"><x:minInclusive value="50"/><x:maxInclusive value="60"/></x:restriction>',
        '<x:restriction base="x:decimal"><x:maxExclusive value="-3"/></x:restriction>',
        '<x:list itemType="x:date"/>',
        *(f'<x:restriction base="x:{name}"/>' for name in NAMES),
    ],
)
def test_a_value_fits_its_type(facets: str) -> None:
    """Of every simple type, a value that it allows."""
    schema = documents(f'<x:element name="a" type="t:T"/><x:simpleType name="T">{facets}</x:simpleType>')
    view = XmlView(schema, "{urn:t}a")
    made = view.encode(view.sample())
    assert XsdValidator(schema, "{urn:t}a").check(Body(Format.XML, made))[1] == []


def test_it_holds_what_must_be_there_and_nothing_else() -> None:
    """Required attributes and elements as often as they must stand, of a choice one branch, none if it may be."""
    schema = documents("""<x:element name="a"><x:complexType><x:sequence>
      <x:element name="twice" type="x:int" minOccurs="2" maxOccurs="5"/><x:element name="never" minOccurs="0"/>
      <x:choice><x:element name="this" type="x:string"/><x:element name="that" type="x:string"/></x:choice>
      <x:choice><x:element name="some" type="x:string"/><x:element name="none" type="x:string" minOccurs="0"/>
      </x:choice></x:sequence><x:attribute name="id" use="required" type="x:int"/><x:attribute name="other"/>
      </x:complexType></x:element>""")
    assert XmlView(schema, "{urn:t}a").sample() == {"@id": 1, "twice": [1, 1], "this": "x"}


@pytest.mark.parametrize(
    "inner",
    [
        f'<x:element name="a" type="t:T"/>{LOOP}',
        f'<x:element name="a"><x:complexType>{MANY}</x:complexType></x:element>',
    ],
)
def test_what_has_no_small_document_has_none(inner: str) -> None:
    """A schema whose documents have no end, or no small one, gives none."""
    with pytest.raises(NoSample):
        XmlView(documents(inner), "{urn:t}a").sample()
