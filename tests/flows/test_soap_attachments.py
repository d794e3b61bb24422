"""SOAP with attachments: files beside an envelope, to a SOAP system and back, kept as the body is."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2 as httpx
import pytest
from lxml import etree

from adapters.call import Outcome, Result
from adapters.parts import media_type, read_parts
from bus.envelope import Attachment, Body, Format
from journal.attachments import fact
from tests.flows.soap_bus import ENVELOPES, Served, province, served
from tests.flows.soap_province import SYSTEMS, contract
from tests.flows.test_soap_mtom import code, post, written
from tests.flows.test_soap_signatures import a_signer
from transforms.apart.pool import Pool

NS = ENVELOPES["1.1"][1]
FILED = b'<Stored xmlns="urn:archive"><Number>7</Number></Stored>'
ALLOWED = "attachments: {max: 2, maxBytes: 3000, mediaTypes: [application/pdf, text/plain]}"
WSDL = """<w:definitions xmlns:w="http://schemas.xmlsoap.org/wsdl/" xmlns:s="http://schemas.xmlsoap.org/wsdl/soap/"
    xmlns:a="urn:archive" targetNamespace="urn:archive">
    <w:types><xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:a="urn:archive" targetNamespace="urn:archive"
        elementFormDefault="qualified">
        <xs:element name="Store"><xs:complexType><xs:sequence><xs:element name="Title" type="xs:string"/>
        </xs:sequence></xs:complexType></xs:element>
        <xs:element name="Stored"><xs:complexType><xs:sequence><xs:element name="Number" type="xs:int"/>
        </xs:sequence></xs:complexType></xs:element></xs:schema></w:types>
    <w:message name="in"><w:part name="p" element="a:Store"/></w:message>
    <w:message name="out"><w:part name="p" element="a:Stored"/></w:message>
    <w:portType name="Archive"><w:operation name="store"><w:input message="a:in"/><w:output message="a:out"/>
    </w:operation></w:portType>
    <w:binding name="b" type="a:Archive"><s:binding transport="http://schemas.xmlsoap.org/soap/http"/>
    <w:operation name="store"><w:input><s:body use="literal"/></w:input><w:output><s:body use="literal"/></w:output>
    </w:operation></w:binding>
    <w:service name="Archive"><w:port name="p" binding="a:b"><s:address location="http://127.0.0.1:1/"/></w:port>
    </w:service></w:definitions>"""
SCHEMA = etree.tostring(etree.fromstring(WSDL)[0][0]).decode()
HIS = "adapter: rest\nendpoint: https://his.invalid/\noperations: {take: {}}"
FILES = {
    "archive.wsdl": WSDL,
    "schemas/archive.xsd": SCHEMA,
    "systems.yaml": SYSTEMS.removeprefix("---\n").replace(HIS, "adapter: soap\nwsdl: archive.wsdl"),
    "exchanges.yaml": "".join(
        contract(
            name,
            exchange,
            f'request: {{format: xml, schema: schemas/archive.xsd, element: "{{urn:archive}}Store", {ALLOWED}}}\n'
            f'reply: {{format: xml, schema: schemas/archive.xsd, element: "{{urn:archive}}Stored", {ALLOWED}}}',
            "timeout: PT5S, timeToLive: PT1M, maxBytes: 5000",
        )
        for name, exchange in (("archive.file", "request"), ("archive.note", "document"))
    )
    .replace("to: his\n", "to: his\nretry: {first: PT1S}\n")
    .removeprefix("---\n"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("attachments")


@pytest.fixture
async def bus(folder: Path, database: str) -> AsyncIterator[Served]:
    with Pool() as pool:
        async with served(province(folder, pool, FILES), database) as each:
            each.receiver().answer = filing()
            yield each


def filing(*attachments: Attachment) -> Any:
    return lambda _: Outcome(Result.ANSWERED, "test", reply=Body(Format.XML, FILED), attachments=attachments)


ENVELOPE = (
    f'<s:Envelope xmlns:s="{NS}"><s:Body><Store xmlns="urn:archive"><Title>Sổ đỏ</Title></Store></s:Body></s:Envelope>'
).encode()
ROOT = "Content-Type: text/xml; charset=utf-8\r\n"
PDF = "Content-Type: application/pdf; name=a\r\nContent-ID: <a@x>\r\n"
SCAN = bytes(range(256)) * 4
KIND = "multipart/related; boundary=b; type=text/xml"


async def sent(bus: Served, *parts: tuple[str, bytes], path: str = "archive.file", **headers: str) -> httpx.Response:
    return await bus.send(path, written((ROOT, ENVELOPE), *parts), {"Content-Type": KIND, **headers})


async def test_files_go_along_and_come_back(bus: Served) -> None:
    """The receiver has them by the names that the body refers to, its answer's come back with the reply, and the
    evidence names digest, size and media type of each."""
    bus.receiver().answer = filing(Attachment("r@y", "text/plain", b"xong", b"s"))
    answer = await sent(bus, (PDF, SCAN), ("Content-Type: text/plain\r\n", b"1"))
    (call,) = bus.receiver().calls
    assert call.attachments == (
        Attachment("a@x", "application/pdf; name=a", SCAN),
        Attachment("", "text/plain", b"1"),
    )
    kind, said = media_type(answer.headers["Content-Type"])
    root, file = read_parts(said["boundary"], answer.content)
    assert (answer.status_code, kind, said["type"]) == (200, "multipart/related", "text/xml")
    assert etree.fromstring(root.data).findtext(".//{urn:archive}Number") == "7"
    assert (file.name, file.content_type, file.data) == ("r@y", "text/plain", b"xong")
    where = answer.headers["Location"]
    shown = (await bus.http.get(where, headers=bearer(bus))).json()
    assert [(each["of"], each["number"], each["size"]) for each in shown["attachments"]] == [
        ("reply", 1, 4), ("request", 1, 1024), ("request", 2, 1),
    ]  # fmt: skip
    facts = {each["event"]: each.get("facts", each).get("attachments") for each in shown["timeline"]}
    kept = bus.queries.attachments(message_of(where))
    assert facts["message.accepted"] == fact(kept)
    assert kept[0].digest == hashlib.sha256(kept[0].salt + SCAN).hexdigest()
    assert facts["attempt.ended"].endswith(" 4 text/plain")
    fetched = await bus.http.get(f"{where}/attachments/1", headers=bearer(bus))
    assert (fetched.content, fetched.headers["Content-Type"]) == (b"xong", "text/plain")
    assert (fetched.headers["Content-Disposition"], fetched.headers["X-Content-Type-Options"]) == (
        "attachment",
        "nosniff",
    )
    for number in ("0", "2", "x", "99999", "0011", "001" + "1" * 5_000):
        assert (await bus.http.get(f"{where}/attachments/{number}", headers=bearer(bus))).status_code == 404


def bearer(bus: Served) -> dict[str, str]:
    return {"Authorization": f"Bearer {bus.wired.token()}"}


def message_of(where: str) -> UUID:
    return UUID(where.rpartition("/")[2])


async def test_what_the_contract_does_not_allow_is_refused(bus: Served) -> None:
    """Number, size together and media type are the contract's; nothing is accepted."""
    text = "Content-Type: text/plain\r\n"
    for parts, expected in (
        (((PDF, b""), (text, b""), (text, b"")), "attachments-refused"),
        (((PDF, bytes(2000)), (text, bytes(1001))), "attachments-refused"),
        ((("Content-Type: text/html\r\n", b"1"),), "attachments-refused"),
        ((("", b"1"),), "attachments-refused"),
        (((PDF, bytes(80_000)),), "body-too-large"),
    ):
        assert code(await sent(bus, *parts)) == expected
    long = ENVELOPE.replace(b"<s:Body>", b"<s:Body>" + b" " * 71_000)
    assert code(await bus.send("archive.file", written((ROOT, long)), {"Content-Type": KIND})) == "body-too-large"
    assert bus.receiver().calls == []


