"""WS-Security 1.0 as callers prove themselves by it: a UsernameToken, with the password or a digest of it.

OASIS Web Services Security: SOAP Message Security 1.0 (200401), UsernameToken Profile 1.0.
"""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha1, sha256
from typing import Final

from lxml import etree

from adapters.soap.wss import (
    CERTIFICATE,
    FRESH,
    SECURITY,
    SIGNATURE,
    TIMESTAMP,
    TOKEN,
    WSSE,
    WSU,
    check_timestamp,
    moment,
)
from bus.errors import CredentialInvalid, SecurityInvalid
from identity.credentials import authenticate, readable
from journal.commands import Once
from routes.model import Snapshot

PROFILE: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0"

NONCE_LIFE: Final = 3 * FRESH
"""Milliseconds for which a nonce is remembered: longer than a token that says it can be fresh, by any clock of ours."""

LONGEST: Final = 1000
"""Characters of any text in a token; ours have 48."""


@dataclass(frozen=True, slots=True)
class Proved:
    """Who sends, and the nonce that nobody may use again."""

    system: str
    nonce: Once | None = None


def security_of(headers: Sequence[etree._Element]) -> etree._Element | None:
    """The one Security header that is meant for the bus. Raises `SecurityInvalid` where there are several (SOAP Message
    Security 1.0 §5)."""
    found = [each for each in headers if each.tag == SECURITY]
    if len(found) > 1:
        raise SecurityInvalid(hint="there are several Security headers for one receiver")
    return found[0] if found else None


def is_understood(security: etree._Element) -> bool:
    """Whether there is nothing in it but what was read."""
    return all(str(each.tag) in {TOKEN, TIMESTAMP, CERTIFICATE, SIGNATURE} for each in security)


def proved(security: etree._Element, snapshot: Snapshot, now: int, *, private: bool) -> Proved | None:
    """Who sends, by the token; None where there is none. `private`: nobody overhears a password on the way here.

    Raises `SecurityInvalid`, `CredentialInvalid`, `KeyUnreadable`.
    """
    for timestamp in security.iterfind(TIMESTAMP):
        check_timestamp(timestamp, now)
    tokens = security.findall(TOKEN)
    if len(tokens) > 1:
        raise SecurityInvalid(hint="there are several UsernameTokens")
    if not tokens:
        return None
    token = tokens[0]
    system = _text(token, f"{WSSE}Username")
    password = token.find(f"{WSSE}Password")
    kind = (password.get("Type") if password is not None else None) or f"{PROFILE}#PasswordText"
    if kind == f"{PROFILE}#PasswordDigest":
        return _digested(token, system, snapshot, now)
    if kind != f"{PROFILE}#PasswordText":
        raise SecurityInvalid(hint="a password is PasswordText or PasswordDigest")
    if not private:
        raise SecurityInvalid(hint="PasswordText is taken over TLS alone: send PasswordDigest, or come by https")
    secret = _text(token, f"{WSSE}Password")
    found = authenticate(snapshot.credentials.values(), system, secret, now)
    return Proved(found.system, _nonce(token, system, now) if token.find(f"{WSSE}Nonce") is not None else None)


def _digested(token: etree._Element, system: str, snapshot: Snapshot, now: int) -> Proved:
    """UsernameToken Profile 1.0 §3.1: Base64(SHA-1(nonce + created + password))."""
    nonce = _nonce(token, system, now)
    said = _decoded(_text(token, f"{WSSE}Password"))
    before = _decoded(_text(token, f"{WSSE}Nonce")) + _text(token, f"{WSU}Created").encode()
    for secret in readable(snapshot.credentials.values(), system, snapshot.keys, now):
        if hmac.compare_digest(sha1(before + secret.encode(), usedforsecurity=False).digest(), said):
            return Proved(system, nonce)
    raise CredentialInvalid


def _nonce(token: etree._Element, system: str, now: int) -> Once:
    """A once-only key of the sender. What its digest covers is what is kept of it: nonce and time together."""
    nonce, created = _text(token, f"{WSSE}Nonce"), _text(token, f"{WSU}Created")
    _decoded(nonce)
    if abs(moment(created) - now) > FRESH:
        raise SecurityInvalid(hint=f"Created is more than {FRESH // 60_000} minutes from now: set the clock")
    key = sha256(b64encode(_decoded(nonce)) + b"\n" + created.encode()).digest()
    return Once(f"nonce:{system}", key, "", NONCE_LIFE)


def _text(token: etree._Element, name: str) -> str:
    found = token.findall(name)
    text = (found[0].text or "").strip() if len(found) == 1 else ""
    if not 0 < len(text) <= LONGEST or len(found[0]):
        raise SecurityInvalid(hint=f"the UsernameToken needs one {etree.QName(name).localname}")
    return text


def _decoded(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except ValueError:
        raise SecurityInvalid(hint="nonce and digest are in Base64") from None
