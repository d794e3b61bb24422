"""What do ten thousand calls cost that wait for a minute at an inbox with nothing in it, on one gateway process, and
how soon does one of them hear of a message? On PostgreSQL and RabbitMQ; beside it, a bare Starlette application.

Every call that ends empty is made again at once, on the same connection: so each measured minute holds the end and the
beginning of all of them.
"""

import asyncio
import resource
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Final, cast
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import uvloop

from bench.figures import Run, show
from bench.limits import BODY
from bench.processes import bus, memory, processor, servers, started
from bench.provinces import INBOX, many
from bus.settings import read_settings
from running.home import Home

WAITING: Final = 10_000
SYSTEMS: Final = 20
MINUTE: Final = 60.0

MESSAGES: Final = 200
"""Sent one after the other, to be heard of."""

AT_ONCE: Final = 100
"""Connections that are opened at the same time; a system asks at most 200 times a second in the long run."""

SPARE: Final = 500
"""File descriptors for everything else."""


class _Waiting(asyncio.Protocol):
    """Asks, and asks again whenever it was answered that there is nothing. `heard` gets the time of anything else."""

    def __init__(self, question: bytes, heard: "asyncio.Queue[float]", answers: Counter[bytes]) -> None:
        self._question = question
        self._heard = heard
        self._answers = answers

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance
        self._transport.write(self._question)

    def data_received(self, data: bytes) -> None:
        if data.startswith(b"HTTP/1.1 "):
            self._answers[data[9:12]] += 1
            if b'{"deliveries":[]}' not in data:
                self._heard.put_nowait(time.perf_counter())
            self._transport.write(self._question)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._answers[b"lost"] += 1


def measure(run: Run, folder: Path) -> None:
    count = min(run.count(WAITING), _files() - SPARE)
    run.figures["waiting"] = count
    with started([sys.executable, "-m", "bench.servers", "bare"]) as (pid, port):
        idle(run, "bare", f"http://127.0.0.1:{port}", [""], count, pid)
    province = many(folder / "inboxes", SYSTEMS, SYSTEMS, INBOX)
    data = folder / "waiting"
    with servers() as each, bus(each, data, province, {}, gateways=1, workers=1) as (served, database, _):
        home = Home(read_settings(data=data, database_url=database), "user:bench")
        tokens = [home.token(f"receiver-{number}") for number in range(1, SYSTEMS + 1)]
        home.close()
        time.sleep(3)  # until every process knows these credentials
        idle(run, "gateway", served.url, tokens, count, served.pids["gateway"], served.token)


def idle(run: Run, name: str, url: str, tokens: Sequence[str], count: int, pid: int, sender: str = "") -> None:
    """Let so many wait for a minute; with a sender, then send them something."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_idle(run, name, url, tokens, count, pid, sender))


async def _idle(run: Run, name: str, url: str, tokens: Sequence[str], count: int, pid: int, sender: str) -> None:
    before = memory(pid)
    answers: Counter[bytes] = Counter()
    heard: asyncio.Queue[float] = asyncio.Queue()
    connections = await _opened(url, tokens, count, heard, answers)
    await asyncio.sleep(2)
    spent, began = processor({name: pid}), time.monotonic()
    await asyncio.sleep(run.seconds(MINUTE))
    minutes = (time.monotonic() - began) / 60
    after = processor({name: pid})
    run.figures[f"{name}MiBBefore"] = round(before, 1)
    run.figures[f"{name}MiB"] = round(memory(pid), 1)
    run.figures[f"{name}KiBEach"] = round((memory(pid) - before) * 1024 / count, 1)
    for part in after:
        run.figures[f"{name}{part.title() if part != name else ''}CpuSecondsAMinute"] = round(
            (after[part] - spent.get(part, 0.0)) / minutes, 2
        )
    if sender:
        run.figures |= await _heard(run, url, sender, heard)
    for connection in connections:
        connection.abort()
    wrong = {status.decode(): many for status, many in answers.items() if status not in {b"200", b"304"}}
    if wrong:
        raise RuntimeError(name, wrong)


async def _opened(
    url: str, tokens: Sequence[str], count: int, heard: "asyncio.Queue[float]", answers: Counter[bytes]
) -> list[asyncio.Transport]:
    target = urlsplit(url)
    questions = [
        f"GET /inbox?wait=60 HTTP/1.1\r\nHost: {target.netloc}\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
        for token in tokens
    ]

    async def opened(number: int) -> asyncio.Transport:
        question = questions[number % len(questions)]
        transport, _ = await asyncio.get_running_loop().create_connection(
            lambda: _Waiting(question, heard, answers), target.hostname or "", target.port or 0
        )
        return transport

    made: list[asyncio.Transport] = []
    for start in range(0, count, AT_ONCE):
        made += await asyncio.gather(*(opened(number) for number in range(start, min(start + AT_ONCE, count))))
        await asyncio.sleep(0.02)
    return made


async def _heard(run: Run, url: str, sender: str, heard: "asyncio.Queue[float]") -> dict[str, float]:
    """From before a message is sent until one of those who wait has it."""
    headers = {"Authorization": f"Bearer {sender}", "Content-Type": "application/json"}
    took: list[float] = []
    for number in range(run.count(MESSAGES)):
        contract = f"bench.reading-{1 + number % SYSTEMS}"
        request = Request(f"{url}/messages/{contract}", BODY, headers, method="POST")
        began = time.perf_counter()
        await asyncio.to_thread(_send, request)
        async with asyncio.timeout(30):
            took.append((await heard.get() - began) * 1000)
    return {"heardP50Ms": round(median(took), 1), "heardMostMs": round(max(took), 1)}


def _send(request: Request) -> None:
    with urlopen(request, timeout=30) as answer:
        answer.read()


def _files() -> int:
    """As many as this process, and those it starts, may have open."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most if most != resource.RLIM_INFINITY else WAITING + SPARE


def tell(run: Run) -> None:
    figures = run.figures
    rows = {
        what: [figures.get(f"{name}{column}") for column in ("MiBBefore", "MiB", "KiBEach", "CpuSecondsAMinute")]
        for name, what in (("bare", "a bare application that sleeps"), ("gateway", "a gateway of the bus"))
    }
    columns = ("MiB before", "MiB", "KiB each", "CPU s a minute")
    show(f"{figures['waiting']} calls that wait at inboxes", columns, rows)
    show(
        "beside it",
        ("",),
        {
            "PostgreSQL, CPU s a minute": [figures.get("gatewayPostgresqlCpuSecondsAMinute")],
            "until one hears of a message, ms, P50": [figures.get("heardP50Ms")],
            "at most": [figures.get("heardMostMs")],
        },
    )
