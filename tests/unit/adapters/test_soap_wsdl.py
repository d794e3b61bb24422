"""What a WSDL says of a port."""

import os
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

import pytest

from adapters.soap.envelope import SoapVersion
from adapters.soap.wsdl import Description, Service, load
from bus.envelope import Body, Format
from bus.errors import DocumentInvalid, Finding
from contracts.xsd import XsdValidator

HEAD = (
    '<w:definitions xmlns:w="http://schemas.xmlsoap.org/wsdl/" xmlns:s="http://schemas.xmlsoap.org/wsdl/soap/" '
    'xmlns:s12="http://schemas.xmlsoap.org/wsdl/soap12/" xmlns:x="http://www.w3.org/2001/XMLSchema" '
    'xmlns:m="http://schemas.xmlsoap.org/wsdl/mime/" xmlns:t="urn:t" targetNamespace="urn:t">'
)
SCHEMA = (
    '<x:schema targetNamespace="urn:t" elementFormDefault="qualified">'
    '<x:element name="Ask" type="t:Text"/><x:element name="Told" type="x:int"/><x:element name="Full" type="x:int"/>'
    '<x:element name="Head" type="x:string"/>'
    '<x:simpleType name="Text"><x:restriction base="x:string"/></x:simpleType></x:schema>'
)
MESSAGES = (
    '<w:message name="In"><w:part name="p" element="t:Ask"/></w:message>'
    '<w:message name="Out"><w:part name="p" element="t:Told"/></w:message>'
    '<w:message name="Bad"><w:part name="p" element="t:Full"/></w:message>'
    '<w:message name="H"><w:part name="h" element="t:Head"/></w:message>'
    '<w:message name="Two"><w:part name="p" element="t:Ask"/><w:part name="q" element="t:Full"/></w:message>'
    '<w:message name="Typed"><w:part name="p" type="x:string"/></w:message>'
    '<w:message name="None"/>'
)
PORT_TYPE = (
    '<w:portType name="P"><w:operation name="ask"><w:input message="t:In"/><w:output message="t:Out"/>'
    '<w:fault name="bad" message="t:Bad"/></w:operation>'
    '<w:operation name="tell"><w:input message="t:In"/></w:operation></w:portType>'
)
LITERAL = '<s:body use="literal"/>'
ASK = (
    f'<w:operation name="ask"><s:operation soapAction="urn:ask"/><w:input>{LITERAL}</w:input>'
    f'<w:output>{LITERAL}</w:output><w:fault name="bad"><s:fault name="bad" use="literal"/></w:fault></w:operation>'
)
TELL = f'<w:operation name="tell"><s:operation soapAction="urn:tell"/><w:input>{LITERAL}</w:input></w:operation>'
HTTP = "http://schemas.xmlsoap.org/soap/http"


def binding(operations: str, name: str = "B", port_type: str = "t:P", style: str = "document") -> str:
    return (
        f'<w:binding name="{name}" type="{port_type}"><s:binding style="{style}" transport="{HTTP}"/>'
        f"{operations}</w:binding>"
    )


def binding_12(operations: str) -> str:
    twelve = operations.replace("<s:", "<s12:")
    return f'<w:binding name="B12" type="t:P"><s12:binding transport="{HTTP}"/>{twelve}</w:binding>'


PORT = '<w:port name="p11" binding="t:B"><s:address location="http://host/ask"/></w:port>'
PORT_12 = '<w:port name="p12" binding="t:B12"><s12:address location="http://host/ask12"/></w:port>'


def wsdl(
    *, types: str = SCHEMA, messages: str = MESSAGES, port_type: str = PORT_TYPE, bindings: str = "", ports: str = PORT
) -> bytes:
    bindings = bindings or binding(ASK + TELL)
    service = f'<w:service name="S">{ports}</w:service>' if ports else ""
    return f"{HEAD}<w:types>{types}</w:types>{messages}{port_type}{bindings}{service}</w:definitions>".encode()


