"""How the bus proves to a system who is calling, and whom it trusts there.

The values are the secrets themselves, resolved by whoever builds the settings; none of them is ever shown.
"""

import os
import ssl
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from tempfile import NamedTemporaryFile

from bus.errors import SettingInvalid


@dataclass(frozen=True, slots=True)
class NoAuth:
    """The system asks nobody who they are."""


@dataclass(frozen=True, slots=True)
class Basic:
    """HTTP Basic (RFC 7617), in UTF-8."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Bearer:
    """A bearer token (RFC 6750)."""

    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A secret in a header of the system's own choosing."""

    header: str
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class WsseUsername:
    """WS-Security 1.0 UsernameToken (OASIS profile 1.0): SOAP only. `digest` sends PasswordDigest for PasswordText,
    `timestamp` a Timestamp before it."""

    username: str
    password: str = field(repr=False)
    digest: bool = False
    timestamp: bool = False


@dataclass(frozen=True, slots=True)
class WsseSignature:
    """WS-Security 1.0 signature (OASIS X.509 profile 1.1): SOAP only. `certificate` is in PEM, with its key; receivers
    know it by the `reference`: token, issuer-serial, key-identifier, thumbprint. `username` is a token besides."""

    certificate: bytes = field(repr=False)
    reference: str = "token"
    username: WsseUsername | None = None


HttpAuth = NoAuth | Basic | Bearer | ApiKey
Auth = HttpAuth | WsseUsername | WsseSignature


@dataclass(frozen=True, slots=True)
class Tls:
    """PEM texts: the authorities to trust instead of the machine's own, and a client certificate with its key."""

    ca: bytes | None = field(default=None, repr=False)
    certificate: bytes | None = field(default=None, repr=False)


def auth_headers(auth: Auth) -> Mapping[str, str]:
    """The HTTP headers that prove it; none for what is proved elsewhere."""
    match auth:
        case Basic(username, password):
            return {"Authorization": "Basic " + b64encode(f"{username}:{password}".encode()).decode()}
        case Bearer(token):
            return {"Authorization": f"Bearer {token}"}
        case ApiKey(header, value):
            return {header: value}
        case _:
            return {}


def tls_context(tls: Tls | None) -> ssl.SSLContext | None:
    """A context that verifies the server's certificate and name; None: the default one.

    Raises `SettingInvalid`.
    """
    if tls is None:
        return None
    try:
        context = ssl.create_default_context(cadata=tls.ca.decode() if tls.ca else None)
    except (ssl.SSLError, ValueError):
        raise SettingInvalid(name="tls.ca", hint="it must hold certificates in PEM") from None
    if tls.certificate:
        try:
            with _as_file(tls.certificate) as path:
                context.load_cert_chain(path, password=_no_password)
        except (ssl.SSLError, ValueError):
            hint = "it must hold a certificate and its private key, without a passphrase, in PEM"
            raise SettingInvalid(name="tls.certificate", hint=hint) from None
    return context


def _no_password() -> bytes:
    """Keep OpenSSL from asking at the terminal."""
    raise ValueError


@contextmanager
def _as_file(data: bytes) -> Iterator[str]:
    """A path under which OpenSSL can read a private key: in memory where the system can, else a file of mode 0600."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("key")
        with open(descriptor, "wb", closefd=True) as file:  # noqa: PTH123  a descriptor has no path
            file.write(data)
            file.flush()
            yield f"/proc/self/fd/{descriptor}"
        return
    with NamedTemporaryFile(delete=False) as temporary:
        temporary.write(data)
    try:
        yield temporary.name
    finally:
        with suppress(OSError):
            os.unlink(temporary.name)  # noqa: PTH108
