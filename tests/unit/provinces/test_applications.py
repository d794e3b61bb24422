"""The stand-ins answer as the departments' systems do, and as they are told."""

import base64
import hashlib
import json
from datetime import UTC, datetime
from typing import Any
from xml.etree.ElementTree import canonicalize

import pytest
from lxml import etree
from starlette.responses import JSONResponse
from starlette.testclient import TestClient
from zeep.wsse.username import UsernameToken

from provinces.model.applications import (
    archive,
    civil_status,
    environment_department,
    hospital,
    operations_centre,
    population,
)
from provinces.model.applications.stand_in import VIET_NAM, Memory, stand_in, without_passwords
from provinces.model.applications.xml_documents import FOLDER, Schema, Unreadable, maker, parse

SECRET = "made-for-this-test"
SOAP_1_1 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_1_2 = "http://www.w3.org/2003/05/soap-envelope"
NOW = datetime(2026, 11, 20, 8, 30, tzinfo=VIET_NAM)


def clock() -> datetime:
    return NOW


def read(path: str) -> bytes:
    return (FOLDER / path).read_bytes()


def envelope(namespace: str, body: bytes, password: str = SECRET, *, digest: bool = False, created: str = "") -> bytes:
    """An envelope with a UsernameToken made by another library than the one that reads it."""
    root = etree.Element(f"{{{namespace}}}Envelope")
    etree.SubElement(root, f"{{{namespace}}}Header")
    etree.SubElement(root, f"{{{namespace}}}Body").append(etree.fromstring(body))
    options = {"created": datetime.fromisoformat(created or NOW.isoformat()).astimezone(UTC)} if digest else {}
    token: Any = UsernameToken  # untyped
    token("truc-lien-thong", password, use_digest=digest, **options).apply(root, {})
    return etree.tostring(root)


def ask_population(client: TestClient, body: bytes, password: str = SECRET) -> tuple[int, etree._Element]:
    data = envelope(SOAP_1_1, body, password)
    answer = client.post("/dich-vu", content=data, headers={"Content-Type": "text/xml; charset=utf-8"})
    return answer.status_code, etree.fromstring(answer.content)


def ask_hospital(client: TestClient, data: bytes) -> tuple[int, etree._Element]:
    answer = client.post("/tiep-nhan", content=data, headers={"Content-Type": "application/soap+xml; charset=utf-8"})
    return answer.status_code, etree.fromstring(answer.content)


def texts(root: etree._Element, name: str) -> list[str | None]:
    return [element.text for element in root.iter(f"{{*}}{name}")]


def canonical(xml: bytes | str) -> str:
    """Canonical XML 2.0 without the space between elements."""
    text = xml.decode() if isinstance(xml, bytes) else xml
    return canonicalize(text, strip_text=True, rewrite_prefixes=True)


@pytest.fixture
def register() -> TestClient:
    return TestClient(population.build(SECRET, clock))


@pytest.fixture
def his() -> TestClient:
    return TestClient(hospital.build(SECRET, clock))


@pytest.fixture
def justice() -> TestClient:
    return TestClient(civil_status.build(SECRET, clock), headers={"Authorization": f"Bearer {SECRET}"})


@pytest.fixture
def stacks() -> TestClient:
    return TestClient(archive.build(SECRET, clock), headers={"Ma-Ket-Noi": SECRET})


# --- population ---------------------------------------------------------------------------------------------------


def test_citizen_is_verified(register: TestClient) -> None:
    """Facts that agree with the record are confirmed, in an answer that the service's own XSD accepts."""
    status, answer = ask_population(register, read("population/tests/verify-citizen.xml"))
    assert (status, texts(answer, "Khop"), texts(answer, "TruongSai")) == (200, ["true"], [])
    assert Schema("population/schemas/dan-cu.xsd").complaint(answer[0][0]) == ""


def test_wrong_facts_are_named(register: TestClient) -> None:
    """What does not agree is said field by field."""
    body = read("population/tests/verify-citizen.xml").replace(b"15/02/1990", b"16/02/1990")
    _, answer = ask_population(register, body)
    assert (texts(answer, "Khop"), texts(answer, "TruongSai")) == (["false"], ["NGAY_SINH"])


def test_unknown_citizen_is_a_fault(register: TestClient) -> None:
    """Who is not in the register is answered with KhongTimThay in a fault's detail."""
    status, answer = ask_population(register, read("population/tests/verify-unknown-citizen.xml"))
    detail = answer[0][0].find("detail")
    assert status == 500
    assert detail is not None
    assert detail[0].tag == "{urn:h99:dan-cu}KhongTimThay"
    assert Schema("population/schemas/dan-cu.xsd").complaint(detail[0]) == ""


