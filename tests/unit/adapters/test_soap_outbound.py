"""Systems that speak SOAP."""

import base64
import hashlib
from contextlib import suppress
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from adapters.auth import WsseUsername
from adapters.call import Call, FaultRule, Outcome, Result
from adapters.soap.envelope import NotSoap, SoapVersion, alone, enclose, open_envelope
from adapters.soap.multipart import NotRelated, envelope_of
from adapters.soap.outbound import SoapAdapter, SoapSettings
from adapters.soap.security import username_token
from adapters.soap.wsdl import Operation, Service
from bus.clock import ManualClock
from bus.envelope import Body, Format
from bus.errors import SettingInvalid
from contracts.xsd import XsdDocuments

V11, V12 = SoapVersion.V11, SoapVersion.V12
BODY = b'<a:Ask xmlns:a="urn:a">1</a:Ask>'
SCHEMA = b'<schema xmlns="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:a"><element name="Ask"/></schema>'
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
PROFILE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0"


def adapter(
    url: str,
    session: aiohttp.ClientSession,
    version: SoapVersion = V11,
    *,
    output: str | None = "{urn:a}Told",
    action: str = "urn:a:ask",
    **settings: Any,
) -> SoapAdapter:
    operations = {"ask": Operation("ask", "{urn:a}Ask", output, action, version)}
    service = Service("Ask", "AskPort", "", operations, XsdDocuments({"a.xsd": SCHEMA}, ["a.xsd"]))
    return SoapAdapter(SoapSettings(url, **settings), service, session, ManualClock())


def call(data: bytes = BODY, format_: Format = Format.XML, faults: tuple[FaultRule, ...] = ()) -> Call:
    return Call("ask", Body(format_, data), faults=faults)


def fault(version: SoapVersion, code: str, detail: str = "", subcode: str = "") -> bytes:
    if version is V11:
        inside = f"<faultcode>{code}</faultcode><faultstring>no</faultstring><detail>{detail}</detail>"
    else:
        sub = f"<s:Subcode><s:Value>{subcode}</s:Value></s:Subcode>" if subcode else ""
        inside = f"<s:Code><s:Value>{code}</s:Value>{sub}</s:Code><s:Reason/><s:Detail>{detail}</s:Detail>"
    space = version.namespace
    return enclose(version, f'<s:Fault xmlns:s="{space}" xmlns:wsse="{WSSE}">{inside}</s:Fault>'.encode())


async def test_soap_11_names_its_action_in_a_header(stand_in: Any, session: aiohttp.ClientSession) -> None:
    """SOAP 1.1 §6.1.1: text/xml, and the action in quotes."""
    await adapter(stand_in.url, session).call(call())
    headers = stand_in.received[0].headers
    assert headers["Content-Type"] == "text/xml; charset=utf-8"
    assert headers["SOAPAction"] == '"urn:a:ask"'


async def test_soap_11_sends_an_empty_action_too(stand_in: Any, session: aiohttp.ClientSession) -> None:
    """Many a server answers a request without SOAPAction with a fault of its own."""
    await adapter(stand_in.url, session, action="").call(call())
    assert stand_in.received[0].headers["SOAPAction"] == '""'


async def test_soap_12_names_its_action_in_the_media_type(stand_in: Any, session: aiohttp.ClientSession) -> None:
    """SOAP 1.2 Part 2 §6.5.3: application/soap+xml with a parameter."""
    await adapter(stand_in.url, session, V12).call(call())
    headers = stand_in.received[0].headers
    assert headers["Content-Type"] == 'application/soap+xml; charset=utf-8; action="urn:a:ask"'
    assert "SOAPAction" not in headers


async def test_the_body_goes_out_in_an_envelope(stand_in: Any, session: aiohttp.ClientSession) -> None:
    """The sender's own bytes stand in the Body, without the declaration that may not stand there."""
    await adapter(stand_in.url, session).call(call(b'<?xml version="1.0" encoding="utf-8"?>\n' + BODY))
    root = etree.fromstring(stand_in.received[0].body)
    assert root.tag == f"{{{V11.namespace}}}Envelope"
    assert BODY in stand_in.received[0].body
    assert b"<?xml" not in stand_in.received[0].body


