"""Serving the management plane: by itself (`lgsp manage`), and beside everything else (`lgsp up`)."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

import uvloop

from bus.errors import BusError
from bus.settings import Settings
from documents.bounded import keeping_a_child
from gateway import management_plane
from journal.commands import Command
from management.app import api
from management.plane import Plane
from routes.refusals import Refusals
from running.home import Home
from running.listening import Server, listen, on_signals
from running.node import beside
from running.serving import Serving
from running.signing_in import signing_in

R = TypeVar("R")

WITHIN = 30.0
"""Seconds in which it begins to answer: a slow machine reads the description of the API in two."""


def manage(settings: Settings, home: Home, ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; `ready` is told where. Raises `SettingInvalid`, `JournalUnavailable`."""

    async def serve() -> None:
        async with managing(settings, home) as (server, url):
            with on_signals(signal.SIGINT, signal.SIGTERM, call=server.end):
                ready(url)
                await server.ended.wait()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve())


@asynccontextmanager
async def managing(settings: Settings, home: Home) -> AsyncIterator[tuple[Server, str]]:
    """The management plane, answering at the URL; on the way out it ends what it is answering. `home` is its alone:
    several threads of it write."""

    async def write(command: Command[R]) -> R:
        return await asyncio.to_thread(home.write, command)

    listening = listen(settings.manage_host, settings.manage_at, "manage_port")
    url = f"http://{settings.manage_host}:{listening.getsockname()[1]}"
    refusals = Refusals(write, home.clock, "manage")
    with keeping_a_child():
        async with signing_in(home.queries, write, home.clock, "bus") as sign_in, beside(refusals.run()):
            app = management_plane(api(Plane(home), sign_in, refusals), settings.body_timeout)
            started = asyncio.Event()
            server = Server(Serving(app, settings.body_timeout), started.set, lambda: None)
            serving = asyncio.create_task(server.serve(sockets=[listening]))
            try:
                await asyncio.wait_for(started.wait(), WITHIN)
                yield server, url
            finally:
                server.end()
                await serving
                with suppress(BusError):
                    await refusals.tell()
