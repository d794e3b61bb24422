"""Systems that speak SOAP in their own manner."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any
from unicodedata import normalize
from xml.sax.saxutils import escape, quoteattr

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from adapters.call import Call, Outcome, Result
from adapters.parts import media_type, read_parts, write_parts
from adapters.payload import known_charset
from adapters.soap.addressing import Edition
from adapters.soap.envelope import SoapVersion, enclose
from adapters.soap.manner import ACCEPT, Block, Manner, Spelling
from adapters.soap.multipart import envelope_of, with_attachments
from adapters.soap.outbound import SoapAdapter, SoapSettings
from adapters.soap.writing import fit, prefixed
from adapters.soap.wsdl import Operation, Service
from bus.clock import ManualClock
from bus.envelope import Attachment, Body, Format
from bus.errors import SettingInvalid
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


VIETNAMESE = "Nguyễn Thị Hạnh, ngõ 5 đường Ỷ Lan"
SAID = f'<?xml version="1.0" encoding="utf-8"?><a:Told xmlns:a="urn:a">{VIETNAMESE}</a:Told>'


def toned(text: str) -> str:
    """As windows-1258 has it: the letters with their hats and horns, the tones apart."""
    tones = {"\u0300", "\u0301", "\u0303", "\u0309", "\u0323"}
    return "".join(
        normalize("NFC", "".join(m for m in normalize("NFD", each) if m not in tones))
        + "".join(m for m in normalize("NFD", each) if m in tones)
        for each in text
    )


@pytest.mark.parametrize(
    ("charset", "data", "content_type"),
    [
        ("utf-8", SAID.encode(), "text/xml; charset=iso-8859-1"),
        ("utf-8", SAID.replace("utf-8", "windows-1252").encode(), "text/xml"),
        ("windows-1258", toned(SAID).encode("cp1258"), "text/xml; charset=utf-8"),
        ("windows-1258", toned(SAID).encode("cp1258"), "text/xml; charset=no-such-thing"),
        ("utf-16", SAID.encode("utf-16-le"), "text/xml"),
    ],
)
async def test_a_declared_character_set_goes_before_what_an_answer_says(
    stand_in: Any, session: aiohttp.ClientSession, charset: str, data: bytes, content_type: str
) -> None:
    """Servers lie in Content-Type and in the XML declaration; the reply is composed, in UTF-8."""
    around = enclose(V11, b"@").decode().split("@")
    head, tail = (part.encode("utf-16-le" if charset == "utf-16" else "ascii") for part in around)
    end = data.index(b"?\0>\0") + 4 if charset == "utf-16" else data.index(b"?>") + 2
    declaration, data = data[:end], data[end:]
    stand_in.answers(declaration + head + data + tail, content_type)
    outcome = await adapter(stand_in.url, session, Manner(charset=charset)).call(call())
    assert outcome.reply is not None, outcome
    assert etree.fromstring(outcome.reply.data).text == VIETNAMESE


@pytest.mark.parametrize("charset", ["windows-1258", "us-ascii", "utf-16", "ISO-8859-1"])
async def test_requests_are_written_in_the_character_set_that_is_declared(
    stand_in: Any, session: aiohttp.ClientSession, charset: str
) -> None:
    """Header, declaration and bytes agree, and a reader of that character set reads the same text."""
    data = f'<a:Ask xmlns:a="urn:a" name="{VIETNAMESE} &amp;&#10;"><![CDATA[<{VIETNAMESE}>]]>日本&#13;</a:Ask>'.encode()
    manner = Manner(request_charset=charset)
    await adapter(stand_in.url, session, manner).call(Call("ask", Body(Format.XML, data)))
    received = stand_in.received[0]
    assert received.headers["Content-Type"] == f"text/xml; charset={charset}"
    assert f'encoding="{charset}"' in received.body.decode(known_charset(charset))
    sent, meant = etree.fromstring(received.body)[-1][0], etree.fromstring(data)
    assert normalize("NFC", sent.text or "") == meant.text
    assert normalize("NFC", sent.get("name", "")) == meant.get("name")
    if charset == "windows-1258":
        assert toned("Nguyễn").encode("cp1258") in received.body
    else:
        assert sent.text == meant.text


async def test_a_name_that_the_character_set_has_not_is_refused(stand_in: Any, session: aiohttp.ClientSession) -> None:
    """Of names no character can be a reference: nothing is sent, and a person is told."""
    data = "<Họ/>".encode()
    manner = Manner(request_charset="windows-1252")
    outcome = await adapter(stand_in.url, session, manner).call(Call("ask", Body(Format.XML, data)))
    assert outcome == Outcome(Result.REFUSED, "body-inexpressible")
    assert stand_in.received == []


async def test_prefixes_are_those_that_a_server_compares(stand_in: Any, session: aiohttp.ClientSession) -> None:
    """The envelope's, in Header and Body, and the payload's; the prefixes of its contents stay."""
    manner = Manner(envelope="SOAP-ENV", prefixes={"urn:a": "his"}, addressing=W3C, must_understand=True)
    data = (
        b'<?xml version="1.0"?><Ask xmlns="urn:a" xmlns:i="http://www.w3.org/2001/XMLSchema-instance"'
        b' xmlns:t="urn:t"><In i:type="t:T"/><Out xmlns=""/></Ask>'
    )
    await adapter(stand_in.url, session, manner).call(Call("ask", Body(Format.XML, data)))
    sent = stand_in.received[0].body
    assert sent.startswith(b"<SOAP-ENV:Envelope ")
    assert b"<SOAP-ENV:Header>" in sent
    assert b' SOAP-ENV:mustUnderstand="1"' in sent
    assert b"<SOAP-ENV:Body><his:Ask " in sent
    assert b"<his:In " in sent
    asked = etree.fromstring(sent)[-1][0]
    assert [str(each.tag) for each in asked.iter()] == ["{urn:a}Ask", "{urn:a}In", "Out"]
    assert asked[0].nsmap["t"] == "urn:t"


async def test_an_answer_with_nothing_in_it_may_be_one(stand_in: Any, session: aiohttp.ClientSession) -> None:
    """No body, or an empty Body, is the operation's element where that is declared; the contract decides the rest."""
    told = Outcome(Result.ANSWERED, "http-200", 200, Body(Format.XML, b'<ns0:Told xmlns:ns0="urn:a"/>'))
    for data in (b"", b" \n", enclose(V11, b"")):
        stand_in.answers(data, "text/xml")
        assert await adapter(stand_in.url, session, Manner(empty_answer=True)).call(call()) == told
    stand_in.answers(b"", status="500 Odd")
    outcome = await adapter(stand_in.url, session, Manner(empty_answer=True)).call(call())
    assert outcome == Outcome(Result.TROUBLE, "http-500", 500)


