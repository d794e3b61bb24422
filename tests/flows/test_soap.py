"""Calling contracts over SOAP: what a client sees that knows nothing but the WSDL."""

import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from lxml import etree
from zeep.exceptions import Fault as ZeepFault

from adapters.call import Outcome, Result
from bus.envelope import Body, Format
from tests.flows.soap_bus import ENVELOPES, Served, province, served
from transforms.apart.pool import Pool

NS = "urn:lgsp:contract:health.look-up:1"
ASK = f'<r:request xmlns:r="{NS}"><r:number>1</r:number></r:request>'
STORE = '<Store xmlns="urn:archive"><Title>Sổ đỏ</Title></Store>'


@pytest.fixture
async def bus(tmp_path: Path, database: str) -> AsyncIterator[Served]:
    with Pool() as pool:
        async with served(province(tmp_path / "province", pool), database) as each:
            yield each


def answering(value: Any, result: Result = Result.ANSWERED, fault: str = "") -> Any:
    data = value if isinstance(value, bytes) else orjson.dumps(value)
    form = Format.XML if data.startswith(b"<") else Format.JSON
    return lambda _: Outcome(result, "test", reply=Body(form, data), fault=fault)


PERSON = {
    "name": "Nguyễn Thị Bình 𠮷",
    "born": None,
    "weight": 51.5,
    "alive": True,
    "visits": [{"place": "Huế", "days": 2}, {"place": "Đà Nẵng"}],
    "unnamed": {"by": "the schema"},
}


@pytest.mark.parametrize("wsdl", ["wsdl", "wsdl12"])
async def test_json_contract_is_called_over_soap(bus: Served, wsdl: str) -> None:
    """A tool that loads the WSDL asks by a contract of JSON and has the reply: text, null, numbers, lists."""
    bus.receiver().answer = answering(PERSON)
    since = dt.date(2026, 1, 31)
    asked = {"number": "001", "since": since, "fields": ["name", "visits"], "note": None}
    found = await bus.call("health.look-up", lambda client: client.service.request(**asked), wsdl)
    assert (found.name, found.born, found.weight, found.alive) == (PERSON["name"], None, 51.5, True)
    assert [(each.place, each.days) for each in found.visits] == [("Huế", 2), ("Đà Nẵng", None)]
    (call,) = bus.receiver().calls
    sent = orjson.loads(call.body.data)
    assert {**sent, "note": None} == {
        "first": [],
        "number": "001",
        "since": "2026-01-31",
        "fields": ["name", "visits"],
        "note": None,
    }


async def test_xml_contract_carries_its_own_element(bus: Served) -> None:
    """A contract of XML is called with its element itself, whose schemas stand in several files, and so answered."""
    bus.receiver().answer = answering(b'<Stored xmlns="urn:archive"><Number>7</Number></Stored>')
    page = "trang một"
    stored = await bus.call("archive.file@1", lambda c: c.service.Store(Title="Sổ đỏ", Page=[page, ""], code="A1"))
    assert stored == 7
    (call,) = bus.receiver().calls
    sent = etree.fromstring(call.body.data)
    assert (sent.tag, sent.get("code"), [each.text for each in sent]) == (
        "{urn:archive}Store",
        "A1",
        ["Sổ đỏ", page, None],
    )


async def test_lists_are_lists_whatever_their_length(bus: Served) -> None:
    """A list of which there may be one item is a list, and one that is absent and may not be empty is absent."""
    bus.receiver().answer = answering({"name": "An"})
    await bus.call("health.look-up", lambda client: client.service.request(number="1", first=["a"]))
    (call,) = bus.receiver().calls
    assert orjson.loads(call.body.data) == {"number": "1", "first": ["a"]}


async def test_dates_may_bear_a_zone(bus: Served) -> None:
    """A date that a tool writes with a time zone is the date, to a contract of JSON, which has none."""
    bus.receiver().answer = answering({"name": "An"})
    for since in ("2026-01-31", "2026-01-31Z", "2026-01-31+07:00"):
        asked = ASK.replace("</r:number>", f"</r:number><r:since>{since}</r:since>")
        assert (await bus.post("health.look-up", asked)).status_code == 200
    sent = [orjson.loads(call.body.data)["since"] for call in bus.receiver().calls]
    assert sent == ["2026-01-31"] * 3


@pytest.mark.parametrize("contract", ["health.note", "health.alarm"])
async def test_documents_and_events_are_one_way(bus: Served, contract: str) -> None:
    """A document and an event are answered with 202 and an empty body, and then arrive."""
    await bus.call(contract, lambda client: client.service.request(text="Xin chào"))
    body = f'<request xmlns="urn:lgsp:contract:{contract}:1"><text>a</text></request>'
    told = await bus.post(contract, body)
    assert (told.status_code, told.content) == (202, b"")
    assert told.headers["location"].startswith("/messages/")
    while len(bus.receiver().calls) < 2:
        await bus.http.get("/health/live")
    assert orjson.loads(bus.receiver().calls[0].body.data) == {"text": "Xin chào"}


