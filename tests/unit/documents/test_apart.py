"""Routes whose transforms are written in JSONata or XSLT."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from bus.envelope import Body, Format
from bus.errors import TransformFailed
from documents.check import check_folder
from documents.compile import compile_documents
from documents.load import load
from routes.model import Route
from transforms.apart.pool import Pool

Build = Callable[..., Path]
Change = tuple[str, str] | str | None
TODAY = date(2026, 11, 22)
MAPPED = "language: mapping\nfields: {So: number, Loai: {from: sort, codeList: sorts}}"
SHEET = """\
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:q="urn:q" xmlns="urn:q">
  <xsl:include href="parts/text.xsl"/>
  <xsl:template match="/q:Hoi"><CauHoi><xsl:apply-templates/></CauHoi></xsl:template>
</xsl:stylesheet>
"""
TEXT = """\
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:q="urn:q">
  <xsl:template match="q:So"><So xmlns="urn:q">*<xsl:value-of select="."/></So></xsl:template>
</xsl:stylesheet>
"""
XSD = """\
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:q" elementFormDefault="qualified">
  <xs:element name="Hoi"><xs:complexType><xs:sequence><xs:element name="So" type="xs:string"/></xs:sequence>
  </xs:complexType></xs:element>
  <xs:element name="CauHoi"><xs:complexType><xs:sequence><xs:element name="So" type="xs:string"/></xs:sequence>
  </xs:complexType></xs:element>
</xs:schema>
"""
DOCUMENT = """\
kind: Contract
name: civil.letter
version: 1.0.0
title: {en: Letter}
owner: H98.01
exchange: document
request: {format: xml, schema: xml/q.xsd, element: "{urn:q}Hoi"}
---
kind: Route
contract: civil.letter@1
to: register
operation: ask
transform: {request: letter-out}
tests: [{input: xml/in.xml, output: xml/out.xml}]
---
kind: Transform
name: letter-out
language: xslt
file: xml/letter.xsl
---
kind: Grant
contract: civil.letter@1
system: register
may: receive
purpose: Đáp
legalBasis: NĐ 1
"""
XML: dict[str, Change] = {
    "xml/letter.yaml": DOCUMENT,
    "xml/q.xsd": XSD,
    "xml/letter.xsl": SHEET,
    "xml/parts/text.xsl": TEXT,
    "xml/in.xml": '<Hoi xmlns="urn:q"><So>1</So></Hoi>',
    "xml/out.xml": '<CauHoi xmlns="urn:q"><So>*1</So></CauHoi>',
}
TO_JSON = 'file: xml/letter.xsl\nto: {format: xml, schema: xml/q.xsd, element: "{urn:q}CauHoi"}'


def said(folder: Path) -> list[str]:
    return [str(each) for each in check_folder(folder, TODAY).errors]


def as_jsonata(text: str) -> dict[str, Change]:
    return {"civil/exchange.yaml": (MAPPED, f"language: jsonata\n{text}")}


def a_route(folder: Path, pool: Pool, reference: str) -> Route:
    compiled, problems = compile_documents(load(folder).documents, pool)
    assert problems == ()
    (route,) = compiled.routes[reference]
    return route


def test_jsonata_in_the_place_of_a_mapping(province: Build) -> None:
    """A route's tests hold what an expression makes, with the province's code lists."""
    text = "codeLists: [sorts]\nexpression: |\n  {'So': number, 'Loai': $code('sorts', sort)}"
    assert said(province(as_jsonata(text))) == []


def test_jsonata_that_makes_something_else(province: Build) -> None:
    """What an expression makes otherwise than its test expects is told as with a mapping."""
    (problem,) = said(province(as_jsonata("expression: '{\"So\": number}'")))
    assert 'at /Loai: nothing was made, "01" is expected' in problem


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("expression: '{\"So\": '", "line 1: Expected } before end of expression"),
        ("expression: a\ncodeLists: [none]", "there is no code list none"),
        ("file: civil/none.jsonata", "there is no file civil/none.jsonata"),
        ("expression: a\nfile: civil/x.jsonata", "JSONata stands in `expression`, or in a file"),
        ("fields: {a: b}", "`fields` belong to `language: mapping`"),
    ],
)
def test_jsonata_that_is_wrong(province: Build, text: str, message: str) -> None:
    """A mistake is told with its place before anything is applied."""
    found = said(province({**as_jsonata(text), "civil/x.jsonata": "a"}))
    assert any(message in each for each in found), found


def test_jsonata_that_never_ends(province: Build) -> None:
    """An expression that hangs ends the test of its route, not the check."""
    found = said(province(as_jsonata("expression: '($f := function($x){$f($x + 1)}; $f(1))'")))
    assert any("needs more than 5 s" in each for each in found), found


def test_stylesheet_between_xml_and_xml(province: Build) -> None:
    """XML goes through a stylesheet as it is, with what it includes from beside it."""
    folder = province(XML)
    assert said(folder) == []
    with Pool() as pool:
        route = a_route(folder, pool, "civil.letter@1")
        assert route.request
        assert route.apart is pool.threads
        made = route.request(Body(Format.XML, b'<Hoi xmlns="urn:q"><So>2</So></Hoi>'))
        assert (made.format, b"<So>*2</So>" in made.data) == (Format.XML, True)


def test_stylesheet_that_is_wrong(province: Build) -> None:
    """A mistake in a stylesheet is told with its file and line; so is a file that it includes and that is not there."""
    problem, *_ = said(province({**XML, "xml/letter.xsl": SHEET.replace("/q:Hoi", "q:Hoi[")}))
    assert "letter.yaml" in problem
    assert "expected" in problem
    (problem,) = said(province({**XML, "xml/letter.xsl": SHEET.replace("text", "none")}, "other"))
    assert "there is no file xml/parts/none.xsl to include" in problem


def test_stylesheet_makes_another_root(province: Build) -> None:
    """Where it is known which element is to come out, another one is an error of the transform."""
    wrong = SHEET.replace("CauHoi>", "Khac>")
    folder = province(
        {**XML, "xml/letter.yaml": DOCUMENT.replace("file: xml/letter.xsl", TO_JSON), "xml/letter.xsl": wrong}
    )
    with Pool() as pool:
        convert = a_route(folder, pool, "civil.letter@1").request
        assert convert
        with pytest.raises(TransformFailed, match=r"is not \{urn:q\}CauHoi"):
            convert(Body(Format.XML, b'<Hoi xmlns="urn:q"><So>2</So></Hoi>'))


def test_stylesheet_for_json(province: Build) -> None:
    """A stylesheet is not given JSON, unless the transform says as which XML."""
    plain = "language: xslt\nfile: xml/letter.xsl"
    (problem, *_) = said(province({**XML, "civil/exchange.yaml": (MAPPED, plain)}))
    assert "a stylesheet reads XML, and here comes JSON" in problem
    seen = plain + '\nfrom: {format: xml, schema: xml/q.xsd, element: "{urn:q}Hoi"}'
    folder = province({**XML, "civil/exchange.yaml": (MAPPED, seen)}, "seen")
    with Pool() as pool:
        convert = a_route(folder, pool, "civil.question@1").request
        assert convert
        assert b"<So>*1</So>" in convert(Body(Format.JSON, b'{"So": "1"}')).data
