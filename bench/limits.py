"""The raw limits: what the parts under the bus do on this machine when they do nothing else.

Each is the fastest honest way to the same end: a durable row, a confirmed message in a quorum queue, a 202.
"""

import asyncio
import secrets
import sqlite3
import time
from pathlib import Path
from typing import Any, Final

import pika
import psycopg
from pika.adapters.asyncio_connection import AsyncioConnection
from pika.channel import Channel

from bench.figures import Run
from bench.load import drive, drive_with_aiohttp, post
from bench.processes import server

CONNECTIONS: Final = 32
BODY: Final = (Path(__file__).parent / "province" / "reading.example.json").read_bytes()
JSON: Final = {"Content-Type": "application/json"}

IN_FLIGHT: Final = 500
"""Messages that bare Pika has out unconfirmed."""


def sqlite_inserts(run: Run, folder: Path) -> None:
    """Bare SQLite: rows of one kibibyte, committed alone and fifty at a time."""
    connection = sqlite3.connect(folder / "raw.sqlite", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE raw (id BLOB PRIMARY KEY, data BLOB) WITHOUT ROWID")
    for name, batch, count in (("alone", 1, run.count(2_000)), ("fifty", 50, run.count(20_000))):
        began = time.perf_counter()
        for _ in range(count // batch):
            connection.execute("BEGIN")
            rows = [(secrets.token_bytes(16), BODY) for _ in range(batch)]
            connection.executemany("INSERT INTO raw VALUES (?, ?)", rows)
            connection.execute("COMMIT")
        run.figures[f"durableInserts{name.title()}PerSecond"] = round(count / (time.perf_counter() - began))
    connection.close()


def postgresql_inserts(run: Run, url: str) -> None:
    """Bare PostgreSQL: rows of one kibibyte, committed alone, fifty and five hundred at a time, an array a column."""
    statement = "INSERT INTO raw SELECT * FROM unnest(%b::bytea[], %b::bytea[])"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE raw (id bytea PRIMARY KEY, data bytea)")
        sizes = (("Alone", 1, run.count(2_000)), ("Fifty", 50, run.count(20_000)), ("500", 500, run.count(20_000)))
        for name, batch, count in sizes:
            batches = max(2, count // batch)
            began = time.perf_counter()
            for _ in range(batches):
                ids = [secrets.token_bytes(16) for _ in range(batch)]
                connection.execute(statement, (ids, [BODY] * batch), prepare=True, binary=True)
            seconds = time.perf_counter() - began
            run.figures[f"durableInserts{name}PerSecond"] = round(batches * batch / seconds)


def pika_publishes(run: Run, url: str) -> None:
    """Bare Pika: persistent messages of one kibibyte into a quorum queue, confirmed, five hundred in flight."""
    count = run.count(20_000)
    run.figures["pikaPublishesPerSecond"] = round(count / asyncio.run(_publish(url, count)))


async def _publish(url: str, count: int) -> float:
    channel = await _confirming(url)
    properties = pika.BasicProperties(delivery_mode=pika.DeliveryMode.Persistent)
    out = confirmed = 0
    changed = asyncio.Event()

    def answered(frame: Any) -> None:
        nonlocal confirmed
        if not isinstance(frame.method, pika.spec.Basic.Ack):
            raise TypeError(frame)
        confirmed = frame.method.delivery_tag if frame.method.multiple else confirmed + 1
        changed.set()

    channel.confirm_delivery(answered)
    began = time.perf_counter()
    while confirmed < count:
        while out < count and out - confirmed < IN_FLIGHT:
            channel.basic_publish("", "raw", BODY, properties)
            out += 1
        changed.clear()
        await changed.wait()
    seconds = time.perf_counter() - began
    channel.connection.close()
    return seconds


async def _confirming(url: str) -> Channel:
    """A channel with an empty quorum queue `raw`."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[Channel] = loop.create_future()

    def failed(_: object, error: object) -> None:
        ready.set_exception(RuntimeError(error))

    def opened(connection: Any) -> None:
        connection.channel(on_open_callback=declare)

    def declare(channel: Channel) -> None:
        channel.queue_declare(
            "raw",
            durable=True,
            arguments={"x-queue-type": "quorum"},
            callback=lambda _: ready.set_result(channel),
        )

    AsyncioConnection(pika.URLParameters(url), on_open_callback=opened, on_open_error_callback=failed)
    return await ready


def bare_starlette(run: Run, *, connections: int = CONNECTIONS, everyday_too: bool = False) -> None:
    """What any Starlette application must do: read the body, answer 202."""
    with server("bare") as url:
        target = f"{url}/messages/bench.reading"
        request = post(target, BODY, JSON)
        drive(url, [request], count=500, connections=connections, expected=202)
        result = drive(url, [request], count=run.count(20_000), connections=connections, expected=202)
        if everyday_too:
            everyday(run, "bareStarlette", target, {})
    run.keep("bareStarlette", result)


def everyday(run: Run, name: str, url: str, headers: dict[str, str]) -> None:
    """The same as an everyday client (aiohttp) sees it."""
    rate = drive_with_aiohttp(url, BODY, headers | JSON, count=run.count(10_000), connections=CONNECTIONS)
    run.figures[f"{name}ByAiohttpPerSecond"] = round(rate)
