"""Real processes that are killed in the middle of their work.

The bus runs as people run it, `lgsp up` on a data folder. Senders do as they should: they send again, with
the same Idempotency-Key, until they have a 202. The receiver records every call, answers late and sometimes very late.
"""

import asyncio
import http.client
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from uuid import UUID

import pytest

from bus.settings import read_settings
from bus.states import TERMINAL
from journal.chain import GENESIS, link_hash
from journal.database import open_engine, sqlite_url
from journal.queries import Queries
from journal.searching import MessageFilter
from running.apply import apply_folder
from running.home import Home
from tests.process import Up, lgsp, up

SENDS = 2_000
SENDERS = 16
KILLS = 3
ENDED = 60.0
"""Seconds within which everything must have come to its end."""

DOCUMENTS = """
kind: Agency
code: H99
name: {vi: Tỉnh thử, en: Province of trials}
---
kind: System
name: sender
agency: H99
adapter: rest
---
kind: System
name: register
agency: H99
adapter: rest
endpoint: https://register.example.internal/
limits: {concurrency: 16}
"""

EXCHANGE = """
---
kind: Contract
name: trial.%(name)s
version: 1.0.0
title: {vi: Thử, en: Trial}
owner: H99
exchange: document
request: {format: json, schema: trial.json}
---
kind: Route
contract: trial.%(name)s@1
to: register
repeatable: %(repeatable)s
---
kind: Grant
contract: trial.%(name)s@1
system: sender
may: send
purpose: Thử
legalBasis: Quy chế nội bộ
---
kind: Grant
contract: trial.%(name)s@1
system: register
may: receive
purpose: Thử
legalBasis: Quy chế nội bộ
"""


class Register:
    """The receiver, in a thread of its own: it has acted on a call once it has read it."""

    def __init__(self, seed: int) -> None:
        self.calls: Counter[str] = Counter()
        self.messages: set[str] = set()
        self._chance = random.Random(seed)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="register")
        self._connections: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = self._run(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: object) -> asyncio.Server:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(ENDED)  # type: ignore[arg-type]

    async def _close(self) -> None:
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while True:
                await self._answer(reader, writer)
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        await reader.readexactly(int(fields["content-length"]))
        self.calls[fields["idempotency-key"]] += 1
        self.messages.add(fields["ce-id"])
        await asyncio.sleep(0.5 if self._chance.random() < 0.02 else self._chance.random() / 100)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
        await writer.drain()


@dataclass
class Senders:
    """What was sent: numbers are taken in turn, the even ones to the contract whose calls may be repeated."""

    token: str
    sends: int
    port: int = 0
    insist: bool = True
    accepted: dict[int, str] = field(default_factory=dict)
    answers: Counter[str] = field(default_factory=Counter)

    def run(self) -> list[threading.Thread]:
        numbers = iter(range(self.sends))
        lock = threading.Lock()

        def work() -> None:
            while True:
                with lock:
                    number = next(numbers, None)
                if number is None or not self.send(number):
                    return

        threads = [threading.Thread(target=work, name=f"sender-{each}") for each in range(SENDERS)]
        for thread in threads:
            thread.start()
        return threads

    def send(self, number: int) -> bool:
        """Send until it is accepted, or once; whether to go on."""
        while True:
            try:
                status, location = self.once(number)
            except (OSError, http.client.HTTPException) as cut:
                self.answers[type(cut).__name__] += 1
                if not self.insist:
                    return False
                time.sleep(0.02)
                continue
            self.answers[str(status)] += 1
            if status == 202:
                self.accepted[number] = location.rpartition("/")[2]
                return True
            assert status == 503, status
            if not self.insist:
                return True
            time.sleep(0.02)

    def once(self, number: int) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ENDED)
        try:
            headers = {
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
                "Idempotency-Key": f"send-{number}",
            }
            contract = "trial.again" if number % 2 == 0 else "trial.once"
            connection.request("POST", f"/messages/{contract}", json.dumps({"number": number}), headers)
            answer = connection.getresponse()
            answer.read()
            return answer.status, answer.headers.get("Location", "")
        finally:
            connection.close()

    def unrepeatable(self) -> set[str]:
        return {message for number, message in self.accepted.items() if number % 2}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def token(tmp_path: Path, data: Path) -> str:
    """A data folder with two contracts to one register, one of them repeatable; the sender's token."""
    province = tmp_path / "province"
    province.mkdir()
    exchanges = (("again", "true"), ("once", "false"))
    text = DOCUMENTS + "".join(EXCHANGE % {"name": name, "repeatable": how} for name, how in exchanges)
    (province / "trial.yaml").write_text(text, encoding="utf-8")
    (province / "trial.json").write_text('{"type": "object"}')
    home = Home(read_settings(data=data), "user:test")
    home.prepare()
    given = apply_folder(home, province)
    assert given.done, given.problems
    token = home.token("sender")
    home.close()
    return token