async def test_a_signature_covers_no_attachments(bus: Served) -> None:
    """Who signs proves the envelope alone, so nobody is believed for what lies beside it."""
    signer = a_signer("one-stop")
    bus.wired.signers |= signer.holder("one-stop")
    envelope = signer.envelope(body='<Store xmlns="urn:archive"><Title>a</Title></Store>')
    answer = await post(bus, written((ROOT, envelope), (PDF, SCAN)), KIND, Authorization="")
    assert code(answer) == "security-invalid"


async def test_a_repeated_call_has_the_same_files(bus: Served) -> None:
    """By its key a call is one message; with another file it is another, and refused."""
    first = await sent(bus, (PDF, SCAN), **{"Idempotency-Key": "k"})
    again = await sent(bus, (PDF, SCAN), **{"Idempotency-Key": "k"})
    other = await sent(bus, (PDF, SCAN[::-1]), **{"Idempotency-Key": "k"})
    assert again.headers["Location"] == first.headers["Location"]
    assert code(other) == "idempotency-key-reused"
    assert len(bus.receiver().calls) == 1


async def test_each_try_has_the_files(bus: Served) -> None:
    """What is tried again has them again, also where the first try's broker message carried the body."""
    outcomes = [Outcome(Result.NOT_SENT, "http-503", 503, retry_after=0.0), filing()(None)]
    bus.receiver().answer = lambda _: outcomes.pop(0)
    answer = await sent(bus, (PDF, SCAN), path="archive.note")
    assert answer.status_code == 202
    async with asyncio.timeout(10):
        while len(bus.receiver().calls) < 2:
            await asyncio.sleep(0.02)
    assert [each.attachments for each in bus.receiver().calls] == [
        (Attachment("a@x", "application/pdf; name=a", SCAN),)
    ] * 2


