"""The receivers: one process that is never killed, with a port for each system. It records every call, and misbehaves
when it is told to.

A call's record has the times at which it was read (`start`), at which the receiver was done with it (`end`), and at
which the caller hung up before that (`gone`, or null), on the clock that all processes of a machine share.
"""

import asyncio
import json
import random
import socket
import struct
import threading
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, TextIO, cast

import uvloop

from tests.faults.part import Answer, obey
from tests.faults.province import TIMEOUT

RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: hang up without a goodbye."""

PATIENCE = 60.0
"""Seconds after which a receiver that never answers forgets the call."""


@dataclass
class Behaviour:
    kind: str
    until: float
    share: float


@dataclass
class Receiver:
    """One system."""

    system: str
    file: TextIO
    chance: random.Random
    behaviour: Behaviour = field(default_factory=lambda: Behaviour("well", 0.0, 0.0))
    connections: set["Connection"] = field(default_factory=set)
    server: asyncio.Server | None = None
    port: int = 0

    def misbehaves(self) -> str:
        now = self.behaviour
        return now.kind if monotonic() < now.until and self.chance.random() < now.share else "well"

    async def listen(self) -> None:
        loop = asyncio.get_running_loop()
        self.server = await loop.create_server(lambda: Connection(self), "127.0.0.1", self.port, reuse_address=True)
        self.port = self.server.sockets[0].getsockname()[1]

    async def refuse(self, seconds: float) -> None:
        """Nobody answers at this port; calls that were read are finished."""
        if self.server is None:
            return
        server, self.server = self.server, None
        server.close()
        for connection in list(self.connections):
            connection.finish_soon()
        await asyncio.sleep(seconds)
        await self.listen()


class Connection(asyncio.Protocol):
    """One caller, who waits for the answer to one request before the next."""

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver
        self._buffer = b""
        self._call: Call | None = None
        self._finishing = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance
        self.receiver.connections.add(self)

    def connection_lost(self, _: Exception | None) -> None:
        self.receiver.connections.discard(self)
        if self._call:
            self._call.hung_up()

    def finish_soon(self) -> None:
        self._finishing = True
        if self._call is None:
            self.transport.close()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        fields = dict(_field(line) for line in head.decode("latin-1").split("\r\n")[1:])
        if len(rest) < int(fields["content-length"]):
            return
        self._buffer = b""
        self._call = Call(self, fields, json.loads(rest))
        self._call.begin()

    def answer(self, status: int, body: bytes) -> None:
        self._call = None
        more = b"Retry-After: 1\r\n" if status == 503 else b""
        head = b"HTTP/1.1 %d Answer\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n"
        self.transport.write(head % (status, more, len(body)) + body)
        if self._finishing:
            self.transport.close()

    def reset(self) -> None:
        self._call = None
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.transport.abort()


class Call:
    """One call, from its last byte to the moment at which the receiver is done with it."""

    def __init__(self, connection: Connection, fields: dict[str, str], body: dict[str, Any]) -> None:
        self.connection, self.body = connection, body
        self.record: dict[str, Any] = {
            "system": connection.receiver.system,
            "delivery": fields["idempotency-key"],
            "message": fields["ce-id"],
            "sequence": int(fields["bus-sequence"]) if "bus-sequence" in fields else None,
            "lane": body["lane"],
            "number": body["number"],
            "key": body["key"],
            "start": monotonic(),
            "gone": None,
        }

    def begin(self) -> None:
        chance = self.connection.receiver.chance
        kind = self.connection.receiver.misbehaves()
        later = asyncio.get_running_loop().call_later
        match kind:
            case "reset":
                self.connection.reset()
                self._done("reset")
            case "500" | "503":
                later(chance.random() / 50, self._answer, int(kind))
            case "slow":
                later(chance.uniform(0.3, 0.8 * TIMEOUT), self._answer, 200)
            case "late":
                later(TIMEOUT + chance.uniform(0.2, 2.0), self._answer, 200)
            case "silent":
                later(PATIENCE, self._done, "nothing")
            case _:
                later(chance.random() / 100, self._answer, 200)
        self._silent = kind == "silent"

    def hung_up(self) -> None:
        self.record["gone"] = monotonic()
        if self._silent:
            self._done("nothing")

    def _answer(self, status: int) -> None:
        if self.record["gone"] is None:
            self.connection.answer(status, json.dumps(self.body).encode() if status == 200 else b"{}")
        self._done(status)

    def _done(self, answered: int | str) -> None:
        if "end" in self.record:
            return
        self.record |= {"end": monotonic(), "answered": answered}
        self.connection.receiver.file.write(json.dumps(self.record) + "\n")


class Receivers:
    """All of them, in the event loop of a thread of their own."""

    def __init__(self) -> None:
        self._loop = uvloop.new_event_loop()
        self._all: dict[str, Receiver] = {}
        self._refusing: set[asyncio.Task[None]] = set()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def open(self, systems: list[str], file: str, seed: int) -> Answer:
        """The port of each system."""
        out = Path(file).open("a", encoding="utf-8")  # noqa: SIM115 - as long as the process
        for system in systems:
            self._all[system] = Receiver(system, out, random.Random(f"{seed} {system}"))
            asyncio.run_coroutine_threadsafe(self._all[system].listen(), self._loop).result()
        return {system: receiver.port for system, receiver in self._all.items()}

    def misbehave(self, system: str, kind: str, seconds: float, share: float) -> None:
        """From now on, for so many seconds, that share of its calls."""
        receiver = self._all[system]
        if kind == "refused":
            self._loop.call_soon_threadsafe(self._refuse, receiver, seconds)
        else:
            receiver.behaviour = Behaviour(kind, monotonic() + seconds, share)

    def _refuse(self, receiver: Receiver, seconds: float) -> None:
        task = self._loop.create_task(receiver.refuse(seconds))
        self._refusing.add(task)
        task.add_done_callback(self._refusing.discard)

    def flush(self) -> None:
        """Everything recorded so far is in the file."""
        for receiver in self._all.values():
            receiver.file.flush()


def _field(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.lower(), value.strip()


def main() -> None:
    receivers = Receivers()
    obey({"open": receivers.open, "misbehave": receivers.misbehave, "flush": receivers.flush})
    receivers.flush()


if __name__ == "__main__":
    main()