def test_record_is_looked_up(register: TestClient) -> None:
    """A record is valid by the XSD, with nil for a parent who never got a number."""
    status, answer = ask_population(register, read("population/tests/look-up-citizen.xml"))
    assert status == 200
    expected = read("population/tests/look-up-answer.xml").decode()
    assert canonical(etree.tostring(answer[0][0])) == canonical(expected)


def test_wrong_password_is_a_wsse_fault(register: TestClient) -> None:
    """Without the right password nothing is told but FailedAuthentication."""
    status, answer = ask_population(register, read("population/tests/verify-citizen.xml"), "another")
    assert (status, texts(answer, "faultcode")) == (500, ["wsse:FailedAuthentication"])


def test_soap_bodies_are_validated(register: TestClient) -> None:
    """A body that breaks the XSD, or names a day outside the calendar, is the sender's fault."""
    good = read("population/tests/verify-citizen.xml")
    for bad in (good.replace(b"15/02/1990", b"1990-02-15"), good.replace(b"15/02/1990", b"31/02/1990")):
        status, answer = ask_population(register, bad)
        assert (status, texts(answer, "faultcode")) == (500, ["soap:Client"])


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (b"<a/>", "text/xml"),
        (b"<a", "text/xml"),
        (b'<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>', "text/xml"),
        (b"{}", "application/json"),
        (f'<Envelope xmlns="{SOAP_1_1}"><Body/></Envelope>'.encode(), "text/xml"),
        (f'<Envelope xmlns="{SOAP_1_1}"><Body><a/></Body></Envelope>'.encode(), "text/xml"),
    ],
)
def test_other_things_are_faults(register: TestClient, data: bytes, media_type: str) -> None:
    """Whatever is no envelope of this version, with one body and a name, is answered with a fault."""
    answer = register.post("/dich-vu", content=data, headers={"Content-Type": media_type})
    assert answer.status_code == 500
    assert texts(etree.fromstring(answer.content), "faultcode")


def test_wsdl_is_offered(register: TestClient) -> None:
    """GET gives the WSDL."""
    assert register.get("/dich-vu?wsdl").content == read("population/dan-cu.wsdl")


# --- hospital -----------------------------------------------------------------------------------------------------


def test_referral_is_admitted(his: TestClient) -> None:
    """Each call takes a bed, also when the same form comes twice."""
    for bed in ("1", "2"):
        status, answer = ask_hospital(his, envelope(SOAP_1_2, read("health/tests/referral.xml"), digest=True))
        assert (status, texts(answer, "Giuong")) == (200, [bed])
        assert Schema("health/schemas/benh-vien.xsd").complaint(answer[0][0]) == ""


def test_full_ward_is_a_fault(his: TestClient) -> None:
    """A ward without beds answers HetGiuong, in a SOAP 1.2 fault of the receiver."""
    body = read("health/tests/referral.xml").replace(b"NOI<", b"HSCC<")
    status, answer = ask_hospital(his, envelope(SOAP_1_2, body, digest=True))
    detail = answer.find(f".//{{{SOAP_1_2}}}Detail")
    assert status == 500
    assert detail is not None
    assert Schema("health/schemas/benh-vien.xsd").complaint(detail[0]) == ""


def test_digest_is_used_once_and_soon(his: TestClient) -> None:
    """A digest that was seen, an old one, and a password as text are all refused."""
    referral = read("health/tests/referral.xml")
    first = envelope(SOAP_1_2, referral, digest=True)
    assert ask_hospital(his, first)[0] == 200
    old = envelope(SOAP_1_2, referral, digest=True, created="2026-11-20T08:20:00+07:00")
    for data in (first, old, envelope(SOAP_1_2, referral), envelope(SOAP_1_2, referral, "another", digest=True)):
        status, answer = ask_hospital(his, data)
        assert status == 400
        assert "wsse:FailedAuthentication" in texts(answer, "Value")


def test_digest_is_the_profile_s() -> None:
    """The digest is Base64(SHA-1(nonce + created + password)), counted here by hand."""
    data = envelope(SOAP_1_2, b"<a/>", digest=True)
    token = etree.fromstring(data)
    (nonce,), (created,), (password,) = (texts(token, name) for name in ("Nonce", "Created", "Password"))
    raw = base64.b64decode(nonce or "") + f"{created}{SECRET}".encode()
    assert password == base64.b64encode(hashlib.sha1(raw).digest()).decode()


# --- justice ------------------------------------------------------------------------------------------------------


def test_birth_is_registered(justice: TestClient) -> None:
    """A whole record makes an entry, told as XML inside JSON, and its dossier can be asked for."""
    answer = justice.post("/api/apiHoTichTuPhap/dangKyHoTich", content=read("justice/tests/birth.hotich.json")).json()
    assert (answer["errorCode"], answer["maHoSo"]) == ("0", "H99.20-261120-0001")
    assert Schema("justice/schemas/ho-tich.xsd").complaint(parse(answer["data"].encode())) == ""
    assert justice.get("/api/hoTich/H99.20-261120-0001").json() == json.loads(
        read("justice/tests/status-answer.hotich.json")
    )