async def test_an_answer_with_other_files_is_invalid(bus: Served) -> None:
    """What came is kept with them, for people to look at; the caller is told that the reply is invalid."""
    bus.receiver().answer = filing(Attachment("", "text/html", b"1", b"s"))
    answer = await sent(bus, (PDF, SCAN))
    assert code(answer) == "reply-invalid"
    kept = bus.queries.reply(message_of(answer.headers["Location"]))
    assert kept is not None
    assert (kept[1].kind, len(kept[1].attachments)) == ("raw", 1)


async def test_files_come_over_http_as_well(bus: Served) -> None:
    """POST /messages with multipart/related: the root is the body, the rest goes along; the reply's are fetched."""
    bus.receiver().answer = filing(Attachment("", "text/plain", b"xong", b"s"))
    body = b'<Store xmlns="urn:archive"><Title>a</Title></Store>'
    xml = "Content-Type: application/xml\r\nContent-ID: <body>\r\n"
    kind = "multipart/related; boundary=b; type=application/xml"

    async def send(data: bytes, said: str = kind) -> httpx.Response:
        headers = {"Content-Type": said, **bearer(bus)}
        return await bus.http.post("/messages/archive.file", content=data, headers=headers)

    both = written((PDF, SCAN), (xml, body))
    answer = await send(both, f'{kind}; start="<body>"')
    assert (answer.status_code, answer.content) == (200, FILED)
    (call,) = bus.receiver().calls
    assert (call.body.data, call.attachments) == (body, (Attachment("a@x", "application/pdf; name=a", SCAN),))
    fetched = await bus.http.get(f"{answer.headers['Location']}/attachments/1", headers=bearer(bus))
    assert fetched.content == b"xong"
    wrong = {
        "multipart-invalid": [both, both[:-9], written((xml.replace("xml", "json"), body))],
        "attachments-refused": [written((xml, body), ("Content-Type: text/html\r\n", b"1"))],
        "body-too-large": [written((xml, body + b" " * 5_000)), written((xml, body), (PDF, bytes(9_000)))],
    }
    for expected, bodies in wrong.items():
        for each in bodies:
            refused = await send(each)
            assert (refused.json()["code"], len(bus.receiver().calls)) == (expected, 1)
    assert (await send(both, kind.replace("application/xml", "text/plain"))).status_code == 415


async def test_an_inbox_gives_them_out(folder: Path, database: str) -> None:
    """Whoever fetches a message sees which files go along, and has each as long as it holds the message."""
    with Pool() as pool:
        wired = province(folder, pool, FILES)
        wired.fetching["his"] = 60.0
        async with served(wired, database) as bus:
            assert (await sent(bus, (PDF, SCAN), path="archive.note")).status_code == 202
            his = {"Authorization": f"Bearer {wired.token('his')}"}
            (item,) = (await bus.http.get("/inbox?wait=5", headers=his)).json()["deliveries"]
            (told,) = item["attachments"]
            assert (told["name"], told["contentType"], told["size"]) == ("a@x", "application/pdf; name=a", len(SCAN))
            file = await bus.http.get(told["location"], headers=his)
            assert (file.content, file.headers["Content-Type"]) == (SCAN, "application/pdf; name=a")
            missing = [
                await bus.http.get(told["location"][:-1] + "2", headers=his),
                await bus.http.get(told["location"][:-1] + "99", headers=his),
                await bus.http.get(told["location"], headers=bearer(bus)),
            ]
            assert [each.status_code for each in missing] == [404, 400, 403]
            done = await bus.http.post(item["ack"], content=FILED, headers={**his, "Content-Type": "application/xml"})
            assert done.status_code == 204
            assert (await bus.http.get(told["location"], headers=his)).status_code == 409
            assert (await sent(bus, (PDF, SCAN), path="archive.note")).status_code == 202
            raw = await bus.http.get("/inbox?wait=5&as=raw", headers=his)
            assert (
                raw.headers["Link"]
                == f'<{raw.headers["Location"]}/attachments/1>; rel="related"; type="application/pdf"'
            )
