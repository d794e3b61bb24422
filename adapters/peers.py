"""Who is at the other end of a connection: a caller, or one of the bus's own proxies, whose word about others is taken.

A proxy says where a call came from by X-Forwarded-For, and which certificate was shown to it by Client-Cert (RFC 9440).
Anybody can write both, so they are believed from the networks of `LGSP_PROXIES` alone.
"""

import re
from base64 import b64decode
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final
from urllib.parse import unquote

from starlette.requests import Request

from adapters.egress import Network
from bus.errors import HeaderInvalid, ProxyUnknown
from identity.certificates import fingerprint

CLIENT_CERT: Final = "client-cert"

SHOWN: Final = "lgsp.certificate"
"""An extension of ASGI (specification of HTTP, "Extensions"): the fingerprint of the certificate that the peer showed
in TLS."""

BYTES: Final = re.compile(r" *:([A-Za-z0-9+/=]*): *")
"""A byte sequence (RFC 9651 §3.3.5), which is all that Client-Cert is."""

PEM: Final = re.compile(r"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----\s*")

MOST_HOPS: Final = 20
"""Addresses of X-Forwarded-For that are looked at."""

MOST_PEERS: Final = 4096
"""Addresses of which is remembered whether they are proxies."""


class Peers:
    """For one process. `proxies`: the networks whose proxies are the bus's own."""

    def __init__(self, proxies: Sequence[Network] = ()) -> None:
        self._proxies = tuple(proxies)
        self._is_proxy = lru_cache(MOST_PEERS)(self._looked_up)

    def source(self, request: Request) -> str:
        """Where a caller calls from; the last address that a proxy of the bus's own names and that is none itself."""
        host = peer(request)
        if not self._proxies or not self._is_proxy(host):
            return host
        named = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
        for each in reversed(named[-MOST_HOPS:]):
            address = _address(each.strip())
            if address is None:
                break
            host = str(address)
            if not self._is_proxy(host):
                break
        return host

    def certificate(self, request: Request) -> bytes | None:
        """The fingerprint of the caller's certificate; None where it shows none. A proxy's own says nothing of callers.

        Raises `HeaderInvalid`, and `ProxyUnknown` where somebody else writes what proxies write: it is a lie, or a
        proxy that nobody has named, and to say no more than "no token" would have people look in the wrong place.
        """
        if self._proxies and self._is_proxy(peer(request)):
            return _told(request)
        if CLIENT_CERT in request.headers:
            raise ProxyUnknown
        return _shown(request)

    def beside(self, request: Request) -> bytes | None:
        """The same where the caller has proved otherwise who it is: nothing else is asked of it."""
        return _told(request) if self._proxies and self._is_proxy(peer(request)) else _shown(request)

    def _looked_up(self, host: str) -> bool:
        address = _address(host)
        return address is not None and any(address in network for network in self._proxies)


def peer(request: Request) -> str:
    """Who is connected."""
    return request.client.host if request.client else "-"


def _shown(request: Request) -> bytes | None:
    found: bytes | None = request.scope.get("extensions", {}).get(SHOWN)
    return found


def _told(request: Request) -> bytes | None:
    """Of the certificate in the header: as RFC 9440 writes it, or in PEM, percent-encoded, as nginx does. Empty, there
    is none."""
    sent = request.headers.getlist(CLIENT_CERT)
    text = sent[0] if len(sent) == 1 else ""
    if not any(sent):
        return None
    found = BYTES.fullmatch(text) or PEM.fullmatch(unquote(text))
    try:
        der = b64decode("".join(found[1].split()), validate=True) if found else None
    except ValueError:
        der = None
    if der is None:
        hint = "once, a certificate as RFC 9440 writes it (:BASE64:), or percent-encoded PEM"
        raise HeaderInvalid(name="Client-Cert", hint=hint)
    return fingerprint(der) if der else None


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """An address, in IPv6 without brackets; with a port it is none."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
