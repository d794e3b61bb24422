"""Certificates: what a file must hold, and whose one is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.clock import iso
from bus.errors import CertificateNotValid, CertificateUnknown
from identity.certificates import fingerprint, holder, read_certificate
from tests.certificates import Own

ONE, OTHER = Own.made("one-stop"), Own.made("other")


def test_certificate_is_known_by_its_bytes() -> None:
    """The file may say more around the certificate, as openssl writes it; what it is known by is the SHA-256 of the
    DER."""
    found = read_certificate(b"Certificate:\n    Data:\n" + ONE.pem + b"\n")
    assert found.fingerprint == fingerprint(ONE.der)
    assert iso(found.begins)[:19] == ONE.certificate.not_valid_before_utc.isoformat()[:19]
    assert iso(found.ends)[:19] == ONE.certificate.not_valid_after_utc.isoformat()[:19]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (ONE.pem + ONE.key_pem, "private key"),
        (ONE.key_pem, "private key"),
        (ONE.der, "not in PEM"),
        (b"", "not in PEM"),
        (ONE.pem + OTHER.pem, "just one certificate"),
        (ONE.pem.replace(b"CERTIFICATE", b"CERTIFICATE REQUEST"), "just one certificate"),
        (ONE.pem.replace(b"MII", b"AAA", 1), "cannot be read"),
        (ONE.pem.replace(b"-----END", b"----END"), "cannot be read"),
    ],
)
def test_file_that_is_no_certificate_is_told_apart(data: bytes, said: str) -> None:
    """What is wrong with a file is said so that whoever made it knows what to do; nothing of it is quoted."""
    with pytest.raises(ValueError, match=said) as wrong:
        read_certificate(data)
    assert not any(line in str(wrong.value) for line in data.decode("latin-1").splitlines()[1:-1] if len(line) > 9)


@given(st.binary(max_size=200) | st.binary(max_size=300).map(lambda inside: ONE.pem[:100] + inside + ONE.pem[-40:]))
def test_any_bytes_are_a_certificate_or_a_value_error(data: bytes) -> None:
    """Whatever a file holds, reading it ends in a certificate or in one kind of error."""
    try:
        found = read_certificate(data)
    except ValueError:
        return
    assert len(found.fingerprint) == 32


def test_certificate_is_its_holders_while_it_is_valid() -> None:
    """From its first moment to its last one it says who calls; before and after, an error says when it does."""
    known, read = ONE.of("one-stop"), ONE.read
    assert {holder(known, read.fingerprint, now) for now in (read.begins, read.ends)} == {"one-stop"}
    for now in (read.begins - 1, read.ends + 1):
        with pytest.raises(CertificateNotValid) as refused:
            holder(known, read.fingerprint, now)
        assert iso(read.begins) in refused.value.text
        assert iso(read.ends) in refused.value.text
    with pytest.raises(CertificateUnknown):
        holder(known, OTHER.read.fingerprint, read.begins)
