"""Header blocks that a system is called with."""

from datetime import date
from pathlib import Path

import pytest
from lxml import etree

from adapters.soap.manner import Block
from adapters.soap.wsdl import load
from bus.errors import DocumentInvalid
from documents.check import check_folder
from documents.header_blocks import header_blocks
from documents.kinds import System

WSDL = """<w:definitions xmlns:w="http://schemas.xmlsoap.org/wsdl/" xmlns:s="http://schemas.xmlsoap.org/wsdl/soap/"
  xmlns:t="urn:t" targetNamespace="urn:t"><w:types><schema xmlns="http://www.w3.org/2001/XMLSchema"
  targetNamespace="urn:t" elementFormDefault="qualified"><element name="Ask" type="string"/>
  <element name="AuthHeader"><complexType><sequence><element name="Username" type="string"/>
  <element name="Password" type="string"/><element name="Level" type="int" minOccurs="0"/></sequence></complexType>
  </element></schema></w:types><w:message name="In"><w:part name="p" element="t:Ask"/></w:message>
  <w:message name="H"><w:part name="h" element="t:AuthHeader"/></w:message>
  <w:portType name="P"><w:operation name="ask"><w:input message="t:In"/></w:operation></w:portType>
  <w:binding name="B" type="t:P"><s:binding transport="http://schemas.xmlsoap.org/soap/http"/><w:operation name="ask">
  <s:operation soapAction=""/><w:input><s:body use="literal"/><s:header message="t:H" part="h" use="literal"/></w:input>
  </w:operation></w:binding>
  <w:service name="S"><w:port name="p" binding="t:B"><s:address location="http://host/"/></w:port></w:service>
</w:definitions>"""
SYSTEM = """kind: Agency
code: H99
name: {{vi: Tỉnh}}
---
kind: System
name: his
agency: H99
adapter: soap
wsdl: his.wsdl
soap:
  headers:
    - element: "{{urn:t}}AuthHeader"
      value: {}
"""


def system(value: object, element: str = "{urn:t}AuthHeader") -> System:
    headers = [{"element": element, "value": value, "mustUnderstand": True}]
    said = {"kind": "System", "name": "his", "agency": "H99", "adapter": "soap", "wsdl": "his.wsdl"}
    return System.model_validate({**said, "soap": {"headers": headers}})


SERVICE = load("his.wsdl", {"his.wsdl": WSDL.encode()})


def test_a_block_is_made_by_the_schema_with_secrets_in_it() -> None:
    """Order and namespace come from the WSDL; a secret is named in the document and stands in the block alone."""
    document = system({"Level": 3, "Password": "secret:his-password", "Username": "bus"})
    assert [(steps, each.name) for steps, each in document.secrets()] == [
        (("soap", "headers", 0, "value", "Password"), "his-password")
    ]
    (block,) = header_blocks(document.soap, SERVICE, lambda secret: f"<{secret.name}>")
    root = etree.fromstring(block.data)
    assert [(each.tag, each.text) for each in root] == [
        ("{urn:t}Username", "bus"),
        ("{urn:t}Password", "<his-password>"),
        ("{urn:t}Level", "3"),
    ]
    assert block == Block("{urn:t}AuthHeader", block.data, True)
    assert "his-password" not in repr(block)
    assert System.model_validate_json(document.content) == document
    assert list(System.model_validate_json(document.content).secrets()) == list(document.secrets())


@pytest.mark.parametrize(
    ("value", "element", "place"),
    [
        ({"Username": "bus"}, "{urn:t}AuthHeader", "/0/value"),
        ({"Username": "bus", "Password": "secret:p", "Level": "x"}, "{urn:t}AuthHeader", "/0/value/Level"),
        ({}, "{urn:t}Other", "/0/element"),
    ],
)
def test_what_does_not_fit_the_schema_is_said(value: object, element: str, place: str) -> None:
    """A missing or wrong field, or an element that the WSDL lacks, is found by its place, without its value."""
    with pytest.raises(DocumentInvalid) as raised:
        list(header_blocks(system(value, element).soap, SERVICE))
    (finding,) = raised.value.findings
    assert finding.place.startswith(place)
    assert "bus" not in str(finding)


def test_a_check_says_where_a_block_is_wrong(tmp_path: Path) -> None:
    """`lgsp check` makes each block once: what is right passes, what is wrong is an error at its line."""
    (tmp_path / "his.wsdl").write_text(WSDL)
    (tmp_path / "his.yaml").write_text(SYSTEM.format("{Username: bus, Password: secret:p, Level: 3}"))
    assert check_folder(tmp_path, date(2026, 11, 26)).errors == ()
    (tmp_path / "his.yaml").write_text(SYSTEM.format("{Username: bus, Password: secret:p, Levle: 3}"))
    (error,) = check_folder(tmp_path, date(2026, 11, 26)).errors
    assert (error.file, error.line) == ("his.yaml", 13)
    (tmp_path / "his.yaml").write_text(SYSTEM.format("{Username: bus, Password: 'secret:A B'}"))
    (error,) = check_folder(tmp_path, date(2026, 11, 26)).errors
    assert "secret:NAME" in error.message
