"""WSDLs become systems, contracts and routes."""

import os
import socket
from datetime import date
from pathlib import Path
from typing import NoReturn

import orjson
import pytest
from typer.testing import CliRunner

from bus.envelope import Body, Format
from bus.languages import Language
from cli import app
from documents.check import check, check_folder
from documents.importers.run import Order, Outcome, import_here
from documents.importers.target import Target
from documents.importers.writing import write, written
from documents.importers.wsdl_remarks import BY_RULE, Reason

TODAY = date(2026, 11, 25)
HEAD = (
    '<w:definitions xmlns:w="http://schemas.xmlsoap.org/wsdl/" xmlns:s="http://schemas.xmlsoap.org/wsdl/soap/" '
    'xmlns:s12="http://schemas.xmlsoap.org/wsdl/soap12/" xmlns:x="http://www.w3.org/2001/XMLSchema" '
    'xmlns:t="urn:t" targetNamespace="urn:t">'
)
TYPES = """<w:types><x:schema targetNamespace="urn:t" elementFormDefault="qualified">
  <x:element name="Ask"><x:complexType><x:sequence><x:element name="number" type="t:Number"/>
    <x:element name="detail" type="x:boolean" minOccurs="0"/></x:sequence></x:complexType></x:element>
  <x:element name="Told"><x:complexType><x:sequence><x:element name="name" type="x:string" maxOccurs="unbounded"/>
    </x:sequence></x:complexType></x:element>
  <x:element name="Unknown"><x:complexType><x:sequence><x:element name="why" type="x:string"/></x:sequence>
    </x:complexType></x:element>
  <x:element name="Head" type="x:string"/>
  <x:simpleType name="Number"><x:restriction base="x:string"><x:pattern value="[0-9]{12}"/></x:restriction>
  </x:simpleType>
</x:schema></w:types>"""
MESSAGES = "".join(
    f'<w:message name="{name}">{part}</w:message>'
    for name, part in (
        ("In", '<w:part name="p" element="t:Ask"/>'),
        ("Out", '<w:part name="p" element="t:Told"/>'),
        ("Bad", '<w:part name="p" element="t:Unknown"/>'),
        ("H", '<w:part name="h" element="t:Head"/>'),
        ("No", ""),
        ("Lost", '<w:part name="p" element="t:Nowhere"/>'),
    )
)
PORT_TYPE = """<w:portType name="Register">
  <w:operation name="findPerson"><w:documentation>Tra cứu
    công dân</w:documentation><w:input message="t:In"/><w:output message="t:Out"/>
    <w:fault name="unknown" message="t:Bad"/></w:operation>
  <w:operation name="ping"><w:input message="t:No"/><w:output message="t:Out"/></w:operation>
  <w:operation name="tell"><w:input message="t:In"/></w:operation>
  <w:operation name="lost"><w:input message="t:Lost"/></w:operation>
</w:portType><w:portType name="Admin"><w:operation name="tell"><w:input message="t:In"/></w:operation></w:portType>"""
BODY = '<s:body use="literal"/>'
HEADER = '<s:header message="t:H" part="h" use="literal"/>'


def binding(name: str, port_type: str, operations: str) -> str:
    transport = "http://schemas.xmlsoap.org/soap/http"
    return f'<w:binding name="{name}" type="t:{port_type}"><s:binding transport="{transport}"/>{operations}</w:binding>'


def operation(name: str, *, answers: bool, header: str = "") -> str:
    output = f"<w:output>{BODY}</w:output>" if answers else ""
    given = f"<w:input>{BODY}{header}</w:input>{output}"
    return f'<w:operation name="{name}"><s:operation soapAction="urn:{name}"/>{given}</w:operation>'


BINDINGS = binding(
    "R",
    "Register",
    operation("findPerson", answers=True, header=HEADER)
    + operation("ping", answers=True)
    + operation("tell", answers=False)
    + operation("lost", answers=False),
) + binding("A", "Admin", operation("tell", answers=False))
SERVICE = """<w:service name="Population"><w:documentation>Dân cư</w:documentation>
  <w:port name="First" binding="t:R"><s:address location="http://dan-cu.example.internal/ws"/></w:port>
  <w:port name="Second" binding="t:R"><s:address location="http://du-phong.example.internal/ws"/></w:port>
  <w:port name="AdminPort" binding="t:A"><s:address location="TODO"/></w:port></w:service>"""
