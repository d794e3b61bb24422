"""WS-Security 1.0 as the bus sends it: a UsernameToken in the header of each call."""

from datetime import UTC, datetime
from typing import Any

from lxml import etree
from zeep.wsse.username import UsernameToken

from adapters.auth import WsseUsername
from adapters.soap.envelope import PREFIX, SoapVersion, alone, enclose


def username_token(version: SoapVersion, auth: WsseUsername, milliseconds: int, prefix: str = PREFIX) -> bytes:
    """The wsse:Security header block for a call at this time (milliseconds since the epoch).

    OASIS UsernameToken Profile 1.0 §3.1: a digest is base64(SHA-1(nonce + created + password)).
    """
    created = datetime.fromtimestamp(milliseconds / 1000, UTC)
    untyped: Any = UsernameToken
    token = untyped(auth.username, auth.password, use_digest=auth.digest, created=created, zulu_timestamp=True)
    envelope = etree.fromstring(enclose(version, b"", prefix=prefix))
    token.apply(envelope, {})
    (header, _body) = envelope
    return alone(header[0])
