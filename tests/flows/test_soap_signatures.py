"""Callers that sign what they send, and what others make of a signed envelope."""

import datetime as dt
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureConstructionMethod, SignatureMethod
from signxml.signer import XMLSigner

from adapters.call import Outcome, Result
from adapters.egress import Egress
from adapters.http import open_session
from adapters.soap.receiving import receive
from adapters.soap.signatures import signed
from adapters.soap.tokens import security_of
from adapters.soap.wss import SECURITY, WSSE, WSU
from bus.clock import SystemClock
from bus.envelope import Body, Format
from bus.errors import CertificateNotValid
from bus.settings import read_settings
from documents.load import load
from documents.model import Documents
from documents.snapshot import Builder
from documents.store import writing
from identity.certificates import Holder, read_certificate
from identity.grants import Grants
from identity.keyring import KeyRing
from routes.model import Snapshot
from running.home import Home
from tests.certificates import Own
from tests.flows.soap_bus import ENVELOPES, Served, province, served
from transforms.apart.pool import Pool

TYPE, NS = ENVELOPES["1.1"]
X509 = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3"
DAY = 86_400
ANONYMOUS = {"Authorization": "", "Content-Type": TYPE}
FETCH = '<fetch xmlns="urn:lgsp:inbox"><wait>1</wait></fetch>'