WSDL = f"{HEAD}{TYPES}{MESSAGES}{PORT_TYPE}{BINDINGS}{SERVICE}</w:definitions>"


@pytest.fixture
def wsdl(tmp_path: Path) -> Path:
    path = tmp_path / "population.wsdl"
    path.write_text(WSDL)
    return path


def imported(path: Path, **said: object) -> Outcome:
    target = Target("population.police", "H98.12", **said)  # type: ignore[arg-type]
    return import_here(Order("wsdl", path, target, TODAY))


def codes(outcome: Outcome) -> list[str]:
    return [note.remark.code for note in outcome.imported.notes]


def test_each_port_type_is_a_system_and_each_operation_a_contract(wsdl: Path) -> None:
    """A system for each port type, a contract with a route for each operation, titled as the WSDL says."""
    outcome = imported(wsdl)
    assert outcome.ok
    systems = {each["name"]: each for each in outcome.imported.of("System")}
    assert list(systems) == ["population.police", "population.police.admin-port"]
    assert systems["population.police"]["endpoint"] == "http://dan-cu.example.internal/ws"
    assert systems["population.police"]["port"] == "First"
    contracts = {each["name"]: each for each in outcome.imported.of("Contract")}
    assert contracts["population.police.find-person"]["title"]["vi"] == "Tra cứu công dân"
    assert {name: each["exchange"] for name, each in contracts.items()} == {
        "population.police.find-person": "request",
        "population.police.ping": "request",
        "population.police.tell": "document",
        "population.police.tell-2": "document",
    }
    assert [each["to"] for each in outcome.imported.of("Route")] == ["population.police"] * 3 + [
        "population.police.admin-port"
    ]


def test_a_binding_that_was_guessed_and_attachments_are_told(tmp_path: Path) -> None:
    """An import goes on where the meaning is plain, and says what it took and what it leaves."""
    related = (
        f'<m:multipartRelated xmlns:m="http://schemas.xmlsoap.org/wsdl/mime/"><m:part>{BODY}</m:part>'
        '<m:part><m:content part="scan" type="image/png"/></m:part></m:multipartRelated>'
    )
    ports = '<w:port name="P" binding="t:None"><s:address location="http://dan-cu.example.internal/ws"/></w:port>'
    service = f'<w:service name="S">{ports}</w:service>'
    one = binding("A", "Admin", operation("tell", answers=False)).replace(BODY, related)
    path = tmp_path / "population.wsdl"
    path.write_text(f"{HEAD}{TYPES}{MESSAGES}{PORT_TYPE}{one}{service}</w:definitions>")
    outcome = imported(path)
    assert outcome.ok
    assert {"binding-guessed", "attachments-declared"} <= set(codes(outcome))
    (contract,) = (each for each in outcome.imported.of("Contract") if each["name"].endswith(".tell"))
    assert contract["request"]["attachments"] == {"max": 1, "mediaTypes": ["image/png"]}
    write(tmp_path / "out", written(outcome.imported, "population.police/1.0.0"))
    assert check_folder(tmp_path / "out", TODAY).errors == ()


def test_a_service_that_asks_for_mtom_is_called_so(tmp_path: Path) -> None:
    """The assertion of .NET and Metro becomes a setting, beside that of addressing; one that may be left out none."""
    space = "http://schemas.xmlsoap.org/ws/2004/09/policy"
    name = f"o:OptimizedMimeSerialization xmlns:o='{space}/optimizedmimeserialization'"
    addressing = '<n:UsingAddressing xmlns:n="http://www.w3.org/2006/05/addressing/wsdl"/>'
    path = tmp_path / "population.wsdl"
    for optional, expected in (("", {"addressing": "2005", "mtom": True}), ("true", {"addressing": "2005"})):
        asks = f'<p:Policy xmlns:p="{space}"><{name} p:Optional="{optional}"/></p:Policy>{addressing}'
        path.write_text(WSDL.replace("<s:binding", f"{asks}<s:binding", 1))
        outcome = imported(path)
        first, second = outcome.imported.of("System")
        assert (first["soap"], "soap" in second) == (expected, False)
        assert ("mtom-asked" in codes(outcome)) == ("mtom" in expected)