def one(document: bytes, files: Mapping[str, bytes] | None = None, **choice: str) -> Service:
    return load("his/a.wsdl", {"his/a.wsdl": document, **(files or {})}, **choice)


def finding(document: bytes, files: Mapping[str, bytes] | None = None, **choice: str) -> tuple[str, str]:
    with pytest.raises(DocumentInvalid) as raised:
        one(document, files, **choice)
    return raised.value.findings[0].rule, raised.value.findings[0].limit


def test_an_operation_is_read_whole() -> None:
    """Elements, action, version and faults of an operation, and the address of its port."""
    service = one(wsdl())
    assert (service.name, service.port, service.address) == ("S", "p11", "http://host/ask")
    ask = service.operations["ask"]
    assert (ask.input, ask.output, ask.faults) == ("{urn:t}Ask", "{urn:t}Told", ("{urn:t}Full",))
    assert (ask.action, ask.version, ask.headers) == ("urn:ask", SoapVersion.V11, ())


def test_a_one_way_operation_has_no_output() -> None:
    """What answers nothing has None."""
    assert one(wsdl()).operations["tell"].output is None


def test_its_schemas_validate_what_it_carries() -> None:
    """The schemas inside the WSDL, with the prefixes that only the WSDL declares, compile and check."""
    validator = XsdValidator(one(wsdl()).documents, "{urn:t}Told")
    assert list(validator.check(Body(Format.XML, b'<Told xmlns="urn:t">1</Told>'))[1]) == []
    assert list(validator.check(Body(Format.XML, b'<Told xmlns="urn:t">x</Told>'))[1]) != []


def test_schemas_are_included_from_beside_the_wsdl() -> None:
    """A location in an embedded schema is relative to the WSDL's own."""
    types = '<x:schema targetNamespace="urn:t"><x:include schemaLocation="../xsd/t.xsd"/></x:schema>'
    outer = f'<x:wrap xmlns:x="http://www.w3.org/2001/XMLSchema" xmlns:t="urn:t">{SCHEMA}</x:wrap>'
    schema = SCHEMA.replace(
        "<x:schema ", '<x:schema xmlns:x="http://www.w3.org/2001/XMLSchema" xmlns:t="urn:t" ', 1
    ).encode()
    service = one(wsdl(types=types), {"xsd/t.xsd": schema, "unused.xml": outer.encode()})
    assert (
        list(XsdValidator(service.documents, "{urn:t}Told").check(Body(Format.XML, b'<Told xmlns="urn:t">1</Told>'))[1])
        == []
    )


def test_soap_11_is_taken_where_ports_differ_only_in_protocol() -> None:
    """Of two ports for the same operations the one that every system speaks is taken, unless another is named."""
    both = wsdl(bindings=binding_12(ASK + TELL) + binding(ASK + TELL), ports=PORT_12 + PORT)
    assert one(both).port == "p11"
    twelve = one(both, service="S", port="p12")
    assert (twelve.operations["ask"].version, twelve.address) == (SoapVersion.V12, "http://host/ask12")


def test_ports_that_differ_must_be_named() -> None:
    """Of two port types one has to be chosen by a person, and the finding says among which."""
    other = PORT_TYPE.replace('name="P"', 'name="Q"')
    document = wsdl(
        port_type=PORT_TYPE + other,
        bindings=binding(ASK) + binding(TELL, "C", "t:Q"),
        ports=PORT + PORT.replace("p11", "second").replace("t:B", "t:C"),
    )
    assert finding(document) == ("port-unknown", "name one port of: p11, second")
    assert finding(document, port="third") == ("port-unknown", "name one port of: p11, second")
    assert list(one(document, port="second").operations) == ["tell"]
    assert finding(wsdl(), service="other") == ("service-unknown", "name one service of: S")


