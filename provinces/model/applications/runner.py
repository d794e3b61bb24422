"""All the stand-ins in one process, each on a loopback port of its own."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import stat
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
import uvloop
from starlette.types import ASGIApp

from provinces.model.applications import (
    archive,
    civil_status,
    environment_department,
    hospital,
    operations_centre,
    population,
)

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Application:
    """One stand-in: where its service lies, who keeps the secret that callers show, and under what name.

    `build` makes the ASGI application out of that secret. `path` belongs to the system's endpoint.
    """

    build: Callable[[str], ASGIApp]
    path: str
    agency: str
    secret: str


def applications() -> Mapping[str, Application]:
    """Every stand-in by the name of its system."""
    return {
        "population.register": Application(population.build, "/dich-vu", "H99.02", "population-password"),
        "his.provincial-hospital": Application(hospital.build, "/tiep-nhan", "H99.05.01", "hospital-password"),
        "civil-status.justice": Application(civil_status.build, "/api", "H99.10", "civil-status-token"),
        "environment.department": Application(environment_department.build, "", "H99.12", "environment-password"),
        "archive.province": Application(archive.build, "", "H99.18.01", "archive-key"),
        "operations-centre.province": Application(operations_centre.build, "/api/v1", "H99.21", "operations-key"),
    }


class Server(uvicorn.Server):
    """A server among others in one process: signals are not its own, and it says when it is ready."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(
            uvicorn.Config(app, lifespan="off", access_log=False, log_config=None, timeout_graceful_shutdown=1)
        )
        self.ready = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


def listen(port: int = 0) -> socket.socket:
    """A bound loopback socket; port 0 is any free one."""
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((HOST, port))
    return bound


async def serve_all(secrets: Mapping[str, str], ready: Callable[[Mapping[str, str]], None]) -> None:
    """Serve every stand-in until SIGTERM, SIGINT or the end of standard input.

    `ready` is told the endpoint of each system once all of them answer.
    """
    sockets = {name: listen() for name in applications()}
    servers = {name: Server(application.build(secrets[name])) for name, application in applications().items()}

    def stop() -> None:
        for server in servers.values():
            server.should_exit = True

    async def announce() -> None:
        for server in servers.values():
            await server.ready.wait()
        ports = {name: bound.getsockname()[1] for name, bound in sockets.items()}
        ready({name: f"http://{HOST}:{ports[name]}{application.path}" for name, application in applications().items()})

    with stopping(stop):
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(announce())
            for name, server in servers.items():
                tasks.create_task(server.serve(sockets=[sockets[name]]))


async def serve(name: str, secret: str, port: int = 0) -> None:
    """Serve one stand-in until SIGTERM, SIGINT or the end of standard input."""
    server = Server(applications()[name].build(secret))

    def stop() -> None:
        server.should_exit = True

    with stopping(stop):
        await server.serve(sockets=[listen(port)])


@contextmanager
def stopping(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` when the process is asked to end, or when the parent that holds our standard input is gone."""
    loop = asyncio.get_running_loop()
    with contextlib.ExitStack() as undo:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop)
            undo.callback(loop.remove_signal_handler, number)
        # A terminal or /dev/null says nothing about a parent; only a pipe does.
        if sys.stdin is not None and stat.S_ISFIFO(os.fstat(sys.stdin.fileno()).st_mode):
            descriptor = sys.stdin.fileno()

            def heard() -> None:
                if not os.read(descriptor, 4096):
                    loop.remove_reader(descriptor)
                    stop()

            loop.add_reader(descriptor, heard)
            undo.callback(loop.remove_reader, descriptor)
        yield


def write_ports(path: Path, endpoints: Mapping[str, str]) -> None:
    """Write {system: endpoint} so that a reader sees the whole file or none."""
    draft = path.with_name(path.name + ".draft")
    draft.write_text(json.dumps(endpoints, indent=2) + "\n", encoding="utf-8")
    draft.replace(path)


def run(secrets: Mapping[str, str], ports_file: Path) -> None:
    """Serve every stand-in on a loop of their own."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve_all(secrets, lambda endpoints: write_ports(ports_file, endpoints)))