def test_a_service_that_asks_for_addressing_is_called_with_it(tmp_path: Path) -> None:
    """What the WSDL asks of callers becomes a setting of its system, is told, and passes a check as it is written."""
    asks = '<n:UsingAddressing xmlns:n="http://www.w3.org/2006/05/addressing/wsdl" w:required="true"/>'
    path = tmp_path / "population.wsdl"
    path.write_text(WSDL.replace("<s:binding", f"{asks}<s:binding", 1))
    outcome = imported(path)
    assert "addressing-asked" in codes(outcome)
    first, second = outcome.imported.of("System")
    assert (first["soap"], "soap" in second) == ({"addressing": "2005"}, False)
    write(tmp_path / "out", written(outcome.imported, "population.police/1.0.0"))
    assert check_folder(tmp_path / "out", TODAY).errors == ()


def test_a_service_that_asks_for_security_is_told(tmp_path: Path) -> None:
    """Which scheme its policy wants is said; the secret is for a person to give."""
    spaces = 'xmlns:n="http://schemas.xmlsoap.org/ws/2004/09/policy"'
    tokens = 'xmlns:p="http://docs.oasis-open.org/ws-sx/ws-securitypolicy/200702"'
    path = tmp_path / "population.wsdl"
    policy = f"<n:Policy {spaces} {tokens}><p:UsernameToken/></n:Policy>"
    path.write_text(WSDL.replace("<s:binding", f"{policy}<s:binding", 1))
    notes = [note for note in imported(path).imported.notes if note.remark.code == "security-asked"]
    assert [note.facts for note in notes] == [{"system": "population.police", "schemes": "wsse-username"}]


def test_every_loss_is_told(wsdl: Path) -> None:
    """The second port, header blocks, an element that is nowhere, an address that is none: each has its remark."""
    said = codes(imported(wsdl))
    assert {
        "port-left-out",
        "headers-not-sent",
        "operation-element-missing",
        "endpoint-open",
        "legal-basis-open",
        "agency-unnamed",
    } == set(said)
    assert "legal-basis-open" not in codes(imported(wsdl, legal_basis="NĐ 1"))
    assert "endpoint-open" not in codes(imported(wsdl, endpoint="https://h/ws"))


def test_what_is_written_passes_a_check(wsdl: Path, tmp_path: Path) -> None:
    """What an import writes into a folder is a province that has no error."""
    outcome = imported(wsdl)
    write(tmp_path / "out", written(outcome.imported, "population.police/1.0.0"))
    assert check_folder(tmp_path / "out", TODAY).errors == ()


def test_json_becomes_the_operations_xml_and_back(wsdl: Path) -> None:
    """A JSON message of the contract becomes what the operation takes, its answer and fault become JSON."""
    compiled = check(imported(wsdl).documents, TODAY).compiled
    (route,) = compiled.routes["population.police.find-person@1"]
    assert route.request
    assert route.reply
    made = route.request(Body(Format.JSON, b'{"number": "001099000001", "detail": true}'))
    assert made.data == b'<t:Ask xmlns:t="urn:t"><t:number>001099000001</t:number><t:detail>true</t:detail></t:Ask>'
    answer = route.reply(Body(Format.XML, b'<a:Told xmlns:a="urn:t"><a:name>An</a:name></a:Told>'))
    assert orjson.loads(answer.data) == {"name": ["An"]}
    fault = route.faults["unknown"](Body(Format.XML, b'<Unknown xmlns="urn:t"><why>none</why></Unknown>'))
    assert orjson.loads(fault.data) == {"why": "none"}
    (contract,) = compiled.contracts["population.police.find-person"]
    assert contract.request.validator.check(Body(Format.JSON, b'{"number": "1"}'))[1]


