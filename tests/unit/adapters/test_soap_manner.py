"""Systems that speak SOAP in their own manner."""

from collections.abc import Sequence
from typing import Any

import aiohttp
import pytest
from lxml import etree

from adapters.call import Call, Outcome, Result
from adapters.soap.addressing import Edition
from adapters.soap.envelope import SoapVersion, enclose
from adapters.soap.manner import Manner, Spelling
from adapters.soap.outbound import SoapAdapter, SoapSettings
from adapters.soap.wsdl import Operation, Service
from bus.clock import ManualClock
from bus.envelope import Body, Format
from contracts.xsd import XsdDocuments

V11, V12 = SoapVersion.V11, SoapVersion.V12
ASK = b'<a:Ask xmlns:a="urn:a">1</a:Ask>'
TOLD = b'<a:Told xmlns:a="urn:a">2</a:Told>'
SCHEMA = b'<schema xmlns="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:a"><element name="Ask"/></schema>'
W3C, SUBMISSION = Edition.W3C, Edition.SUBMISSION
KEY = "01938f2c-7c1a-7000-8000-00000000abcd"


def adapter(url: str, session: aiohttp.ClientSession, manner: Manner, version: SoapVersion = V11) -> SoapAdapter:
    operation = Operation("ask", "{urn:a}Ask", "{urn:a}Told", "urn:a:ask", version, addressed="urn:a:P:askRequest")
    service = Service("Ask", "AskPort", "", {"ask": operation}, XsdDocuments({"a.xsd": SCHEMA}, ["a.xsd"]))
    return SoapAdapter(SoapSettings(url, manner=manner), service, session, ManualClock())


def call(key: str = KEY) -> Call:
    return Call("ask", Body(Format.XML, ASK), {"Idempotency-Key": key} if key else {})


def header(envelope: bytes, edition: Edition) -> dict[str, str]:
    """The addressing headers by name, of ReplyTo its address."""
    blocks = etree.fromstring(envelope).findall("{*}Header/*")
    return {
        etree.QName(each).localname: each.text or each.findtext(f"{{{edition.namespace}}}Address") or ""
        for each in blocks
        if etree.QName(each).namespace == edition.namespace
    }


@pytest.mark.parametrize(
    ("spelling", "version", "action", "kind"),
    [
        (Spelling.QUOTED, V11, '"urn:a:ask"', "text/xml; charset=utf-8"),
        (Spelling.BARE, V11, "urn:a:ask", "text/xml; charset=utf-8"),
        (Spelling.EMPTY, V11, '""', "text/xml; charset=utf-8"),
        (Spelling.NONE, V11, None, "text/xml; charset=utf-8"),
        (Spelling.QUOTED, V12, None, 'application/soap+xml; charset=utf-8; action="urn:a:ask"'),
        (Spelling.BARE, V12, None, "application/soap+xml; charset=utf-8; action=urn:a:ask"),
        (Spelling.EMPTY, V12, None, 'application/soap+xml; charset=utf-8; action=""'),
        (Spelling.NONE, V12, None, "application/soap+xml; charset=utf-8"),
    ],
)
async def test_the_action_is_spelled_as_its_server_reads_it(
    stand_in: Any, session: aiohttp.ClientSession, spelling: Spelling, version: SoapVersion, action: str, kind: str
) -> None:
    """In quotes, bare, empty or not at all: in the header of SOAP 1.1, in the media type of SOAP 1.2."""
    await adapter(stand_in.url, session, Manner(spelling), version).call(call())
    headers = stand_in.received[0].headers
    assert (headers.get("SOAPAction"), headers["Content-Type"]) == (action, kind)


@pytest.mark.parametrize("edition", Edition)
async def test_addressing_says_which_message_goes_where(
    stand_in: Any, session: aiohttp.ClientSession, edition: Edition
) -> None:
    """To, Action, MessageID and an anonymous ReplyTo, in the namespace of their edition; nothing is mandatory."""
    await adapter(f"{stand_in.url}/s?a=1&b", session, Manner(addressing=edition)).call(call())
    sent = stand_in.received[0].body
    assert header(sent, edition) == {
        "Action": "urn:a:P:askRequest",
        "MessageID": f"urn:uuid:{KEY}",
        "To": f"{stand_in.url}/s?a=1&b",
        "ReplyTo": edition.anonymous,
    }
    assert b"mustUnderstand" not in sent


