"""TLS that the gateway ends itself: what its settings must hold."""

import ssl
from pathlib import Path

import pytest

from bus.errors import SettingInvalid
from bus.settings import read_settings
from running.tls import server_context
from tests.certificates import Own

OWN, OTHER = Own.made("bus"), Own.made("other")


def test_without_a_certificate_it_is_plain_http() -> None:
    """Nothing set, nothing changes."""
    assert server_context(read_settings({})) is None


def test_callers_are_asked_for_certificates_only_where_some_may_be_shown(tmp_path: Path) -> None:
    """Key and certificate may lie in one file or in two; `tls_clients` has callers asked, and none of them forced."""
    (tmp_path / "cert.pem").write_bytes(OWN.pem)
    (tmp_path / "key.pem").write_bytes(OWN.key_pem)
    apart = {"tls_certificate": tmp_path / "cert.pem", "tls_key": tmp_path / "key.pem"}
    silent = server_context(read_settings({}, tls_certificate=OWN.written(tmp_path)))
    asking = server_context(read_settings({}, **apart, tls_clients=tmp_path / "cert.pem"))
    assert silent
    assert asking
    assert (silent.verify_mode, asking.verify_mode) == (ssl.CERT_NONE, ssl.CERT_OPTIONAL)


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        ({"tls_key": "key.pem"}, "tls_key"),
        ({"tls_clients": "cert.pem"}, "tls_clients"),
        ({"tls_certificate": "cert.pem"}, "tls_certificate"),
        ({"tls_certificate": "cert.pem", "tls_key": "other.pem"}, "tls_certificate"),
        ({"tls_certificate": "none.pem"}, "tls_certificate"),
        ({"tls_certificate": "locked.pem"}, "tls_certificate"),
        ({"tls_certificate": "cert.pem", "tls_key": "key.pem", "tls_clients": "key.pem"}, "tls_clients"),
        ({"tls_certificate": "cert.pem", "tls_key": "key.pem", "tls_clients": "none.pem"}, "tls_clients"),
    ],
)
def test_settings_that_cannot_be_served_by(tmp_path: Path, settings: dict[str, str], wrong: str) -> None:
    """What is missing, locked, or does not go together is refused at the start, naming the setting; nobody is asked for
    a passphrase."""
    (tmp_path / "cert.pem").write_bytes(OWN.pem)
    (tmp_path / "key.pem").write_bytes(OWN.key_pem)
    (tmp_path / "other.pem").write_bytes(OTHER.key_pem)
    (tmp_path / "locked.pem").write_bytes(OWN.pem + OWN.locked_pem)
    with pytest.raises(SettingInvalid) as refused:
        server_context(read_settings({}, **{name: tmp_path / file for name, file in settings.items()}))
    assert refused.value.facts["name"] == wrong
