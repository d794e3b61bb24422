"""Where the bus may connect to."""

import socket
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.egress import EVERYWHERE, SPECIAL, Egress, EgressRefused, plain


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.9.9.9", "0.0.0.0", "0.1.2.3", "169.254.169.254", "224.0.0.1", "255.255.255.255", "240.0.0.1",
        "::", "::1", "::7f00:1", "fe80::1", "fe80::1%eth0", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:0.0.0.0",
    ],
)  # fmt: skip
def test_special_addresses_are_refused_everywhere(host: str) -> None:
    """The widest networks do not name loopback, link-local, multicast or unspecified addresses, in any spelling."""
    assert not Egress(EVERYWHERE).allows(host, 80)


@pytest.mark.parametrize("host", ["10.1.2.3", "192.168.1.1", "8.8.8.8", "2001:db8::1", "fd00::1", "::ffff:10.1.2.3"])
def test_other_addresses_are_allowed_in_the_networks_that_hold_them(host: str) -> None:
    """An address is allowed by a network that holds it, an IPv4-mapped one by an IPv4 network."""
    assert Egress(EVERYWHERE).allows(host, 80)
    assert not Egress([ip_network("198.51.100.0/24")]).allows(host, 80)
    assert not Egress([]).allows(host, 80)


def test_a_network_within_a_special_range_names_it() -> None:
    """Loopback is open to whoever writes it down, and only what was written."""
    egress = Egress([ip_network("127.0.0.0/30"), ip_network("::1/128")])
    assert egress.allows("127.0.0.1", 80)
    assert egress.allows("::ffff:127.0.0.1", 80)
    assert egress.allows("::1", 80)
    assert not egress.allows("127.0.0.9", 80)


def test_own_listeners_are_refused_whatever_is_named() -> None:
    """A network cannot name a port: the bus's own stay closed, its neighbours on the machine do not."""
    egress = Egress([ip_network("127.0.0.0/8"), *EVERYWHERE], [("127.0.0.1", 8080), ("10.0.0.5", 8081)])
    assert not egress.allows("127.0.0.1", 8080)
    assert not egress.allows("::ffff:127.0.0.1", 8080)
    assert egress.allows("127.0.0.1", 8081)
    assert not egress.allows("10.0.0.5", 8081)


@pytest.mark.parametrize("listening", ["0.0.0.0", "::", "localhost"])
def test_a_listener_on_every_address_is_this_machine(listening: str) -> None:
    """Where the bus listens on every address, or on a name, every address of the machine is its own at that port."""
    egress = Egress([ip_network("127.0.0.0/8"), *EVERYWHERE], [(listening, 8080)])
    assert not egress.allows("127.0.0.1", 8080)
    assert not egress.allows("127.0.0.2", 8080)
    assert egress.allows("127.0.0.1", 8081)
    assert egress.allows("192.0.2.1", 8080)


def test_no_socket_is_made_for_a_refused_address() -> None:
    """The socket factory is where a refusal is made, after every resolution."""
    info = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 80))
    with pytest.raises(EgressRefused):
        Egress(EVERYWHERE).socket(info)
    with Egress([ip_network("127.0.0.0/8")]).socket(info) as made:
        assert made.family is socket.AF_INET


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_everywhere_is_everything_but_the_special_ranges(address: object) -> None:
    """No address is forgotten: it is special, or a wide network allows it."""
    reached = plain(str(address))
    assert Egress(EVERYWHERE).allows(str(address), 80) != any(reached in one for one in SPECIAL)
    assert reached == ip_address(str(reached))