async def test_json_is_not_put_into_an_envelope(stand_in: Any, session: aiohttp.ClientSession) -> None:
    """A message that no transform made XML of is refused, and nothing is sent."""
    outcome = await adapter(stand_in.url, session).call(call(b"{}", Format.JSON))
    assert outcome == Outcome(Result.REFUSED, "body-not-xml")
    assert stand_in.received == []


async def test_the_address_may_have_a_query(stand_in: Any, session: aiohttp.ClientSession) -> None:
    """Some services are told apart by what follows the question mark."""
    await adapter(stand_in.url + "/s.asmx?v=1", session).call(call())
    assert stand_in.received[0].line == "POST /s.asmx?v=1 HTTP/1.1"


async def test_an_address_is_needed(session: aiohttp.ClientSession) -> None:
    """Without an endpoint, and with none in the WSDL, there is nowhere to call."""
    with pytest.raises(SettingInvalid):
        adapter("", session)


async def test_a_reply_stands_on_its_own(stand_in: Any, session: aiohttp.ClientSession) -> None:
    """Prefixes declared on the envelope still mean the same in the reply, also those that only contents use."""
    told = (
        f'<s:Envelope xmlns:s="{V11.namespace}" xmlns:a="urn:a" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        "<s:Header><a:H/></s:Header><s:Body> <!-- x --> <a:Told xsi:type='a:T'>2</a:Told> tail</s:Body></s:Envelope>"
    )
    stand_in.answers(told.encode(), "text/xml")
    outcome = await adapter(stand_in.url, session).call(call())
    assert outcome.reply is not None
    root = etree.fromstring(outcome.reply.data)
    assert root.tag == "{urn:a}Told"
    assert root.nsmap["a"] == "urn:a"
    assert outcome.reply.data.endswith(b"</a:Told>")


@pytest.mark.parametrize("version", [V11, V12])
@pytest.mark.parametrize("status", ["200 OK", "400 Bad Request", "500 Internal Server Error"])
async def test_a_declared_fault_by_its_detail(
    stand_in: Any, session: aiohttp.ClientSession, version: SoapVersion, status: str
) -> None:
    """A fault whose detail holds a declared element is that fault, whatever its code and its HTTP status."""
    stand_in.answers(fault(version, "s:Server", '<f:Full xmlns:f="urn:f">3</f:Full>'), "text/xml", status)
    rules = (FaultRule("other", element="{urn:f}Other"), FaultRule("full", element="{urn:f}Full"))
    outcome = await adapter(stand_in.url, session, version).call(call(faults=rules))
    assert (outcome.result, outcome.code, outcome.fault) == (Result.FAULT, "declared-fault", "full")
    assert outcome.reply is not None
    assert etree.fromstring(outcome.reply.data).tag == "{urn:f}Full"


@pytest.mark.parametrize("status", [200, 500, 401])
@pytest.mark.parametrize(
    ("code", "result", "word"),
    [
        ("s:Client", Result.REFUSED, "soap-client"),
        ("Client", Result.REFUSED, "soap-client"),
        ("s:Client.Invalid", Result.REFUSED, "soap-client"),
        ("s:Client.Authentication", Result.MISCONFIGURED, "soap-security"),
        ("s:Server", Result.TROUBLE, "soap-server"),
        ("s:Server.userException", Result.TROUBLE, "soap-server"),
        ("\n s:Server \n", Result.TROUBLE, "soap-server"),
        ("s:VersionMismatch", Result.MISCONFIGURED, "soap-version"),
        ("s:MustUnderstand", Result.MISCONFIGURED, "soap-must-understand"),
        ("wsse:FailedAuthentication", Result.MISCONFIGURED, "soap-security"),
        ("wsse:InvalidSecurity", Result.MISCONFIGURED, "soap-security"),
        ("x:ActionNotSupported", Result.MISCONFIGURED, "soap-action"),
        ("E-17", Result.TROUBLE, "soap-fault"),
        ("", Result.TROUBLE, "soap-fault"),
    ],
)
async def test_fault_codes_of_soap_11(
    stand_in: Any, session: aiohttp.ClientSession, code: str, result: Result, word: str, status: int
) -> None:
    """The code says whose fault it is, and the HTTP status does not matter."""
    stand_in.answers(fault(V11, code), "text/xml", f"{status} Odd")
    assert await adapter(stand_in.url, session).call(call()) == Outcome(result, word, status)