async def test_a_request_may_have_nothing_in_it(stand_in: Any, session: aiohttp.ClientSession) -> None:
    """An operation without an element is asked by an empty Body, whatever the manner."""
    manner = Manner(request_charset="us-ascii", prefixes={"urn:a": "his"}, envelope="s")
    await adapter(stand_in.url, session, manner).call(Call("ask", Body(Format.XML, b"")))
    assert stand_in.received[0].body.endswith(b"<s:Body></s:Body></s:Envelope>")


PREFIXES = st.sampled_from(["", "a", "b", "p"])
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("<>&\"'\t\n\r"), max_size=8)


@st.composite
def documents(draw: st.DrawFn, scope: Mapping[str, str] = MappingProxyType({"": ""}), depth: int = 3) -> str:
    """XML whose elements declare what they like, and use it."""
    declared = draw(st.dictionaries(PREFIXES, st.sampled_from(["urn:a", "urn:b", "urn:c"]), max_size=3))
    declared |= {"": ""} if draw(st.booleans()) else {}
    scope = {**scope, **declared}
    prefix = draw(st.sampled_from(sorted(scope)))
    named = {scope[each]: each for each in draw(st.lists(st.sampled_from(sorted(scope)))) if each}
    attributes = {f"{each}:n": draw(TEXTS) for each in named.values()} | {"n": draw(TEXTS)}
    attributes |= {f"xmlns:{each}" if each else "xmlns": declared[each] for each in declared}
    inside = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items()).replace("\r", "&#13;")
    children = draw(st.lists(st.tuples(documents(scope, depth - 1), TEXTS), max_size=2)) if depth else []
    content = "".join(f"{child}{escape(tail)}" for child, tail in [("", draw(TEXTS)), *children])
    name = f"{prefix}:E" if prefix else "E"
    return f"<{name}{inside}>{content}</{name}>".replace("\r", "&#13;")


