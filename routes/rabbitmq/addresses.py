"""Where RabbitMQ is, out of one URL (RabbitMQ URI specification; AMQP 0-9-1 over TCP, or over TLS with amqps).

``amqp://user:password@host:5672/vhost``. Several nodes are a list of hosts, ``amqps://u:p@one,two:5673/vhost``, or of
whole URLs. Query parameters are those of RabbitMQ's own clients: ``cacertfile``, ``certfile``, ``keyfile`` (paths, PEM)
and ``heartbeat`` (seconds).
"""

import re
import ssl
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from pika import ConnectionParameters, PlainCredentials, SSLOptions

from bus.errors import SettingInvalid

HEARTBEAT: Final = 15
"""Seconds; a peer that is silent for that long and five more has gone (Java client: 60)."""

LONGEST_HEARTBEAT: Final = 65535
"""AMQP 0-9-1, connection.tune: a short integer. 0, no heartbeat at all, is not offered: a cut would stay unseen."""

CONNECT_WITHIN: Final = 5.0
"""Seconds for TCP; with TLS and the handshake of AMQP, twice that."""

PARAMETERS: Final = frozenset({"cacertfile", "certfile", "heartbeat", "keyfile"})
NODES: Final = re.compile(r"(?P<before>amqps?://(?:[^@/?#]*@)?)(?P<hosts>[^@/?#]+)(?P<after>(?:[/?].*)?)")
HINT: Final = "write amqp://user:password@host:5672/vhost; several hosts are joined by commas"


def addresses(url: str, title: str = "") -> tuple[ConnectionParameters, ...]:
    """Every node that the URL names; `title` is what operators see beside the connection.

    Raises `SettingInvalid`, which never quotes the URL: it holds a password.
    """
    try:
        return tuple(_address(node, title) for node in _nodes(url))
    except (ValueError, OSError):  # a port, a percent sign, a certificate that cannot be read
        raise SettingInvalid(name="broker", hint=HINT) from None


def _nodes(url: str) -> Iterator[str]:
    for one in re.split(r",(?=amqps?://)", url):
        matched = NODES.fullmatch(one)
        if matched is None:
            raise ValueError
        for host in matched["hosts"].split(","):
            yield f"{matched['before']}{host}{matched['after']}"


def _address(url: str, title: str) -> ConnectionParameters:
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    if not parts.hostname or parts.fragment or parts.path.count("/") > 1 or not options.keys() <= PARAMETERS:
        raise ValueError
    heartbeat = int(options.get("heartbeat", HEARTBEAT))
    if not 1 <= heartbeat <= LONGEST_HEARTBEAT:
        raise ValueError
    encrypted = parts.scheme == "amqps"
    return ConnectionParameters(
        host=parts.hostname,
        port=parts.port or (5671 if encrypted else 5672),
        virtual_host=unquote(parts.path[1:], errors="strict") or "/",
        credentials=PlainCredentials(unquote(parts.username or "guest"), unquote(parts.password or "guest")),
        heartbeat=heartbeat,
        socket_timeout=CONNECT_WITHIN,
        stack_timeout=2 * CONNECT_WITHIN,
        ssl_options=SSLOptions(_tls(options), parts.hostname) if encrypted else None,
        client_properties={"connection_name": title, "product": "lgsp"},
    )


def _tls(options: Mapping[str, str]) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=options.get("cacertfile"))
    if certificate := options.get("certfile"):
        context.load_cert_chain(certificate, options.get("keyfile"))
    return context
