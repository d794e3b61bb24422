"""`lgsp up`: the whole bus in one process."""

import asyncio
import signal
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from ipaddress import ip_network

import uvloop

from bus.settings import Settings
from running.assembly import assembled, spare_the_collector
from running.home import Home, announce
from running.listening import Server, listen, on_signals
from running.metrics import exposed
from running.node import accepting, delivering
from running.serving import Serving
from running.tls import server_context

SWEEP_EVERY = 0.2
"""Seconds; SQLite is at hand."""

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


@dataclass(frozen=True, slots=True)
class Serve:
    """How to serve: `endpoints` override those of systems, for demonstrations and tests; `ready` is told the URL once
    the bus answers there, and how to stop it. `beside`: what is served along with it."""

    settings: Settings
    endpoints: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[str, Callable[[], None]], None] = lambda _url, _stop: None
    beside: Callable[[], AbstractAsyncContextManager[object]] = nullcontext


def up(serve: Serve, home: Home) -> None:
    """Serve until SIGTERM or SIGINT. Raises `FolderInUse`, `SettingInvalid`, and what the documents lack."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(serve, home))


async def _serve(serve: Serve, home: Home) -> None:
    settings = serve.settings
    listening = listen(settings.host, settings.port)
    port = listening.getsockname()[1]
    tls = server_context(settings)
    url = f"{'https' if tls else 'http'}://{settings.host}:{port}"
    async with (
        assembled(
            settings, home, "up", networks=LOOPBACK, own=[(settings.host, port)], endpoints=serve.endpoints
        ) as parts,
        accepting(parts, settings.body_timeout, settings.url, settings.proxies) as gateway,
        delivering(parts, SWEEP_EVERY, alone=True, keep_up=home.keep_up),
        serve.beside(),
    ):

        def started() -> None:
            spare_the_collector()
            # Who checks a certificate asks by the name that stands in it.
            announce(settings, settings.url.rstrip("/") if tls and settings.url else url)
            serve.ready(url, server.end)

        def draining() -> None:
            parts.health.draining = True

        server = Server(Serving(gateway.app, settings.body_timeout, tls), started, gateway.waiting.close, draining)
        # The first signal asks to end, and a second one, once nothing is served any more, insists.
        with exposed(settings, parts.measures.registry), on_signals(signal.SIGINT, signal.SIGTERM, call=server.end):
            await server.serve(sockets=[listening])