@pytest.mark.parametrize(
    ("code", "subcode", "result", "word"),
    [
        ("s:Sender", "", Result.REFUSED, "soap-client"),
        ("s:Receiver", "", Result.TROUBLE, "soap-server"),
        ("s:Sender", "wsse:FailedAuthentication", Result.MISCONFIGURED, "soap-security"),
        ("s:Receiver", "wsse:InvalidSecurityToken", Result.MISCONFIGURED, "soap-security"),
        ("s:Sender", "x:Unheard", Result.REFUSED, "soap-client"),
        ("s:VersionMismatch", "", Result.MISCONFIGURED, "soap-version"),
        ("s:DataEncodingUnknown", "", Result.MISCONFIGURED, "soap-encoding"),
    ],
)
async def test_fault_codes_of_soap_12(
    stand_in: Any, session: aiohttp.ClientSession, code: str, subcode: str, result: Result, word: str
) -> None:
    """A subcode that says more than the code is what counts."""
    stand_in.answers(fault(V12, code, subcode=subcode), "application/soap+xml", "400 Bad Request")
    assert await adapter(stand_in.url, session, V12).call(call()) == Outcome(result, word, 400)


async def test_a_fault_in_the_other_version_is_understood(stand_in: Any, session: aiohttp.ClientSession) -> None:
    """A server that only knows SOAP 1.1 answers SOAP 1.2 in its own (SOAP 1.2 Part 1, appendix A)."""
    stand_in.answers(fault(V11, "s:VersionMismatch"), "text/xml", "500 Internal Server Error")
    outcome = await adapter(stand_in.url, session, V12).call(call())
    assert outcome == Outcome(Result.MISCONFIGURED, "soap-version", 500)


@pytest.mark.parametrize(
    ("code", "detail", "outcome"),
    [
        ("s:Server", "", Outcome(Result.TROUBLE, "soap-server", 500)),
        ("s:Client", "", Outcome(Result.REFUSED, "soap-client", 500)),
        ("s:Client", '<f:Full xmlns:f="urn:f"/>', None),
    ],
)
async def test_a_fault_in_the_shape_of_the_other_version(
    stand_in: Any, session: aiohttp.ClientSession, code: str, detail: str, outcome: Outcome | None
) -> None:
    """SOAP::Lite writes the fault of SOAP 1.1 into an envelope of 1.2: its code and detail count all the same."""
    of_11 = fault(V11, code, detail)
    stand_in.answers(of_11.replace(V11.namespace.encode(), V12.namespace.encode()), "text/xml", "500 Odd")
    found = await adapter(stand_in.url, session, V12).call(call(faults=(FaultRule("full", element="{urn:f}Full"),)))
    assert (found == outcome) if outcome else (found.result, found.fault) == (Result.FAULT, "full")


async def test_a_one_way_operation_is_answered_by_nothing(stand_in: Any, session: aiohttp.ClientSession) -> None:
    """200 or 202 without a body answers an operation that has no output; 200 says nothing of one that has."""
    for status in (200, 202, 204):
        stand_in.answers(status=f"{status} Fine")
        outcome = await adapter(stand_in.url, session, output=None).call(call())
        assert outcome == Outcome(Result.ANSWERED, f"http-{status}", status)
    stand_in.answers(status="200 OK")
    outcome = await adapter(stand_in.url, session).call(call())
    assert outcome == Outcome(Result.REPLY_INVALID, "reply-empty", 200)


async def test_an_empty_body_element_has_no_reply(stand_in: Any, session: aiohttp.ClientSession) -> None:
    """An envelope without a payload is answered, without a reply."""
    stand_in.answers(enclose(V11, b""), "text/xml")
    assert await adapter(stand_in.url, session).call(call()) == Outcome(Result.ANSWERED, "http-200", 200)