@pytest.mark.parametrize(
    ("operation", "reason"),
    [
        (ASK.replace('use="literal"', 'use="encoded"'), "its use encoded"),
        (ASK + ASK, "there are several of this name"),
        (ASK.replace('"urn:ask"', "'a&quot;b'"), "its soapAction cannot be sent"),
        (ASK.replace('"urn:ask"', '"a&#10;b"'), "its soapAction cannot be sent"),
    ],
)
def test_what_cannot_be_called_is_set_aside_with_the_reason(operation: str, reason: str) -> None:
    """One operation that the bus does not speak takes none of the others with it."""
    service = one(wsdl(bindings=binding(operation + TELL)))
    assert list(service.operations) == ["tell"]
    assert reason in service.unusable["ask"]


@pytest.mark.parametrize(
    ("message", "reason"),
    [("t:Two", "2 elements"), ("t:Typed", "has a type, not an element")],
)
def test_a_request_is_one_element(message: str, reason: str) -> None:
    """Document/literal as WS-I BP 1.1 (R2210) has it: at most one part, by element."""
    port_type = PORT_TYPE.replace('name="ask"><w:input message="t:In"', f'name="ask"><w:input message="{message}"')
    assert reason in one(wsdl(port_type=port_type)).unusable["ask"]


def test_parts_name_what_is_in_the_body() -> None:
    """A message of two parts of which one is named is one element."""
    port_type = PORT_TYPE.replace('name="ask"><w:input message="t:In"', 'name="ask"><w:input message="t:Two"')
    operation = ASK.replace(LITERAL, '<s:body use="literal" parts="q"/>', 1)
    service = one(wsdl(port_type=port_type, bindings=binding(operation)))
    assert service.operations["ask"].input == "{urn:t}Full"


def test_attachments_are_told_and_are_not_in_the_body() -> None:
    """Of a multipartRelated the envelope is what is called, without the parts that are attachments."""
    content = '<m:part><m:content part="q" type="image/png"/></m:part>'
    related = f"<m:multipartRelated><m:part>{LITERAL}</m:part>{content}</m:multipartRelated>"
    port_type = PORT_TYPE.replace('name="ask"><w:input message="t:In"', 'name="ask"><w:input message="t:Two"')
    service = one(wsdl(port_type=port_type, bindings=binding(ASK.replace(LITERAL, related, 1) + TELL)))
    ask, tell = service.operations["ask"], service.operations["tell"]
    assert (ask.input, ask.attachments, tell.attachments) == ("{urn:t}Ask", (("image/png",),), ())
    assert ask.reply_attachments == ()


def test_a_port_whose_binding_is_not_there_has_the_only_one() -> None:
    """As in the first example of WSDL 1.1 itself; the finding says what was taken."""
    document = wsdl(ports=PORT.replace("t:B", "t:StockQuoteBinding"))
    assert list(one(document).operations) == ["ask", "tell"]
    (guessed,) = Description("a.wsdl", {"a.wsdl": document}).guessed
    assert (guessed.rule, guessed.limit) == (
        "binding-guessed",
        "there is no t:StockQuoteBinding, and B is the only one",
    )


def test_declared_headers_are_told() -> None:
    """Header blocks that the WSDL declares are not part of the Body."""
    header = LITERAL + '<s:header message="t:H" part="h" use="literal"/>'
    service = one(wsdl(bindings=binding(ASK.replace(LITERAL, header, 1))))
    assert service.operations["ask"].headers == ("{urn:t}Head",)
    assert service.operations["ask"].input == "{urn:t}Ask"


def test_a_wsdl_may_be_in_pieces() -> None:
    """Definitions that are imported, in circles too, are read as if they were one."""
    imports = '<w:import namespace="urn:t" location="parts/b.wsdl"/>'
    back = '<w:import namespace="urn:t" location="../a.wsdl"/>'
    whole = wsdl().decode()
    outer = whole[: len(HEAD)] + imports + whole[whole.index("<w:binding") :]
    inner = whole[: len(HEAD)] + back + whole[len(HEAD) : whole.index("<w:binding")] + "</w:definitions>"
    service = one(outer.encode(), {"his/parts/b.wsdl": inner.encode()})
    assert set(service.operations) == {"ask", "tell"}
    assert finding(outer.encode()) == ("import-missing", "put the document parts/b.wsdl beside the WSDL")


