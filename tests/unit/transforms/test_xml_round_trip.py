"""Any XML document of any schema becomes JSON and the same document again; schemas and documents are generated."""

from collections.abc import Callable
from itertools import islice
from math import isnan
from random import Random
from typing import Any
from xml.etree.ElementTree import canonicalize

import orjson
import xmlschema
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from xmlschema import JsonMLConverter

from bus.envelope import Body, Format
from bus.errors import SchemaInvalid, TransformFailed
from contracts.json_body import parse_json
from contracts.json_schema import JsonSchemaValidator
from contracts.xml_samples import XmlSamples
from contracts.xsd import XsdDocuments, XsdValidator
from transforms.xml_view import XmlView

ROOT = "{urn:t}r"
BUILT_IN = (
    *("string", "normalizedString", "token", "boolean", "byte", "int", "unsignedLong", "integer", "decimal", "float"),
    *("double", "date", "dateTime", "time", "duration", "gYear", "base64Binary", "hexBinary", "anyURI", "NMTOKENS"),
    *("language", "ID", "anySimpleType"),
)
NOTES = ("put in the order of the schema", "filled from the first on")
"""The problems of a view that cost the order of elements, and no more."""

Draw = Callable[[st.SearchStrategy[Any]], Any]


@st.composite
def schemas(draw: Draw) -> str:
    """An XML Schema whose root is `r`: types of every kind in every place, some of which no document meets."""
    return _Schema(draw).text()


