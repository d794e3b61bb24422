"""Ports of the loopback for servers that are told theirs before they start."""

import secrets
import socket
from contextlib import suppress

OURS = range(10_000, 32_000)
"""Below those that Linux lends to outgoing connections (32768 on): while a server is down, nobody is given its port."""


def free_port() -> int:
    """One on which nobody listens; drawn, so that runs side by side hardly meet."""
    while True:
        with socket.socket() as free, suppress(OSError):
            free.bind(("127.0.0.1", secrets.choice(OURS)))
            return int(free.getsockname()[1])
