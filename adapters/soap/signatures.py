"""WS-Security 1.0 with an X.509 certificate: a caller signs what it sends, and the bus acts on what was signed alone.

OASIS Web Services Security: SOAP Message Security 1.0 §8, X.509 Certificate Token Profile 1.0. The certificate is one
that a system's document names; which authority issued it does not matter.
"""

from base64 import b64decode
from dataclasses import dataclass
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from adapters.soap.receiving import Received
from adapters.soap.tokens import NONCE_LIFE, Proved
from adapters.soap.verifying import bounded, covered
from adapters.soap.wss import CERTIFICATE
from bus.errors import SecurityInvalid
from identity.certificates import UNREADABLE, fingerprint, holder
from journal.commands import Once
from routes.model import Snapshot


@dataclass(frozen=True, slots=True)
class Signed:
    """Who signed, and the Body's element as it was signed, which is what is acted upon."""

    proof: Proved
    child: etree._Element | None


def signed(received: Received, security: etree._Element, snapshot: Snapshot, now: int) -> Signed:
    """Whose signature it is, over the Body and a Timestamp. Raises `SecurityInvalid`,
    `CertificateUnknown`, `CertificateNotValid`."""
    bounded(security)
    certificate = _certificate(security)
    system = holder(snapshot.signers, fingerprint(certificate.public_bytes(Encoding.DER)), now)
    found = covered(received.root, received.version, certificate, now)
    # Not by the signature's value, which may be written in two ways (ECDSA).
    key = sha256(b"\n".join(etree.tostring(each, method="c14n") for each in (found.body, found.timestamp))).digest()
    proof = Proved(system, Once(f"signature:{system}", key, "", NONCE_LIFE))
    return Signed(proof, found.child)


def _certificate(security: etree._Element) -> x509.Certificate:
    tokens = security.findall(CERTIFICATE)
    if len(tokens) != 1:
        raise SecurityInvalid(hint="the certificate stands in one BinarySecurityToken")
    try:
        return x509.load_der_x509_certificate(b64decode("".join((tokens[0].text or "").split()), validate=True))
    except UNREADABLE:
        raise SecurityInvalid(hint="the BinarySecurityToken is an X.509 certificate in Base64") from None
