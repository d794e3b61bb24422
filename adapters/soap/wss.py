"""The words of WS-Security 1.0 (OASIS 200401), and what both who prove and who check go by."""

from datetime import UTC
from typing import Final

from lxml import etree

from bus.clock import instant
from bus.errors import SecurityInvalid

WSSE: Final = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd}"
WSU: Final = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd}"
DS: Final = "{http://www.w3.org/2000/09/xmldsig#}"
SECURITY: Final = f"{WSSE}Security"
TOKEN: Final = f"{WSSE}UsernameToken"
CERTIFICATE: Final = f"{WSSE}BinarySecurityToken"
SIGNATURE: Final = f"{DS}Signature"
TIMESTAMP: Final = f"{WSU}Timestamp"

FRESH: Final = 5 * 60 * 1000
"""Milliseconds by which Created may differ from our clock (UsernameToken Profile 1.0 §3: five minutes at least)."""


def check_timestamp(timestamp: etree._Element, now: int, *, oldest: int = 0) -> None:
    """SOAP Message Security 1.0 §10: what has expired is not acted upon, nor what was made before `oldest`. Raises
    `SecurityInvalid`."""
    created, expires = timestamp.findtext(f"{WSU}Created"), timestamp.findtext(f"{WSU}Expires")
    if created is not None and not oldest <= moment(created) <= now + FRESH:
        raise SecurityInvalid(hint="the Timestamp is of another time: set the clock")
    if expires is not None and now - moment(expires) > FRESH:
        raise SecurityInvalid(hint="the Timestamp has expired: set the clock")


def moment(text: str) -> int:
    """Milliseconds since the epoch, of xs:dateTime; without a zone UTC (UsernameToken Profile 1.0 §3). Raises
    `SecurityInvalid`."""
    try:
        return instant(text.strip(), UTC)
    except ValueError:
        raise SecurityInvalid(hint="a time is written as 2026-11-22T09:55:00Z") from None