def test_incomplete_record_is_an_error_inside_200(justice: TestClient) -> None:
    """Without a birth certificate the answer is 200 with code 106 and what is missing."""
    whole = json.loads(read("justice/tests/birth.hotich.json"))
    head, _, _ = whole["data"].partition("<giayTo>")
    bare = whole | {"maHoSo": "H99.20-261120-0003", "data": head + "</khaiSinh>"}
    answer = justice.post("/api/apiHoTichTuPhap/dangKyHoTich", json=bare)
    assert (answer.status_code, answer.json()) == (200, json.loads(read("justice/tests/incomplete.hotich.json")))


def test_every_error_is_inside_200(justice: TestClient) -> None:
    """Broken JSON, broken XML, XML against the XSD, another unit and an unknown dossier each have a code."""
    whole = json.loads(read("justice/tests/birth.hotich.json"))
    wrong = {
        "100": [{}, whole | {"data": "<a"}, whole | {"data": "<a/>"}, whole | {"ngayTiepNhan": "31/02/2026"}],
        "101": [whole | {"maDonVi": 1}],
    }
    for code, bodies in wrong.items():
        for body in bodies:
            answer = justice.post("/api/apiHoTichTuPhap/dangKyHoTich", json=body)
            assert (answer.status_code, answer.json()["errorCode"]) == (200, code)
    unknown = justice.get("/api/hoTich/H99.20-261120-9999").json()
    assert unknown == json.loads(read("justice/tests/unknown.hotich.json"))


# --- environment, operations, archive -----------------------------------------------------------------------------


def test_department_takes_what_is_above() -> None:
    """The environment department takes valid XML above the threshold and refuses the rest."""
    pair = base64.b64encode(f"truc-lien-thong:{SECRET}".encode()).decode()
    client = TestClient(environment_department.build(SECRET), headers={"Authorization": f"Basic {pair}"})
    high = read("environment/tests/reading-above-100.xml")
    low = high.replace(b"<AQI>163", b"<AQI>100")
    sent = {b"<a": 400, b"<a/>": 422, low: 422, high: 200}
    headers = {"Content-Type": "application/xml"}
    assert {body: client.post("/quan-trac", content=body, headers=headers).status_code for body in sent} == sent
    assert client.post("/quan-trac", json={}).status_code == 415


def test_operations_centre_keeps_notices() -> None:
    """What the bus tells of itself is kept and shown as it came."""
    client = TestClient(operations_centre.build(SECRET), headers={"X-API-Key": SECRET})
    assert client.post("/api/v1/notices", json={"state": "dead"}).status_code == 204
    assert client.get("/api/v1/notices").json() == [{"state": "dead"}]


def test_operations_centre_takes_readings() -> None:
    """The operations centre takes JSON by the contract's schema, counts it, and shows the last of each station."""
    client = TestClient(operations_centre.build(SECRET), headers={"X-API-Key": SECRET})
    reading = read("environment/examples/reading-above-100.json")
    wrong = read("environment/examples/reading-aqi-as-text.json")
    statuses = [client.post("/api/v1/readings", content=body).status_code for body in (reading, wrong, b"{")]
    assert statuses == [201, 422, 400]
    assert client.get("/api/v1/stations").json() == {"SH001": json.loads(reading)}


def test_archive_knows_a_file_again(stacks: TestClient) -> None:
    """The same case file twice is shelved once, with one receipt."""
    file = read("archive/examples/building-permit.xml")
    first, again = (stacks.post("/ho-so", content=file) for _ in range(2))
    assert (first.status_code, again.status_code, first.content) == (201, 200, again.content)
    for wrong in (b"<a", b"<BienNhan/>", read("archive/examples/no-documents.xml")):
        assert stacks.post("/ho-so", content=wrong).status_code in {400, 422}


def test_doors_are_locked(justice: TestClient, stacks: TestClient) -> None:
    """Without its key no service lets anyone in."""
    for client, method, path in ((justice, "GET", "/api/hoTich/x"), (stacks, "POST", "/ho-so")):
        client.headers.clear()
        assert client.request(method, path).status_code == 401


# --- memory and manners -------------------------------------------------------------------------------------------


