"""TLS as the gateway ends it itself."""

import ssl
from typing import Final

from bus.errors import SettingInvalid
from bus.settings import Settings

NO_CHECK_TIME: Final = 0x200000
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME, which Python does not name."""


def server_context(settings: Settings) -> ssl.SSLContext | None:
    """None where the gateway speaks plain HTTP. Raises `SettingInvalid`.

    A certificate that a caller may show is one of `tls_clients`, or was issued by one of them. Whose it is, and whether
    it is valid now, is said where documents and the bus's clock are at hand, in words that a caller understands.
    """
    if settings.tls_certificate is None:
        for name in ("tls_key", "tls_clients"):
            if getattr(settings, name) is not None:
                raise SettingInvalid(name=name, hint="it belongs to tls_certificate, which is not set")
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(settings.tls_certificate, settings.tls_key, password=_none)
    except (OSError, ValueError):
        hint = "it must hold a certificate in PEM, tls_key its private key without a passphrase (or the same file both)"
        raise SettingInvalid(name="tls_certificate", hint=hint) from None
    if settings.tls_clients is not None:
        try:
            context.load_verify_locations(settings.tls_clients)
        except OSError:
            raise SettingInvalid(name="tls_clients", hint="it must hold certificates in PEM") from None
        context.verify_mode = ssl.CERT_OPTIONAL
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | NO_CHECK_TIME
    return context


def _none() -> str:
    """Nobody is asked for a passphrase on a terminal."""
    return ""
