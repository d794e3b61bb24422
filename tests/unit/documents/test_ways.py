"""What lies between a contract and a system: formats, views and transforms."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from lxml import etree

from bus.envelope import Body, Format
from bus.errors import SenderFault, TransformFailed
from documents.check import Report, check_folder
from routes.model import Route

Build = Callable[..., Path]
TODAY = date(2026, 11, 22)

XSD = """\
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:s" elementFormDefault="qualified">
  <xs:element name="Ask"><xs:complexType><xs:sequence>
    <xs:element name="Number" type="xs:string"/><xs:element name="Count" type="xs:int" minOccurs="0"/>
  </xs:sequence></xs:complexType></xs:element>
  <xs:element name="Answer"><xs:complexType><xs:sequence>
    <xs:element name="Found" type="xs:boolean"/>
  </xs:sequence></xs:complexType></xs:element>
  <xs:element name="Unknown"><xs:complexType><xs:sequence>
    <xs:element name="Reason" type="xs:string"/>
  </xs:sequence></xs:complexType></xs:element>
</xs:schema>
"""

WSDL = """\
<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
    xmlns:s="urn:s" targetNamespace="urn:s">
  <types><xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
    <xs:import namespace="urn:s" schemaLocation="s.xsd"/></xs:schema></types>
  <message name="In"><part name="body" element="s:Ask"/></message>
  <message name="Out"><part name="body" element="s:Answer"/></message>
  <message name="Fault"><part name="body" element="s:Unknown"/></message>
  <portType name="Port"><operation name="Ask">
    <input message="s:In"/><output message="s:Out"/><fault name="Unknown" message="s:Fault"/></operation></portType>
  <binding name="Binding" type="s:Port">
    <soap:binding transport="http://schemas.xmlsoap.org/soap/http"/>
    <operation name="Ask"><soap:operation soapAction=""/>
      <input><soap:body use="literal"/></input><output><soap:body use="literal"/></output>
      <fault name="Unknown"><soap:fault name="Unknown" use="literal"/></fault></operation></binding>
  <service name="Service"><port name="P" binding="s:Binding">
    <soap:address location="http://old.example.internal/"/></port></service>
</definitions>
"""

SOAP = """\
kind: System
name: soap
agency: H98.01
adapter: soap
wsdl: soap/s.wsdl
endpoint: https://soap.example.internal
---
kind: Contract
name: soap.question
version: 1.0.0
title: {en: Question}
owner: H98.01
exchange: request
request: {format: json, schema: soap/ask.json}
reply: {format: json, schema: soap/answer.json}
faults: {unknown: {schema: schemas/unknown.json, element: "{urn:s}Unknown"}}
examples: {valid: [soap/ask.example.json]}
---
kind: Route
contract: soap.question@1
to: soap
---
kind: Grant
contract: soap.question@1
system: soap
may: receive
purpose: Đáp
legalBasis: NĐ 1
"""

FILES: dict[str, tuple[str, str] | str | None] = {
    "soap/soap.yaml": SOAP,
    "soap/s.xsd": XSD,
    "soap/s.wsdl": WSDL,
    "soap/ask.json": """{"properties": {"Number": {"type": "string"}, "Count": {"type": "integer"}}}""",
    "soap/answer.json": """{"properties": {"Found": {"type": "boolean"}}}""",
    "soap/ask.example.json": """{"Number": "01", "Count": 2}""",
}
XML_CONTRACT = {
    "{format: json, schema: soap/ask.json}": '{format: xml, schema: soap/s.xsd, element: "{urn:s}Ask"}',
    "{format: json, schema: soap/answer.json}": '{format: xml, schema: soap/s.xsd, element: "{urn:s}Answer"}',
    "schemas/unknown.json,": 'soap/s.xsd, root: "{urn:s}Unknown",',
    "examples: {valid: [soap/ask.example.json]}\n": "",
}


def report_of(province: Build, replacements: dict[str, str], more: dict[str, str] | None = None) -> Report:
    text = SOAP
    for old, new in replacements.items():
        assert old in text
        text = text.replace(old, new)
    return check_folder(province({**FILES, "soap/soap.yaml": text, **(more or {})}), TODAY)


def route_of(report: Report) -> Route:
    assert report.ok, report.problems
    (route,) = report.compiled.routes["soap.question@1"]
    return route


def test_json_goes_to_soap_through_the_view_of_the_operation(province: Build) -> None:
    """Where the shapes agree, a JSON contract needs no transform to reach a SOAP system, nor back."""
    route = route_of(report_of(province, {}))
    assert route.request is not None
    assert route.reply is not None
    made = route.request(Body(Format.JSON, b'{"Count": 2, "Number": "01"}'))
    assert made.format is Format.XML
    assert [element.text for element in etree.fromstring(made.data)] == ["01", "2"]
    answer = route.reply(Body(Format.XML, b'<Answer xmlns="urn:s"><Found>true</Found></Answer>'))
    assert answer == Body(Format.JSON, b'{"Found":true}')
    fault = route.faults["unknown"](Body(Format.XML, b'<Unknown xmlns="urn:s"><Reason>none</Reason></Unknown>'))
    assert fault == Body(Format.JSON, b'{"Reason":"none"}')


def test_xml_of_the_operations_own_element_goes_as_it_is(province: Build) -> None:
    """Where the contract is what the operation carries, the sender's own bytes go out."""
    report = report_of(province, XML_CONTRACT)
    route = route_of(report)
    assert (route.request, route.reply, dict(route.faults)) == (None, None, {})