@pytest.mark.parametrize(
    ("document", "rule", "limit"),
    [
        (b"<a", "xml-malformed", "mend line 1"),
        (b"<!DOCTYPE a><a/>", "xml-forbidden", "document type"),
        (b"<a>\xff</a>", "charset-unsupported", "UTF-8"),
        (b"<description xmlns='http://www.w3.org/ns/wsdl'/>", "not-wsdl", "WSDL 1.1"),
        (b"<schema xmlns='http://www.w3.org/2001/XMLSchema'/>", "not-wsdl", "not one of its schemas"),
        (wsdl(ports=""), "service-missing", "SOAP over HTTP"),
        (
            wsdl(bindings=binding(ASK) + binding(TELL, "C"), ports=PORT.replace("t:B", "t:X")),
            "binding-missing",
            "define the binding t:X",
        ),
        (wsdl(bindings=binding(ASK, port_type="t:X")), "portType-missing", "define the portType t:X"),
        (wsdl(messages=MESSAGES.replace('name="In"', 'name="X"')), "message-missing", "define the message t:In"),
        (wsdl(bindings=binding(ASK + ASK)), "operations-unusable", "ask: there are several of this name"),
        (wsdl(bindings=binding(ASK).replace(HTTP, "urn:jms")), "ports-other", "not p11: give the WSDL that has"),
        (wsdl(types='<x:schema><x:include schemaLocation="b.xsd"/></x:schema>'), "schema-missing", "not there"),
    ],
)
def test_findings_say_what_to_do(document: bytes, rule: str, limit: str) -> None:
    """What is wrong with a WSDL comes with what to do about it."""
    found, advice = finding(document)
    assert found == rule
    assert limit in advice


def test_a_missing_file_is_named() -> None:
    """A WSDL that is not among the files is missing, not fetched."""
    with pytest.raises(DocumentInvalid) as raised:
        load("https://host/a.wsdl", {})
    assert raised.value.findings[0].rule == "file-missing"


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_options: object) -> NoReturn:
        pytest.fail("the network was asked for something")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)


def _corpus() -> list[Path]:
    folder = os.environ.get("CORPUS_DIR")
    return sorted(Path(folder, "wsdl").rglob("*.wsdl")) if folder else []


@pytest.mark.corpus
@pytest.mark.skipif("CORPUS_DIR" not in os.environ, reason="CORPUS_DIR is not set")
@pytest.mark.parametrize("path", _corpus(), ids=str)
@pytest.mark.usefixtures("no_network")
def test_other_peoples_wsdls_load_or_say_why(path: Path) -> None:
    """Every WSDL of the corpus is read, or refused with findings that say what to do; nothing is fetched."""
    folder = path.parent
    files = {one.relative_to(folder).as_posix(): one.read_bytes() for one in folder.rglob("*") if one.is_file()}
    findings: Sequence[Finding] = ()
    operations = 0
    try:
        operations = len(load(path.name, files).operations)
    except DocumentInvalid as error:
        findings = error.findings
    assert bool(operations) != bool(findings)
    assert all(one.place and one.rule and one.limit for one in findings)


WSAM = 'xmlns:m05="http://www.w3.org/2007/05/addressing/metadata"'
WSAW = 'xmlns:m06="http://www.w3.org/2006/05/addressing/wsdl"'
WSA_2004 = 'xmlns:m04="http://schemas.xmlsoap.org/ws/2004/08/addressing/policy"'
WSP = 'xmlns:wsp="http://schemas.xmlsoap.org/ws/2004/09/policy"'
ID = 'xmlns:u="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd" u:Id="policy"'