def test_what_came_is_remembered(stacks: TestClient) -> None:
    """Every call is kept with its body, key and status, until it is told to forget."""
    stacks.post("/ho-so", content=b"<a", headers={"Idempotency-Key": "k-1"})
    seen = stacks.get("/_received").json()
    call = seen["calls"][0]
    assert (seen["count"], call["body"], call["headers"]["idempotency-key"], call["status"]) == (1, "<a", "k-1", 400)
    assert "ma-ket-noi" not in call["headers"]
    assert stacks.delete("/_received").status_code == 204
    assert stacks.get("/_received").json() == {"count": 0, "calls": []}


def test_passwords_are_not_remembered(register: TestClient) -> None:
    """A WS-Security password is blanked in what is kept."""
    ask_population(register, read("population/tests/verify-citizen.xml"))
    body = register.get("/_received").json()["calls"][0]["body"]
    assert SECRET not in body
    assert "000099000001" in body
    assert without_passwords(b'<w:Password Type="t">x</w:Password>') == b'<w:Password Type="t">***</w:Password>'


def test_down_for_two_calls(stacks: TestClient) -> None:
    """`times` counts the calls after which an application is itself again."""
    told = stacks.post("/_behave", json={"mode": "down", "times": 2})
    assert told.json() == {"mode": "down", "kind": "503", "seconds": 2.0, "times": 2}
    file = read("archive/examples/building-permit.xml")
    assert [stacks.post("/ho-so", content=file).status_code for _ in range(3)] == [503, 503, 201]


def test_rude_with_status_200(register: TestClient, justice: TestClient) -> None:
    """A rude application says its failures with the status of success."""
    for kind in ("html", "fault-in-200"):
        for client in (register, justice):
            client.post("/_behave", json={"mode": "rude", "kind": kind})
    assert justice.get("/api/hoTich/x").json()["errorCode"] == "500"
    status, answer = ask_population(register, read("population/tests/verify-citizen.xml"))
    assert (status, texts(answer, "faultcode")) == (200, ["soap:Server"])
    register.post("/_behave", json={"mode": "rude"})
    assert "<html>" in register.post("/dich-vu", content=b"").text


def test_rude_dates(register: TestClient, his: TestClient, justice: TestClient, stacks: TestClient) -> None:
    """A rude application writes dates in another form than it promised."""
    for client in (register, his, justice, stacks):
        client.post("/_behave", json={"mode": "rude", "kind": "dates"})
    _, record = ask_population(register, read("population/tests/look-up-citizen.xml"))
    assert texts(record, "NgaySinh") == ["2015-09-05"]
    _, admission = ask_hospital(his, envelope(SOAP_1_2, read("health/tests/referral.xml"), digest=True))
    assert texts(admission, "ThoiDiemHen") == ["20/11/2026 10:30"]
    entry = justice.post("/api/apiHoTichTuPhap/dangKyHoTich", content=read("justice/tests/birth.hotich.json")).json()
    assert "<ngayDangKy>20261120<" in entry["data"]
    assert b"20/11/2026" in stacks.post("/ho-so", content=read("archive/examples/building-permit.xml")).content


@pytest.mark.parametrize(
    "told", [b"{", b'{"mode": "sad"}', b'{"mode": "slow", "kind": "html"}', b'{"mode": "down", "times": 0}', b"[]"]
)
def test_manners_are_checked(stacks: TestClient, told: bytes) -> None:
    """What no application can do is refused, and the manners stay."""
    answer = stacks.post("/_behave", content=told)
    assert answer.status_code == 400
    assert answer.json()["problems"]
    assert stacks.post("/ho-so", content=b"<a").status_code == 400


async def test_slow_and_cut() -> None:
    """A slow application waits before it acts; one that is cut off promises more than it sends."""
    memory = Memory(clock)
    app = stand_in([], memory, rude_fault=lambda: JSONResponse({}))
    sent: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/x", "headers": [], "query_string": b""}
    memory.manners = memory.manners.model_copy(update={"mode": "slow", "seconds": 0.0, "times": 1})
    await app(dict(scope), receive, send)  # type: ignore[arg-type]
    assert sent[0]["status"] == 404
    sent.clear()
    memory.manners = memory.manners.model_copy(update={"mode": "down", "kind": "cut"})
    await app(dict(scope), receive, send)  # type: ignore[arg-type]
    assert [message.get("more_body") for message in sent] == [None, True]


# --- XML ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"", b"<a", b"<!DOCTYPE a SYSTEM 'file:///etc/hostname'><a/>"])
def test_unreadable_xml(data: bytes) -> None:
    """What is no XML, or brings a DTD, is not read."""
    with pytest.raises(Unreadable):
        parse(data)


def test_maker_nests_elements() -> None:
    """Elements are made in one default namespace, or in none."""
    make, bare = maker("urn:a"), maker()
    assert etree.tostring(make("A", make("B", "x"))) == b'<A xmlns="urn:a"><B>x</B></A>'
    assert etree.tostring(bare("A", "x")) == b"<A>x</A>"
