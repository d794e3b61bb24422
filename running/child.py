"""One process of several: ``python -m running.child``, started and watched by `running.parent`.

It learns what it is from one line of JSON on its standard input, says one line on its standard output once it does its
work, and ends when that input does: nobody is left to watch it then. SIGTERM: end; SIGHUP: another has taken its place.
"""

import asyncio
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from typing import Final

import uvloop

from bus.errors import BusError, SettingInvalid
from bus.languages import Language, say
from bus.settings import Settings
from running.assembly import assembled, spare_the_collector
from running.home import Home
from running.listening import Server, on_signals
from running.node import accepting, delivering
from running.serving import DRAIN, Serving
from running.task import READY, WRONG, Task
from running.tls import server_context

SWEEP_EVERY: Final = 1.0
"""Seconds."""

ORPHAN: Final = DRAIN + 10
"""Seconds that a process has to end in once its parent has gone."""


def main() -> None:
    """Exit 0: ended as it was asked to; 1: it could not begin, or failed, the reason on standard error; 2: a setting is
    not right."""
    os.umask(0o077)
    task = Task.decode(sys.stdin.buffer.readline())
    home = Home(Settings(**task.settings), f"system:{task.role}")
    try:
        home.prepare()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(ROLES[task.role](task, home))
    except BusError as failed:
        sys.stderr.write(f"lgsp: {task.role}: {say(failed, Language.EN)}\n")
        sys.exit(WRONG if isinstance(failed, SettingInvalid) else 1)
    finally:
        home.close()


async def gateway(task: Task, home: Home) -> None:
    settings = home.settings
    tls = server_context(settings)
    listening = socket.socket(fileno=task.socket)
    async with (
        assembled(settings, home, "gateway", endpoints=task.endpoints, shared=True) as parts,
        accepting(parts, settings.body_timeout, settings.url, settings.proxies) as front,
    ):

        def draining() -> None:
            parts.health.draining = True

        serving = Serving(front.app, settings.body_timeout, tls)
        server = Server(serving, _ready, front.waiting.close, draining, settings.grace)
        with on_signals(signal.SIGTERM, call=server.end), on_signals(signal.SIGHUP, call=server.leave):
            _outlived(server.leave)
            await server.serve(sockets=[listening])


async def worker(task: Task, home: Home) -> None:
    ending = asyncio.Event()
    with on_signals(signal.SIGTERM, signal.SIGHUP, call=ending.set):
        own = [(home.settings.host, home.settings.port)]
        async with (
            assembled(home.settings, home, "worker", own=own, endpoints=task.endpoints, shared=True) as parts,
            delivering(parts, SWEEP_EVERY, keep_up=home.keep_up),
        ):
            _ready()
            _outlived(ending.set)
            await ending.wait()


ROLES: Final = {"gateway": gateway, "worker": worker}


def _ready() -> None:
    spare_the_collector()
    os.write(1, READY)


def _outlived(end: Callable[[], None]) -> None:
    """End when the parent has: its end of our standard input is closed, however it went."""
    loop = asyncio.get_running_loop()

    def watch() -> None:
        while os.read(0, 1):
            pass
        loop.call_soon_threadsafe(end)
        threading.Event().wait(ORPHAN)
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()


if __name__ == "__main__":
    main()
