"""The bus's own keys, and how they lie in the journal: each encrypted under a master key from a file outside it."""

import hmac
import secrets
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bus.errors import KeyMissing, KeyUnreadable, SettingInvalid
from identity.private_files import NotPrivate, read_private, write_private

KEY_BYTES = 32  # every algorithm here takes a key of 256 bits
NONCE_BYTES = 12  # NIST SP 800-38D §8.2.2: random, and far fewer than 2**32 keys are sealed under one master key
MASTER_KEY = "master key file"
MAX_FILE = 200  # bytes


class Purpose(StrEnum):
    """What a key is for; never one key for two things."""

    TOKEN = "token"  # noqa: S105 - the name of a purpose
    SEAL = "seal"
    HASH = "hash"
    ENCRYPTION = "encryption"
    DELIVERIES = "deliveries"

    @property
    def algorithm(self) -> str:
        return {"hash": "HMAC-SHA-256", "encryption": "AES-256-GCM"}.get(self.value, "Ed25519")


@dataclass(frozen=True, slots=True)
class Key:
    """A key of 32 bytes; of Ed25519 (RFC 8032 §5.1.5) the private one. Times are milliseconds since the epoch; once
    retired, a key makes and proves nothing more."""

    kid: str
    purpose: Purpose
    algorithm: str
    material: bytes = field(repr=False)
    created_at: int = 0
    retired_at: int | None = None

    @property
    def public(self) -> bytes:
        """The 32 bytes of an Ed25519 public key."""
        return Ed25519PrivateKey.from_private_bytes(self.material).public_key().public_bytes_raw()

    def jwk(self) -> dict[str, str]:
        """The public part of an Ed25519 key (RFC 8037 §2, with the algorithm's name of RFC 9864)."""
        point = urlsafe_b64encode(self.public).rstrip(b"=").decode()
        return {"kty": "OKP", "crv": "Ed25519", "x": point, "kid": self.kid, "use": "sig", "alg": "Ed25519"}


def new_key(purpose: Purpose, now: int, new_id: Callable[[], UUID]) -> Key:
    """A random key; the purpose is part of its name."""
    return Key(f"{purpose}-{new_id().hex}", purpose, purpose.algorithm, secrets.token_bytes(KEY_BYTES), now)


class KeyRing:
    """Every key of the bus."""

    def __init__(self, keys: Iterable[Key] = ()) -> None:
        self._keys = {key.kid: key for key in keys}
        newest_last = sorted(self, key=lambda key: (key.created_at, key.kid))
        self._current = {key.purpose: key for key in newest_last if key.retired_at is None}

    def __iter__(self) -> Iterator[Key]:
        return iter(self._keys.values())

    def current(self, purpose: Purpose) -> Key:
        """The newest key in use for a purpose: the one to make new things with. Raises `KeyMissing`."""
        try:
            return self._current[purpose]
        except KeyError:
            raise KeyMissing(purpose=purpose) from None

    def get(self, kid: str) -> Key | None:
        return self._keys.get(kid)

    def in_use(self, purpose: Purpose) -> tuple[Key, ...]:
        """The keys of a purpose that are not retired: those whose work is still believed."""
        return tuple(key for key in self if key.purpose is purpose and key.retired_at is None)

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """The public keys that tokens and deliveries are signed with, as a JWK Set (RFC 7517 §5). What a key is for is
        part of its name."""
        return {"keys": [key.jwk() for each in (Purpose.TOKEN, Purpose.DELIVERIES) for key in self.in_use(each)]}


def keyed_hash(ring: KeyRing, data: bytes) -> str:
    """``kid:hex`` of HMAC-SHA-256 (RFC 2104) under the current hash key: equal data can be found, never guessed."""
    return _keyed(ring.current(Purpose.HASH), data)


def keyed_hashes(ring: KeyRing, data: bytes) -> tuple[str, ...]:
    """As `keyed_hash`, under each hash key in use: so what was kept before the newest was made is found as well."""
    return tuple(_keyed(key, data) for key in ring.in_use(Purpose.HASH))


def steady_hash(ring: KeyRing, data: bytes) -> bytes:
    """HMAC-SHA-256 (RFC 2104) under the oldest hash key in use: equal data stay equal when a newer key is made."""
    oldest = min(ring.in_use(Purpose.HASH), key=lambda key: (key.created_at, key.kid), default=None)
    if oldest is None:
        raise KeyMissing(purpose=Purpose.HASH)
    return hmac.digest(oldest.material, data, sha256)


@dataclass(frozen=True, slots=True)
class SealedKey:
    """A key as the journal keeps it: nonce, then AES-256-GCM under the master key."""

    kid: str
    purpose: str
    algorithm: str
    sealed: bytes = field(repr=False)
    created_at: int = 0
    retired_at: int | None = None


def seal_key(key: Key, master: bytes) -> SealedKey:
    nonce = secrets.token_bytes(NONCE_BYTES)
    sealed = nonce + AESGCM(master).encrypt(nonce, key.material, _label(key))
    return SealedKey(key.kid, key.purpose, key.algorithm, sealed, key.created_at, key.retired_at)


def open_key(row: SealedKey, master: bytes) -> Key:
    """Raises `KeyUnreadable` under another master key, or when name, purpose or algorithm were exchanged."""
    nonce, encrypted = row.sealed[:NONCE_BYTES], row.sealed[NONCE_BYTES:]
    try:
        material = AESGCM(master).decrypt(nonce, encrypted, _label(row))
        purpose = Purpose(row.purpose)
    except (InvalidTag, ValueError):
        raise KeyUnreadable(kid=row.kid) from None
    return Key(row.kid, purpose, row.algorithm, material, row.created_at, row.retired_at)


def load_master_key(path: Path, *, create: bool = False) -> bytes:
    """The 32 bytes that the key ring is encrypted under, from a file of base64 that its owner alone may read.

    With `create`, a missing file is made. Raises `SettingInvalid`.
    """
    if create and not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_private(path, b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n", replace=False)
    try:
        text = read_private(path, MAX_FILE)
    except NotPrivate:
        raise SettingInvalid(name=MASTER_KEY, hint="others may read it, or it is a link: chmod 600 it") from None
    except OSError:
        raise SettingInvalid(name=MASTER_KEY, hint="it cannot be read") from None
    try:
        key = b64decode(text.strip(), validate=True)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise SettingInvalid(name=MASTER_KEY, hint=f"it must hold {KEY_BYTES} bytes in base64")
    return key


def _keyed(key: Key, data: bytes) -> str:
    return f"{key.kid}:{hmac.digest(key.material, data, sha256).hex()}"


def _label(key: Key | SealedKey) -> bytes:
    return f"{key.kid}\0{key.purpose}\0{key.algorithm}".encode()
