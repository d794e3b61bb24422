"""MTOM at the door: what is bytes in one part is base64 in the contract's XML, and so to its receiver."""

from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from lxml import etree

from adapters.parts import media_type, read_parts
from adapters.soap.multipart import envelope_of
from adapters.soap.xop import NAMESPACE
from tests.flows.soap_bus import ENVELOPES, Served, province, served
from tests.flows.test_soap import answering
from tests.flows.test_soap_signatures import ANONYMOUS, a_signer
from transforms.apart.pool import Pool

NS = ENVELOPES["1.1"][1]
XOP = "application/xop+xml"
DATA = bytes(range(256)) * 8
STORED = f'<Stored xmlns="urn:archive"><Number>7</Number><Scan>{b64encode(DATA).decode()}</Scan></Stored>'.encode()
FILES = {
    "schemas/file.xsd": """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:archive"
        elementFormDefault="qualified">
        <xs:element name="Store"><xs:complexType><xs:sequence><xs:element name="Scan" type="xs:base64Binary"
        maxOccurs="unbounded"/></xs:sequence></xs:complexType></xs:element>
        <xs:element name="Stored"><xs:complexType><xs:sequence><xs:element name="Number" type="xs:int"/>
        <xs:element name="Scan" type="xs:base64Binary" minOccurs="0"/></xs:sequence></xs:complexType></xs:element>
        <xs:element name="Full"><xs:complexType/></xs:element></xs:schema>"""
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mtom")


@pytest.fixture
async def bus(folder: Path, database: str) -> AsyncIterator[Served]:
    with Pool() as pool:
        async with served(province(folder, pool, FILES), database) as each:
            each.receiver().answer = answering(STORED)
            yield each


def scan(name: str = "cid:scan") -> str:
    return f'<Scan><x:Include xmlns:x="{NAMESPACE}" href="{name}"/></Scan>'


def envelope(inside: str, version: str = "1.1") -> bytes:
    body = f'<Store xmlns="urn:archive">{inside}</Store>'
    return f'<s:Envelope xmlns:s="{ENVELOPES[version][1]}"><s:Body>{body}</s:Body></s:Envelope>'.encode()


def written(*parts: tuple[str, bytes]) -> bytes:
    """Parts, each with the lines of its headers."""
    return b"".join(f"--b\r\n{head}\r\n".encode() + data + b"\r\n" for head, data in parts) + b"--b--\r\n"


ROOT, SCAN = f"Content-Type: {XOP}; charset=utf-8; type=text/xml\r\n", "Content-ID: <scan>\r\n"
KIND = f'multipart/related; boundary=b; type="{XOP}"; start-info="text/xml"'


async def post(bus: Served, data: bytes, kind: str = KIND, **headers: str) -> httpx.Response:
    return await bus.send("archive.file", data, {"Content-Type": kind, **headers})


def code(answer: httpx.Response) -> str | None:
    return etree.fromstring(answer.content).findtext(".//{urn:lgsp:error}code")


@pytest.mark.parametrize("version", ["1.1", "1.2"])
async def test_bytes_beside_the_envelope_are_base64_in_the_message(bus: Served, version: str) -> None:
    """The receiver gets what an envelope in one part would have said; the answer is MTOM as well."""
    kind = ENVELOPES[version][0].partition(";")[0]
    sent = written((ROOT, envelope(scan(), version)), (SCAN, DATA))
    answer = await post(bus, sent, KIND.replace("text/xml", f'{kind}; action=\\"urn:any\\"'))
    (call,) = bus.receiver().calls
    assert etree.fromstring(call.body.data).findtext("{urn:archive}Scan") == b64encode(DATA).decode()
    name, said = media_type(answer.headers["Content-Type"])
    assert (answer.status_code, name, said["type"], said["start-info"]) == (200, "multipart/related", XOP, kind)
    assert read_parts(said["boundary"], answer.content)[1].data == DATA
    whole = etree.fromstring(envelope_of(answer.headers["Content-Type"], answer.content, 100_000)[1])
    assert whole.findtext(".//{urn:archive}Scan") == b64encode(DATA).decode()


async def test_who_does_not_say_that_it_reads_mtom_is_answered_in_one_part(bus: Served) -> None:
    """Nor is anybody answered in parts where nothing is worth one."""
    one = envelope(f"<Scan>{b64encode(DATA).decode()}</Scan>")
    plain = await post(bus, one, "text/xml", Accept="text/xml, multipart/related")
    asked = await post(bus, one, "text/xml", Accept=f'multipart/related; type="{XOP}", text/xml')
    bus.receiver().answer = answering(b'<Stored xmlns="urn:archive"><Number>7</Number></Stored>')
    short = await post(bus, one, "text/xml", Accept=XOP)
    kinds = [each.headers["Content-Type"].partition(";")[0] for each in (plain, asked, short)]
    assert kinds == ["text/xml", "multipart/related", "text/xml"]


async def test_a_signature_holds_over_what_is_put_back(bus: Served) -> None:
    """What was signed is the XML, wherever its bytes travel (MTOM, XOP 1.0 §1); the part changed, it does not hold."""
    signer = a_signer("one-stop")
    bus.wired.signers |= signer.holder("one-stop")
    text = b64encode(DATA).decode()
    whole = signer.envelope(body=f'<Store xmlns="urn:archive"><Scan>{text}</Scan></Store>').decode()
    moved = whole.replace(f"<Scan>{text}</Scan>", scan()).encode()
    assert moved.decode() != whole
    wrong = await bus.send(
        "archive.file", written((ROOT, moved), (SCAN, DATA[::-1])), ANONYMOUS | {"Content-Type": KIND}
    )
    right = await bus.send("archive.file", written((ROOT, moved), (SCAN, DATA)), ANONYMOUS | {"Content-Type": KIND})
    assert (code(wrong), right.status_code) == ("security-invalid", 200)
    assert len(bus.receiver().calls) == 1


ONE = written((ROOT, envelope(scan())), (SCAN, DATA))
LIES: dict[str, tuple[str, bytes, str]] = {
    "no boundary": (KIND.replace("boundary=b; ", ""), ONE, "multipart-invalid"),
    "another boundary": (KIND.replace("=b;", "=c;"), ONE, "multipart-invalid"),
    "cut": (KIND, ONE[:-20], "multipart-invalid"),
    "a start that is not there": (f'{KIND}; start="<x>"', ONE, "multipart-invalid"),
    "a start that is no envelope": (f'{KIND}; start="<scan>"', ONE, "multipart-invalid"),
    "no part": (KIND, b"--b--", "multipart-invalid"),
    "a part missing": (KIND, written((ROOT, envelope(scan()))), "multipart-invalid"),
    "a part nobody asked for": (KIND, ONE.replace(b"--b--", b"--b\r\n\r\n1\r\n--b--"), "attachments-refused"),
    "a root of another type": (KIND, written(("Content-Type: text/xml\r\n", envelope(scan())), (SCAN, DATA)),
                               "multipart-invalid"),
    "an envelope of neither": (KIND.replace("text/xml", "text/html"), ONE, "media-type-unsupported"),
    "another version": (KIND.replace("text/xml", "application/soap+xml"), ONE, "soap-version"),
    "a bomb": (KIND, written((ROOT, envelope(scan() * 300)), (SCAN, DATA * 4)), "body-too-large"),
    "too much": (KIND, written((ROOT, envelope(scan())), (SCAN, DATA * 60)), "body-too-large"),
    "too many": (KIND, b"--b\r\n\r\n\r\n" * 3_000, "multipart-invalid"),
    "not base64": (KIND, written((ROOT, envelope(scan())), (SCAN + "Content-Transfer-Encoding: base64\r\n", b"#")),
                   "multipart-invalid"),
    "nested": (KIND, written((ROOT, envelope(scan())), (SCAN + "Content-Type: multipart/mixed\r\n", b"")),
               "multipart-invalid"),
    "no envelope": (KIND, written((ROOT, scan().encode()), (SCAN, DATA)), "envelope-invalid"),
    "document type": (KIND, written((ROOT, b"<!DOCTYPE a []>" + envelope(scan())), (SCAN, DATA)), "xml-forbidden"),
    "against the schema": (KIND, written((ROOT, envelope("<x/>"))), "body-invalid"),
}  # fmt: skip


async def test_each_lie_is_a_fault(bus: Served) -> None:
    """Whatever is wrong with the parts, the answer is a fault with its code, and nothing is accepted."""
    for name, (kind, data, expected) in LIES.items():
        answer = await post(bus, data, kind)
        assert (name, code(answer) or "soap-version") == (name, expected)
        assert len(answer.content) < 5_000
    assert bus.receiver().calls == []


async def test_an_envelope_alone_may_come_in_parts(bus: Served) -> None:
    """MTOM and SOAP with attachments of one part each; quoted or not, with the version in the part alone."""
    text = f"<Scan>{b64encode(b'1').decode()}</Scan>"
    soap_12 = ROOT.replace("text/xml", '"application/soap+xml"')
    answers = [
        await post(bus, written((ROOT, envelope(text)))),
        await post(
            bus, written(("Content-Type: text/xml\r\n", envelope(text))), "multipart/related; boundary=b; type=text/xml"
        ),
        await post(bus, written((soap_12, envelope(text, "1.2"))), f"multipart/related; boundary=b; type={XOP}"),
    ]
    assert [each.status_code for each in answers] == [200] * 3
    assert ENVELOPES["1.2"][1].encode() in answers[2].content


async def test_zeep_reads_an_answer_in_mtom(bus: Served) -> None:
    """A toolkit that nobody here wrote puts the same bytes together."""

    def use(client: Any) -> Any:
        client.transport.session.headers["Accept"] = f'multipart/related; type="{XOP}", text/xml'
        return client.service.Store(Scan=[b"1"])

    stored = await bus.call("archive.file", use)
    assert (stored.Number, stored.Scan) == (7, DATA)