@dataclass(frozen=True)
class Signer:
    """Somebody with a key and a certificate of his own making."""

    key: rsa.RSAPrivateKey
    certificate: x509.Certificate

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    def holder(self, system: str) -> dict[bytes, Holder]:
        """The certificate as a snapshot has it."""
        read = read_certificate(self.certificate.public_bytes(Encoding.PEM))
        return {read.fingerprint: Holder(system, read)}

    def envelope(
        self, number: str = "1", *, age: float = 0, parts: tuple[str, ...] = ("body", "time"), body: str = ""
    ) -> bytes:
        """A call, signed as toolkits sign: the certificate, the Timestamp, and references by wsu:Id."""
        created = (dt.datetime.now(dt.UTC) - dt.timedelta(seconds=age)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        body = body or f'<request xmlns="urn:lgsp:contract:health.look-up:1"><number>{number}</number></request>'
        root = etree.fromstring(
            f'<s:Envelope xmlns:s="{NS}"><s:Header><w:Security s:mustUnderstand="1" xmlns:w="{WSSE[1:-1]}"'
            f' xmlns:u="{WSU[1:-1]}"><w:BinarySecurityToken u:Id="cert" ValueType="{X509}">'
            f'{b64encode(self.der).decode()}</w:BinarySecurityToken><u:Timestamp u:Id="time"><u:Created>{created}'
            "</u:Created></u:Timestamp></w:Security></s:Header>"
            f'<s:Body u:Id="body" xmlns:u="{WSU[1:-1]}">{body}</s:Body></s:Envelope>'
        )
        signer = XMLSigner(
            method=SignatureConstructionMethod.detached,
            signature_algorithm=SignatureMethod.RSA_SHA256,
            digest_algorithm=DigestAlgorithm.SHA256,
            c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
        )
        made = signer.sign(root, key=self.key, cert=[self.certificate], reference_uri=[f"#{each}" for each in parts])
        security = root.find(f".//{SECURITY}")
        assert security is not None
        key_info = made.find("{http://www.w3.org/2000/09/xmldsig#}KeyInfo")
        assert key_info is not None
        for each in key_info:
            key_info.remove(each)
        reference = etree.SubElement(key_info, f"{WSSE}SecurityTokenReference")
        etree.SubElement(reference, f"{WSSE}Reference", {"URI": "#cert", "ValueType": X509})
        security.append(made)
        return etree.tostring(root)


def a_signer(name: str, begins: float = -1, ends: float = 1) -> Signer:
    """Whose certificate is valid from so many days to so many days from now."""
    key = rsa.generate_private_key(65537, 2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    built = (
        x509.CertificateBuilder(subject, subject, key.public_key(), 1)
        .not_valid_before(now + dt.timedelta(days=begins))
        .not_valid_after(now + dt.timedelta(days=ends))
    )
    return Signer(key, built.sign(key, hashes.SHA256()))


@pytest.fixture(scope="module")
def signers() -> tuple[Signer, Signer]:
    """The one that one-stop's document names, and another."""
    return a_signer("one-stop"), a_signer("stranger")


@pytest.fixture
async def bus(tmp_path: Path, database: str, signers: tuple[Signer, Signer]) -> AsyncIterator[Served]:
    with Pool() as pool:
        wired = province(tmp_path / "province", pool)
        wired.signers = signers[0].holder("one-stop")
        wired.fetching["one-stop"] = 60.0
        async with served(wired, database) as each:
            answer = Body(Format.JSON, b'{"name": "An"}')
            each.receiver().answer = lambda _: Outcome(Result.ANSWERED, "http-200", 200, answer)
            yield each


def error(data: bytes) -> str | None:
    return etree.fromstring(data).findtext(".//{urn:lgsp:error}code")


async def test_signature_says_who_calls(bus: Served, signers: tuple[Signer, Signer]) -> None:
    """A signed call is its signer's and is answered; the same envelope again is a replay."""
    sent = signers[0].envelope()
    answer = await bus.send("health.look-up", sent, ANONYMOUS)
    again = await bus.send("health.look-up", sent, ANONYMOUS)
    listed = await bus.http.get("/messages", headers={"Authorization": f"Bearer {bus.wired.token()}"})
    assert b"<name>An" in answer.content or b":name>An" in answer.content
    assert error(again.content) == "security-replayed"
    assert [each["sender"] for each in listed.json()["messages"]] == ["one-stop"]


async def test_signed_fetch(bus: Served, signers: tuple[Signer, Signer]) -> None:
    """A signature opens its signer's inbox, once, and holds through a wait; another's opens none."""
    fetch = signers[0].envelope(body=FETCH)
    answers = [await bus.send("inbox", each, ANONYMOUS) for each in (fetch, fetch, signers[1].envelope(body=FETCH))]
    assert b"fetchResponse" in answers[0].content
    assert [error(each.content) for each in answers] == [None, "security-replayed", "certificate-unknown"]


async def test_certificate_is_the_one_that_the_document_names(tmp_path: Path, signers: tuple[Signer, Signer]) -> None:
    """A system's `signedBy` is what its signatures are held against; a file that is no certificate proves nobody, and
    one that is missing stops no other system."""
    pem = signers[0].certificate.public_bytes(Encoding.PEM).decode()
    sender = "kind: System\nname: {0}\nagency: H99\nadapter: soap\nsignedBy: {0}.pem\n"
    files = {"signs.yaml": sender.format("signs"), "signs.pem": pem}
    files |= {"lies.yaml": sender.format("lies"), "lies.pem": "no certificate"}
    odd = "kind: System\nname: odd\nagency: H99\nadapter: rest\nendpoint: https://his.invalid/\ntls: {ca: none.pem}\n"
    files |= {"odd.yaml": odd}
    home = Home(read_settings({}, data=tmp_path / "data"), "user:an")
    home.prepare()
    async with open_session(Egress(())) as session:
        with Pool() as pool:
            documents = load(province(tmp_path / "province", pool, files).folder).documents
            command = writing(Documents(), documents, "user:an")
            assert command
            home.write(command)
            built = Builder(home.queries, home.keys, home.credentials, home.secrets, session, home.clock, pool).load()
    home.close()
    assert {each.system for each in built.signers.values()} == {"signs"}
    assert built.clients == {}
    assert (built.systems["odd"].adapter, built.systems["his"].adapter is None) == (None, False)


WSDL = """<w:definitions xmlns:w="http://schemas.xmlsoap.org/wsdl/" xmlns:s="http://schemas.xmlsoap.org/wsdl/soap/"
  xmlns:t="urn:t" targetNamespace="urn:t"><w:types><schema xmlns="http://www.w3.org/2001/XMLSchema"
  targetNamespace="urn:t"><element name="Ask" type="string"/></schema></w:types>
  <w:message name="In"><w:part name="p" element="t:Ask"/></w:message>
  <w:portType name="P"><w:operation name="ask"><w:input message="t:In"/></w:operation></w:portType>
  <w:binding name="B" type="t:P"><s:binding transport="http://schemas.xmlsoap.org/soap/http"/><w:operation name="ask">
  <s:operation soapAction=""/><w:input><s:body use="literal"/></w:input></w:operation></w:binding>
  <w:service name="S"><w:port name="p" binding="t:B"><s:address location="http://host/"/></w:port></w:service>
</w:definitions>"""


async def test_a_system_is_called_with_a_key_out_of_its_agencys_secrets(tmp_path: Path) -> None:
    """The key and the token's password are secrets, the answers' certificate a file; while a secret is missing or is no
    key, or the file no certificate, the system is not called at all."""
    auth = "{{scheme: wsse-x509, certificate: secret:key, username: bus, password: secret:password}}"
    system = (
        f"kind: System\nname: {{0}}\nagency: H99\nadapter: soap\nwsdl: t.wsdl\nendpoint: https://host/\nauth: {auth}\n"
        "signedBy: {0}.pem\nsoap: {{signedAnswers: true}}\n"
    )
    own = Own.made("bus")
    files = {"signs.yaml": system.format("signs"), "lies.yaml": system.format("lies"), "t.wsdl": WSDL}
    files |= {"signs.pem": own.pem.decode(), "lies.pem": "no certificate"}
    home = Home(read_settings({}, data=tmp_path / "data"), "user:an")
    home.prepare()
    async with open_session(Egress(())) as session:
        with Pool() as pool:
            documents = load(province(tmp_path / "province", pool, files).folder).documents
            command = writing(Documents(), documents, "user:an")
            assert command
            home.write(command)
            builder = Builder(home.queries, home.keys, home.credentials, home.secrets, session, home.clock, pool)
            called = []
            for name, secret in (
                ("", ""),
                ("password", "x"),
                ("key", "no key"),
                ("key", (own.pem + own.key_pem).decode()),
            ):
                if name:
                    home.secrets.set("H99", name, secret)
                systems = builder.load().systems
                called.append((systems["signs"].adapter is not None, systems["lies"].adapter is not None))
    home.close()
    assert called == [(False, False)] * 3 + [(True, False)]


def of_another_version(envelope: bytes) -> bytes:
    """The certificate in it says that it is of a version that there is not."""
    root = etree.fromstring(envelope)
    (token,) = root.iter(f"{WSSE}BinarySecurityToken")
    der = b64decode(token.text or "").replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x05", 1)
    token.text = b64encode(der).decode()
    return etree.tostring(root)


async def test_signatures_that_prove_nothing(bus: Served, signers: tuple[Signer, Signer]) -> None:
    """What was changed, is old, leaves out Body or Timestamp, or is signed by a stranger is refused."""
    good, stranger = signers
    sent = good.envelope()
    wrong = {
        "changed": sent.replace(b"<number>1<", b"<number>2<"),
        "old": good.envelope(age=400),
        "without the Body": good.envelope(parts=("time",)),
        "without the Timestamp": good.envelope(parts=("body",)),
        "without a certificate": sent.replace(b"BinarySecurityToken", b"OtherSecurityToken"),
        "not a certificate": sent.replace(b"MII", b"AAA", 1),
        "a certificate of no version": of_another_version(sent),
    }
    for name, data in wrong.items():
        answer = await bus.send("health.look-up", data, ANONYMOUS)
        assert (name, error(answer.content)) == (name, "security-invalid")
    assert error((await bus.send("health.look-up", stranger.envelope(), ANONYMOUS)).content) == "certificate-unknown"
    token = {"Authorization": f"Bearer {bus.wired.token('his')}", "Content-Type": TYPE}
    assert error((await bus.send("health.look-up", good.envelope(), token)).content) == "credential-invalid"
    assert bus.receiver().calls == []


def test_certificate_is_judged_by_the_clock_of_the_bus() -> None:
    """A certificate that is past by the machine's clock signs where the bus's own clock stands in its days, and none
    does outside of them."""
    signer = a_signer("one-stop", begins=-9, ends=-5)
    received = receive(signer.envelope(age=7 * DAY), TYPE)
    security = security_of(received.headers)
    assert security is not None
    snapshot = Snapshot(1, {}, {}, {}, Grants([]), {}, KeyRing(), signers=signer.holder("one-stop"))
    now = SystemClock().now()
    assert signed(received, security, snapshot, now - 7 * DAY * 1000).proof.system == "one-stop"
    for days in (10, 4, 0):
        with pytest.raises(CertificateNotValid):
            signed(received, security, snapshot, now - days * DAY * 1000)


def wrapped(data: bytes, way: str) -> bytes:
    """A signed envelope in which the signed Body was put elsewhere, and another stands in its place."""
    root = etree.fromstring(data)
    header, body = root
    forged = etree.fromstring(etree.tostring(body).replace(b">1<", b">666<"))
    if way == "other id":
        forged.set(f"{WSU}Id", "other")
    if way == "no id":
        del forged.attrib[f"{WSU}Id"]
    wrapper = etree.SubElement(header, "{urn:x}Wrapper")
    root.replace(body, forged)
    wrapper.append(body)
    return etree.tostring(root)


@pytest.mark.parametrize("way", ["same id", "other id", "no id"])
async def test_wrapped_signatures_are_refused(bus: Served, signers: tuple[Signer, Signer], way: str) -> None:
    """An envelope whose signed Body was moved away, for another to be acted upon, is refused."""
    answer = await bus.send("health.look-up", wrapped(signers[0].envelope(), way), ANONYMOUS)
    assert error(answer.content) == "security-invalid"
    assert bus.receiver().calls == []