def same(one: etree._Element, other: etree._Element) -> bool:
    return (
        (one.tag, sorted(one.items()), one.text or "", one.tail or "")
        == (other.tag, sorted(other.items()), other.text or "", other.tail or "")
        and len(one) == len(other)
        and all(map(same, one, other))
    )


@given(
    documents(),
    st.permutations(["", "a", "b", "p"]).map(lambda each: dict(zip(("urn:a", "urn:b"), each, strict=False))),
)
def test_what_is_written_with_other_prefixes_is_the_same(document: str, wanted: dict[str, str]) -> None:
    """Names, attributes and texts stay, each prefix of the source means what it meant, and the root has the wanted one
    unless the source uses that otherwise."""
    source = etree.fromstring(document)
    written = etree.fromstring(prefixed(source, wanted))
    assert same(source, written)
    for before, after in zip(source.iter(), written.iter(), strict=True):
        kept = {each: space for each, space in before.nsmap.items() if each}
        assert kept.items() <= after.nsmap.items()
    namespace = etree.QName(source).namespace or ""
    if (prefix := wanted.get(namespace)) is not None and source.nsmap.get(prefix or None, namespace) == namespace:
        assert (written.prefix or "") == prefix


@given(TEXTS | st.text(st.sampled_from("aâăeêoôơuưyđỷễạ̣́ệ"), max_size=8))
def test_windows_1258_says_the_same_text(text: str) -> None:
    """Letters with tones are taken apart as that character set has them, and mean what they meant."""
    root = etree.Element("a")
    root.text = text
    fit(root, "cp1258")
    assert normalize("NFC", root.text or "") == normalize("NFC", text)


@pytest.mark.parametrize("version", SoapVersion)
async def test_header_blocks_go_with_the_operations_that_declare_them(
    stand_in: Any, session: aiohttp.ClientSession, version: SoapVersion
) -> None:
    """A block that some operation declares goes with those that do, one that none declares with all, in the server's
    own manner."""
    operations = {
        name: Operation(name, "{urn:a}Ask", "{urn:a}Told", "", version, headers=headers)
        for name, headers in (("ask", ("{urn:h}Auth",)), ("tell", ()))
    }
    service = Service("Ask", "AskPort", "", operations, XsdDocuments({"a.xsd": SCHEMA}, ["a.xsd"]))
    blocks = (
        Block("{urn:h}Auth", '<h:Auth xmlns:h="urn:h">Hà</h:Auth>'.encode(), must_understand=True),
        Block("{urn:h}Version", b'<Version xmlns="urn:h">2</Version>'),
    )
    manner = Manner(envelope="S", prefixes={"urn:h": "k"}, request_charset="us-ascii", addressing=W3C)
    asked = SoapAdapter(SoapSettings(stand_in.url, manner=manner, blocks=blocks), service, session, ManualClock())
    for name, expected in (("ask", ["Auth", "Version"]), ("tell", ["Version"])):
        await asked.call(replace(call(), operation=name))
        sent = stand_in.received[-1].body
        found = etree.fromstring(sent).findall("{*}Header/{urn:h}*")
        assert [etree.QName(each).localname for each in found] == expected
        assert b"<k:Version" in sent
        marked = [each.text for each in found if each.get(f"{{{version.namespace}}}mustUnderstand") == "1"]
        assert marked == (["Hà"] if name == "ask" else [])
        assert (b' S:mustUnderstand="1"' in sent) is (name == "ask")


