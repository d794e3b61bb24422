"""A load generator that costs little: HTTP/1.1 over kept-alive connections, one request at a time on each.

Two ways to load. *Closed*: so many connections, each sends again when it is answered; it finds the highest rate.
*Paced*: requests are due at moments of their own, as independent senders send (a Poisson process, seeded), and each is
counted from the moment it was due, also where it had to wait for a connection; it finds the latency that senders see.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any, Final, cast
from urllib.parse import urlsplit

import aiohttp
import uvloop

MOST_CONNECTIONS: Final = 256
"""Of a paced load; what is due beyond them waits, and its wait counts."""

ANSWER_WITHIN: Final = 120.0
"""Seconds until the last answer, before a measurement is given up."""

Answered = Callable[["Client", int, bytes], None]
"""Told the client, the status and the head of its answer."""


@dataclass(frozen=True, slots=True)
class Result:
    """Rates in requests a second, latencies in milliseconds; `cpu`: cores that the generator itself used."""

    count: int
    seconds: float
    rate: float
    p50: float
    p99: float
    unexpected: int
    cpu: float


class Client(asyncio.Protocol):
    """One connection: sends a request when it is told to, and tells when the answer has come whole."""

    def __init__(self, answered: Answered) -> None:
        self._answered = answered
        self._buffer = b""
        self.due = 0.0
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance

    def send(self, request: bytes, due: float) -> None:
        self.due = due
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found or len(rest) < int(header(head, b"content-length") or 0):
            return
        self._buffer = b""
        self._answered(self, int(head[9:12]), head)

    def connection_lost(self, _: Exception | None) -> None:
        if not self.closed.done():
            self.closed.set_result(None)

    def close(self) -> None:
        self._transport.close()


def header(head: bytes, name: bytes) -> bytes:
    """A header's value, or nothing; `name` in small letters."""
    _, found, rest = head.lower().partition(b"\r\n%b:" % name)
    return rest.partition(b"\r\n")[0].strip() if found else b""


def post(url: str, body: bytes, headers: dict[str, str]) -> bytes:
    """The bytes of one request."""
    parts = urlsplit(url)
    lines = [f"POST {parts.path or '/'} HTTP/1.1", f"Host: {parts.netloc}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


@dataclass
class Tally:
    """What has been answered: when, how, and how long after it was due. `busy`: processor seconds before it began."""

    expected: int
    times: list[float] = field(default_factory=list)
    unexpected: int = 0
    began: float = field(default_factory=time.perf_counter)
    busy: float = field(default_factory=time.process_time)

    def add(self, status: int, due: float) -> None:
        self.times.append(time.perf_counter() - due)
        self.unexpected += status != self.expected

    def result(self) -> Result:
        seconds = time.perf_counter() - self.began
        cpu = (time.process_time() - self.busy) / seconds
        p50, p99 = percentiles(self.times)
        return Result(len(self.times), seconds, len(self.times) / seconds, p50, p99, self.unexpected, cpu)


def percentiles(seconds: Sequence[float]) -> tuple[float, float]:
    """The median and the 99th of a hundred, in milliseconds."""
    ordered = sorted(seconds)
    return 1000 * ordered[len(ordered) // 2], 1000 * ordered[len(ordered) * 99 // 100]


def run(load: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    """In an event loop of its own."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(load())


async def connect(url: str, connections: int, answered: Answered) -> list[Client]:
    parts = urlsplit(url)
    loop = asyncio.get_running_loop()
    opened = [
        await loop.create_connection(lambda: Client(answered), parts.hostname or "", parts.port or 80)
        for _ in range(connections)
    ]
    return [client for _, client in opened]


def drive(
    url: str,
    requests: Sequence[bytes],
    *,
    connections: int,
    expected: int,
    count: int | None = None,
    seconds: float = 0.0,
) -> Result:
    """Closed: send the given requests in turn, so many of them or for so many seconds, over so many connections."""
    following = cycle(requests)

    async def load() -> Result:
        left = iter(range(count) if count else iter(int, 1))
        end = time.perf_counter() + (seconds if count is None else ANSWER_WITHIN)

        def answered(client: Client, status: int, _: bytes) -> None:
            tally.add(status, client.due)
            proceed(client)

        def proceed(client: Client) -> None:
            now = time.perf_counter()
            if now >= end or next(left, None) is None:
                client.close()
            else:
                client.send(next(following), now)

        clients = await connect(url, connections, answered)
        tally = Tally(expected)
        for client in clients:
            proceed(client)
        await asyncio.gather(*(client.closed for client in clients))
        return tally.result()

    return run(load)


def pace(url: str, requests: Sequence[bytes], *, rate: float, seconds: float, expected: int) -> Result:
    """Paced: send the given requests in turn, at so many a second on average."""
    following = cycle(requests)

    async def load() -> Result:
        waiting: deque[float] = deque()
        idle: deque[Client] = deque()
        done = asyncio.Event()
        sent = 0

        def answered(client: Client, status: int, _: bytes) -> None:
            tally.add(status, client.due)
            if waiting:
                client.send(next(following), waiting.popleft())
            else:
                idle.append(client)
            done.set()

        clients = await connect(url, MOST_CONNECTIONS, answered)
        idle.extend(clients)
        tally = Tally(expected)
        async for due in moments(rate, seconds):
            sent += 1
            if idle:
                idle.popleft().send(next(following), due)
            else:
                waiting.append(due)
        async with asyncio.timeout(ANSWER_WITHIN):
            while len(tally.times) < sent:
                done.clear()
                await done.wait()
        for client in clients:
            client.close()
        return tally.result()

    return run(load)


async def moments(rate: float, seconds: float) -> AsyncIterator[float]:
    """The moments at which something is due, each when it has come."""
    chance = random.Random(1)
    due = time.perf_counter()
    end = due + seconds
    while (due := due + chance.expovariate(rate)) < end:
        if (early := due - time.perf_counter()) > 0:
            await asyncio.sleep(early)
        yield due


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