@pytest.mark.parametrize("version", SoapVersion)
async def test_addressing_may_be_mandatory_and_name_another_address(
    stand_in: Any, session: aiohttp.ClientSession, version: SoapVersion
) -> None:
    """Action and To are marked in the envelope's own namespace; To is what the server believes to be called."""
    manner = Manner(addressing=W3C, must_understand=True, to="http://inside/<s>")
    await adapter(stand_in.url, session, manner, version).call(call())
    root = etree.fromstring(stand_in.received[0].body)
    marked = {
        etree.QName(each).localname
        for each in root.findall("{*}Header/*")
        if each.get(f"{{{version.namespace}}}mustUnderstand") == "1"
    }
    assert marked == {"Action", "To"}
    assert header(stand_in.received[0].body, W3C)["To"] == "http://inside/<s>"


async def test_each_try_of_a_delivery_has_the_same_message_id(stand_in: Any, session: aiohttp.ClientSession) -> None:
    """The MessageID is made of the Idempotency-Key, whatever that is; without one it is a new one."""
    asked = adapter(stand_in.url, session, Manner(addressing=W3C))
    for key in (KEY, KEY, "a b<", "", ""):
        await asked.call(call(key))
    ids = [header(each.body, W3C)["MessageID"] for each in stand_in.received]
    assert ids[:3] == [f"urn:uuid:{KEY}", f"urn:uuid:{KEY}", "urn:lgsp:delivery:a%20b%3C"]
    assert len(set(ids[3:])) == 2
    assert all(each.startswith("urn:uuid:") for each in ids[3:])


def answering(related: Sequence[str], edition: Edition, body: bytes = TOLD) -> bytes:
    blocks = "".join(f'<w:RelatesTo xmlns:w="{edition.namespace}"{each}</w:RelatesTo>' for each in related)
    return enclose(V11, body, blocks.encode())


@pytest.mark.parametrize("edition", Edition)
@pytest.mark.parametrize(
    ("related", "believed"),
    [
        ([], True),
        ([f">urn:uuid:{KEY}"], True),
        ([f">\n urn:uuid:{KEY} "], True),
        ([">urn:uuid:other", f">urn:uuid:{KEY}"], True),
        ([' RelationshipType="urn:other">urn:uuid:other'], True),
        ([">http://www.w3.org/2005/08/addressing/unspecified"], True),
        ([">urn:uuid:other"], False),
        ([">"], False),
    ],
)
async def test_an_answer_to_another_message_is_none(
    stand_in: Any, session: aiohttp.ClientSession, edition: Edition, related: Sequence[str], believed: bool
) -> None:
    """An answer whose RelatesTo names another message is an invalid reply, kept whole; one without is believed."""
    data = answering(related, edition)
    stand_in.answers(data, "text/xml")
    outcome = await adapter(stand_in.url, session, Manner(addressing=edition)).call(call())
    assert outcome.reply is not None
    if believed:
        assert outcome.result is Result.ANSWERED
        assert etree.fromstring(outcome.reply.data).text == "2"
    else:
        assert outcome == Outcome(Result.REPLY_INVALID, "reply-unrelated", 200, Body(Format.XML, data))


async def test_who_was_not_asked_for_addressing_may_say_what_it_likes(
    stand_in: Any, session: aiohttp.ClientSession
) -> None:
    """Without addressing there is no MessageID that an answer could relate to."""
    stand_in.answers(answering([">urn:uuid:other"], W3C), "text/xml")
    outcome = await adapter(stand_in.url, session, Manner()).call(call())
    assert outcome.result is Result.ANSWERED


@pytest.mark.parametrize(
    "code", ["MessageAddressingHeaderRequired", "InvalidAddressingHeader", "MessageInformationHeaderRequired"]
)
async def test_a_server_that_wants_addressing_is_misconfigured(
    stand_in: Any, session: aiohttp.ClientSession, code: str
) -> None:
    """The faults of WS-Addressing are for people to mend, and say so by a code of their own."""
    fault = f'<s:Fault xmlns:s="{V11.namespace}"><faultcode>w:{code}</faultcode><faultstring/></s:Fault>'
    stand_in.answers(enclose(V11, fault.encode()), "text/xml", "500 Odd")
    outcome = await adapter(stand_in.url, session, Manner()).call(call())
    assert (outcome.result, outcome.code) == (Result.MISCONFIGURED, "soap-addressing")
