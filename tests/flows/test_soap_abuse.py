"""Envelopes that nobody honest sends: each is answered by a fault, and none of them costs much or gets through."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from adapters.soap.envelope import SoapVersion
from adapters.soap.receiving import receive
from bus.errors import SenderFault
from tests.flows.soap_bus import ENVELOPES, Served, province, served
from transforms.apart.pool import Pool

TYPE, NS = ENVELOPES["1.1"]
BODY = '<Store xmlns="urn:archive"><Title>a</Title></Store>'
GOOD = f'<s:Envelope xmlns:s="{NS}"><s:Header/><s:Body>{BODY}</s:Body></s:Envelope>'
DTD = '<!DOCTYPE s:Envelope [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("abuse")


@pytest.fixture
async def bus(folder: Path, database: str) -> AsyncIterator[Served]:
    with Pool() as pool:
        async with served(province(folder, pool), database) as each:
            yield each


def changed(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new)


ABUSES: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "xml-malformed"),
    "no XML": ('{"a": 1}', "xml-malformed"),
    "cut": (GOOD[:-20], "xml-malformed"),
    "another root": (BODY, "envelope-invalid"),
    "no Body": (changed(f"<s:Body>{BODY}</s:Body>", ""), "envelope-invalid"),
    "two Bodies": (changed("</s:Body>", f"</s:Body><s:Body>{BODY}</s:Body>"), "envelope-invalid"),
    "Body before Header": (changed("<s:Header/>", "<s:Body/><s:Header/>"), "envelope-invalid"),
    "two Headers": (changed("<s:Header/>", "<s:Header/><s:Header/>"), "envelope-invalid"),
    "two elements": (changed(BODY, BODY + BODY), "envelope-invalid"),
    "text beside": (changed(BODY, BODY + "and more"), "envelope-invalid"),
    "after the Body": (changed("</s:Body>", "</s:Body><x/>"), "envelope-invalid"),
    "Body elsewhere": (changed(f"<s:Body>{BODY}</s:Body>", f"<x><s:Body>{BODY}</s:Body></x>"), "envelope-invalid"),
    "many headers": (changed("<s:Header/>", f"<s:Header>{'<x/>' * 10_000}</s:Header>"), "envelope-invalid"),
    "document type": (DTD + GOOD.replace(">a<", ">&b;<"), "xml-forbidden"),
    "external entity": ('<!DOCTYPE a SYSTEM "file:///etc/hostname">' + GOOD, "xml-forbidden"),
    "too deep": (changed(BODY, "<a>" * 300 + "</a>" * 300), "xml-forbidden"),
    "too large": (changed(">a<", f">{'a' * 90_000}<"), "body-too-large"),
    "payload too large": (changed(">a<", f">{'a' * 30_000}<"), "body-too-large"),
    "another charset": (f'<?xml version="1.0" encoding="utf-7"?>{GOOD}', "charset-unsupported"),
    "not what it says": (changed(">a<", ">Sổ<").encode("utf-16-le"), "charset-unsupported"),
    "bytes of Latin-1": (changed(">a<", ">é<").encode("latin-1"), "charset-unsupported"),
    "XInclude": (changed(BODY, '<i:include xmlns:i="http://www.w3.org/2001/XInclude" href="x"/>'), "xml-forbidden"),
    "nothing in the Body": (changed(BODY, ""), "soap-operation-unknown"),
    "fault as a request": (changed(BODY, "<s:Fault/>"), "soap-operation-unknown"),
    "another operation": (changed("<Store ", "<Stored ").replace("</Store>", "</Stored>"), "soap-operation-unknown"),
}


@pytest.mark.parametrize("path", ["archive.file", "inbox"])
async def test_each_is_a_fault(bus: Served, path: str) -> None:
    """Whatever is wrong with an envelope, the answer is a fault of the Client with its code; nothing is accepted. At
    the inbox no element of a contract is an operation, and an envelope may be larger."""
    for name, (data, of_a_contract) in ABUSES.items():
        code = "soap-operation-unknown" if (path, of_a_contract) == ("inbox", "body-too-large") else of_a_contract
        sent = data if isinstance(data, bytes) else data.encode()
        answer = await bus.send(path, sent, {"Content-Type": TYPE})
        fault = etree.fromstring(answer.content)
        assert (name, fault.findtext(".//{urn:lgsp:error}code")) == (name, code)
        assert fault.findtext(".//faultcode") == "soap:Client"
        assert len(answer.content) < 5_000
    assert bus.receiver().calls == []
    assert (await bus.http.get("/health/live")).status_code == 200


async def test_versions_and_media_types(bus: Served) -> None:
    """An envelope of another version is VersionMismatch without a detail, another media type is 415, and what must be
    understood and is not is MustUnderstand."""
    other = await bus.send("archive.file", GOOD.encode(), {"Content-Type": ENVELOPES["1.2"][0]})
    future = await bus.send("archive.file", changed(NS, "urn:soap-3").encode(), {"Content-Type": TYPE})
    media = await bus.send("archive.file", GOOD.encode(), {"Content-Type": "multipart/related; type=text/plain"})
    header = '<x:Tx xmlns:x="urn:x" s:mustUnderstand="1"/>'
    unknown = await bus.post("archive.file", BODY, header=header)
    for_another = await bus.post("archive.file", BODY, header=header.replace("/>", ' s:actor="urn:somebody"/>'))
    codes = [etree.fromstring(each.content).findtext(".//faultcode") for each in (future, media, unknown)]
    assert codes == ["soap:VersionMismatch", "soap:Client", "soap:MustUnderstand"]
    assert b"VersionMismatch</soap:Value>" in other.content
    assert [b"etail" in each.content for each in (other, future, unknown)] == [False] * 3
    assert media.status_code == 415
    assert b"MustUnderstand" not in for_another.content


async def test_addressing_that_leads_elsewhere(bus: Served) -> None:
    """An answer goes back on its connection and nowhere else; doubled and endless headers are refused."""
    wsa = 'xmlns:a="http://www.w3.org/2005/08/addressing"'
    reply_to = f"<a:ReplyTo {wsa}><a:Address>http://evil.example/</a:Address></a:ReplyTo>"
    twice = f"<a:MessageID {wsa}>1</a:MessageID>" * 2
    endless = f"<a:MessageID {wsa}>{'1' * 300}</a:MessageID>"
    for header in (reply_to, twice, endless):
        answer = await bus.post("archive.file", BODY, header=header)
        assert b"<e:code>addressing-invalid<" in answer.content
        assert etree.fromstring(answer.content).findtext(".//faultcode") == "e:InvalidAddressingHeader"
    assert bus.receiver().calls == []


@given(
    st.one_of(
        st.binary(max_size=300),
        st.tuples(st.integers(0, len(GOOD)), st.text(max_size=20)).map(
            lambda cut: (GOOD[: cut[0]] + cut[1] + GOOD[cut[0] :]).encode(errors="surrogatepass")
        ),
        st.sampled_from(["utf-16", "utf-16-le", "cp1258", "utf-8-sig"]).map(GOOD.encode),
    ),
    st.sampled_from([TYPE, "text/xml", "text/xml; charset=utf-16", "text/xml; charset=zzz"]),
)
def test_any_bytes_are_read_or_refused(data: bytes, content_type: str) -> None:
    """Whatever comes is an envelope with one Body, or refused as the sender's fault."""
    try:
        received = receive(data, content_type)
    except SenderFault:
        return
    assert received.version is SoapVersion.V11
    assert len(received.headers) <= 100
