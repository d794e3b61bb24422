"""Calls that the bus signs, answers that it wants signed, and what another stack makes of both: xmlsec1."""

import os
import shutil
import subprocess
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from adapters.auth import WsseSignature, WsseUsername
from adapters.call import Call, FaultRule, Outcome, Result
from adapters.soap.addressing import WSA, Edition
from adapters.soap.envelope import SoapVersion, enclose
from adapters.soap.manner import Manner
from adapters.soap.multipart import envelope_of
from adapters.soap.outbound import SoapAdapter, SoapSettings
from adapters.soap.signing import Signer
from adapters.soap.verifying import signed_part
from adapters.soap.wsdl import Operation, Service
from adapters.soap.wss import CERTIFICATE, DS, SECURITY, SIGNATURE, TIMESTAMP, TOKEN, WSSE, WSU
from bus.clock import ManualClock
from bus.envelope import Body, Format
from bus.errors import SettingInvalid
from contracts.xsd import XsdDocuments

V11, V12 = SoapVersion.V11, SoapVersion.V12
SCHEMA = b'<schema xmlns="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:a"><element name="Ask"/></schema>'
NAME = '<!-- x --><Name kind="t:K">Nguyễn <![CDATA[<An>]]>\r&#13;</Name>'
ASK = f'<Ask xmlns="urn:a" xmlns:t="urn:t">{NAME}<Out xmlns=""/></Ask>'
TOLD = b'<a:Told xmlns:a="urn:a">2</a:Told>'
NOW = ManualClock().now()
SHA256 = hashes.SHA256()
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def issued(key: Key, *, identified: bool = True, by: Any = SHA256) -> tuple[x509.Certificate, bytes]:
    """A certificate for a key, and both in PEM."""
    subject = x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Sở, A & B"), x509.NameAttribute(NameOID.COMMON_NAME, "bus")]
    )
    now = datetime.fromtimestamp(NOW / 1000, UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(2**70 + 5)
        .not_valid_before(now - timedelta(days=400))
        .not_valid_after(now + timedelta(days=400))
    )
    if identified:
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    certificate = builder.sign(key, by)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return certificate, certificate.public_bytes(Encoding.PEM) + private


@pytest.fixture(scope="module")
def theirs() -> tuple[x509.Certificate, bytes]:
    return issued(rsa.generate_private_key(65537, 2048))


@pytest.fixture(scope="module")
def ours() -> tuple[x509.Certificate, bytes]:
    return issued(rsa.generate_private_key(65537, 2048))


@pytest.fixture(scope="module")
def elliptic() -> tuple[x509.Certificate, bytes]:
    return issued(ec.generate_private_key(ec.SECP256R1()))


Xmlsec = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture
def xmlsec(tmp_path: Path) -> Xmlsec:
    """Runs xmlsec1 over an envelope, where it is installed; in CI it is."""
    program = shutil.which("xmlsec1")
    if program is None:
        assert os.environ.get("CI") != "true", "xmlsec1 is not installed"
        pytest.skip("xmlsec1 is not installed")

    def run(action: str, envelope: bytes, *options: str) -> "subprocess.CompletedProcess[bytes]":
        path = tmp_path / "envelope.xml"
        path.write_bytes(envelope)
        named = [f"{version.namespace}:Body" for version in SoapVersion]
        named += [f"{WSU[1:-1]}:Timestamp", f"{WSSE[1:-1]}:UsernameToken"]
        named += [
            f"{edition.namespace}:{each}" for edition in Edition for each in ("To", "Action", "MessageID", "ReplyTo")
        ]
        ids = [each for name in named for each in ("--id-attr:Id", name)]
        return subprocess.run([program, action, *options, *ids, str(path)], capture_output=True, check=False)

    return run


def holds(xmlsec: Xmlsec, envelope: bytes, certificate: x509.Certificate, tmp_path: Path) -> bool:
    path = tmp_path / "certificate.pem"
    path.write_bytes(certificate.public_bytes(Encoding.PEM))
    return xmlsec("--verify", envelope, "--pubkey-cert-pem", str(path)).returncode == 0


def adapter(url: str, session: aiohttp.ClientSession, version: SoapVersion = V11, **settings: Any) -> SoapAdapter:
    operation = Operation("ask", "{urn:a}Ask", "{urn:a}Told", "urn:a:ask", version, addressed="urn:a:ask")
    service = Service("Ask", "AskPort", "", {"ask": operation}, XsdDocuments({"a.xsd": SCHEMA}, ["a.xsd"]))
    return SoapAdapter(SoapSettings(url, **settings), service, session, ManualClock())


def call(*faults: FaultRule) -> Call:
    return Call("ask", Body(Format.XML, ASK.encode()), {"Idempotency-Key": "k"}, faults)


