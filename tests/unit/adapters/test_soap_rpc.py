"""Operations whose style is rpc, and SOAP encoding."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from adapters.soap.encoded import ITEM, MOST_NODES, Encoding, as_literal
from adapters.soap.envelope import NotSoap, SoapVersion, enclose, open_envelope
from adapters.soap.wsdl import Service, load
from bus.envelope import Body, Format
from contracts.xsd import XsdValidator
from transforms.xml_view import XmlView

XSI = "http://www.w3.org/2001/XMLSchema-instance"
ENC = "http://schemas.xmlsoap.org/soap/encoding/"
WSDL = """<w:definitions xmlns:w="http://schemas.xmlsoap.org/wsdl/" xmlns:s="http://schemas.xmlsoap.org/wsdl/soap/"
  xmlns:x="http://www.w3.org/2001/XMLSchema" xmlns:t="urn:t" xmlns:e="http://schemas.xmlsoap.org/soap/encoding/"
  targetNamespace="urn:t">
  <w:types><x:schema targetNamespace="urn:t"><x:import namespace="http://schemas.xmlsoap.org/soap/encoding/"/>
    <x:complexType name="Person"><x:sequence><x:element name="name" type="{string}"/>
      <x:element name="friends" type="t:People" minOccurs="0"/></x:sequence></x:complexType>
    <x:complexType name="People">{people}</x:complexType>
    <x:element name="Own" type="x:string"/>
  </x:schema></w:types>
  <w:message name="In"><w:part name="who" type="t:Person"/><w:part name="since" type="x:int"/></w:message>
  <w:message name="Out"><w:part name="found" type="t:People"/></w:message><w:message name="None"/>
  <w:portType name="P"><w:operation name="find"><w:input message="t:In"/><w:output message="t:Out"/></w:operation>
    <w:operation name="ping"><w:input message="t:None"/></w:operation>
    <w:operation name="Own"><w:input message="t:None"/></w:operation></w:portType>
  <w:binding name="B" type="t:P"><s:binding style="rpc" transport="http://schemas.xmlsoap.org/soap/http"/>
    {operations}</w:binding>
  <w:service name="S"><w:port name="P" binding="t:B"><s:address location="http://h/"/></w:port></w:service>
</w:definitions>"""
LITERAL_PEOPLE = (
    '<x:sequence><x:element name="person" type="t:Person" minOccurs="0" maxOccurs="unbounded"/></x:sequence>'
)
ARRAY = (
    '<x:complexContent><x:restriction base="e:Array"><x:attribute ref="e:arrayType" '
    'xmlns:w="http://schemas.xmlsoap.org/wsdl/" w:arrayType="t:Person[]"/></x:restriction></x:complexContent>'
)


def service(*, encoded: bool, beside: str = "") -> Service:
    use = f'use="encoded" encodingStyle="{ENC}"' if encoded else 'use="literal"'
    operations = "".join(
        f'<w:operation name="{name}"><s:operation soapAction=""/><w:input><s:body {use} namespace="urn:r"/></w:input>'
        f"{answer}</w:operation>"
        for name, answer in (
            ("find", f'<w:output><s:body {use} namespace="urn:r"/></w:output>'),
            ("ping", ""),
            ("Own", "") if not encoded else ("ping2", ""),
        )
    )
    people, string = (ARRAY, "e:string") if encoded else (LITERAL_PEOPLE, "x:string")
    document = WSDL.format(operations=operations, people=people, string=string)
    if not encoded:
        document = document.replace('namespace="urn:r"', 'namespace="urn:t"', 99).replace(
            '<x:import namespace="http://schemas.xmlsoap.org/soap/encoding/"/>', ""
        )
    if beside:
        document = document.replace('<x:element name="Own"', f'{beside}</x:complexType><x:element name="Own"')
    return load("a.wsdl", {"a.wsdl": document.encode()})


def test_an_rpc_operation_is_an_element_of_its_name() -> None:
    """Request and answer are elements named after the operation, with a child without namespace for each part."""
    read = service(encoded=False)
    find = read.operations["find"]
    assert (find.input, find.output) == ("{urn:t}find", "{urn:t}findResponse")
    view = XmlView(read.documents, "{urn:t}find")
    given = {"who": {"name": "An", "friends": {"person": [{"name": "Bình"}]}}, "since": 2020}
    made = view.encode(given)
    root = etree.fromstring(made)
    assert [child.tag for child in root] == ["who", "since"]
    assert XsdValidator(read.documents, "{urn:t}find").check(Body(Format.XML, made))[1] == []
    assert view.decode(made) == given


def test_one_without_parts_is_an_empty_element() -> None:
    """An operation without parts is called all the same, by an empty element."""
    read = service(encoded=False)
    assert read.operations["ping"].output is None
    assert XmlView(read.documents, "{urn:t}ping").encode({}).startswith(b"<t:ping")


def test_one_whose_element_a_schema_declares_otherwise_is_set_aside() -> None:
    """Where a schema declares and uses an element of the operation's name, nobody can say which is meant."""
    used = service(encoded=False, beside='<x:complexType name="U"><x:sequence><x:element ref="t:Own"/></x:sequence>')
    assert "a schema declares an element {urn:t}Own" in used.unusable["Own"]