async def test_a_block_that_cannot_be_written_is_said_when_it_is_set_up(session: aiohttp.ClientSession) -> None:
    """A name that the character set of requests has not is a wrong setting, not every message's end."""
    operation = Operation("ask", "{urn:a}Ask", None, "", V11)
    service = Service("Ask", "AskPort", "", {"ask": operation}, XsdDocuments({"a.xsd": SCHEMA}, ["a.xsd"]))
    settings = SoapSettings(
        "http://h/", manner=Manner(request_charset="us-ascii"), blocks=(Block("Họ", "<Họ/>".encode()),)
    )
    with pytest.raises(SettingInvalid):
        SoapAdapter(settings, service, session)


@pytest.mark.parametrize("version", SoapVersion)
async def test_requests_may_go_as_mtom(stand_in: Any, session: aiohttp.ClientSession, version: SoapVersion) -> None:
    """What is long and in base64 goes as bytes; a server that asks for MTOM gets it where there is none, too."""
    for data in (bytes(range(256)) * 4, b"1"):
        body = b'<a:Ask xmlns:a="urn:a">' + b64encode(data) + b"</a:Ask>"
        stand_in.answers(enclose(version, TOLD), "text/xml")
        outcome = await adapter(stand_in.url, session, Manner(mtom=True), version).call(
            Call("ask", Body(Format.XML, body))
        )
        assert outcome.result is Result.ANSWERED
        request = stand_in.received[-1]
        kind, said = media_type(request.headers["Content-Type"])
        parts = read_parts(said["boundary"], request.body)
        assert (kind, said["start-info"]) == ("multipart/related", ACCEPT[version])
        assert said.get("action") == (None if version is V11 else "urn:a:ask")
        assert [each.data for each in parts[1:]] == ([data] if len(data) > 1 else [])
        assert media_type(parts[0].content_type)[1]["type"] == ACCEPT[version]
        whole = etree.fromstring(envelope_of(request.headers["Content-Type"], request.body, 10_000)[1])
        assert whole.findtext(".//{urn:a}Ask") == b64encode(data).decode()


async def test_an_answer_may_not_grow_by_what_it_includes(stand_in: Any, session: aiohttp.ClientSession) -> None:
    """A part that is included again and again is counted each time, against what an answer may have."""
    include = '<b><x:Include xmlns:x="http://www.w3.org/2004/08/xop/include" href="cid:a"/></b>' * 100
    root = enclose(V11, f'<a:Told xmlns:a="urn:a">{include}</a:Told>'.encode())
    kind = {"Content-Type": "application/xop+xml", "Content-ID": "<r>"}
    boundary, data = write_parts([(kind, root), ({"Content-ID": "<a>"}, bytes(30_000))])
    stand_in.answers(data, f"multipart/related; boundary={boundary}")
    for most, result in ((3_000_000, Result.REPLY_INVALID), (5_000_000, Result.ANSWERED)):
        outcome = await adapter(stand_in.url, session, Manner()).call(replace(call(), max_bytes=most))
        assert outcome.result is result


@pytest.mark.parametrize("mtom", [False, True])
async def test_files_go_along_with_a_request(stand_in: Any, session: aiohttp.ClientSession, *, mtom: bool) -> None:
    """As SOAP with attachments has it, beside an envelope of MTOM as well; and come back with the answer."""
    files = (Attachment("a@x", "application/pdf", b"\x00\r\n--"), Attachment("", "text/plain; charset=utf-8", b"1"))
    kind, answer = with_attachments("text/xml; charset=utf-8", enclose(V11, TOLD), files)
    stand_in.answers(answer, kind)
    outcome = await adapter(stand_in.url, session, Manner(mtom=mtom)).call(replace(call(), attachments=files))
    assert outcome.attachments == files
    assert len({each.salt for each in outcome.attachments}) == 2
    sent = stand_in.received[-1]
    said = media_type(sent.headers["Content-Type"])[1]
    root, *beside = read_parts(said["boundary"], sent.body)
    assert (said["type"], said["start"]) == ("application/xop+xml" if mtom else "text/xml", f"<{root.name}>")
    assert [(each.name, each.content_type, each.data) for each in beside] == [
        (each.name, each.content_type, each.data) for each in files
    ]
    assert etree.fromstring(root.data)[-1][0].tag == "{urn:a}Ask"
