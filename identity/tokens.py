"""Tokens: short-lived proof that a system showed its secret, as JWTs (RFC 7519) signed with Ed25519 (RFC 9864)."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from joserfc.util import urlsafe_b64decode

from bus.errors import TokenExpired, TokenInvalid, TokenRevoked
from identity.credentials import Credential
from identity.keyring import Key, KeyRing, Purpose

LIFE = 1800  # seconds
ISSUER = "lgsp"  # also the audience: the bus alone reads its tokens
ALGORITHM = "Ed25519"
MAX_TOKEN = 2048  # characters; ours have about 450
REMEMBERED = 10_000  # tokens; about 4 MB


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking. Times are milliseconds since the epoch."""

    system: str
    credential_id: str
    issued_at: int
    expires_at: int
    kid: str = ""

    def require_live(self, credentials: Mapping[str, Credential], not_before: Mapping[str, int], now: int) -> None:
        """Raise `TokenRevoked` unless the credential is still live and the system's tokens of that time still count.

        `credentials` is by id; `not_before`, by system, is the moment before which no token was issued that counts.
        """
        credential = credentials.get(self.credential_id)
        if credential is None or credential.system != self.system or not credential.live(now):
            raise TokenRevoked
        if self.issued_at < not_before.get(self.system, 0):
            raise TokenRevoked


def issue(system: str, credential_id: str, ring: KeyRing, now: int, *, life: int = LIFE) -> str:
    """A token for `life` seconds from `now`, milliseconds since the epoch. Raises `KeyMissing`.

    ``iat`` keeps its milliseconds, as RFC 7519 §2 allows: a token issued in the second of a revocation is either
    before or after it.
    """
    key = ring.current(Purpose.TOKEN)
    claims = {
        "iss": ISSUER,
        "aud": ISSUER,
        "sub": system,
        "cid": credential_id,
        "iat": now / 1000,
        "exp": now // 1000 + life,
        "jti": secrets.token_urlsafe(16),
    }
    return jwt.encode(_header(key.kid), claims, _private(key), algorithms=[ALGORITHM])


class Verifier:
    """Tells callers from strangers.

    Verifying a signature costs 340 µs, so a token that was verified is remembered by its SHA-256 until it expires. Only
    tokens of this bus get that far, and the oldest is forgotten first, so a flood of forgeries costs no memory. For one
    thread.
    """

    def __init__(self, ring: KeyRing, *, remembered: int = REMEMBERED) -> None:
        self._remembered = remembered
        self._callers: dict[bytes, Caller] = {}
        self._keys: dict[str, OKPKey] = {}
        self.use(ring)

    def use(self, ring: KeyRing) -> None:
        """Believe the token keys of this ring from now on, and tokens of no other."""
        keys = {key.kid: key for key in ring.in_use(Purpose.TOKEN)}
        self._keys = {kid: self._keys.get(kid) or _public(key) for kid, key in keys.items()}
        self._callers = {digest: caller for digest, caller in self._callers.items() if caller.kid in self._keys}

    def verify(self, token: str, now: int) -> Caller:
        """Who the token was issued to. Raises `TokenInvalid` or `TokenExpired`; see also `Caller.require_live`."""
        if len(token) > MAX_TOKEN or not token.isascii():
            raise TokenInvalid
        digest = sha256(token.encode()).digest()
        caller = self._callers.get(digest) or self._read(token)
        if caller.expires_at <= now:
            self._callers.pop(digest, None)
            raise TokenExpired
        self._remember(digest, caller)
        return caller

    def _read(self, token: str) -> Caller:
        try:
            kid = _kid(token)
            claims = jwt.decode(token, self._keys[kid], algorithms=[ALGORITHM]).claims
            if claims["iss"] != ISSUER or claims["aud"] != ISSUER:
                raise TokenInvalid
            return Caller(
                system=_text(claims["sub"]),
                credential_id=_text(claims["cid"]),
                issued_at=_milliseconds(claims["iat"]),
                expires_at=_milliseconds(claims["exp"]),
                kid=kid,
            )
        except (JoseError, ValueError, KeyError, TypeError, RecursionError):
            raise TokenInvalid from None

    def _remember(self, digest: bytes, caller: Caller) -> None:
        if digest not in self._callers and len(self._callers) >= self._remembered:
            del self._callers[next(iter(self._callers))]
        self._callers[digest] = caller


def _header(kid: str) -> dict[str, str]:
    return {"typ": "JWT", "alg": ALGORITHM, "kid": kid}


def _kid(token: str) -> str:
    """The key that the token names, if its header says nothing but what ours say: no ``none``, ``jku`` or ``crit``."""
    header = orjson.loads(urlsafe_b64decode(token.partition(".")[0].encode()))
    kid = _text(header["kid"])
    if header != _header(kid):
        raise TokenInvalid
    return kid


def _text(claim: object) -> str:
    if not isinstance(claim, str) or not claim:
        raise TokenInvalid
    return claim


def _milliseconds(claim: object) -> int:
    if isinstance(claim, bool) or not isinstance(claim, int | float):
        raise TokenInvalid
    return round(claim * 1000)


def _private(key: Key) -> OKPKey:
    return OKPKey.import_key(Ed25519PrivateKey.from_private_bytes(key.material))


def _public(key: Key) -> OKPKey:
    return OKPKey.import_key(Ed25519PublicKey.from_public_bytes(key.public))