def test_a_declaration_that_nothing_uses_is_in_nobodys_way() -> None:
    """Then what the operation carries is its own element, with its parts."""
    read = service(encoded=False)
    assert read.operations["Own"].input == "{urn:t}Own"
    assert XsdValidator(read.documents, "{urn:t}Own").check(Body(Format.XML, b'<Own xmlns="urn:t"/>'))[1] == []
    assert XsdValidator(read.documents, "{urn:t}Own").check(Body(Format.XML, b'<Own xmlns="urn:t">x</Own>'))[1] != []


def test_encoded_types_are_read_as_plain_ones() -> None:
    """Encoded strings are strings and encoded arrays have members called item."""
    read = service(encoded=True)
    view = XmlView(read.documents, "{urn:r}findResponse")
    made = view.encode({"found": {ITEM: [{"name": "An", "friends": {ITEM: []}}]}})
    assert view.decode(made) == {"found": {ITEM: [{"name": "An", "friends": {ITEM: []}}]}}


def test_a_request_says_its_types() -> None:
    """Every element of an encoded request says its type, arrays their members' and how many."""
    read = service(encoded=True)
    find = read.operations["find"]
    assert find.encoding
    view = XmlView(read.documents, "{urn:r}find")
    plain = view.encode({"who": {"name": "An", "friends": {ITEM: [{"name": "B"}]}}, "since": 1})
    root = etree.fromstring(find.encoding.put_on(plain, SoapVersion.V11))
    assert root.get("{http://schemas.xmlsoap.org/soap/envelope/}encodingStyle") == ENC
    who, since = root
    types = [(each.tag, each.get(f"{{{XSI}}}type")) for each in (who, who[0], who[1], who[1][0], since)]
    assert [kind.rpartition(":")[2] for _, kind in types if kind] == ["Person", "string", "Array", "Person", "int"]
    assert (who[1].get(f"{{{ENC}}}arrayType") or "").endswith("Person[1]")
    for each in (who, since):
        prefix = (each.get(f"{{{XSI}}}type") or "").partition(":")[0]
        assert each.nsmap[prefix] in {"urn:t", "http://www.w3.org/2001/XMLSchema"}


ANSWER = f"""<n:anything xmlns:n="urn:other" xmlns:xsi="{XSI}" xmlns:e="{ENC}" xmlns:x="urn:t">
  <found e:arrayType="x:Person[2]" xsi:type="e:Array"><a href="#1"/><b><name xsi:type="x:string">B</name></b></found>
  </n:anything><multiRef id="1"><name>A</name><friends href="#2"/></multiRef>
  <multiRef id="2" xmlns:e="{ENC}" e:root="0" e:arrayType="x:Person[0]"/>"""


def answer(inner: str) -> bytes:
    return enclose(SoapVersion.V11, inner.encode())


def test_an_answer_is_read_without_its_encoding() -> None:
    """References are followed, types and the names of members are dropped, and the wrapper is the one expected."""
    read = service(encoded=True)
    opened = open_envelope(Encoding().take_off(answer(ANSWER), "{urn:r}findResponse"))
    assert opened.child is not None
    view = XmlView(read.documents, "{urn:r}findResponse")
    plain = view.decode(etree.tostring(opened.child))
    assert plain == {"found": {ITEM: [{"name": "A", "friends": {ITEM: []}}, {"name": "B"}]}}


def test_a_fault_keeps_its_envelope() -> None:
    """A fault is not encoded data and is read as it is."""
    fault = answer(
        '<s:Fault xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><faultcode>s:Server</faultcode></s:Fault>'
    )
    assert open_envelope(Encoding().take_off(fault, "{urn:r}findResponse")).is_fault


@pytest.mark.parametrize(
    ("inner", "rule"),
    [
        ('<a><b href="#1"/></a><m id="1"><c href="#1"/></m>', "refers to itself"),
        ('<a><b href="#1"/></a>', "not there"),
        (
            '<a><b href="#0"/></a>'
            + "".join(f'<m id="{n}">{f"""<c href="#{n + 1}"/>""" * 10}</m>' for n in range(9))
            + '<m id="9"/>',
            "grows without end",
        ),
    ],
)
def test_references_that_do_harm_are_refused(inner: str, rule: str) -> None:
    """A value that holds itself, one that is missing, and a small answer that unfolds to billions of elements."""
    with pytest.raises(NotSoap, match=rule):
        Encoding().take_off(answer(inner), None)
    assert MOST_NODES < 10**9


@given(st.binary(max_size=200))
def test_what_is_no_wsdl_stays_as_it_is(data: bytes) -> None:
    """Rewriting schemas leaves alone what it cannot read."""
    marked = data + ENC.encode()
    made = as_literal({"a": marked})["a"]
    assert made == marked or made.startswith(b"<")
