"""Certificates made for tests, with keys of their own."""

import datetime as dt
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from identity.certificates import Certificate, Holder, read_certificate

NOW = dt.datetime.now(dt.UTC)


@dataclass(frozen=True)
class Own:
    """A certificate that somebody has made and signed himself, of the loopback's address, and his key."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def made(cls, name: str, begins: float = -1, ends: float = 300, now: dt.datetime = NOW) -> Self:
        """Valid from so many days to so many days from `now`."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = (
            x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
            .not_valid_before(now + dt.timedelta(days=begins))
            .not_valid_after(now + dt.timedelta(days=ends))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        )
        return cls(key, builder.sign(key, hashes.SHA256()))

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @property
    def locked_pem(self) -> bytes:
        """The key, under a passphrase."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"a passphrase"))

    @property
    def read(self) -> Certificate:
        return read_certificate(self.pem)

    def of(self, system: str) -> dict[bytes, Holder]:
        """The certificate as a snapshot has it."""
        return {self.read.fingerprint: Holder(system, self.read)}

    def written(self, folder: Path) -> Path:
        """A file with certificate and key."""
        path = folder / f"{self.read.fingerprint.hex()[:16]}.pem"
        path.write_bytes(self.pem + self.key_pem)
        return path

    def context(self, folder: Path, server: "Own") -> ssl.SSLContext:
        """How a client calls that shows this certificate and trusts that server."""
        context = trusting(server)
        context.load_cert_chain(self.written(folder))
        return context


def trusting(server: Own) -> ssl.SSLContext:
    """How a client calls that shows no certificate."""
    context = ssl.create_default_context(cadata=server.pem.decode())
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context