class _Schema:
    def __init__(self, draw: Draw) -> None:
        self._draw = draw
        self._count = 0

    def text(self) -> str:
        root = self._complex(0)
        form = self._one("qualified", "unqualified")
        return f"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:t="urn:t" targetNamespace="urn:t"
          elementFormDefault="{form}"><xs:element name="r">{root}</xs:element>
          <xs:element name="head" type="xs:string"/>
          <xs:element name="instead" type="xs:token" substitutionGroup="t:head"/></xs:schema>"""

    def _one(self, *several: Any) -> Any:
        return self._draw(st.sampled_from(several))

    def _number(self, least: int, most: int) -> int:
        return int(self._draw(st.integers(least, most)))

    def _flag(self) -> bool:
        return bool(self._draw(st.booleans()))

    def _complex(self, depth: int) -> str:
        if self._number(0, 4) == 0:
            kind = f"<xs:extension base='xs:{self._one(*BUILT_IN)}'>{self._attributes()}</xs:extension>"
            return f"<xs:complexType><xs:simpleContent>{kind}</xs:simpleContent></xs:complexType>"
        mixed = ' mixed="true"' if self._number(0, 7) == 0 else ""
        content = self._all(depth) if self._number(0, 5) == 0 else self._group(depth)
        return f"<xs:complexType{mixed}>{content}{self._attributes()}</xs:complexType>"

    def _attributes(self) -> str:
        made = ""
        for number in range(self._number(0, 2)):
            use = self._one("", " use='required'")
            made += f"<xs:attribute name='a{number}'{use}>{self._simple(0)}</xs:attribute>"
        return made

    def _all(self, depth: int) -> str:
        members = "".join(self._element(depth, self._one("", " minOccurs='0'")) for _ in range(self._number(1, 3)))
        return f"<xs:all>{members}</xs:all>"

    def _group(self, depth: int) -> str:
        model = self._one("sequence", "sequence", "choice")
        parts = "".join(self._particle(depth) for _ in range(self._number(0, 3)))
        return f"<xs:{model}{self._occurs()}>{parts}</xs:{model}>"

    def _particle(self, depth: int) -> str:
        which = self._number(0, 9)
        if which == 0:
            return f"<xs:element ref='t:head'{self._occurs()}/>"
        if which == 1:
            return f"<xs:any namespace='##other' processContents='lax'{self._occurs()}/>"
        if which <= 3 and depth < 3:
            return self._group(depth + 1)
        return self._element(depth, self._occurs())

    def _occurs(self) -> str:
        return str(self._one("", "", " minOccurs='0'", " minOccurs='2' maxOccurs='3'", " maxOccurs='unbounded'"))

    def _element(self, depth: int, occurs: str) -> str:
        self._count += 1
        nillable = self._one("", "", " nillable='true'")
        content = self._complex(depth + 1) if depth < 2 and self._number(0, 3) == 0 else self._simple(0)
        return f"<xs:element name='e{self._count}'{occurs}{nillable}>{content}</xs:element>"

    def _simple(self, depth: int) -> str:
        which = self._number(0, 6) if depth < 2 else 6
        if which == 0:
            return f"<xs:simpleType><xs:list>{self._simple(2)}</xs:list></xs:simpleType>"
        if which == 1:
            members = "".join(self._simple(depth + 1) for _ in range(self._number(1, 3)))
            return f"<xs:simpleType><xs:union>{members}</xs:union></xs:simpleType>"
        base, facets = self._one(
            *((f"xs:{name}", "") for name in BUILT_IN),
            ("xs:string", "<xs:minLength value='2'/><xs:maxLength value='4'/>"),
            ("xs:token", "<xs:length value='3'/>"),
            ("xs:string", "<xs:pattern value='[A-C]{2}[0-9]+|x'/>"),
            ("xs:int", "<xs:pattern value='[0-9]{3}'/>"),
            ("xs:string", "<xs:enumeration value='a'/><xs:enumeration value='b c'/>"),
            ("xs:decimal", "<xs:enumeration value='1.50'/><xs:enumeration value='2'/>"),
            ("xs:integer", "<xs:minInclusive value='-5'/><xs:maxExclusive value='7'/>"),
            ("xs:decimal", "<xs:totalDigits value='4'/><xs:fractionDigits value='2'/>"),
            ("xs:double", "<xs:minExclusive value='0'/>"),
            ("xs:date", "<xs:minInclusive value='2000-01-01'/>"),
            ("xs:hexBinary", "<xs:length value='2'/>"),
            ("xs:base64Binary", "<xs:maxLength value='3'/>"),
            ("xs:NMTOKENS", "<xs:maxLength value='2'/>"),
            ("xs:boolean", "<xs:pattern value='true|false'/>"),
        )
        return f"<xs:simpleType><xs:restriction base='{base}'>{facets}</xs:restriction></xs:simpleType>"


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(schemas(), st.integers(0, 2**32))
def test_xml_becomes_json_and_the_same_xml_again(schema: str, chance: int) -> None:
    """What a schema allows is refused only where the view has said so; all else becomes JSON that the derived schema
    allows, and a valid document of the same elements, attributes and values, which no further trip changes."""
    documents = XsdDocuments({"t.xsd": schema.encode()}, ["t.xsd"])
    try:
        validator = XsdValidator(documents, ROOT)
        view = XmlView(documents, ROOT)
    except SchemaInvalid:
        event("no schema")
        return
    derived = JsonSchemaValidator(view.json_schema()[0], {}, path="t.json")
    made = islice((each for each in XmlSamples(documents, ROOT, Random(chance)).attempts(12)), 12)
    for document in made:
        if validator.check(Body(Format.XML, document))[1]:
            event("not valid")
            continue
        ordered = "<xs:all>" not in schema and not any(each.endswith(NOTES) for each in view.problems)
        try:
            value = view.decode(document)
        except TransformFailed:
            assert view.problems
            event("refused")
            continue
        assert not derived.findings(parse_json(orjson.dumps(value))), (document, value, view.json_schema()[0])
        written = rewritten(view, value, validator)
        if written is None:
            assert any(each.endswith(NOTES) for each in view.problems), document
            event("not written")
            continue
        event("read")
        assert canonicalize(view.encode(view.decode(written)).decode()) == canonicalize(written.decode())
        assert view.decode(written) == value
        assert read_by_another(documents, written, ordered) == read_by_another(documents, document, ordered), (
            document,
            written,
        )


def rewritten(view: XmlView, value: object, validator: XsdValidator) -> bytes | None:
    """The document of a view; None where elements in the schema's order are not what the schema allows."""
    try:
        written = view.encode(value)
    except TransformFailed:
        return None
    return written if not validator.check(Body(Format.XML, written))[1] else None


def read_by_another(documents: XsdDocuments, document: bytes, ordered: bool) -> Any:
    """Names, attributes and typed values, as a library reads them that knows nothing of the view."""
    model: xmlschema.XMLSchema10 = documents.model
    # It takes an optional element in a repeated choice for too few: what it says of validity is not asked.
    result: Any = model.decode(
        document.decode(), validation="lax", converter=JsonMLConverter, use_defaults=False, datetime_types=True
    )
    return comparable(result[0], ordered)


def comparable(read: Any, ordered: bool) -> Any:
    if isinstance(read, list):
        members = [comparable(each, ordered) for each in read]
        return members if ordered else sorted(members, key=repr)
    if isinstance(read, dict):
        return {key: comparable(each, ordered) for key, each in sorted(read.items()) if not key.startswith("xmlns")}
    return "NaN" if isinstance(read, float) and isnan(read) else read