async def test_declared_fault_is_a_fault_with_its_detail(bus: Served) -> None:
    """What a contract declares as a fault is a fault of SOAP, whose detail is the contract's element."""
    bus.receiver().answer = answering({"reason": "không có"}, Result.FAULT, "not-found")
    with pytest.raises(ZeepFault) as caught:
        await bus.call("health.look-up", lambda client: client.service.request(number="1"))
    assert caught.value.code == "soap:Server"
    (detail,) = caught.value.detail
    assert detail.tag == f"{{{NS}}}fault-not-found"
    assert detail.findtext(f"{{{NS}}}reason") == "không có"
    bus.receiver().answer = answering(b'<Full xmlns="urn:archive"><Room>0</Room></Full>', Result.FAULT, "full")
    answer = await bus.post("archive.file", STORE, "1.2")
    detail = etree.fromstring(answer.content).find(f".//{{{ENVELOPES['1.2'][1]}}}Detail")
    assert detail is not None
    assert (answer.status_code, detail.findtext("{urn:archive}Full/{urn:archive}Room")) == (500, "0")


async def test_fault_without_a_schema_is_told_as_text(bus: Served) -> None:
    """A fault of which the contract says no more than its name comes as a name and a text."""
    bus.receiver().answer = answering({"wait": 5}, Result.FAULT, "busy")
    answer = await bus.post("health.look-up", ASK)
    assert error(answer.content, "code") == "declared-fault"
    assert error(answer.content, "fault") == "busy"
    assert error(answer.content, "body") == '{"wait":5}'


def error(data: bytes, name: str) -> str | None:
    """What the bus's own detail says."""
    return etree.fromstring(data).findtext(f".//{{urn:lgsp:error}}{name}")


@pytest.mark.parametrize(("version", "status", "code"), [("1.1", 500, "soap:Client"), ("1.2", 400, "soap:Sender")])
async def test_refusals_are_faults_of_the_sender(bus: Served, version: str, status: int, code: str) -> None:
    """A body that breaks the contract is the Client's fault, with code, findings and audit reference, in both
    languages, the reader's first."""
    answer = await bus.post("health.look-up", ASK.replace("<r:number>1", "<r:number>1234567890123"), version)
    assert answer.status_code == status
    assert answer.headers["content-type"] == ENVELOPES[version][0]
    fault = etree.fromstring(answer.content)
    codes = [each.text for each in fault.iter("faultcode", f"{{{ENVELOPES['1.2'][1]}}}Value")]
    assert codes[0] == code
    assert error(answer.content, "code") == "body-invalid"
    assert error(answer.content, "reference")
    (finding,) = fault.iter("{urn:lgsp:error}finding")
    assert (finding.get("place"), finding.get("rule")) == ("/number", "maxLength")
    languages = [each.get("{http://www.w3.org/XML/1998/namespace}lang") for each in finding]
    assert languages == ["en", "vi"]


async def test_receivers_trouble_is_a_fault_of_the_server(bus: Served) -> None:
    """What the receiver would not take is the Server's fault, and names the message."""
    bus.receiver().answer = lambda _: Outcome(Result.REFUSED, "http-400", 400)
    answer = await bus.post("health.look-up", ASK, headers={"Accept-Language": "vi"})
    assert answer.status_code == 500
    assert etree.fromstring(answer.content).findtext(".//faultcode") == "soap:Server"
    assert error(answer.content, "code") == "receiver-refused"
    assert answer.headers["location"] == f"/messages/{error(answer.content, 'message')}"
    assert "Nơi nhận" in str(etree.fromstring(answer.content).findtext(".//faultstring"))


async def test_reply_that_xml_cannot_hold_is_told(tmp_path: Path, database: str) -> None:
    """Where a reply cannot be written as XML, the fault says where the message's reply can be had."""
    files = {"schemas/person.json": '{"type": "object", "properties": {"any": {}}}'}
    with Pool() as pool:
        async with served(province(tmp_path / "province", pool, files), database) as bus:
            bus.receiver().answer = answering({"any": {"thing": 1}})
            answer = await bus.post("health.look-up", ASK)
            token = bus.wired.token()
            reply = await bus.http.get(
                answer.headers["location"] + "/reply", headers={"Authorization": f"Bearer {token}"}
            )
    assert error(answer.content, "code") == "reply-inexpressible"
    assert reply.json() == {"any": {"thing": 1}}


