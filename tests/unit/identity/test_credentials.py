"""Credentials of systems."""

from base64 import urlsafe_b64decode
from dataclasses import replace

import pytest

from bus.clock import ManualClock
from bus.errors import CredentialInvalid
from identity.credentials import PREFIX, Credential, authenticate, issue

CLOCK = ManualClock()
NOW = CLOCK.now()


def made(system: str = "his.hospital") -> tuple[Credential, str]:
    return issue(system, NOW, CLOCK.new_id)


def test_a_secret_has_256_bits_and_says_whose_it_is() -> None:
    """A leaked secret is recognised by its prefix, and cannot be guessed."""
    _, secret = made()
    assert secret.startswith(PREFIX)
    assert len(urlsafe_b64decode(secret.removeprefix(PREFIX) + "=")) == 32


def test_the_secret_is_not_in_the_record() -> None:
    """What is kept holds a digest of the secret, and printing it shows not even that."""
    credential, secret = made()
    assert secret not in repr(credential)
    assert credential.digest.hex() not in repr(credential)
    assert len(credential.digest) == 32


def test_either_of_two_live_credentials_opens_for_their_system() -> None:
    """While a secret is being changed, the old and the new one both count."""
    (old, old_secret), (new, new_secret) = made(), made()
    assert authenticate([old, new], "his.hospital", old_secret, NOW) is old
    assert authenticate([old, new], "his.hospital", new_secret, NOW) is new


def test_a_revoked_or_expired_credential_opens_nothing() -> None:
    """A credential ends at the very moment of its revocation or expiry."""
    credential, secret = made()
    for ended in (replace(credential, revoked_at=NOW), replace(credential, expires_at=NOW)):
        assert authenticate([ended], "his.hospital", secret, NOW - 1) is ended
        with pytest.raises(CredentialInvalid):
            authenticate([ended], "his.hospital", secret, NOW)


@pytest.mark.parametrize(
    ("client", "wrong"),
    [
        ("his.hospital", PREFIX + "x"),
        ("other", None),
        ("his.hospital", ""),
        ("his.hospital", "\ud800"),
        ("", "x" * 9999),
    ],
)
def test_nobody_else_gets_in_and_all_are_told_the_same(client: str, wrong: str | None) -> None:
    """An unknown client, another system's secret and nonsense get one answer, which says nothing."""
    credential, secret = made()
    with pytest.raises(CredentialInvalid) as caught:
        authenticate([credential], client, secret if wrong is None else wrong, NOW)
    assert caught.value.facts == {}
