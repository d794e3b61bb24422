"""Where the bus may connect to, judged on the very address that is connected to."""

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from aiohttp import AddrInfoType

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

EVERYWHERE: tuple[Network, ...] = (ip_network("0.0.0.0/0"), ip_network("::/0"))

# Ranges that a wider network does not name by containing them (RFC 6890 and the IANA special-purpose registries).
# ::/96 holds the unspecified address, loopback and the IPv4-compatible addresses, deprecated by RFC 4291 §2.5.5.1.
SPECIAL: tuple[Network, ...] = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/96",
        "fe80::/10",
        "ff00::/8",
    )
)


class EgressRefused(OSError):
    """This address may not be connected to."""


@dataclass(frozen=True, slots=True)
class Egress:
    """The networks that systems may be called in.

    Loopback, link-local, multicast and unspecified addresses are refused unless a network lies within that range: a
    wide network does not name them. `own` are the (host, port) pairs on which the bus itself listens; nothing names
    those. A host there that is unspecified, or no address at all, stands for every address of this machine.
    """

    networks: Sequence[Network]
    own: Sequence[tuple[str, int]] = ()

    def allows(self, host: str, port: int) -> bool:
        """Whether the address `host`, never a name, may be connected to at `port`."""
        address = plain(host)
        return any(_names(network, address) for network in self.networks) and not self._is_own(address, port)

    def socket(self, info: AddrInfoType) -> socket.socket:
        """Make the socket for one connection: aiohttp's `socket_factory`, and so the last word after every resolution.

        Raises `EgressRefused`.
        """
        family, kind, protocol, _, (host, port, *_rest) = info
        if not self.allows(str(host), int(port)):
            raise EgressRefused
        return socket.socket(family, kind, protocol)

    def _is_own(self, address: Address, port: int) -> bool:
        return any(port == own_port and _is_host(address, host) for host, own_port in self.own)


def plain(host: str) -> Address:
    """The address, an IPv4-mapped one (RFC 4291 §2.5.5.2) as the IPv4 address that it reaches."""
    address = ip_address(host)
    return getattr(address, "ipv4_mapped", None) or address


def _names(network: Network, address: Address) -> bool:
    if address not in network:
        return False
    special = next((one for one in SPECIAL if address in one), None)
    return special is None or network.subnet_of(special)  # type: ignore[arg-type]  # both hold the address: one version


def _is_host(address: Address, host: str) -> bool:
    try:
        listening = plain(host)
    except ValueError:
        return _is_local(address)
    return _is_local(address) if listening.is_unspecified else address == listening


def _is_local(address: Address) -> bool:
    """Whether this machine would accept connections to the address: only such an address can be bound."""
    if address.is_loopback or address.is_unspecified:
        return True
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(address), 0))
    except OSError:
        return False
    return True