def covers(envelope: bytes) -> set[str]:
    """The names of the elements that the signature refers to."""
    root = etree.fromstring(envelope)
    marks = {each.get(f"{WSU}Id"): etree.QName(each).localname for each in root.iter() if each.get(f"{WSU}Id")}
    return {marks[each.get("URI", "")[1:]] for each in root.iter(f"{DS}Reference")}


@pytest.mark.parametrize("version", SoapVersion)
@pytest.mark.parametrize("manner", [Manner(), Manner(addressing=Edition.W3C, envelope="S", request_charset="us-ascii")])
async def test_what_is_signed_holds_for_another_stack(
    stand_in: Any,
    session: aiohttp.ClientSession,
    ours: tuple[x509.Certificate, bytes],
    xmlsec: Xmlsec,
    tmp_path: Path,
    version: SoapVersion,
    manner: Manner,
) -> None:
    """xmlsec1 finds Body, Timestamp and addressing headers signed as they came over the wire, and not if one is changed
    by a letter."""
    await adapter(stand_in.url, session, version, auth=WsseSignature(ours[1]), manner=manner).call(call())
    sent = stand_in.received[0].body
    assert holds(xmlsec, sent, ours[0], tmp_path)
    addressed = {"To", "Action", "MessageID", "ReplyTo"} if manner.addressing else set[str]()
    assert covers(sent) == {"Body", "Timestamp"} | addressed
    for old, new in ((b"&lt;An", b"&lt;On"), (b"<wsu:Created>2", b"<wsu:Created>3"), (b"urn:lgsp", b"urn:other")):
        if old in sent:
            assert not holds(xmlsec, sent.replace(old, new, 1), ours[0], tmp_path), old


async def test_an_elliptic_key_signs_too(
    stand_in: Any,
    session: aiohttp.ClientSession,
    elliptic: tuple[x509.Certificate, bytes],
    ours: tuple[x509.Certificate, bytes],
    xmlsec: Xmlsec,
    tmp_path: Path,
) -> None:
    """By ECDSA with SHA-256; by another's certificate it does not hold."""
    await adapter(stand_in.url, session, auth=WsseSignature(elliptic[1])).call(call())
    sent = stand_in.received[0].body
    assert b"xmldsig-more#ecdsa-sha256" in sent
    assert holds(xmlsec, sent, elliptic[0], tmp_path)
    assert not holds(xmlsec, sent, ours[0], tmp_path)


async def test_a_username_token_goes_along_signed(
    stand_in: Any, session: aiohttp.ClientSession, ours: tuple[x509.Certificate, bytes], xmlsec: Xmlsec, tmp_path: Path
) -> None:
    """Both proofs stand in one Security header, and nobody can put another token into it."""
    auth = WsseSignature(ours[1], username=WsseUsername("bus", "secret-1"))
    await adapter(stand_in.url, session, auth=auth).call(call())
    sent = stand_in.received[0].body
    (security,) = etree.fromstring(sent).iter(SECURITY)
    assert [each.tag for each in security] == [TIMESTAMP, CERTIFICATE, TOKEN, SIGNATURE]
    assert covers(sent) == {"Body", "Timestamp", "UsernameToken"}
    assert holds(xmlsec, sent, ours[0], tmp_path)
    assert not holds(xmlsec, sent.replace(b"secret-1", b"secret-2"), ours[0], tmp_path)
    assert "secret-1" not in repr(auth)
    assert "PRIVATE" not in repr(auth)


@pytest.mark.parametrize("reference", ["token", "issuer-serial", "key-identifier", "thumbprint"])
def test_a_receiver_knows_which_certificate_it_is(ours: tuple[x509.Certificate, bytes], reference: str) -> None:
    """X.509 Certificate Token Profile 1.1 §3.2: sent along, or named by what the certificate says of itself."""
    certificate, pem = ours
    envelope = Signer(WsseSignature(pem, reference)).enclosed(V11, ASK.encode(), b"", NOW)
    root = etree.fromstring(envelope)
    (about,) = root.iter(f"{WSSE}SecurityTokenReference")
    text = "".join(map(str, about.itertext())).strip()
    named = about.find(f"{WSSE}Reference")
    tokens = list(root.iter(CERTIFICATE))
    assert (named is not None, len(tokens)) == ((True, 1) if reference == "token" else (False, 0))
    if named is not None:
        assert named.get("URI") == f"#{tokens[0].get(f'{WSU}Id')}"
    elif reference == "issuer-serial":
        assert about.findtext(f".//{DS}X509IssuerName") == certificate.issuer.rfc4514_string()
        assert about.findtext(f".//{DS}X509SerialNumber") == str(2**70 + 5)
    else:
        skid = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
        said = {"key-identifier": skid, "thumbprint": certificate.fingerprint(hashes.SHA1())}[reference]
        assert text == b64encode(said).decode()
    assert signed_part(envelope, certificate, NOW) is not None


