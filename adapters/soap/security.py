"""WS-Security 1.0 as the bus sends it: a UsernameToken in the header of each call, and a Timestamp."""

from datetime import UTC, datetime
from typing import Any

from lxml import etree
from zeep.wsse.username import UsernameToken

from adapters.auth import WsseUsername
from adapters.soap.envelope import PREFIX, SoapVersion, alone, enclose
from adapters.soap.wss import FRESH, WSU


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
    if auth.timestamp:
        header[0].insert(0, etree.fromstring(timestamp(milliseconds)))
    return alone(header[0])


def timestamp(milliseconds: int) -> str:
    """A Timestamp that is good for five minutes from this time (SOAP Message Security 1.0 §10)."""
    created, expires = _time(milliseconds), _time(milliseconds + FRESH)
    inside = f"<wsu:Created>{created}</wsu:Created><wsu:Expires>{expires}</wsu:Expires>"
    return f'<wsu:Timestamp xmlns:wsu="{WSU[1:-1]}">{inside}</wsu:Timestamp>'


def _time(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
