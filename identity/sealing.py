"""Secrets that the bus must be able to read again, encrypted under the key ring."""

import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bus.errors import KeyUnreadable
from identity.keyring import NONCE_BYTES, KeyRing, Purpose

SEPARATOR: Final = b"\0"


def seal(ring: KeyRing, data: bytes, label: str) -> bytes:
    """The key's name, a nonce, and AES-256-GCM (NIST SP 800-38D) under the newest encryption key. `label` says whose it
    is: under another one it does not open. Raises `KeyMissing`."""
    key = ring.current(Purpose.ENCRYPTION)
    nonce = secrets.token_bytes(NONCE_BYTES)
    return key.kid.encode() + SEPARATOR + nonce + AESGCM(key.material).encrypt(nonce, data, label.encode())


def unseal(ring: KeyRing, sealed: bytes, label: str) -> bytes:
    """Raises `KeyUnreadable` where its key is not in use any more, or the label is another one's."""
    kid, _, rest = sealed.partition(SEPARATOR)
    key = next((each for each in ring.in_use(Purpose.ENCRYPTION) if each.kid.encode() == kid), None)
    if key is None:
        raise KeyUnreadable(kid=kid.decode(errors="replace"))
    try:
        return AESGCM(key.material).decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], label.encode())
    except (InvalidTag, ValueError):
        raise KeyUnreadable(kid=key.kid) from None
