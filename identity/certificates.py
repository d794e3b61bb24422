"""Certificates by which systems prove who they are (X.509, RFC 5280).

One is compared whole, by its SHA-256: who issued it does not matter.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from bus.clock import iso
from bus.errors import CertificateNotValid, CertificateUnknown

UNREADABLE: Final = (ValueError, x509.InvalidVersion)
"""What reading a certificate of another's making raises."""

LABEL = re.compile(rb"-----BEGIN ([^-]+)-----")


@dataclass(frozen=True, slots=True)
class Certificate:
    """`fingerprint` is the SHA-256 of the DER. It is valid from `begins` to `ends`, both included (RFC 5280 §4.1.2.5),
    in milliseconds since the epoch."""

    fingerprint: bytes = field(repr=False)
    begins: int
    ends: int


@dataclass(frozen=True, slots=True)
class Holder:
    """The system whose certificate it is."""

    system: str
    certificate: Certificate


def read_certificate(data: bytes) -> Certificate:
    """The one certificate of a file in PEM (RFC 7468). Raises `ValueError` saying what to do, and nothing of what is in
    the file."""
    if _labels(data) != [b"CERTIFICATE"]:
        raise ValueError("there is not just one certificate in it: leave the system's own, and no other.")
    try:
        return _read(x509.load_pem_x509_certificate(data))
    except UNREADABLE:
        raise ValueError("the certificate in it cannot be read.") from None


def read_authorities(data: bytes) -> int:
    """How many certificates there are in a file in PEM, of authorities. Raises `ValueError` as `read_certificate`."""
    _labels(data)
    try:
        return len(x509.load_pem_x509_certificates(data))
    except UNREADABLE:
        raise ValueError("a certificate in it cannot be read.") from None


def fingerprint(der: bytes) -> bytes:
    """By which a certificate is known."""
    return sha256(der).digest()


def holder(holders: Mapping[bytes, Holder], given: bytes, now: int) -> str:
    """The system whose certificate has the fingerprint `given`. Raises `CertificateUnknown`, `CertificateNotValid`."""
    found = holders.get(given)
    if found is None:
        raise CertificateUnknown
    certificate = found.certificate
    if not certificate.begins <= now <= certificate.ends:
        raise CertificateNotValid(begins=iso(certificate.begins), ends=iso(certificate.ends))
    return found.system


def _labels(data: bytes) -> list[bytes]:
    labels = LABEL.findall(data)
    if any(label.endswith(b"PRIVATE KEY") for label in labels):
        raise ValueError("there is a private key in it, which only its owner may have: leave nothing but certificates.")
    if not labels:
        raise ValueError(
            "it is not in PEM (-----BEGIN CERTIFICATE-----): `openssl x509 -inform der` makes that of DER."
        )
    return labels


def _read(certificate: x509.Certificate) -> Certificate:
    return Certificate(
        fingerprint(certificate.public_bytes(Encoding.DER)),
        round(certificate.not_valid_before_utc.timestamp() * 1000),
        round(certificate.not_valid_after_utc.timestamp() * 1000),
    )
