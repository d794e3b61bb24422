"""A province whose contracts are called over SOAP: of JSON, of XML, answered and not."""

SYSTEMS = "".join(
    f"""---
kind: System
name: {name}
agency: H99
adapter: rest
{endpoint}
"""
    for name, endpoint in (("one-stop", ""), ("his", "endpoint: https://his.invalid/\noperations: {take: {}}"))
)


def grants(contract: str) -> str:
    return "".join(
        f"""---
kind: Grant
contract: {contract}@1
system: {system}
may: {may}
purpose: Thử
legalBasis: NĐ 1
"""
        for system, may in (("one-stop", "send"), ("his", "receive"))
    )


def contract(name: str, exchange: str, payloads: str, limits: str = "timeout: PT5S") -> str:
    return f"""---
kind: Contract
name: {name}
version: 1.0.0
title: {{vi: Thử, en: Trial}}
owner: H99
exchange: {exchange}
{payloads}
limits: {{{limits}}}
---
kind: Route
contract: {name}@1
to: his
{grants(name)}"""


EXCHANGES = "".join(
    (
        contract(
            "health.look-up",
            "request",
            """request: {format: json, schema: schemas/question.json}
reply: {format: json, schema: schemas/person.json}
faults: {not-found: {schema: schemas/not-found.json, status: 404}, busy: {status: 429}}""",
        ),
        contract("health.note", "document", "request: {format: json, schema: schemas/note.json}"),
        contract("health.alarm", "event", "request: {format: json, schema: schemas/note.json}"),
        contract(
            "archive.file",
            "request",
            """request: {format: xml, schema: schemas/file.xsd, element: "{urn:archive}Store"}
reply: {format: xml, schema: schemas/file.xsd, element: "{urn:archive}Stored"}
faults: {full: {schema: schemas/file.xsd, format: xml, root: "{urn:archive}Full", status: 507}}""",
            "timeout: PT5S, maxBytes: 20000",
        ),
    )
)

FILES = {
    "agencies.yaml": "kind: Agency\ncode: H99\nname: {vi: Tỉnh, en: Province}\nvalidFrom: 2021-01-01\n",
    "systems.yaml": SYSTEMS.removeprefix("---\n"),
    "exchanges.yaml": EXCHANGES.removeprefix("---\n"),
    "schemas/question.json": """{"type": "object", "required": ["number"], "additionalProperties": false, "properties":
        {"number": {"type": "string", "maxLength": 12}, "since": {"type": "string", "format": "date"},
         "fields": {"type": "array", "items": {"type": "string"}, "minItems": 1},
         "first": {"type": "array", "items": {"type": "string"}, "maxItems": 1},
         "note": {"type": ["string", "null"]}}}""",
    "schemas/person.json": """{"type": "object", "required": ["name"], "properties": {"name": {"type": "string"},
        "born": {"type": ["string", "null"], "format": "date"}, "weight": {"type": "number"},
        "alive": {"type": "boolean"}, "visits": {"type": "array", "items": {"type": "object", "required": ["place"],
        "properties": {"place": {"type": "string"}, "days": {"type": "integer"}}}}}}""",
    "schemas/not-found.json": """{"type": "object", "required": ["reason"],
        "properties": {"reason": {"type": "string"}}}""",
    "schemas/note.json": """{"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}}""",
    "schemas/file.xsd": """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:a="urn:archive"
        targetNamespace="urn:archive" elementFormDefault="qualified">
        <xs:include schemaLocation="types.xsd"/><xs:import namespace="urn:codes" schemaLocation="codes.xsd"/>
        <xs:element name="Store"><xs:complexType><xs:sequence><xs:element name="Title" type="a:title"/>
        <xs:element name="Page" type="xs:string" minOccurs="0" maxOccurs="unbounded"/></xs:sequence>
        <xs:attribute name="code" type="c:code" xmlns:c="urn:codes"/></xs:complexType></xs:element>
        <xs:element name="Stored"><xs:complexType><xs:sequence><xs:element name="Number" type="xs:int"/>
        </xs:sequence></xs:complexType></xs:element>
        <xs:element name="Full"><xs:complexType><xs:sequence><xs:element name="Room" type="xs:int"/></xs:sequence>
        </xs:complexType></xs:element></xs:schema>""",
    "schemas/types.xsd": """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:archive">
        <xs:simpleType name="title"><xs:restriction base="xs:string"><xs:maxLength value="200"/></xs:restriction>
        </xs:simpleType></xs:schema>""",
    "schemas/codes.xsd": """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:codes">
        <xs:simpleType name="code"><xs:restriction base="xs:NMTOKEN"/></xs:simpleType></xs:schema>""",
}