def test_an_empty_request_is_an_empty_body(wsdl: Path) -> None:
    """An operation whose Body is empty takes an object without fields, and is sent nothing."""
    compiled = check(imported(wsdl).documents, TODAY).compiled
    (route,) = compiled.routes["population.police.ping@1"]
    assert route.request
    assert route.request(Body(Format.JSON, b"{}")).data == b""
    (contract,) = compiled.contracts["population.police.ping"]
    assert contract.request.validator.check(Body(Format.JSON, b"{}"))[1] == []
    assert contract.request.validator.check(Body(Format.JSON, b'{"a": 1}'))[1]


def test_contracts_may_stay_in_xml(wsdl: Path) -> None:
    """Asked for XML, a contract carries the operation's own elements; what has none stays in JSON, and that is told."""
    outcome = imported(wsdl, messages="xml")
    assert outcome.ok
    by_name = {each["name"]: each for each in outcome.imported.of("Contract")}
    assert by_name["population.police.find-person"]["request"]["element"] == "{urn:t}Ask"
    assert by_name["population.police.ping"]["request"]["format"] == "json"
    assert "rpc-in-json" in codes(outcome)


def test_one_port_can_be_named(wsdl: Path) -> None:
    """A service and port that are named are the only ones taken; one that is not there is refused."""
    outcome = imported(wsdl, port="AdminPort")
    assert [each["name"] for each in outcome.imported.of("Contract")] == ["population.police.tell"]
    assert codes(imported(wsdl, port="Third")) == ["wsdl-port-unknown"]


