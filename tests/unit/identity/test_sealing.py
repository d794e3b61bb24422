"""Secrets that the bus can read again."""

from uuid import uuid4

import pytest

from bus.errors import KeyMissing, KeyUnreadable
from identity.keyring import Key, KeyRing, Purpose, new_key
from identity.sealing import seal, unseal


def ring(*keys: Key) -> KeyRing:
    return KeyRing(keys)


def test_secret_opens_under_its_own_label_and_key() -> None:
    """What was sealed is read again under its label; under another label, key or ring, or changed, it is not."""
    one, two = (new_key(Purpose.ENCRYPTION, at, uuid4) for at in (1, 2))
    sealed = seal(ring(one), b"secret", "a")
    assert b"secret" not in sealed
    assert unseal(ring(one, two), sealed, "a") == b"secret"
    for other, data, label in ((ring(one), sealed, "b"), (ring(two), sealed, "a"), (ring(one), sealed[:-1], "a")):
        with pytest.raises(KeyUnreadable):
            unseal(other, data, label)
    assert seal(ring(one), b"secret", "a") != sealed


def test_nothing_is_sealed_without_a_key() -> None:
    """Without an encryption key nothing is sealed."""
    with pytest.raises(KeyMissing):
        seal(ring(new_key(Purpose.HASH, 1, uuid4)), b"secret", "a")
