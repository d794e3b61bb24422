"""WS-Security 1.0 as the bus signs what it sends: the Body, a Timestamp, and what else of the header says what it is.

OASIS X.509 Certificate Token Profile 1.1, exclusive XML canonicalization, RSA or ECDSA with SHA-256.
"""

from base64 import b64encode
from hashlib import sha1
from typing import Final
from uuid import uuid4
from xml.sax.saxutils import escape

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureConstructionMethod, SignatureMethod
from signxml.signer import XMLSigner

from adapters.auth import WsseSignature
from adapters.soap.addressing import Edition
from adapters.soap.envelope import PREFIX, SoapVersion, enclose
from adapters.soap.security import timestamp, username_token
from adapters.soap.wss import DS, SECURITY, TIMESTAMP, TOKEN, WSSE, WSU
from bus.errors import SettingInvalid
from contracts.xml_body import parse_xml
from identity.certificates import UNREADABLE

X509: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0"
BASE64: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
THUMBPRINT: Final = "http://docs.oasis-open.org/wss/oasis-wss-soap-message-security-1.1#ThumbprintSHA1"
SPACES: Final = f'xmlns:wsse="{WSSE[1:-1]}" xmlns:wsu="{WSU[1:-1]}" xmlns:ds="{DS[1:-1]}"'

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class Signer:
    """Signs envelopes with one key. Raises `SettingInvalid` when it is made."""

    def __init__(self, auth: WsseSignature) -> None:
        self._auth = auth
        self._certificate, self._key = _pair(auth.certificate)
        self._reference = _reference(auth.reference, self._certificate)
        is_rsa = isinstance(self._key, rsa.RSAPrivateKey)
        self._method = SignatureMethod.RSA_SHA256 if is_rsa else SignatureMethod.ECDSA_SHA256
        self._der = b64encode(self._certificate.public_bytes(Encoding.DER)).decode()

    def enclosed(self, version: SoapVersion, body: bytes, header: bytes, now: int, prefix: str = PREFIX) -> bytes:
        """An envelope around the bytes of one element and header blocks, signed; `now` is in milliseconds."""
        mark = uuid4().hex
        root = parse_xml(enclose(version, body, header + self._security(version, now, mark, prefix), prefix))
        block = root.find(f".//{SECURITY}")
        if block is None:
            raise LookupError(SECURITY)
        if self._auth.username is not None:
            block.append(parse_xml(username_token(version, self._auth.username, now, prefix))[0])
        references = []
        for number, each in enumerate(_signed(root, block)):
            each.set(f"{WSU}Id", f"part{number}-{mark}")
            references.append(f"#part{number}-{mark}")
        key_info = parse_xml(self._reference.replace("TOKEN", f"token-{mark}").encode())
        signer = XMLSigner(
            SignatureConstructionMethod.detached,
            self._method,
            DigestAlgorithm.SHA256,
            CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
        )
        block.append(signer.sign(root, key=self._key, reference_uri=references, key_info=key_info))
        return etree.tostring(root, encoding="utf-8", xml_declaration=False)

    def _security(self, version: SoapVersion, now: int, mark: str, prefix: str) -> bytes:
        """The header block before it is signed: what a receiver needs first stands first."""
        token = (
            f'<wsse:BinarySecurityToken wsu:Id="token-{mark}" EncodingType="{BASE64}" ValueType="{X509}#X509v3">'
            f"{self._der}</wsse:BinarySecurityToken>"
        )
        return (
            f'<wsse:Security {SPACES} xmlns:{prefix}="{version.namespace}" {prefix}:mustUnderstand="1">{timestamp(now)}'
            f"{token if self._auth.reference == 'token' else ''}</wsse:Security>"
        ).encode()


def _signed(root: etree._Element, block: etree._Element) -> list[etree._Element]:
    """Body, Timestamp, UsernameToken, and the headers of WS-Addressing: who reads them goes by them."""
    addressing = {edition.namespace for edition in Edition}
    headers = [each for each in root[0] if etree.QName(each).namespace in addressing]
    return [root[-1], *block.findall(TIMESTAMP), *block.findall(TOKEN), *headers]


def _pair(pem: bytes) -> tuple[x509.Certificate, Key]:
    """The certificate, and its private key."""
    try:
        certificate, key = x509.load_pem_x509_certificates(pem)[0], load_pem_private_key(pem, None)
        public = certificate.public_key()
    except (*UNREADABLE, TypeError, IndexError, UnsupportedAlgorithm):
        hint = "it must hold a certificate and its private key, of a kind that is in use, without a passphrase, in PEM"
        raise SettingInvalid(name="auth.certificate", hint=hint) from None
    if not isinstance(key, Key):
        raise SettingInvalid(name="auth.certificate", hint="its key must be of RSA or of an elliptic curve")
    if key.public_key() != public:
        raise SettingInvalid(name="auth.certificate", hint="the key is another certificate's")
    return certificate, key


def _reference(how: str, certificate: x509.Certificate) -> str:
    """KeyInfo: how a receiver knows which certificate it is (X.509 Certificate Token Profile 1.1 §3.2)."""
    match how:
        case "issuer-serial":
            issuer = escape(certificate.issuer.rfc4514_string())
            serial = f"<ds:X509SerialNumber>{certificate.serial_number}</ds:X509SerialNumber>"
            named = f"<ds:X509IssuerName>{issuer}</ds:X509IssuerName>{serial}"
            inside = f"<ds:X509Data><ds:X509IssuerSerial>{named}</ds:X509IssuerSerial></ds:X509Data>"
        case "key-identifier":
            inside = _identifier(f"{X509}#X509SubjectKeyIdentifier", _subject_key(certificate))
        case "thumbprint":
            der = certificate.public_bytes(Encoding.DER)
            inside = _identifier(THUMBPRINT, sha1(der, usedforsecurity=False).digest())
        case _:
            inside = f'<wsse:Reference URI="#TOKEN" ValueType="{X509}#X509v3"/>'
    token = f"<wsse:SecurityTokenReference>{inside}</wsse:SecurityTokenReference>"
    return f"<ds:KeyInfo {SPACES}>{token}</ds:KeyInfo>"


def _identifier(kind: str, value: bytes) -> str:
    encoded = b64encode(value).decode()
    return f'<wsse:KeyIdentifier EncodingType="{BASE64}" ValueType="{kind}">{encoded}</wsse:KeyIdentifier>'


def _subject_key(certificate: x509.Certificate) -> bytes:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        hint = "the certificate has no subject key identifier: take another reference"
        raise SettingInvalid(name="auth.reference", hint=hint) from None