def test_a_key_that_cannot_sign_is_said(
    ours: tuple[x509.Certificate, bytes], theirs: tuple[x509.Certificate, bytes]
) -> None:
    """A certificate without key, another's key, a key of another kind, a missing identifier: said when it is set up."""
    edwards = issued(ed25519.Ed25519PrivateKey.generate(), by=None)[1]
    bare = issued(ec.generate_private_key(ec.SECP256R1()), identified=False)[1]
    public = ours[0].public_bytes(Encoding.PEM)
    of_no_version = ours[0].public_bytes(Encoding.DER).replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x05", 1)
    odd = f"-----BEGIN CERTIFICATE-----\n{b64encode(of_no_version).decode()}\n-----END CERTIFICATE-----\n".encode()
    for pem, reference in (
        (odd + ours[1].removeprefix(public), "token"),
        (b"", "token"),
        (public, "token"),
        (public + theirs[1].removeprefix(theirs[0].public_bytes(Encoding.PEM)), "token"),
        (edwards, "token"),
        (bare, "key-identifier"),
    ):
        with pytest.raises(SettingInvalid):
            Signer(WsseSignature(pem, reference))


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20), st.sampled_from(SoapVersion))
def test_what_is_signed_is_what_is_read(text: str, version: SoapVersion) -> None:
    """Any text in Body goes through a signature and its check unharmed."""
    element = etree.Element("{urn:a}Ask", nsmap={None: "urn:a"})  # type: ignore[dict-item]
    element.text = text
    body = etree.tostring(element, encoding="utf-8")
    inside = signed_part(SIGNER.enclosed(version, body, b"", NOW), ELLIPTIC[0], NOW)
    assert inside is not None
    assert (etree.fromstring(inside)[-1][0].text or "") == text


ELLIPTIC = issued(ec.generate_private_key(ec.SECP256R1()))
SIGNER = Signer(WsseSignature(ELLIPTIC[1]))


