"""Checking an X.509 signature over a SOAP envelope (SOAP Message Security 1.0 §8), of a call to the bus or an answer.

What is acted upon is what the check gave back, and that must be the Body.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from lxml import etree
from signxml.algorithms import SignatureMethod
from signxml.verifier import SignatureConfiguration, XMLVerifier

from adapters.soap.envelope import VERSIONS, SoapVersion, alone, enclose
from adapters.soap.receiving import parts
from adapters.soap.wss import DS, FRESH, SECURITY, SIGNATURE, TIMESTAMP, WSU, check_timestamp
from bus.errors import SecurityInvalid, SenderFault
from contracts.xml_body import parse_xml

MOST_REFERENCES: Final = 10
"""Parts that a signature covers, each of which is written out and hashed: Body, Timestamp, addressing headers."""

METHODS: Final = frozenset(
    each for each in SignatureMethod if each.name.startswith(("RSA_SHA", "ECDSA_SHA")) and "SHA1" not in each.name
)


@dataclass(frozen=True, slots=True)
class Covered:
    """The parts of an envelope as they were signed."""

    body: etree._Element
    timestamp: etree._Element

    @property
    def child(self) -> etree._Element | None:
        """The one element of the Body."""
        return self.body[0] if len(self.body) else None


def bounded(security: etree._Element) -> None:
    """Refuse what would take long to check. Raises `SecurityInvalid`."""
    if len(security.findall(SIGNATURE)) > 1:
        raise SecurityInvalid(hint="there are several signatures")
    references = sum(1 for _ in security.iter(f"{DS}Reference", f"{DS}Transform"))
    if references > 4 * MOST_REFERENCES:
        raise SecurityInvalid(hint=f"a signature covers at most {MOST_REFERENCES} parts")


def covered(root: etree._Element, version: SoapVersion, certificate: x509.Certificate, now: int) -> Covered:
    """What is signed by the key of this certificate: the Body and a fresh Timestamp. Raises `SecurityInvalid`."""
    signed = _verified(root, version, certificate, now)
    body = _part(signed, f"{{{version.namespace}}}Body")
    timestamp = _part(signed, TIMESTAMP)
    if timestamp.find(f"{WSU}Created") is None:
        raise SecurityInvalid(hint="the Timestamp needs Created")
    check_timestamp(timestamp, now, oldest=now - FRESH)
    if _id(body) != _id(root[-1]) or len(body) > 1:
        raise SecurityInvalid(hint="what was signed is not the Body")
    return Covered(body, timestamp)


def signed_part(envelope: bytes, certificate: x509.Certificate, now: int) -> bytes | None:
    """An envelope, in UTF-8, around the Body that this certificate's key signed; None where there is none such."""
    try:
        root = parse_xml(envelope)
        version = VERSIONS.get(str(root.tag))
        if version is None:
            return None
        header, _ = parts(root, version)
        security = [] if header is None else header.findall(SECURITY)
        if len(security) != 1:
            return None
        bounded(security[0])
        child = covered(root, version, certificate, now).child
    except SenderFault:
        return None
    return enclose(version, b"" if child is None else alone(child))


def _verified(
    root: etree._Element, version: SoapVersion, certificate: x509.Certificate, now: int
) -> Sequence[etree._Element]:
    """The parts that the signature covers, as they were signed."""
    expected = SignatureConfiguration(
        location=f"./{{{version.namespace}}}Header/{SECURITY}/",
        expect_references=True,
        signature_methods=METHODS,
        verification_time=datetime.fromtimestamp(now / 1000, UTC),
    )
    try:
        results = XMLVerifier().verify(root, x509_cert=certificate, expect_config=expected)
    except Exception:  # noqa: BLE001 - whatever is not right, it proves nothing; the text of the error may quote data
        raise SecurityInvalid(hint="the signature does not hold, or is made by SHA-1") from None
    each = results if isinstance(results, list) else [results]
    return [result.signed_xml for result in each if result.signed_xml is not None]


def _part(signed: Sequence[etree._Element], tag: str) -> etree._Element:
    found = [each for each in signed if each.tag == tag]
    if len(found) != 1:
        raise SecurityInvalid(hint=f"the signature must cover one {etree.QName(tag).localname}")
    return found[0]


def _id(element: etree._Element) -> str | None:
    return element.get(f"{WSU}Id") or element.get("Id")