@pytest.mark.parametrize(
    "data",
    [
        b"not xml",
        b"<a/>",
        enclose(V11, b"<a/><b/>"),
        b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"/>',
        b'<!DOCTYPE a [<!ENTITY x "y">]>' + enclose(V11, b"<a>&x;</a>"),
        enclose(V11, b"<a>" * 300 + b"</a>" * 300),
        b"--x\r\nContent-Type: text/xml\r\n\r\n" + enclose(V11, b"<a/>") + b"\r\n--x--",
    ],
    ids=["text", "no-envelope", "two-elements", "no-body", "dtd", "deep", "multipart"],
)
async def test_what_is_no_safe_envelope_is_invalid(stand_in: Any, session: aiohttp.ClientSession, data: bytes) -> None:
    """A 2xx without an envelope that can be read safely is an invalid reply, kept whole."""
    stand_in.answers(data, "text/xml")
    outcome = await adapter(stand_in.url, session).call(call())
    assert (outcome.result, outcome.code) == (Result.REPLY_INVALID, "reply-not-soap")
    assert outcome.reply is not None
    assert outcome.reply.data == data


def related(*parts: tuple[str, bytes], start: str = "") -> tuple[bytes, str]:
    """A multipart/related answer of parts, each with its Content-ID, and its media type."""
    written = [
        f"--b\r\nContent-Type: application/xop+xml; charset=utf-8\r\nContent-ID: <{name}>\r\n\r\n".encode() + content
        for name, content in parts
    ]
    kind = 'multipart/related; type="application/xop+xml"; boundary="b"' + (f'; start="<{start}>"' if start else "")
    return b"\r\n".join(written) + b"\r\n--b--\r\n", kind


async def test_of_an_answer_with_attachments_the_envelope_is_read(
    stand_in: Any, session: aiohttp.ClientSession
) -> None:
    """The part that is named as the start, else the first; attachments are left."""
    envelope = enclose(V11, b"<a>1</a>")
    for parts, start in (((("e", envelope), ("x", b"\x00")), ""), ((("x", b"\x00"), ("e", envelope)), "e")):
        stand_in.answers(*related(*parts, start=start))
        outcome = await adapter(stand_in.url, session).call(call())
        assert outcome.reply is not None
        assert etree.fromstring(outcome.reply.data).text == "1"


async def test_what_an_mtom_answer_keeps_in_other_parts_is_put_back(
    stand_in: Any, session: aiohttp.ClientSession
) -> None:
    """Binary content is base64 in the envelope again, which is what the schema says of it."""
    include = b'<x:Include xmlns:x="http://www.w3.org/2004/08/xop/include" href="cid:pic%401"/>'
    stand_in.answers(*related(("e", enclose(V11, b"<a>" + include + b"</a>")), ("pic@1", b"\x00\r\n\xff")))
    outcome = await adapter(stand_in.url, session).call(call())
    assert outcome.reply is not None
    assert etree.fromstring(outcome.reply.data).text == base64.b64encode(b"\x00\r\n\xff").decode()


@pytest.mark.parametrize("kind", ["multipart/related", "multipart/related; boundary=other", "multipart/related; b"])
async def test_an_answer_without_the_parts_that_it_promises_is_invalid(
    stand_in: Any, session: aiohttp.ClientSession, kind: str
) -> None:
    """Without a boundary, or with one that stands nowhere, there is no envelope; what came is kept whole."""
    data, _ = related(("e", enclose(V11, b"<a/>")))
    stand_in.answers(data, kind)
    outcome = await adapter(stand_in.url, session).call(call())
    assert (outcome.result, outcome.code) == (Result.REPLY_INVALID, "reply-not-soap")
    assert outcome.reply is not None
    assert outcome.reply.data == data


@given(st.binary(max_size=200), st.text(max_size=60))
def test_reading_parts_is_total(data: bytes, parameters: str) -> None:
    """Whatever is said and sent, there is an envelope or none."""
    for kind in (f"multipart/related{parameters}", "multipart/related; boundary=b"):
        with suppress(NotRelated):
            assert isinstance(envelope_of(kind, b"--b\r\n" + data + b"\r\n--b--", 10_000)[1], bytes)


