"""Whether one XML Schema allows every document that another allows."""

import pytest

from bus.envelope import Body, Format
from contracts.compatibility import Verdict
from contracts.xsd import XsdDocuments, XsdValidator
from contracts.xsd_compatibility import covers

SCHEMA = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="urn:c" targetNamespace="urn:c"
 elementFormDefault="qualified"><xs:element name="Case"><xs:complexType><xs:sequence>
 <xs:element name="Name" type="Name"/>
 <xs:element name="Kind"><xs:simpleType><xs:restriction base="xs:string"><xs:enumeration value="a"/>
  <xs:enumeration value="b"/></xs:restriction></xs:simpleType></xs:element>
 <xs:element name="Page" type="xs:int" minOccurs="0" maxOccurs="5"/>
 <xs:choice><xs:element name="Mail" type="xs:string"/><xs:element name="Phone" type="xs:string"/></xs:choice>
 <xs:element name="Part" type="Part" minOccurs="0"/>
 </xs:sequence><xs:attribute name="id" type="xs:token" use="required"/><xs:attribute name="by" type="xs:string"/>
 </xs:complexType></xs:element>
 <xs:simpleType name="Name"><xs:restriction base="xs:string"><xs:maxLength value="20"/></xs:restriction></xs:simpleType>
 <xs:complexType name="Part"><xs:sequence><xs:element name="Part" type="Part" minOccurs="0"/></xs:sequence>
 </xs:complexType></xs:schema>"""


def documents(schema: str) -> XsdDocuments:
    return XsdDocuments({"c.xsd": schema.encode()}, ["c.xsd"])


def held(new: str, old: str) -> tuple[Verdict, list[tuple[str, str]]]:
    found = covers(documents(new), documents(old), "{urn:c}Case")
    return found.verdict, [(each.place, each.rule) for each in found.findings]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"xs:int"', '"xs:long"'),
        ('"xs:int"', '"xs:string"'),
        ('maxOccurs="5"', 'maxOccurs="unbounded"'),
        ('<xs:maxLength value="20"/>', '<xs:maxLength value="30"/>'),
        ('<xs:maxLength value="20"/>', ""),
        ('use="required"', 'use="optional"'),
        ('<xs:enumeration value="b"/>', '<xs:enumeration value="b"/><xs:enumeration value="c"/>'),
        (
            '<xs:element name="Kind">',
            '<xs:element name="Note" type="xs:string" minOccurs="0"/><xs:element name="Kind">',
        ),
        ('<xs:element name="Phone"', '<xs:element name="Fax" type="xs:string"/><xs:element name="Phone"'),
        ('<xs:attribute name="by"', '<xs:attribute name="on" type="xs:date"/><xs:attribute name="by"'),
        ("xs:schema xmlns:xs", "xs:schema version='2' xmlns:xs"),
    ],
)
def test_what_widens_is_compatible(old: str, new: str) -> None:
    """What allows more allows everything that was allowed."""
    assert old in SCHEMA
    assert held(SCHEMA.replace(old, new, 1), SCHEMA) == (Verdict.COMPATIBLE, [])


@pytest.mark.parametrize(
    ("old", "new", "place", "rule"),
    [
        ('"xs:int"', '"xs:short"', "/Case/Page", "minInclusive"),
        ('"xs:int"', '"xs:date"', "/Case/Page", "type"),
        ('maxOccurs="5"', 'maxOccurs="4"', "/Case/Page", "maxOccurs"),
        ('<xs:maxLength value="20"/>', '<xs:maxLength value="10"/>', "/Case/Name", "maxLength"),
        ('<xs:enumeration value="b"/>', "", "/Case/Kind", "enumeration"),
        ('<xs:element name="Mail" type="xs:string"/>', "", "/Case/Mail", "unknown-element"),
        (
            '<xs:element name="Kind">',
            '<xs:element name="Note" type="xs:string"/><xs:element name="Kind">',
            "/Case/Note",
            "required",
        ),
        ('name="by" type="xs:string"', 'name="by" type="xs:string" use="required"', "/Case/@by", "required"),
        ('<xs:attribute name="by" type="xs:string"/>', "", "/Case/@by", "attribute"),
        (
            'type="Part" minOccurs="0"/>\n </xs:sequence><xs:attribute',
            'type="Part"/>\n </xs:sequence><xs:attribute',
            "/Case/Part",
            "minOccurs",
        ),
    ],
)
def test_what_narrows_is_breaking(old: str, new: str, place: str, rule: str) -> None:
    """What was allowed and is not any more breaks, and the place says where."""
    assert old in SCHEMA
    verdict, found = held(SCHEMA.replace(old, new, 1), SCHEMA)
    assert verdict is Verdict.BREAKING
    assert (place, rule) in found


def test_another_order_is_breaking() -> None:
    """A sequence in another order refuses what the former one asks for."""
    name, kind = '<xs:element name="Name" type="Name"/>', '<xs:element name="Flag" type="xs:boolean"/>'
    old, new = (SCHEMA.replace(name, each) for each in (name + kind, kind + name))
    assert held(new, old)[0] is Verdict.BREAKING


def test_a_pattern_that_changes_is_unknown() -> None:
    """Expressions are not held against each other: somebody must say."""
    old, new = (
        SCHEMA.replace('<xs:maxLength value="20"/>', f'<xs:pattern value="{each}"/>') for each in ("[a-c]+", "[abc]+")
    )
    assert held(new, old) == (Verdict.UNKNOWN, [("/Case/Name", "pattern")])


LISTS = SCHEMA.replace('"xs:int"', '"Numbers"', 1).replace(
    '<xs:simpleType name="Name">',
    '<xs:simpleType name="Numbers"><xs:list><xs:simpleType><xs:restriction base="xs:decimal"/></xs:simpleType>'
    '</xs:list></xs:simpleType><xs:simpleType name="Name">',
)


@pytest.mark.parametrize(
    ("old", "new", "verdict"),
    [
        ('maxLength value="20"', 'maxLength value="30"', Verdict.COMPATIBLE),
        ('base="xs:decimal"', 'base="xs:string"', Verdict.COMPATIBLE),
        ('base="xs:decimal"', 'base="xs:integer"', Verdict.BREAKING),
        ("<xs:list>", "<xs:union>", Verdict.UNKNOWN),
    ],
)
def test_lists_are_held_by_their_items(old: str, new: str, verdict: Verdict) -> None:
    """Items of a type without a name too; a list that becomes something else is unknown."""
    assert old in LISTS
    wide = LISTS.replace(old, new).replace("</xs:list>", "</xs:union>" if "union" in new else "</xs:list>")
    assert held(wide, LISTS)[0] is verdict


def test_what_may_be_absent_with_all_around_it_may_be_asked_for() -> None:
    """An element that stands alone in an optional sequence may be absent either way."""
    old = SCHEMA.replace("<xs:choice>", '<xs:sequence minOccurs="0">').replace("</xs:choice>", "</xs:sequence>")
    old = old.replace('<xs:element name="Mail" type="xs:string"/>', "").replace(
        'name="Phone"', 'name="Phone" minOccurs="0"'
    )
    assert held(old.replace('name="Phone" minOccurs="0"', 'name="Phone"'), old) == (Verdict.COMPATIBLE, [])


def test_what_a_member_of_a_union_refuses_is_unknown() -> None:
    """Another member may take it: only an example can show a break."""
    union = '<xs:simpleType name="Name"><xs:union memberTypes="xs:string xs:int"/></xs:simpleType>'
    start = SCHEMA.index('<xs:simpleType name="Name">')
    old = SCHEMA[:start] + union + SCHEMA[SCHEMA.index("</xs:simpleType>", start) + len("</xs:simpleType>") :]
    assert held(old.replace("xs:string xs:int", "xs:string xs:short"), old)[0] is Verdict.UNKNOWN


def test_whole_numbers_are_not_all_numbers() -> None:
    """A decimal that becomes an integer refuses 1.5, though both are decimals at bottom."""
    old = SCHEMA.replace('"xs:int"', '"xs:decimal"')
    assert held(SCHEMA.replace('"xs:int"', '"xs:integer"'), old) == (Verdict.BREAKING, [("/Case/Page", "type")])


def test_a_root_that_is_gone_is_breaking() -> None:
    """A schema without the root refuses every document."""
    assert held(SCHEMA.replace('name="Case"', 'name="Dossier"'), SCHEMA)[0] is Verdict.BREAKING


@pytest.mark.parametrize("schema", [SCHEMA, SCHEMA.replace('"xs:int"', '"xs:long"')])
def test_the_schemas_of_these_tests_are_used(schema: str) -> None:
    """A document that both allow passes both."""
    body = b'<Case xmlns="urn:c" id="1"><Name>A</Name><Kind>a</Kind><Page>1</Page><Mail>m</Mail></Case>'
    assert XsdValidator(documents(schema), "{urn:c}Case").check(Body(Format.XML, body))[1] == []