def test_xml_of_another_element_needs_a_transform(province: Build) -> None:
    """The two elements are named, so that a writer sees what to bridge."""
    other = '{format: xml, schema: soap/s.xsd, element: "{urn:s}Answer"}'
    replacements = {**XML_CONTRACT, "{format: json, schema: soap/ask.json}": other}
    (problem,) = report_of(province, replacements).errors
    assert "the operation's input is {urn:s}Ask, the contract's {urn:s}Answer: a transform is needed" in problem.message


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("{urn:s}Ask", "{urn:s}Aks", "declares no element {urn:s}Aks: did you mean `{urn:s}Ask`?"),
        ("{urn:s}Ask", "Ask", "declares no element Ask"),
        ("schema: soap/s.xsd", "schema: soap/ask.json", "soap/ask.json"),
        ("schema: soap/s.xsd", "schema: soap/broken.xsd", "soap/broken.xsd"),
        ("schema: soap/s.xsd", "schema: soap/wrong.xsd", "soap/wrong.xsd"),
    ],
)
def test_a_schema_that_cannot_be_used_is_said(province: Build, old: str, new: str, words: str) -> None:
    """An element that is not there, a file that is no XSD, and an XSD that is none are problems at the contract."""
    request = '{format: xml, schema: soap/s.xsd, element: "{urn:s}Ask"}'.replace(old, new)
    replacements = {**XML_CONTRACT, "{format: json, schema: soap/ask.json}": request}
    more = {"soap/broken.xsd": XSD[:-20], "soap/wrong.xsd": XSD.replace("xs:int", "xs:integr")}
    errors = report_of(province, replacements, more).errors
    assert any(problem.line == 14 and words in problem.message for problem in errors), errors


def test_a_transform_for_soap_takes_its_ends_from_the_operation(province: Build) -> None:
    """Neither `from` nor `to` is written: the WSDL says both."""
    transforms = """\
kind: Transform
name: out
language: mapping
fields: {Number: {from: Number, case: upper}}
---
kind: Transform
name: back
language: mapping
fields: {Found: Found}
"""
    named = {"to: soap\n---": "to: soap\ntransform: {request: out, reply: back}\n---"}
    route = route_of(report_of(province, named, {"transforms.yaml": transforms}))
    assert route.request is not None
    made = route.request(Body(Format.JSON, b'{"Number": "a1"}'))
    assert etree.fromstring(made.data)[0].text == "A1"