@pytest.mark.parametrize(
    ("in_binding", "beside", "edition"),
    [
        ("", "", None),
        (f"<m06:UsingAddressing {WSAW}/>", "", "2005"),
        (f"<m06:UsingAddressing {WSAW.replace('2006/05', '2006/02')}/>", "", "2005"),
        (f"<wsp:Policy {WSP}><m05:Addressing {WSAM}/></wsp:Policy>", "", "2005"),
        (
            f'<wsp:PolicyReference {WSP} URI="#policy"/>',
            f"<wsp:Policy {WSP} {ID}><wsp:All><m04:UsingAddressing {WSA_2004}/></wsp:All></wsp:Policy>",
            "2004",
        ),
        ("", f"<wsp:Policy {WSP} {ID}><m05:Addressing {WSAM}/></wsp:Policy>", None),
        (f'<wsp:Policy {WSP}><m05:Addressing {WSAM} wsp:Optional="true"/></wsp:Policy>', "", None),
        (f'<wsp:PolicyReference {WSP} URI="#nowhere"/>', "", None),
    ],
    ids=["nothing", "extension", "draft", "policy", "reference", "of-others", "optional", "dangling"],
)
def test_a_port_may_ask_for_addressing(in_binding: str, beside: str, edition: str | None) -> None:
    """By an extension, a policy, or a reference to one; what may be left out, or concerns others, asks for nothing."""
    bound = binding(ASK + TELL).replace("<s:binding", f"{in_binding}<s:binding", 1)
    document = wsdl(bindings=bound).replace(b"<w:types>", f"{beside}<w:types>".encode())
    assert one(document).addressing == edition
    if in_binding:
        at_port = PORT.replace("<s:address", f"{in_binding}<s:address")
        assert one(wsdl(ports=at_port).replace(b"<w:types>", f"{beside}<w:types>".encode())).addressing == edition


@pytest.mark.parametrize("space", ["metadata", "wsdl", "2004"])
def test_the_action_of_addressing_is_the_port_types_own(space: str) -> None:
    """WS-Addressing Metadata §4.4: what the port type says, else the SOAPAction, else one made of their names."""
    uri = {
        "metadata": "http://www.w3.org/2007/05/addressing/metadata",
        "wsdl": "http://www.w3.org/2006/05/addressing/wsdl",
        "2004": "http://schemas.xmlsoap.org/ws/2004/08/addressing",
    }[space]
    said = PORT_TYPE.replace("<w:input ", f'<w:input xmlns:n="{uri}" n:Action="urn:said" ', 1)
    assert [each.addressed for each in one(wsdl(port_type=said)).operations.values()] == ["urn:said", "urn:tell"]
    silent = binding(ASK + TELL).replace('soapAction="urn:ask"', "").replace('soapAction="urn:tell"', 'soapAction=""')
    addressed = [each.addressed for each in one(wsdl(bindings=silent)).operations.values()]
    assert addressed == ["urn:t:P:askRequest", "urn:t:P:tell"]
    named = PORT_TYPE.replace("<w:input ", '<w:input name="Given" ', 1)
    over_http = wsdl(bindings=silent, port_type=named).replace(b'"urn:t"', b'"http://t/"')
    assert one(over_http).operations["ask"].addressed == "http://t/P/Given"


@pytest.mark.parametrize(
    "namespace",
    [
        "http://docs.oasis-open.org/ws-sx/ws-securitypolicy/200702",
        "http://schemas.xmlsoap.org/ws/2005/07/securitypolicy",
    ],
)
def test_a_port_may_ask_for_security(namespace: str) -> None:
    """By a policy, as toolkits write it: a signature, a UsernameToken, or both; what may be left out is not asked."""
    for inside, schemes in (
        ("", ()),
        ("<p:AsymmetricBinding/>", ("wsse-x509",)),
        (
            "<p:AsymmetricBinding/><p:SignedSupportingTokens><p:UsernameToken/></p:SignedSupportingTokens>",
            ("wsse-x509", "wsse-username"),
        ),
        ('<p:UsernameToken wsp:Optional="true"/>', ()),
    ):
        policy = f'<wsp:Policy {WSP} {ID} xmlns:p="{namespace}">{inside}</wsp:Policy>'
        bound = binding(ASK + TELL).replace("<s:binding", f'<wsp:PolicyReference {WSP} URI="#policy"/><s:binding', 1)
        document = wsdl(bindings=bound).replace(b"<w:types>", f"{policy}<w:types>".encode())
        assert one(document).security == schemes
