"""The load of a whole way: messages sent to the bus and counted where they arrive, in the same event loop.

The generator is the receiver too, so it knows of each message when it was due, when it was accepted and when it came.
*Windowed*: at most so many are under way, and each arrival lets the next one out. What is under way cannot grow, so the
rate is one that the bus can keep up. *Paced*: as `bench.load.pace`; here what is under way is looked at four times a
second, and `growth` tells how many more there are each second.
"""

import asyncio
import socket
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Final, Self, cast

import uvloop

from bench.load import MOST_CONNECTIONS, Client, connect, header, moments, percentiles

LOOK_EVERY: Final = 0.25
FEW: Final = 20
"""Arrivals within the time of a measurement; below, all of them count, from the first request to the last arrival."""

SETTLE_WITHIN: Final = 120.0
"""Seconds until the last arrival, before a measurement is given up."""

ANSWER: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


@dataclass(frozen=True, slots=True)
class Passed:
    """`rate` in arrivals a second, `p50` and `p99` in milliseconds from the moment a message was due to its arrival,
    `accepted99` to its 202; `growth` in messages a second; `cpu`: cores that the generator used."""

    count: int
    rate: float
    p50: float
    p99: float
    accepted99: float
    growth: float
    cpu: float


class _Arrival(asyncio.Protocol):
    """One connection of the receiver: reads a body of any size without keeping it, and answers 200."""

    def __init__(self, arrived: Callable[[bytes], None]) -> None:
        self._arrived = arrived
        self._head = b""
        self._message = b""
        self._left = -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance

    def data_received(self, data: bytes) -> None:
        while data:
            if self._left < 0:
                head, found, data = (self._head + data).partition(b"\r\n\r\n")
                self._head = b"" if found else head
                if not found:
                    return
                self._message = header(head, b"ce-id")
                self._left = int(header(head, b"content-length") or 0)
            taken = min(self._left, len(data))
            self._left -= taken
            data = data[taken:]
            if not self._left:
                self._left = -1
                self._transport.write(ANSWER)
                self._arrived(self._message)


@dataclass
class _Under:
    """What is under way. Messages are known by their ids from the 202 on, which may come after the arrival."""

    due: dict[bytes, float] = field(default_factory=dict)
    came: dict[bytes, float] = field(default_factory=dict)
    accepted: list[float] = field(default_factory=list)
    sent: int = 0
    refused: int = 0

    @property
    def count(self) -> int:
        return self.sent - self.refused - len(self.came)


class Flow:
    """A receiver at `url`, and loads that pass through the bus to it."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
        self._under = _Under()
        self._changed: Callable[[], None] = lambda: None
        self._moved = asyncio.Event()
        self._runner.run(self._serve())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def close(self) -> None:
        self._server.close()
        self._runner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def windowed(
        self,
        url: str,
        requests: Sequence[bytes],
        *,
        window: int,
        seconds: float,
        warm: float = 1.0,
        connections: int = 64,
    ) -> Passed:
        return self._runner.run(self._windowed(url, requests, window, seconds, warm, connections))

    def paced(self, url: str, requests: Sequence[bytes], *, rate: float, seconds: float) -> Passed:
        return self._runner.run(self._paced(url, requests, rate, seconds))

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Arrival(self._arrived), sock=self._listening)

    def _arrived(self, message: bytes) -> None:
        self._under.came.setdefault(message, time.perf_counter())
        self._changed()
        self._moved.set()

    def _answered(self, client: Client, status: int, head: bytes) -> None:
        under = self._under
        self._moved.set()
        if status == 202:
            under.due[header(head, b"location").rpartition(b"/")[2]] = client.due
            under.accepted.append(time.perf_counter() - client.due)
        else:
            under.refused += 1

    async def _windowed(
        self, url: str, requests: Sequence[bytes], window: int, seconds: float, warm: float, connections: int
    ) -> Passed:
        under = self._under = _Under()
        following = cycle(requests)
        idle: deque[Client] = deque()
        end = time.perf_counter() + warm + seconds

        def proceed() -> None:
            now = time.perf_counter()
            while idle and under.count < window and now < end:
                under.sent += 1
                idle.popleft().send(next(following), now)

        def answered(client: Client, status: int, head: bytes) -> None:
            self._answered(client, status, head)
            idle.append(client)
            proceed()

        clients = await connect(url, min(connections, window), answered)
        idle.extend(clients)
        self._changed = proceed
        first = time.perf_counter()
        proceed()
        await asyncio.sleep(warm)
        began, busy, before = time.perf_counter(), time.process_time(), len(under.came)
        await asyncio.sleep(seconds)
        passed = time.perf_counter() - began
        rate, cpu = (len(under.came) - before) / passed, (time.process_time() - busy) / passed
        few = len(under.came) - before < FEW
        await self._settled(clients)
        if few:
            rate = len(under.came) / (time.perf_counter() - first)
        return self._passed(rate, 0.0, cpu)

    async def _paced(self, url: str, requests: Sequence[bytes], rate: float, seconds: float) -> Passed:
        under = self._under = _Under()
        following = cycle(requests)
        idle: deque[Client] = deque()
        waiting: deque[float] = deque()
        samples: list[int] = []

        def answered(client: Client, status: int, head: bytes) -> None:
            self._answered(client, status, head)
            if waiting:
                client.send(next(following), waiting.popleft())
            else:
                idle.append(client)

        clients = await connect(url, MOST_CONNECTIONS, answered)
        idle.extend(clients)
        self._changed = lambda: None
        began, busy = time.perf_counter(), time.process_time()
        looked = began
        async for due in moments(rate, seconds):
            under.sent += 1
            if idle:
                idle.popleft().send(next(following), due)
            else:
                waiting.append(due)
            if due > looked + LOOK_EVERY:
                looked = due
                samples.append(under.count)
        passed = time.perf_counter() - began
        achieved, cpu = len(under.came) / passed, (time.process_time() - busy) / passed
        await self._settled(clients)
        return self._passed(achieved, growth(samples), cpu)

    async def _settled(self, clients: Sequence[Client]) -> None:
        async with asyncio.timeout(SETTLE_WITHIN):
            # A message may arrive before its 202.
            while self._under.count > 0 or len(self._under.accepted) + self._under.refused < self._under.sent:
                self._moved.clear()
                await self._moved.wait()
        for client in clients:
            client.close()

    def _passed(self, rate: float, growing: float, cpu: float) -> Passed:
        under = self._under
        if under.refused:
            raise RuntimeError(under.refused)
        p50, p99 = percentiles([came - under.due[message] for message, came in under.came.items()])
        return Passed(len(under.came), rate, p50, p99, percentiles(under.accepted)[1], growing, cpu)


def growth(samples: Sequence[int]) -> float:
    """How many more are under way each second: between the means of the second and the last quarter of the samples."""
    quarter = len(samples) // 4
    if not quarter:
        return 0.0
    second, last = samples[quarter : 2 * quarter], samples[-quarter:]
    apart = LOOK_EVERY * (len(samples) - 2 * quarter)
    return (sum(last) / len(last) - sum(second) / len(second)) / apart
