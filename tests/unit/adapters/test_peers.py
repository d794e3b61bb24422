"""Who is at the other end: what is believed of a proxy, and of nobody else."""

from base64 import b64encode
from ipaddress import ip_network
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from adapters.peers import SHOWN, Peers
from bus.errors import HeaderInvalid, ProxyUnknown
from identity.certificates import fingerprint
from tests.certificates import Own

ONE = Own.made("one-stop")
PEERS = Peers([ip_network("10.0.0.0/24"), ip_network("fd00::/64")])
BYTES = f":{b64encode(ONE.der).decode()}:"


def a_request(peer: str | None, *fields: tuple[str, str], shown: bytes | None = None) -> Request:
    return Request(
        {
            "type": "http",
            "client": (peer, 1) if peer else None,
            "headers": [(name.encode(), value.encode()) for name, value in fields],
            "extensions": {SHOWN: shown} if shown else {},
        }
    )


@pytest.mark.parametrize(
    ("peer", "forwarded", "source"),
    [
        ("10.0.0.5", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.5", ["127.0.0.1, 203.0.113.9"], "203.0.113.9"),
        ("10.0.0.5", ["127.0.0.1", "203.0.113.9,10.0.0.6"], "203.0.113.9"),
        ("10.0.0.5", ["2001:db8::1, fd00::7"], "2001:db8::1"),
        ("::ffff:10.0.0.5", ["203.0.113.9"], "203.0.113.9"),
        ("fd00::7", ["::ffff:203.0.113.9"], "203.0.113.9"),
        ("10.0.0.5", [], "10.0.0.5"),
        ("10.0.0.5", ["10.0.0.6"], "10.0.0.6"),
        ("10.0.0.5", ["203.0.113.9, <script>"], "10.0.0.5"),
        ("10.0.0.5", ["203.0.113.9, unknown, 10.0.0.6"], "10.0.0.6"),
        ("203.0.113.7", ["198.51.100.1"], "203.0.113.7"),
        (None, ["198.51.100.1"], "-"),
    ],
)
def test_source_is_the_last_address_that_a_proxy_has_seen(peer: str | None, forwarded: list[str], source: str) -> None:
    """Addresses are believed from the end, as far as proxies of the bus's own named them; from others, none is."""
    fields = [("x-forwarded-for", each) for each in forwarded]
    assert PEERS.source(a_request(peer, *fields)) == source
    assert Peers().source(a_request(peer, *fields)) == (peer or "-")


@pytest.mark.parametrize(
    "sent", [BYTES, quote(ONE.pem.decode(), safe=""), ONE.pem.decode().replace("\n", " "), quote(ONE.pem.decode())]
)
def test_certificate_of_a_proxys_header(sent: str) -> None:
    """A proxy says which certificate was shown to it as RFC 9440 writes it, or in PEM as nginx and Apache can."""
    proxied = a_request("10.0.0.5", ("client-cert", sent), shown=b"the proxy's own")
    assert PEERS.certificate(proxied) == PEERS.beside(proxied) == fingerprint(ONE.der)


def test_proxys_own_certificate_is_nobodys() -> None:
    """Where a proxy says nothing of its caller, its caller has shown nothing, whatever the proxy itself shows."""
    for fields in ([], [("client-cert", "")], [("client-cert", "::")]):
        proxied = a_request("10.0.0.5", *fields, shown=b"the proxy's own")
        assert PEERS.certificate(proxied) is None
        assert PEERS.beside(proxied) is None


@pytest.mark.parametrize(
    "sent",
    [
        [BYTES, BYTES],
        [BYTES[:-1]],
        [BYTES[1:]],
        [f"{BYTES};a=1"],
        [":A:"],
        ["x"],
        ["%00"],
        [quote("-----BEGIN ")],
        ["::,::"],
    ],
)
def test_header_that_is_no_certificate(sent: list[str]) -> None:
    """What a proxy writes wrong is refused, and not taken for no certificate."""
    with pytest.raises(HeaderInvalid):
        PEERS.certificate(a_request("10.0.0.5", *(("client-cert", each) for each in sent)))


@given(
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=80)
    | st.binary().map(lambda each: f":{b64encode(each).decode()}:")
)
def test_any_header_is_a_certificate_or_refused(sent: str) -> None:
    """Whatever a proxy writes, it is a fingerprint, nothing, or one kind of error."""
    try:
        found = PEERS.certificate(a_request("10.0.0.5", ("client-cert", sent)))
    except HeaderInvalid:
        return
    assert found is None or len(found) == 32


def test_header_of_anybody_else_is_refused() -> None:
    """Who is no proxy and writes Client-Cert is refused where nothing else says who it is, and never believed; what it
    shows in TLS is its own."""
    for peers in (PEERS, Peers()):
        lying = a_request("203.0.113.7", ("client-cert", BYTES), shown=b"its own")
        with pytest.raises(ProxyUnknown):
            peers.certificate(lying)
        assert peers.beside(lying) == b"its own"
        honest = a_request("203.0.113.7", shown=b"its own")
        assert peers.certificate(honest) == peers.beside(honest) == b"its own"
