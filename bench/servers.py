"""The servers that are measured, each in a process of its own on a free loopback port: ``python -m bench.servers``."""

import asyncio
import socket
import sys
from typing import cast

import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


class _Sink(asyncio.Protocol):
    """Answers 200 to every request; GET /count tells how many others there were. An echo answers with what it got."""

    received = 0
    echoes = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while True:
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
            if not found or len(rest) < length:
                return
            self._buffer = rest[length:]
            counting = head.startswith(b"GET /count")
            _Sink.received += not counting
            body = str(_Sink.received).encode() if counting else rest[:length] if self.echoes else b"{}"
            kind = b"xml" if body.startswith(b"<") else b"json"
            self._transport.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/%b\r\nContent-Length: %d\r\n\r\n" % (kind, len(body))
                + body
            )


class _Echo(_Sink):
    echoes = True


async def _accepted(request: Request) -> Response:
    """What any Starlette application must do: read the body, answer 202."""
    await request.body()
    return Response(b'{"state":"accepted"}', 202, media_type="application/json")


async def _waited(_: Request) -> Response:
    """What any Starlette application must do for a call that waits a minute for nothing."""
    await asyncio.sleep(60)
    return Response(b'{"deliveries":[]}', media_type="application/json")


def bare() -> Starlette:
    waiting = Route("/inbox", _waited, methods=["GET"])
    return Starlette(routes=[Route("/messages/{contract}", _accepted, methods=["POST"]), waiting])


async def _serve(protocol: type[asyncio.Protocol], listening: socket.socket) -> None:
    server = await asyncio.get_running_loop().create_server(protocol, sock=listening)
    await server.serve_forever()


def main(kind: str) -> None:
    listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
    print(listening.getsockname()[1], flush=True)
    if kind != "bare":
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            # A bare protocol reads and never answers.
            runner.run(_serve({"sink": _Sink, "echo": _Echo}.get(kind, asyncio.Protocol), listening))
    config = uvicorn.Config(bare(), log_config=None, access_log=False, lifespan="off")
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main(sys.argv[1])
