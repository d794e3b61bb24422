"""Where a system is, and what every request to it carries: checked once, when the adapter is made."""

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

from yarl import URL

from adapters.auth import Auth, Tls, auth_headers, tls_context
from bus.errors import SettingInvalid

HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 §5.6.2, token
HEADER_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")  # RFC 9110 §5.5, and UTF-8 as it is met
FRAMING = frozenset({"connection", "content-length", "expect", "te", "trailer", "transfer-encoding", "upgrade"})


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A checked address. `headers` are those of the settings, the ones that authenticate last."""

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    tls: ssl.SSLContext | None = None


def endpoint(url: str, *, auth: Auth, headers: Mapping[str, str], tls: Tls | None, query: bool = False) -> Endpoint:
    """Check what the documents say of a system; `query`: whether the address may have a query.

    Raises `SettingInvalid`.
    """
    _check_url(url, query=query)
    _check_headers(headers)
    proof = auth_headers(auth)
    if not headers_are_safe(proof):
        raise SettingInvalid(name="auth", hint="it may hold no control characters")
    return Endpoint(url.rstrip("/") if not query else url, merged(headers, proof), tls_context(tls))


def headers_are_safe(headers: Mapping[str, str]) -> bool:
    """Whether no name or value can end its line and begin another."""
    return all(HEADER_NAME.fullmatch(name) and HEADER_VALUE.fullmatch(value) for name, value in headers.items())


def merged(*layers: Mapping[str, str]) -> dict[str, str]:
    """One set of headers, the later layers winning whatever the case of their names, which is kept as written."""
    found: dict[str, tuple[str, str]] = {}
    for layer in layers:
        found.update((name.lower(), (name, value)) for name, value in layer.items())
    return dict(found.values())


def _check_url(url: str, *, query: bool) -> None:
    try:
        parsed = URL(url)
        is_usable = parsed.scheme in {"http", "https"} and bool(parsed.host) and parsed.port is not None
    except ValueError:
        is_usable = False
    if not is_usable:
        raise SettingInvalid(name="endpoint", hint="write http:// or https://, a host and a path")
    if parsed.user is not None or parsed.password is not None:
        raise SettingInvalid(name="endpoint", hint="put the user and the password into auth")
    if parsed.fragment or (parsed.query_string and not query):
        raise SettingInvalid(name="endpoint", hint="leave out what follows # or ?")


def _check_headers(headers: Mapping[str, str]) -> None:
    if not headers_are_safe(headers):
        raise SettingInvalid(name="headers", hint="names are of letters, digits and -; values hold no line breaks")
    if framing := sorted(FRAMING & {name.lower() for name in headers}):
        raise SettingInvalid(name="headers", hint=f"{framing[0]} is set by the bus itself")
