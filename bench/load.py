"""A load generator that costs little: HTTP/1.1 over kept-alive connections, one request at a time on each."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

import aiohttp
import uvloop


@dataclass(frozen=True, slots=True)
class Result:
    """Rates in requests a second, latencies in milliseconds."""

    count: int
    seconds: float
    rate: float
    p50: float
    p99: float
    unexpected: int


class _Connection(asyncio.Protocol):
    """Sends the next request when the answer to the last has come whole."""

    def __init__(self, next_request: Callable[[], bytes | None], done: Callable[[int, float], None]) -> None:
        self._next = next_request
        self._done = done
        self._buffer = b""
        self._sent = 0.0
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance
        self._send()

    def _send(self) -> None:
        request = self._next()
        if request is None:
            self._transport.close()
            return
        self._sent = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        if len(rest) < int(length or 0):
            return
        self._buffer = b""
        self._done(int(head[9:12]), time.perf_counter() - self._sent)
        self._send()

    def connection_lost(self, _: Exception | None) -> None:
        if not self.closed.done():
            self.closed.set_result(None)


def post(url: str, body: bytes, headers: dict[str, str]) -> bytes:
    """The bytes of one request."""
    parts = urlsplit(url)
    lines = [f"POST {parts.path or '/'} HTTP/1.1", f"Host: {parts.netloc}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def drive(url: str, requests: Sequence[bytes], *, count: int, connections: int, expected: int) -> Result:
    """Send `count` requests, the given ones in turn, over so many connections."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_drive(url, requests, count, connections, expected))


async def _drive(url: str, requests: Sequence[bytes], count: int, connections: int, expected: int) -> Result:
    parts = urlsplit(url)
    left = iter(range(count))
    times: list[float] = []
    statuses: list[int] = []

    def next_request() -> bytes | None:
        number = next(left, None)
        return None if number is None else requests[number % len(requests)]

    def done(status: int, seconds: float) -> None:
        statuses.append(status)
        times.append(seconds)

    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    opened = [
        await loop.create_connection(lambda: _Connection(next_request, done), parts.hostname or "", parts.port or 80)
        for _ in range(connections)
    ]
    await asyncio.gather(*(protocol.closed for _, protocol in opened))
    seconds = time.perf_counter() - began
    times.sort()
    return Result(
        len(times),
        seconds,
        len(times) / seconds,
        1000 * times[len(times) // 2],
        1000 * times[len(times) * 99 // 100],
        sum(status != expected for status in statuses),
    )


def drive_with_aiohttp(url: str, body: bytes, headers: dict[str, str], *, count: int, connections: int) -> float:
    """Requests a second as an everyday client makes them: it uses a core of its own before the server does."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_drive_with_aiohttp(url, body, headers, count, connections))


async def _drive_with_aiohttp(url: str, body: bytes, headers: dict[str, str], count: int, connections: int) -> float:
    left = iter(range(count))

    async def one(session: aiohttp.ClientSession) -> None:
        for _ in left:
            async with session.post(url, data=body, headers=headers) as answer:
                await answer.read()
                if answer.status != 202:
                    raise RuntimeError(answer.status)

    began = time.perf_counter()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=connections)) as session:
        await asyncio.gather(*(one(session) for _ in range(connections)))
    return count / (time.perf_counter() - began)