async def test_an_envelope_in_another_character_set_is_read(stand_in: Any, session: aiohttp.ClientSession) -> None:
    """Old servers answer in the character set of their machine; the reply is in UTF-8."""
    data = b'<?xml version="1.0" encoding="windows-1252"?>' + enclose(V11, "<a>é</a>".encode("cp1252"))
    stand_in.answers(data, "text/xml")
    outcome = await adapter(stand_in.url, session).call(call())
    assert outcome.reply is not None
    assert etree.fromstring(outcome.reply.data).text == "é"


def _token(auth: WsseUsername, version: SoapVersion = V11) -> etree._Element:
    return etree.fromstring(username_token(version, auth, ManualClock().now()))


def test_a_password_is_sent_as_text() -> None:
    """UsernameToken Profile 1.0 §3.1: PasswordText, escaped as any text."""
    token = _token(WsseUsername("bus", "p<&>ä"))
    assert token.tag == f"{{{WSSE}}}Security"
    assert token.findtext(f"*/{{{WSSE}}}Username") == "bus"
    password = token.find(f"*/{{{WSSE}}}Password")
    assert password is not None
    assert (password.text, password.get("Type")) == ("p<&>ä", f"{PROFILE}#PasswordText")


def test_a_password_is_sent_as_a_digest() -> None:
    """UsernameToken Profile 1.0 §3.1: base64(SHA-1(nonce + created + password)), a nonce for each call."""
    auth = WsseUsername("bus", "p<&>ä", digest=True)
    token, other = _token(auth, V12), _token(auth, V12)
    nonce, created = token.findtext(f"*/{{{WSSE}}}Nonce", ""), token.findtext(f"*/{{{WSU}}}Created", "")
    expected = hashlib.sha1(base64.b64decode(nonce) + created.encode() + "p<&>ä".encode()).digest()
    assert token.findtext(f"*/{{{WSSE}}}Password") == base64.b64encode(expected).decode()
    assert created == "2027-01-15T08:00:00Z"
    assert nonce != other.findtext(f"*/{{{WSSE}}}Nonce")


def test_a_timestamp_goes_before_a_token() -> None:
    """SOAP Message Security 1.0 §10: when it was made and until when it is good, where the server's policy asks so."""
    header = _token(WsseUsername("bus", "p", timestamp=True))
    assert [etree.QName(each).localname for each in header] == ["Timestamp", "UsernameToken"]
    said = [header.findtext(f"{{{WSU}}}Timestamp/{{{WSU}}}{each}") for each in ("Created", "Expires")]
    assert said == ["2027-01-15T08:00:00.000Z", "2027-01-15T08:05:00.000Z"]


async def test_a_token_goes_into_the_header(stand_in: Any, session: aiohttp.ClientSession) -> None:
    """The Security block stands in the envelope's Header, before the Body."""
    await adapter(stand_in.url, session, auth=WsseUsername("bus", "secret-1")).call(call())
    root = etree.fromstring(stand_in.received[0].body)
    assert root[0].tag == f"{{{V11.namespace}}}Header"
    assert root[0][0].tag == f"{{{WSSE}}}Security"
    assert "secret-1" not in repr(SoapSettings(auth=WsseUsername("bus", "secret-1")))


NAMES = st.from_regex(r"[a-z]{1,8}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)


@given(NAMES, NAMES, TEXTS, st.sampled_from(SoapVersion))
def test_what_is_put_into_an_envelope_comes_out(prefix: str, local: str, text: str, version: SoapVersion) -> None:
    """Any element comes out of an envelope as it went in."""
    element = etree.Element(f"{{urn:x}}{local}", nsmap={prefix: "urn:x"})
    element.text = text
    opened = open_envelope(enclose(version, etree.tostring(element, encoding="utf-8", xml_declaration=True)))
    assert opened.version is version
    assert opened.child is not None
    came_out = etree.fromstring(alone(opened.child))
    assert (came_out.tag, came_out.prefix, came_out.text or "") == (element.tag, prefix, text)


@given(st.binary(max_size=300))
def test_opening_is_total(data: bytes) -> None:
    """Any bytes are an envelope or are said not to be one."""
    try:
        open_envelope(data)
    except NotSoap:
        return
