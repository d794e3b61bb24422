"""A server that is asked to end, or replaced: what its clients see of it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from running.listening import Server
from running.serving import Serving


@dataclass
class Served:
    """An application whose one path answers when it is let."""

    port: int
    server: Server
    done: asyncio.Task[None]
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    let: asyncio.Event = field(default_factory=asyncio.Event)
    told: list[str] = field(default_factory=list)
    clients: list["Client"] = field(default_factory=list)

    async def client(self) -> "Client":
        client = Client(*await asyncio.open_connection("127.0.0.1", self.port))
        self.clients.append(client)
        return client


@dataclass
class Client:
    """A client that keeps its connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def ask(self) -> None:
        self.writer.write(b"GET / HTTP/1.1\r\nHost: bus\r\n\r\n")

    async def answer(self) -> bytes:
        head = await self.reader.readuntil(b"\r\n\r\n")
        await self.reader.readexactly(2)
        return head.lower()

    async def closed(self) -> bool:
        return await self.reader.read(1) == b""


@asynccontextmanager
async def served(grace: float = 0.0, listening: socket.socket | None = None) -> AsyncIterator[Served]:
    async def answer(_: Request) -> Response:
        found.asked.set()
        await found.let.wait()
        return PlainTextResponse("ok")

    listening = listening or socket.create_server(("127.0.0.1", 0))
    up = asyncio.Event()
    app = Starlette(routes=[Route("/", answer)])
    server = Server(
        Serving(app, 10),
        up.set,
        lambda: found.told.append("ending"),
        lambda: found.told.append("draining"),
        grace,
    )
    port = listening.getsockname()[1]
    found = Served(port, server, asyncio.create_task(server.serve([listening])))
    await up.wait()
    try:
        yield found
    finally:
        found.let.set()
        server.end()
        await found.done
        for client in found.clients:
            client.writer.close()
            with suppress(ConnectionError):
                await client.writer.wait_closed()


async def test_who_is_being_answered_is_not_cut_off() -> None:
    """A request that is under way when the end is asked for gets its answer, which says that it is the last one."""
    async with served() as bus:
        client = await bus.client()
        client.ask()
        await bus.asked.wait()
        bus.server.leave()
        while not bus.server.draining:
            await asyncio.sleep(0)
        bus.let.set()
        assert b"connection: close" in await client.answer()
        assert await client.closed()
        await bus.done
        assert bus.told == ["draining", "ending"]


async def test_grace() -> None:
    """Within its grace a process that was asked to end still takes requests, also on new connections, and closes each
    after its answer; then it is gone."""
    async with served(grace=0.5) as bus:
        bus.let.set()
        old = await bus.client()
        old.ask()
        assert b"connection: close" not in await old.answer()
        bus.server.end()
        while not bus.server.draining:
            await asyncio.sleep(0)
        new = await bus.client()
        for client in (old, new):
            client.ask()
            assert b"connection: close" in await client.answer()
            assert await client.closed()
        await bus.done


async def test_replaced() -> None:
    """A process that is replaced leaves its socket to its successor at once, and answers whoever is connected."""
    listening = socket.create_server(("127.0.0.1", 0))
    async with served(listening=listening.dup()) as old, served(listening=listening.dup()) as new:
        old.let.set()
        new.let.set()
        clients = [await old.client() for _ in range(8)]
        for client in clients:
            client.ask()
            await client.answer()
        old.server.leave()
        while not old.server.draining:
            await asyncio.sleep(0)
        for client in clients:
            client.ask()
        closing = [b"connection: close" in await client.answer() for client in clients]
        await old.done
        for client, is_closing in zip(clients, closing, strict=True):
            if not is_closing:
                client.ask()
                await client.answer()
        last = await new.client()
        last.ask()
        assert b"connection: close" not in await last.answer()
    listening.close()


async def test_one_that_was_replaced_and_is_asked_to_end_cuts_nobody_off() -> None:
    """Whoever is being answered by a process that leaves gets the answer, also when the whole is asked to end
    meanwhile; only being asked to end twice cuts off."""
    async with served() as bus:
        client = await bus.client()
        client.ask()
        await bus.asked.wait()
        bus.server.leave()
        bus.server.end()
        assert not bus.server.force_exit
        bus.let.set()
        assert b"200 ok" in await client.answer()
    assert bus.server.force_exit
