"""The senders: they do as they should. Each waits for the answer to one message before it sends the next, and sends
again, with the same Idempotency-Key, to one gateway and the other, until it knows the message's id.

Every accepted message is written down: its key, its id, its place among those of its order key.
"""

import asyncio
import json
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, TextIO

import aiohttp
import uvloop

from tests.faults.part import Answer, obey
from tests.faults.province import KEYS, KINDS, TIMEOUT, Kind

ACCEPTED = frozenset({200, 202})
AGAIN = frozenset({429, 500, 502, 503, 504})
HOME_AGAIN = 20
"""Messages after which a lane tries the gateway that it began with again."""

WITHIN = aiohttp.ClientTimeout(total=2 * TIMEOUT, sock_connect=1)
"""Longer than the bus lets a question wait."""


@dataclass
class Lane:
    """One sender of one contract."""

    kind: Kind
    name: str
    count: int
    """Messages that it sends in all."""

    per_second: float
    token: str
    gateway: int = 0
    """Where it sends: where its last message was accepted."""

    def key(self, number: int) -> str:
        return f"{self.name}-{number % KEYS}"


@dataclass
class Senders:
    """All of them, in the event loop of a thread of their own."""

    gateways: list[str] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    accepted: int = 0
    wrong: list[dict[str, Any]] = field(default_factory=list)
    """Answers that no sender should ever get."""

    longest: float = 0.0
    """Seconds from a message's first try to its id."""

    working: bool = False
    _file: TextIO | None = None

    def start(self, gateways: list[str], tokens: dict[str, str], messages: int, rate: float, file: str) -> None:
        self.gateways, self.working = gateways, True
        self._file = Path(file).open("a", encoding="utf-8")  # noqa: SIM115 - as long as the process
        lanes = list(divide(messages, rate, tokens))
        threading.Thread(target=self._run, args=[lanes], daemon=True).start()

    def progress(self) -> Answer:
        if self._file:
            self._file.flush()
        return {
            "accepted": self.accepted,
            "working": self.working,
            "answers": dict(self.answers),
            "wrong": self.wrong[:20],
            "longest": round(self.longest, 1),
        }

    def _run(self, lanes: list[Lane]) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._work(lanes))
        self.working = False

    async def _work(self, lanes: list[Lane]) -> None:
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=30)
        async with aiohttp.ClientSession(connector=connector, timeout=WITHIN) as session:
            await asyncio.gather(*(self._lane(session, lane, index) for index, lane in enumerate(lanes)))

    async def _lane(self, session: aiohttp.ClientSession, lane: Lane, index: int) -> None:
        began = monotonic() + index / len(KINDS) / 20
        for number in range(lane.count):
            await asyncio.sleep(max(0.0, began + number / lane.per_second - monotonic()))
            if number % HOME_AGAIN == 0:
                lane.gateway = index
            await self._send(session, lane, number)

    async def _send(self, session: aiohttp.ClientSession, lane: Lane, number: int) -> None:
        first = monotonic()
        body = json.dumps({"lane": lane.name, "number": number, "key": lane.key(number)}).encode()
        headers = {
            "Authorization": f"Bearer {lane.token}",
            "Content-Type": "application/json",
            "Idempotency-Key": f"{lane.name}-{number}",
        }
        tries = 0
        while True:
            url = self.gateways[lane.gateway % len(self.gateways)]
            tries += 1
            try:
                async with session.post(f"{url}/messages/{lane.kind.contract}", data=body, headers=headers) as answer:
                    status, message = answer.status, _message(answer, await answer.read())
            except (aiohttp.ClientError, OSError, TimeoutError) as cut:
                self.answers[type(cut).__name__] += 1
                lane.gateway += 1
                await asyncio.sleep(min(0.05 * tries, 0.5))
                continue
            self.answers[str(status)] += 1
            if message and (status in ACCEPTED or (lane.kind.exchange == "request" and status in {502, 504})):
                self._note(lane, number, message, status, tries, first)
                return
            lane.gateway += 1
            if status not in AGAIN:
                self.wrong.append({"lane": lane.name, "number": number, "status": status})
            await asyncio.sleep(min(0.1 * tries, 1.0))

    def _note(self, lane: Lane, number: int, message: str, status: int, tries: int, first: float) -> None:
        assert self._file
        now = monotonic()
        self.accepted += 1
        self.longest = max(self.longest, now - first)
        record = {
            "lane": lane.name,
            "contract": lane.kind.contract,
            "number": number,
            "key": lane.key(number),
            "message": message,
            "status": status,
            "tries": tries,
            "first": first,
            "at": now,
        }
        self._file.write(json.dumps(record) + "\n")


def divide(messages: int, rate: float, tokens: dict[str, str]) -> list[Lane]:
    """The lanes: together as many messages, as many a second."""
    lanes = [
        Lane(kind, f"{kind.system}-{each}", 0, rate * kind.share / kind.lanes, tokens[kind.sender])
        for kind in KINDS
        for each in range(kind.lanes)
    ]
    for lane in lanes:
        lane.count = int(messages * lane.kind.share / lane.kind.lanes)
    for lane in lanes[: messages - sum(lane.count for lane in lanes)]:
        lane.count += 1
    return lanes


def _message(answer: aiohttp.ClientResponse, data: bytes) -> str:
    """The id of the accepted message; empty: the answer names none."""
    if location := answer.headers.get("Location"):
        return location.rpartition("/")[2]
    with suppress(ValueError, AttributeError):
        return str(json.loads(data).get("message") or "")
    return ""


def main() -> None:
    senders = Senders()
    obey({"start": senders.start, "progress": senders.progress})


if __name__ == "__main__":
    main()