def template(version: SoapVersion = V11, *, body: bytes = TOLD, created: int = NOW, parts: str = "body time") -> bytes:
    """An envelope that xmlsec1 is to sign, as Java's toolkits lay it out."""
    references = "".join(
        f'<d:Reference URI="#{each}"><d:Transforms><d:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>'
        '</d:Transforms><d:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><d:DigestValue/></d:Reference>'
        for each in parts.split()
    )
    stamp = datetime.fromtimestamp(created / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    security = (
        f'<w:Security xmlns:w="{WSSE[1:-1]}" xmlns:u="{WSU[1:-1]}" xmlns:d="{DS[1:-1]}"><u:Timestamp u:Id="time">'
        f"<u:Created>{stamp}</u:Created></u:Timestamp><d:Signature><d:SignedInfo>"
        '<d:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>'
        '<d:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/>'
        f"{references}</d:SignedInfo><d:SignatureValue/></d:Signature></w:Security>"
    )
    whole = enclose(version, body, security.encode())
    return whole.replace(b"<soap:Body>", b'<soap:Body u:Id="body" xmlns:u="%b">' % WSU[1:-1].encode())


@pytest.fixture
def sign(xmlsec: Xmlsec, theirs: tuple[x509.Certificate, bytes], tmp_path: Path) -> Callable[[bytes], bytes]:
    path = tmp_path / "key.pem"
    path.write_bytes(theirs[1].removeprefix(theirs[0].public_bytes(Encoding.PEM)))

    def signed(envelope: bytes) -> bytes:
        done = xmlsec("--sign", envelope, "--privkey-pem", str(path))
        assert done.returncode == 0, done.stderr
        return done.stdout

    return signed


@pytest.mark.parametrize("version", SoapVersion)
async def test_an_answer_that_another_stack_signed_is_taken(
    stand_in: Any,
    session: aiohttp.ClientSession,
    theirs: tuple[x509.Certificate, bytes],
    sign: Callable[[bytes], bytes],
    version: SoapVersion,
) -> None:
    """What xmlsec1 signed by the declared certificate is the reply."""
    stand_in.answers(sign(template(version)), "text/xml")
    outcome = await adapter(stand_in.url, session, version, signed_by=theirs[0]).call(call())
    assert (outcome.result, outcome.code) == (Result.ANSWERED, "http-200")
    assert outcome.reply is not None
    assert etree.fromstring(outcome.reply.data).tag == "{urn:a}Told"


async def test_an_answer_that_is_not_proved_is_none(
    stand_in: Any,
    session: aiohttp.ClientSession,
    theirs: tuple[x509.Certificate, bytes],
    ours: tuple[x509.Certificate, bytes],
    sign: Callable[[bytes], bytes],
) -> None:
    """Unsigned, changed, another's, too old, without the Body or the time in it, or with the signed Body moved aside:
    none is the reply, and each is kept whole."""
    good = sign(template())
    moved = etree.fromstring(good)
    aside = etree.SubElement(moved[0], "{urn:x}Aside")
    aside.append(moved[1])
    moved.append(etree.fromstring(enclose(V11, b'<a:Told xmlns:a="urn:a">9</a:Told>'))[0])
    same_id = etree.fromstring(good)
    copied = etree.SubElement(
        etree.SubElement(same_id[0], "{urn:x}Aside"),
        same_id[1].tag,
        {str(key): str(each) for key, each in same_id[1].items()},
    )
    copied.append(etree.fromstring(b"<x/>"))
    wrong = {
        "unsigned": enclose(V11, TOLD),
        "changed": good.replace(b">2<", b">3<"),
        "old": sign(template(created=NOW - 600_000)),
        "no-time": sign(template(parts="body")),
        "no-body": sign(template(parts="time")),
        "moved": etree.tostring(moved),
        "copied": etree.tostring(same_id),
    }
    for name, data in wrong.items():
        stand_in.answers(data, "text/xml")
        outcome = await adapter(stand_in.url, session, signed_by=theirs[0]).call(call())
        assert outcome == Outcome(Result.REPLY_INVALID, "reply-unsigned", 200, Body(Format.XML, data)), name
    stand_in.answers(good, "text/xml")
    outcome = await adapter(stand_in.url, session, signed_by=ours[0]).call(call())
    assert outcome.code == "reply-unsigned"
    stand_in.answers(b"", "text/xml")
    outcome = await adapter(stand_in.url, session, signed_by=theirs[0], manner=Manner(empty_answer=True)).call(call())
    assert outcome.code == "reply-unsigned"
    stand_in.answers(b"", "text/xml", "202 Accepted")
    assert (await adapter(stand_in.url, session, signed_by=theirs[0]).call(call())).code == "reply-unsigned"


async def test_a_declared_fault_counts_where_it_is_signed(
    stand_in: Any,
    session: aiohttp.ClientSession,
    theirs: tuple[x509.Certificate, bytes],
    sign: Callable[[bytes], bytes],
) -> None:
    """A fault is an answer too; one that nobody signed is believed by its code alone, and is no reply."""
    inside = '<faultcode>s:Client</faultcode><faultstring/><detail><f:Full xmlns:f="urn:f">1</f:Full></detail>'
    fault = f'<s:Fault xmlns:s="{V11.namespace}">{inside}</s:Fault>'.encode()
    rule = FaultRule("full", element="{urn:f}Full")
    for data, expected in (
        (sign(template(body=fault)), (Result.FAULT, "declared-fault")),
        (enclose(V11, fault), (Result.REFUSED, "soap-client")),
    ):
        stand_in.answers(data, "text/xml", "500 Internal Server Error")
        outcome = await adapter(stand_in.url, session, signed_by=theirs[0]).call(call(rule))
        assert (outcome.result, outcome.code) == expected


async def test_a_signed_answer_may_be_addressed(
    stand_in: Any,
    session: aiohttp.ClientSession,
    theirs: tuple[x509.Certificate, bytes],
    sign: Callable[[bytes], bytes],
) -> None:
    """RelatesTo beside a signature is read as beside none."""
    for to, code in (("urn:lgsp:delivery:k", "http-200"), ("urn:other", "reply-unrelated")):
        related = f'<a:RelatesTo xmlns:a="{WSA}">{to}</a:RelatesTo>'.encode()
        stand_in.answers(sign(template().replace(b"<soap:Header>", b"<soap:Header>" + related)), "text/xml")
        manner = replace(Manner(), addressing=Edition.W3C)
        assert (await adapter(stand_in.url, session, manner=manner, signed_by=theirs[0]).call(call())).code == code


async def test_a_signed_call_may_be_sent_in_parts(
    stand_in: Any, session: aiohttp.ClientSession, ours: tuple[x509.Certificate, bytes], xmlsec: Xmlsec, tmp_path: Path
) -> None:
    """XOP 1.0 §4: what was signed is the envelope with its binary content in it, as a receiver puts it back."""
    content = b64encode(bytes(range(256)) * 40).decode()
    data = f'<a:Ask xmlns:a="urn:a"><a:Scan>{content}</a:Scan><a:Name>Hạnh</a:Name></a:Ask>'.encode()
    asked = adapter(stand_in.url, session, auth=WsseSignature(ours[1]), manner=Manner(mtom=True))
    await asked.call(Call("ask", Body(Format.XML, data)))
    received = stand_in.received[0]
    assert content.encode() not in received.body
    whole = envelope_of(received.headers["Content-Type"], received.body, 1_000_000)[1]
    assert content.encode() in whole
    assert holds(xmlsec, whole, ours[0], tmp_path)
