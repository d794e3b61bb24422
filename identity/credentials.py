"""Machine credentials: a secret that is shown once, and its digest that is kept.

A system asks for a token with its own name as ``client_id`` and any of its live secrets: a system may hold two
credentials at a time, so that changing the secret is one setting on its side and no interruption.
"""

import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from uuid import UUID

from bus.errors import CredentialInvalid
from identity.keyring import KeyRing
from identity.sealing import seal, unseal

PREFIX = "lgsp_"  # secret scanners and people recognise a leaked one by it
SECRET_BYTES = 32
MAX_SECRET = 256  # characters; ours have 48


@dataclass(frozen=True, slots=True)
class Credential:
    """What is kept of a credential. Times are milliseconds since the epoch; `digest` is the SHA-256 of the secret:
    256 random bits need no slow hash. Of a credential for WS-Security the secret itself is kept, `sealed` under the key
    ring, and no digest: it proves nothing anywhere else."""

    id: str
    system: str
    digest: bytes = field(repr=False)
    created_at: int
    expires_at: int | None = None
    revoked_at: int | None = None
    sealed: bytes | None = field(default=None, repr=False)

    def live(self, now: int) -> bool:
        return (self.revoked_at is None or now < self.revoked_at) and (self.expires_at is None or now < self.expires_at)

    def matches(self, secret: str) -> bool:
        """Whether this is the secret; takes as long for a wrong one as for the right one."""
        return hmac.compare_digest(self.digest, _digest(secret))


def issue(system: str, now: int, new_id: Callable[[], UUID], expires_at: int | None = None) -> tuple[Credential, str]:
    """A new credential and its secret, which is kept nowhere."""
    secret = _new_secret()
    return Credential(str(new_id()), system, _digest(secret), now, expires_at), secret


def issue_readable(
    system: str, now: int, new_id: Callable[[], UUID], ring: KeyRing, expires_at: int | None = None
) -> tuple[Credential, str]:
    """A new credential for WS-Security's digest of a password, which only who knows the password can check."""
    secret, name = _new_secret(), str(new_id())
    return Credential(name, system, b"", now, expires_at, None, seal(ring, secret.encode(), name)), secret


def readable(credentials: Iterable[Credential], system: str, ring: KeyRing, now: int) -> Iterator[str]:
    """The secrets of a system's live credentials that can be read. Raises `KeyUnreadable`."""
    for credential in credentials:
        if credential.system == system and credential.sealed is not None and credential.live(now):
            yield unseal(ring, credential.sealed, credential.id).decode()


def _new_secret() -> str:
    return PREFIX + urlsafe_b64encode(secrets.token_bytes(SECRET_BYTES)).rstrip(b"=").decode()


def authenticate(credentials: Iterable[Credential], client_id: str, secret: str, now: int) -> Credential:
    """The live credential of the system `client_id` that the secret belongs to.

    Raises `CredentialInvalid`, the same for an unknown system, a wrong secret and a revoked one.
    """
    if len(secret) <= MAX_SECRET:
        for credential in credentials:
            if credential.system == client_id and credential.matches(secret) and credential.live(now):
                return credential
    raise CredentialInvalid


def _digest(secret: str) -> bytes:
    return sha256(secret.encode(errors="surrogatepass")).digest()