def test_a_folder_is_entered_by_the_wsdl_that_has_the_service(tmp_path: Path) -> None:
    """Of WSDLs that import one another the outermost is read."""
    inner = f"{HEAD}{TYPES}{MESSAGES}{PORT_TYPE}</w:definitions>"
    outer = f'{HEAD}<w:import namespace="urn:t" location="http://old/inner.wsdl"/>{BINDINGS}{SERVICE}</w:definitions>'
    (tmp_path / "inner.wsdl").write_text(inner)
    (tmp_path / "service.wsdl").write_text(outer)
    outcome = imported(tmp_path)
    assert outcome.ok
    assert {"population.police/1.0.0/inner.wsdl", "population.police/1.0.0/service.wsdl"} <= set(outcome.imported.files)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (WSDL, "<a", "wsdl-malformed"),
        (WSDL, "<a/>", "wsdl-not"),
        (WSDL, '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "wsdl-forbidden"),
        (SERVICE, "", "wsdl-service-missing"),
        ('type="t:Register"', 'type="t:None"', "wsdl-port-type-missing"),
        ("binding=", "x=", "wsdl-inconsistent"),
        ('type="t:Number"', 'type="t:None"', "wsdl-schema-invalid"),
        (
            "<x:element name",
            '<x:include schemaLocation="http://10.0.0.1/none.xsd"/><x:element name',
            "wsdl-schema-missing",
        ),
        (TYPES, f'<w:import location="file:///etc/none.wsdl"/>{TYPES}', "wsdl-import-missing"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, old: str, new: str, code: str) -> None:
    """Each thing that stands in the way has its reason, in both languages."""
    path = tmp_path / "a.wsdl"
    path.write_text(WSDL.replace(old, new, 1))
    notes = imported(path).imported.errors
    assert notes[0].remark.code == code
    assert all(note.say(language) for note in notes for language in Language)


SCHEMA = TYPES[TYPES.index("<x:schema") : TYPES.index("</w:types>")]
DATA_SET = '<x:sequence><x:element ref="x:schema"/><x:any/></x:sequence>'


@pytest.mark.parametrize(
    "document",
    [
        ('<?xml version="1.0" encoding="UTF-16"?>' + WSDL).encode("utf-16"),
        ('<?xml version="1.0" encoding="windows-1258"?>' + WSDL.replace("Tra cứu", "Tra cuu")).encode(
            "cp1258", "ignore"
        ),
        b"\xef\xbb\xbf" + WSDL.encode(),
        WSDL.replace("<w:", "<").replace("</w:", "</").replace("xmlns:w=", "xmlns=").encode(),
        WSDL.replace(' targetNamespace="urn:t"', "").replace('xmlns:t="urn:t"', "").replace("t:", "").encode(),
        WSDL.replace("</w:types>", f"{SCHEMA}</w:types>").encode(),
        WSDL.replace(
            'name="detail" type="x:boolean" minOccurs="0"/>',
            f'name="detail"><x:complexType>{DATA_SET}</x:complexType></x:element>',
        ).encode(),
        WSDL.replace("<w:portType", '<p:Policy xmlns:p="http://www.w3.org/ns/ws-policy"/><w:portType', 1).encode(),
    ],
    ids=["utf-16", "windows-1258", "bom", "default-namespace", "no-namespace", "schema-twice", "dataset", "policy"],
)
def test_what_old_tools_write_is_read(tmp_path: Path, document: bytes) -> None:
    """Other charsets, no namespace at all, one schema twice, .NET's DataSet, a policy: all of it is imported."""
    path = tmp_path / "a.wsdl"
    path.write_bytes(document)
    outcome = imported(path)
    assert outcome.ok
    assert len(list(outcome.imported.of("Contract"))) == 4


def test_every_missing_file_is_told_at_once(tmp_path: Path) -> None:
    """A report of what is missing is whole."""
    path = tmp_path / "a.wsdl"
    includes = "".join(f'<x:include schemaLocation="{name}.xsd"/>' for name in "abc")
    path.write_text(WSDL.replace("<x:element name", f"{includes}<x:element name", 1))
    assert [note.remark.code for note in imported(path).imported.errors] == ["wsdl-schema-missing"] * 3


@pytest.mark.parametrize("name", ['binding="t:A"', 'message="t:Bad"'])
def test_what_leads_nowhere_takes_nothing_else_with_it(tmp_path: Path, name: str) -> None:
    """A name that leads nowhere is told, and what does not depend on it is imported all the same."""
    path = tmp_path / "a.wsdl"
    path.write_text(WSDL.replace(name, name.replace(":", ":No"), 1))
    outcome = imported(path)
    assert "wsdl-dangling" in codes(outcome)
    assert outcome.ok


def test_each_rule_of_the_reader_has_its_remark() -> None:
    """Whatever `adapters.soap` finds in a WSDL can be said in both languages."""
    import re

    sources = (Path(__file__).parents[4] / "adapters/soap").glob("*.py")
    source = "\n".join(path.read_text() for path in sources if path.name in {"wsdl.py", "sources.py"})
    rules = set(re.findall(r'"((?:[a-z]+-)+(?:missing|unknown|wsdl|unusable|inconsistent|unsupported))"', source))
    assert rules
    assert rules <= set(BY_RULE) | {f"{what}-unknown" for what in ("service", "port")}
    reasons = re.findall(r'_Unusable\(f?"([^"]+)"\)', source)
    assert reasons
    for reason in reasons:
        filled = re.sub(r"\{[^}]*\}", "2", reason)
        assert Reason(filled).vi != filled, reason


def test_the_command_prints_a_report_for_programs(wsdl: Path, tmp_path: Path) -> None:
    """`--json` prints documents, files, losses in both languages and problems; the exit status says how it went."""
    words = ["import", "wsdl", str(wsdl), "--system", "p", "--agency", "H98", "--out", str(tmp_path / "o"), "--json"]
    given = CliRunner().invoke(app, words)
    report = orjson.loads(given.stdout)
    assert given.exit_code == 0
    assert report["ok"]
    assert {"vi", "en"} == set(report["notes"][0]["message"])
    wsdl.write_text("<a")
    given = CliRunner().invoke(app, words)
    assert given.exit_code == 1
    assert not orjson.loads(given.stdout)["ok"]


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
def test_other_peoples_wsdls_are_imported_or_say_why(path: Path) -> None:
    """Every WSDL of the corpus becomes documents without an error, or a report of what it lacks; nothing is fetched."""
    outcome = imported(path)
    assert "import-failed" not in codes(outcome)
    assert outcome.ok != bool(outcome.imported.errors)
