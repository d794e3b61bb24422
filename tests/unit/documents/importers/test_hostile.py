"""Descriptions that are made to do harm are refused with a reason, in bounded time and memory."""

import zipfile
from pathlib import Path

import pytest

from bus.envelope import Body, Format
from contracts.xsd import XsdDocuments, XsdValidator
from documents.importers import run
from documents.importers.run import Order, Outcome, import_bounded, import_here
from documents.importers.target import Target
from tests.unit.documents.importers.test_wsdl import TODAY, WSDL

NUMBER = WSDL[WSDL.index("  <x:simpleType name") : WSDL.index("</x:schema>")]
SECRET = "never to be read"


def order(path: Path, kind: str = "wsdl", entry: str | None = None) -> Order:
    return Order(kind, path, Target("hostile", "H98"), TODAY, entry)


def with_number(restriction: str) -> str:
    simple = f'<x:simpleType name="Number"><x:restriction base="x:string">{restriction}</x:restriction></x:simpleType>'
    return WSDL.replace(NUMBER, simple)


def only_code(outcome: Outcome) -> str:
    assert not outcome.imported.documents
    (code,) = {note.remark.code for note in outcome.imported.errors}
    return code


@pytest.fixture
def put(tmp_path: Path) -> Path:
    (tmp_path / "secret.xsd").write_text(SECRET)
    return tmp_path / "in" / "a.wsdl"


def imported(path: Path, text: str) -> Outcome:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return import_here(order(path))


@pytest.mark.parametrize(
    "declaration",
    [
        '<!ENTITY x SYSTEM "file:///etc/passwd">',
        '<!ENTITY x SYSTEM "http://127.0.0.1:9/x">',
        '<!ENTITY % p SYSTEM "http://127.0.0.1:9/x.dtd"> %p;',
        '<!ENTITY a "haha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY x "&b;&b;&b;&b;">',
    ],
)
def test_entities_are_refused(put: Path, declaration: str) -> None:
    """A document type is never read: no file, no address, no text that grows."""
    text = f"<!DOCTYPE d [{declaration}]>" + WSDL.replace('name="Head"', 'name="&x;"')
    assert only_code(imported(put, text)) == "wsdl-forbidden"


@pytest.mark.parametrize(
    "location", ["../secret.xsd", "file:///etc/passwd", "{outside}/secret.xsd", "http://127.0.0.1:9/a.xsd"]
)
def test_references_lead_nowhere_outside(put: Path, tmp_path: Path, location: str) -> None:
    """An include of what lies outside the folder is missing, and so is one of an address."""
    location = location.format(outside=tmp_path)
    text = WSDL.replace("<x:element name", f'<x:include schemaLocation="{location}"/><x:element name', 1)
    outcome = imported(put, text)
    assert only_code(outcome) == "wsdl-schema-missing"
    assert SECRET not in repr(outcome)


def test_a_zip_that_leads_out_is_refused(tmp_path: Path) -> None:
    """A path in a zip that leads out of it spoils the import."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.wsdl", WSDL)
        archive.writestr("../../a.xsd", "<a/>")
    assert only_code(import_here(order(path))) == "zip-path"


def test_a_schema_of_fifty_megabytes_is_refused(tmp_path: Path) -> None:
    """A file that is larger than any description is not even opened."""
    path = tmp_path / "a.xsd"
    with path.open("wb") as file:
        file.write(b'<x:schema xmlns:x="http://www.w3.org/2001/XMLSchema">')
        file.truncate(50_000_000)
    assert only_code(import_here(order(path, "xsd"))) == "source-too-large"


def test_files_that_lead_on_without_end_are_refused(tmp_path: Path) -> None:
    """Thousands of schemas, or WSDLs, that each lead to the next are too deep, and no error of the interpreter."""
    head = '<x:schema xmlns:x="http://www.w3.org/2001/XMLSchema">'
    outer = '<definitions xmlns="http://schemas.xmlsoap.org/wsdl/">'
    for number in range(2000):
        (tmp_path / f"{number}.xsd").write_text(f'{head}<x:include schemaLocation="{number + 1}.xsd"/></x:schema>')
        (tmp_path / f"{number}.wsdl").write_text(f'{outer}<import location="{number + 1}.wsdl"/></definitions>')
    assert only_code(import_here(order(tmp_path, "wsdl", "0.wsdl"))) == "wsdl-import-missing"
    assert only_code(import_here(order(tmp_path, "xsd", "0.xsd"))) == "schema-unusable"


def test_elements_nested_without_end_are_refused(put: Path) -> None:
    """A WSDL that is nested a thousand deep is not read."""
    deep = "<x:sequence>" * 1000 + "</x:sequence>" * 1000
    text = WSDL.replace("<x:sequence>", f"<x:sequence>{deep}", 1)
    assert only_code(imported(put, text)) == "wsdl-forbidden"


def test_a_type_that_asks_for_itself_has_no_example(put: Path) -> None:
    """A message that can never end is imported without an example, as is one whose smallest is enormous."""
    loop = '<x:complexType name="Loop"><x:sequence><x:element name="more" type="t:Loop"/></x:sequence></x:complexType>'
    doubling = "".join(
        f'<x:complexType name="D{n}"><x:sequence><x:element name="a" type="t:D{n + 1}"/>'
        f'<x:element name="b" type="t:D{n + 1}"/></x:sequence></x:complexType>'
        for n in range(30)
    )
    for kind, more in (("Loop", loop), ("D0", doubling + '<x:complexType name="D30"/>')):
        text = WSDL.replace('type="t:Number"', f'type="t:{kind}"').replace(NUMBER, NUMBER + more)
        outcome = imported(put, text)
        assert outcome.ok
        by_name = {each["name"]: each for each in outcome.imported.of("Contract")}
        assert "examples" not in by_name["hostile.tell"]


@pytest.mark.parametrize(
    "text",
    [
        with_number('<x:pattern value="(x+x+)+y"/>').replace(
            'type="t:Number"', f'type="t:Number" default="{"x" * 40}"'
        ),
        WSDL.replace(
            NUMBER,
            NUMBER
            + "".join(
                f'<x:group name="G{n}"><x:sequence>{f"""<x:group ref="t:G{n + 1}"/>""" * 2}</x:sequence></x:group>'
                for n in range(30)
            )
            + '<x:group name="G30"><x:sequence><x:element name="z" minOccurs="0"/></x:sequence></x:group>'
            + '<x:element name="Big"><x:complexType><x:group ref="t:G0"/></x:complexType></x:element>',
        ),
    ],
    ids=["a pattern that hangs a backtracking engine", "groups that unfold to billions"],
)
def test_what_costs_too_much_is_ended(put: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """What would take for ever is ended with its process, and that is the reason told."""
    monkeypatch.setattr(run, "SECONDS", 1)
    put.parent.mkdir()
    put.write_text(text)
    assert only_code(import_bounded(order(put))) == "import-too-costly"


def test_a_pattern_that_libxml2_gives_up_on_refuses_the_message() -> None:
    """A message whose text asks too much of a pattern is refused: it is neither accepted nor an error of the bus."""
    xsd = """<x:schema xmlns:x="http://www.w3.org/2001/XMLSchema"><x:element name="a"><x:simpleType>
      <x:restriction base="x:string"><x:pattern value="(a|aa)*b"/></x:restriction></x:simpleType></x:element>
      </x:schema>"""
    validator = XsdValidator(XsdDocuments({"a.xsd": xsd.encode()}, ["a.xsd"]), "a")
    assert validator.check(Body(Format.XML, b"<a>" + b"a" * 60 + b"</a>"))[1]