async def test_contract_that_no_xsd_describes_is_told_apart(tmp_path: Path, database: str) -> None:
    """A contract of which no XML Schema can be made is the Server's fault and has no WSDL; others are called on."""
    files = {
        "schemas/note.json": """{"$defs": {"n": {"$dynamicAnchor": "n", "type": "object"}}, "$dynamicRef": "#n"}"""
    }
    with Pool() as pool:
        async with served(province(tmp_path / "province", pool, files), database) as bus:
            bus.receiver().answer = answering({"name": "An"})
            answers = [await bus.post("health.note", "<x/>") for _ in range(2)]
            described = await bus.http.get("/soap/health.note?wsdl")
            other = await bus.post("health.look-up", ASK)
    assert [error(each.content, "code") for each in answers] == ["not-in-xml"] * 2
    assert etree.fromstring(answers[0].content).findtext(".//faultcode") == "soap:Server"
    assert (described.status_code, described.json()["code"], other.status_code) == (501, "not-in-xml", 200)


async def test_key_makes_one_message_of_repeated_calls(bus: Served) -> None:
    """Calls with one Idempotency-Key, or else with one MessageID, are one message and have one reply."""
    bus.receiver().answer = answering({"name": "An"})
    wsa = "http://www.w3.org/2005/08/addressing"
    block = f'<a:MessageID xmlns:a="{wsa}">urn:uuid:1</a:MessageID><a:Action xmlns:a="{wsa}">{NS}:request</a:Action>'
    places = set()
    for _ in range(2):
        answer = await bus.post("health.look-up", ASK, header=block)
        assert answer.status_code == 200
        places.add(answer.headers["location"])
    found = etree.fromstring(answer.content)
    assert found.findtext(f".//{{{wsa}}}RelatesTo") == "urn:uuid:1"
    assert found.findtext(f".//{{{wsa}}}Action") == f"{NS}:Messages:requestResponse"
    for _ in range(2):
        answer = await bus.post("health.look-up", ASK, header=block, headers={"Idempotency-Key": "another"})
        places.add(answer.headers["location"])
    assert (len(places), len(bus.receiver().calls)) == (2, 2)
    other = await bus.post("health.look-up", ASK.replace(">1<", ">2<"), header=block)
    assert error(other.content, "code") == "idempotency-key-reused"
    assert etree.fromstring(other.content).findtext(f".//{{{wsa}}}Action") == f"{wsa}/soap/fault"


async def test_nobody_calls_without_saying_who(bus: Served) -> None:
    """Without a credential the answer is 401, says which schemes there are, and is a fault; a token does as well."""
    anonymous = await bus.post("health.look-up", ASK, headers={"Authorization": "Digest x"})
    wrong = await bus.post("health.look-up", ASK, headers={"Authorization": "Basic b25lLXN0b3A6eA=="})
    assert (anonymous.status_code, error(anonymous.content, "code")) == (401, "authentication-missing")
    assert [each.partition(" ")[0] for each in anonymous.headers.get_list("www-authenticate")] == ["Basic", "Bearer"]
    assert (wrong.status_code, error(wrong.content, "code")) == (401, "credential-invalid")
    bus.receiver().answer = answering({"name": "An"})
    known = await bus.post("health.look-up", ASK, headers={"Authorization": f"Bearer {bus.wired.token()}"})
    assert known.status_code == 200
    described = await bus.http.get("/soap/health.look-up?wsdl", headers={"Authorization": ""})
    assert (described.status_code, described.json()["code"]) == (401, "authentication-missing")


async def test_no_grant_no_call(bus: Served) -> None:
    """A system without a grant neither sends over SOAP nor sees the WSDL."""
    token = {"Authorization": f"Bearer {bus.wired.token('his')}"}
    answer = await bus.post("health.look-up", ASK, headers=token)
    assert error(answer.content, "code") == "grant-missing"
    stranger = {"Authorization": f"Bearer {bus.wired.token('nobody')}"}
    described = await bus.http.get("/soap/health.look-up?wsdl", headers=stranger)
    assert described.json()["code"] == "grant-missing"


async def test_wsdl_has_our_own_address(tmp_path: Path, database: str) -> None:
    """The WSDL names the address that is set, or the one that was called, and never what Host says; its major too."""
    for public in ("https://lgsp.example.vn/", ""):
        with Pool() as pool:
            async with served(province(tmp_path / "province", pool), database, public) as bus:
                answer = await bus.http.get("/soap/archive.file?WSDL", headers={"Host": "evil.example"})
                (address,) = etree.fromstring(answer.content).iter("{http://schemas.xmlsoap.org/wsdl/soap/}address")
                schemas = [await bus.http.get(f"/soap/archive.file?xsd={number}") for number in range(4)]
        base = public.rstrip("/") or bus.url
        assert address.get("location") == f"{base}/soap/archive.file%401"
        assert [each.status_code for each in schemas] == [200, 200, 200, 404]
        imports = etree.fromstring(schemas[0].content).iter("{http://www.w3.org/2001/XMLSchema}import")
        assert [each.get("schemaLocation") for each in imports] == [f"{base}/soap/archive.file%401?xsd=2"]