@pytest.fixture
def register() -> Iterator[Register]:
    with Register(seed=1) as register:
        yield register


@pytest.fixture
def queries(data: Path, token: str) -> Iterator[Queries]:
    engine = open_engine(sqlite_url(data))
    yield Queries(engine)
    engine.dispose()


def until(what: Callable[[], bool]) -> None:
    end = time.monotonic() + ENDED
    while not what():
        assert time.monotonic() < end, "nothing moves any more"
        time.sleep(0.01)


def nothing_open(queries: Queries) -> bool:
    return all(state in TERMINAL for states in queries.counts().values() for state in states)


def chains_are_whole(queries: Queries) -> bool:
    """Whether every writer's audit events are numbered without a gap, each hashed over the one before."""
    for writer in queries.writers():
        head = GENESIS
        for number, row in enumerate(queries.chain(writer), 1):
            head = link_hash(head, row.content)
            if (row.number, row.hash) != (number, head):
                return False
    return True


def test_killed_bus_loses_nothing(data: Path, token: str, register: Register, queries: Queries) -> None:
    """Killed three times in the middle of 2,000 sends, the bus delivers or accounts for every message that got its 202,
    keeps one message for each key, and makes no unrepeatable call twice."""
    moments = sorted(random.Random(7).sample(range(100, SENDS - 100), KILLS))
    senders = Senders(token, SENDS)
    with ExitStack() as stack:

        def start() -> Up:
            running = stack.enter_context(up(data, "--endpoint", f"register=http://127.0.0.1:{register.port}/"))
            senders.port = running.port
            return running

        bus = start()
        threads = senders.run()
        for moment in moments:
            until(lambda moment=moment: len(senders.accepted) >= moment)  # type: ignore[misc]
            bus.kill()
            bus = start()
        for thread in threads:
            thread.join(ENDED)
        until(lambda: nothing_open(queries))
        listed = lgsp("dead", "list", "--json", "--limit", "10000", "--data", str(data))
        assert bus.terminate() == 0

    dead = json.loads(listed.stdout)
    unknown = {str(row.delivery.message) for row in queries.dead_letters(limit=SENDS)}
    missing = set(senders.accepted.values()) - register.messages - unknown
    print(  # noqa: T201 - what a person wants to know of such a test
        f"\n{len(senders.accepted)} accepted, answers {dict(senders.answers)}, {len(register.messages)} arrived in"
        f" {register.calls.total()} calls, {len(dead)} dead, {len(missing)} missing; killed after {moments}"
    )
    assert len(senders.accepted) == len(set(senders.accepted.values())) == SENDS
    assert sum(states.total() for states in map(Counter, queries.counts().values())) == SENDS
    assert not missing
    assert {(each["reason"], each["contract"]) for each in dead} <= {("outcome-unknown", "trial.once@1.0.0")}
    assert len(dead) == len(unknown) <= KILLS * 16
    assert unknown <= senders.unrepeatable()
    assert called_twice(register, queries, senders.unrepeatable()) == []
    assert chains_are_whole(queries)


def called_twice(register: Register, queries: Queries, unrepeatable: set[str]) -> list[str]:
    """The deliveries that the register was called for more than once, though nobody may."""
    views = (queries.delivery(UUID(key)) for key, calls in register.calls.items() if calls > 1)
    return [str(view.id) for view in views if view and str(view.message) in unrepeatable]


def test_ended_bus_finishes_what_it_has_begun(data: Path, token: str, register: Register, queries: Queries) -> None:
    """Told to end in the middle of sends, the bus answers every request that it has read, finishes every call, exits
    with 0, and the next start delivers what is left."""
    senders = Senders(token, SENDS, insist=False)
    endpoint = f"register=http://127.0.0.1:{register.port}/"
    with up(data, "--endpoint", endpoint) as bus:
        senders.port = bus.port
        threads = senders.run()
        until(lambda: len(senders.accepted) >= 300)
        status = bus.terminate()
        for thread in threads:
            thread.join(ENDED)
    assert status == 0
    assert set(senders.answers) <= {"202", "503", "ConnectionRefusedError", "ConnectionResetError"}
    kept = queries.messages(MessageFilter(sender="sender"), size=SENDS).items
    assert {str(each.envelope.message) for each in kept} == set(senders.accepted.values())
    assert not any(state.value == "delivering" for states in queries.counts().values() for state in states)
    with up(data, "--endpoint", endpoint):
        until(lambda: nothing_open(queries))
    assert queries.dead_letters() == []
    assert register.messages == set(senders.accepted.values())
    assert set(register.calls.values()) == {1}