@pytest.mark.parametrize(
    ("replacements", "words"),
    [
        ({"to: soap\n---": "to: soap\noperation: Tell\n---"}, "has no operation Tell: there is Ask."),
        ({', element: "{urn:s}Unknown"}': "}"}, "a SOAP system says the fault unknown by an element"),
        ({"{urn:s}Unknown": "{urn:s}Unkown"}, "Unkown"),
        ({"wsdl: soap/s.wsdl": "wsdl: soap/s.xsd"}, "soap/s.xsd"),
        ({"wsdl: soap/s.wsdl": "wsdl: soap/s.wsdl\nservice: Other"}, "name one service of: Service"),
    ],
)
def test_what_the_wsdl_does_not_have_is_said(province: Build, replacements: dict[str, str], words: str) -> None:
    """A route or a contract that hopes for more than the WSDL says is told so."""
    errors = report_of(province, replacements).errors
    assert [words in problem.message for problem in errors] == [True], errors


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b'{"Number": 1e999}', b'{"Other": 1}', b'{"Number": {"a": 1}}', b"5"]
)
def test_a_conversion_fails_only_as_a_conversion_may(province: Build, data: bytes) -> None:
    """Bytes that cannot be read are the sender's fault, a shape that does not fit is the transform's."""
    route = route_of(report_of(province, {}))
    assert route.request is not None
    with pytest.raises((SenderFault, TransformFailed)):
        route.request(Body(Format.JSON, data))


def test_a_compiled_contract_knows_whom_a_message_is_about(province: Build) -> None:
    """The subject is the first text or number at its place, and nothing where there is none."""
    report = check_folder(province(), TODAY)
    (contract,) = report.compiled.contracts["civil.question"]
    subject = contract.request.subject
    assert subject is not None
    bodies: list[object] = [{"number": "01"}, {"number": 5}, {"number": True}, {}, []]
    assert [subject(body) for body in bodies] == ["01", "5", None, None, None]


def test_versions_are_kept_newest_first(province: Build) -> None:
    """Whoever names no version gets the newest, by number and not by text."""
    text = (province() / "civil" / "exchange.yaml").read_text().partition("---")[0]
    later = {f"v{minor}.yaml": text.replace("1.0.0", f"1.{minor}.0") for minor in (2, 10)}
    report = check_folder(province(later), TODAY)
    assert [each.version for each in report.compiled.contracts["civil.question"]] == ["1.10.0", "1.2.0", "1.0.0"]


@pytest.mark.parametrize(
    ("route", "operation", "repeatable"),
    [
        ("", "", False),
        ("repeatable: true", "", True),
        ("", "repeatable: true,", True),
        ("repeatable: false", "repeatable: true,", False),
    ],
)
def test_a_route_is_repeatable_as_it_says_or_as_its_operation_does(
    province: Build, route: str, operation: str, *, repeatable: bool
) -> None:
    """Nothing is repeated that nobody called harmless."""
    changes = {
        "civil/exchange.yaml": ("operation: ask", f"operation: ask\n{route}"),
        "systems.yaml": ("  ask:\n    path: /ask\n", f"  ask:\n    path: /ask\n    {operation.rstrip(',')}\n"),
    }
    (compiled,) = check_folder(province(changes), TODAY).compiled.routes["civil.question@1"]
    assert compiled.repeatable is repeatable


@pytest.mark.parametrize("adapter", ["soap", "rest", "inbox"])
def test_attachments_go_to_soap_systems_and_inboxes(province: Build, adapter: str) -> None:
    """A route to a REST system is refused with what to do instead, and so is a reply with some from an inbox."""
    allowed = "attachments: {mediaTypes: [application/pdf]}"
    changes = {"schema: soap/ask.json}": f"schema: soap/ask.json, {allowed}}}"}
    if adapter != "soap":
        endpoint = "endpoint: https://soap.example.internal\n"
        changes[f"adapter: soap\nwsdl: soap/s.wsdl\n{endpoint}"] = (
            "adapter: inbox\n" if adapter == "inbox" else f"adapter: rest\noperations: {{ask: {{}}}}\n{endpoint}"
        )
    report = report_of(province, changes)
    assert report.ok is (adapter != "rest")
    if adapter != "rest":
        (contract,) = report.compiled.contracts["soap.question"]
        said = contract.request.attachments
        assert said is not None
        assert (said.most, said.max_bytes, said.media_types) == (5, 10 * 1_048_576, frozenset({"application/pdf"}))
        assert contract.reply is not None
        assert contract.reply.attachments is None
    else:
        assert any("has attachments, which soap cannot have" in each.message for each in report.errors)
    answered = {"schema: soap/answer.json}": f"schema: soap/answer.json, {allowed}}}"}
    assert report_of(province, {**changes, **answered}).ok is (adapter == "soap")
