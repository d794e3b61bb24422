"""WS-Security 1.0 with an X.509 certificate: a caller signs what it sends, and the bus acts on what was signed alone.

OASIS Web Services Security: SOAP Message Security 1.0 §8, X.509 Certificate Token Profile 1.0. The certificate is one
that a system's document names; which authority issued it does not matter.
"""

from base64 import b64decode
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from signxml.algorithms import SignatureMethod
from signxml.verifier import SignatureConfiguration, XMLVerifier

from adapters.soap.receiving import Received
from adapters.soap.tokens import (
    CERTIFICATE,
    FRESH,
    NONCE_LIFE,
    SECURITY,
    SIGNATURE,
    TIMESTAMP,
    WSU,
    Proved,
    check_timestamp,
)
from bus.errors import SecurityInvalid
from identity.certificates import fingerprint, holder
from journal.commands import Once
from routes.model import Snapshot

DS: Final = "{http://www.w3.org/2000/09/xmldsig#}"

MOST_REFERENCES: Final = 10
"""Parts that a signature covers, each of which is written out and hashed: Body, Timestamp, addressing headers."""

METHODS: Final = frozenset(
    each for each in SignatureMethod if each.name.startswith(("RSA_SHA", "ECDSA_SHA")) and "SHA1" not in each.name
)


@dataclass(frozen=True, slots=True)
class Signed:
    """Who signed, and the Body's element as it was signed, which is what is acted upon."""

    proof: Proved
    child: etree._Element | None


def signed(received: Received, security: etree._Element, snapshot: Snapshot, now: int) -> Signed:
    """Whose signature it is, over the Body and a Timestamp. Raises `SecurityInvalid`,
    `CertificateUnknown`, `CertificateNotValid`."""
    if len(security.findall(SIGNATURE)) > 1:
        raise SecurityInvalid(hint="there are several signatures")
    references = sum(1 for _ in security.iter(f"{DS}Reference", f"{DS}Transform"))
    if references > 4 * MOST_REFERENCES:
        raise SecurityInvalid(hint=f"a signature covers at most {MOST_REFERENCES} parts")
    certificate = _certificate(security)
    system = holder(snapshot.signers, fingerprint(certificate.public_bytes(Encoding.DER)), now)
    parts = _verified(received, certificate, now)
    body = _part(parts, f"{{{received.version.namespace}}}Body")
    timestamp = _part(parts, TIMESTAMP)
    if timestamp.find(f"{WSU}Created") is None:
        raise SecurityInvalid(hint="the Timestamp needs Created")
    check_timestamp(timestamp, now, oldest=now - FRESH)
    if _id(body) != _id(received.root[-1]) or len(body) > 1:
        raise SecurityInvalid(hint="what was signed is not the Body")
    # Not by the signature's value, which may be written in two ways (ECDSA).
    key = sha256(b"\n".join(etree.tostring(each, method="c14n") for each in (body, timestamp))).digest()
    proof = Proved(system, Once(f"signature:{system}", key, "", NONCE_LIFE))
    return Signed(proof, body[0] if len(body) else None)


def _certificate(security: etree._Element) -> x509.Certificate:
    tokens = security.findall(CERTIFICATE)
    if len(tokens) != 1:
        raise SecurityInvalid(hint="the certificate stands in one BinarySecurityToken")
    try:
        return x509.load_der_x509_certificate(b64decode("".join((tokens[0].text or "").split()), validate=True))
    except ValueError:
        raise SecurityInvalid(hint="the BinarySecurityToken is an X.509 certificate in Base64") from None


def _verified(received: Received, certificate: x509.Certificate, now: int) -> list[etree._Element]:
    """The parts that the signature covers, as they were signed."""
    namespace = received.version.namespace
    expected = SignatureConfiguration(
        location=f"./{{{namespace}}}Header/{SECURITY}/",
        expect_references=True,
        signature_methods=METHODS,
        verification_time=datetime.fromtimestamp(now / 1000, UTC),
    )
    try:
        results = XMLVerifier().verify(received.root, x509_cert=certificate, expect_config=expected)
    except Exception:  # noqa: BLE001 - whatever is not right, it proves nothing; the text of the error may quote data
        raise SecurityInvalid(hint="the signature does not hold, or is made by SHA-1") from None
    each = results if isinstance(results, list) else [results]
    return [result.signed_xml for result in each if result.signed_xml is not None]


def _part(parts: list[etree._Element], tag: str) -> etree._Element:
    found = [each for each in parts if each.tag == tag]
    if len(found) != 1:
        raise SecurityInvalid(hint=f"the signature must cover one {etree.QName(tag).localname}")
    return found[0]


def _id(element: etree._Element) -> str | None:
    return element.get(f"{WSU}Id") or element.get("Id")
