"""`lgsp up`: the whole bus in one process, on the embedded default."""

import asyncio
import gc
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network

import uvicorn
import uvloop

from adapters.egress import EVERYWHERE, Egress
from adapters.http import open_session
from bus.errors import SettingInvalid
from bus.settings import Settings
from documents.snapshot import Builder
from routes.memory_broker import MemoryBroker
from running import logs
from running.home import Home, announce
from running.node import running
from running.serving import Serving

SWITCH_INTERVAL = 0.0005
"""Seconds that one thread may keep the interpreter while another wants it (Python: 0.005). A commit gives it away and
takes it back several times; at the default a busy event loop would hold up each commit, and with it every sender."""

YOUNG = 20_000
"""Objects made between two collections (Python: 700); a message makes some hundreds, nearly all freed without it."""

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


@dataclass(frozen=True, slots=True)
class Serve:
    """How to serve: `endpoints` override those of systems, for demonstrations and tests; `ready` is told the URL once
    the bus answers there, and how to stop it."""

    settings: Settings
    endpoints: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[str, Callable[[], None]], None] = lambda _url, _stop: None


def up(serve: Serve, home: Home) -> None:
    """Serve until SIGTERM or SIGINT. Raises `FolderInUse`, `SettingInvalid`, and what the documents lack."""
    sys.setswitchinterval(SWITCH_INTERVAL)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(serve, home))


async def _serve(serve: Serve, home: Home) -> None:
    settings = serve.settings
    if settings.broker != "memory://":
        raise SettingInvalid(name="broker", hint="`lgsp up` carries messages by memory:// alone")
    listening = _listen(settings)
    port = listening.getsockname()[1]
    url = f"http://{settings.host}:{port}"
    egress = Egress((*(settings.egress or EVERYWHERE), *LOOPBACK), [(settings.host, port)])
    told = logs.configure(settings)
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(open_session(egress))
        builder = Builder(home.queries, home.keys, home.credentials, home.secrets, session, home.clock, serve.endpoints)
        process = f"up-{home.clock.new_id().hex[-12:]}"
        node = await stack.enter_async_context(
            running(
                home.open_store("up"),
                home.queries,
                MemoryBroker(),
                builder.load,
                home.clock,
                process,
                told=told,
                body_timeout=settings.body_timeout,
            )
        )

        def started() -> None:
            _spare_the_collector()
            announce(settings, url)
            serve.ready(url, stop)

        def stop() -> None:
            server.should_exit = True

        server = _Server(Serving(node.app, settings.body_timeout), started, node.waiting.close)
        await server.serve(sockets=[listening])


class _Server(uvicorn.Server):
    """Says when it answers and when it ends, and keeps a signal to itself.

    uvicorn raises it again once it has stopped listening, which ended the process in the middle of its calls. Here the
    first signal asks to end, and a second one, once nothing is served any more, insists.
    """

    def __init__(self, config: uvicorn.Config, started: Callable[[], None], ending: Callable[[], None]) -> None:
        super().__init__(config)
        self._told = started
        self._ending = ending

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        with super().capture_signals():
            yield
            self._captured_signals.clear()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._told()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Whoever waits is told now where to look later, or would be cut off at the end of the drain."""
        self._ending()
        await super().shutdown(sockets)


def _spare_the_collector() -> None:
    """Leave what lives as long as the process out of garbage collection, and collect the young less often: walking
    through compiled schemas and libraries held up every message for a tenth of a second, each few thousand messages."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 20)


def _listen(settings: Settings) -> socket.socket:
    try:
        return socket.create_server((settings.host, settings.port), backlog=2048)
    except OSError:
        hint = f"cannot listen on {settings.host}:{settings.port}; choose another with --port"
        raise SettingInvalid(name="port", hint=hint) from None
