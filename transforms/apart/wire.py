"""What passes between the pool and a child: frames on a stream socket.

To the child: pickled, for it trusts its parent. From the child: a line of JSON and bytes, for nobody trusts a process
that has read what came from outside.
"""

import pickle
import socket
import struct
from dataclasses import dataclass
from typing import Any, Final

import orjson

from transforms.apart.program import Program

LARGEST: Final = 64 * 1024 * 1024
"""Bytes of a result: as many as the largest body has."""

READY: Final = b"!"
"""The first that a child says: it can be asked."""

_FRAME: Final = struct.Struct("!Q")
_ANSWER: Final = struct.Struct("!LQ")
_LONGEST_HEAD: Final = 1024 * 1024


class Closed(Exception):
    """The other side has gone, or says what it should not."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Run the program with that key on a document; without one, only compile it. `program` comes where the child does
    not have it yet; `forget` all others first."""

    key: str
    data: bytes | None
    program: Program | None = None
    forget: bool = False


def send_ask(to: socket.socket, ask: Ask) -> None:
    frame = pickle.dumps(ask, protocol=5)
    to.sendall(_FRAME.pack(len(frame)))
    to.sendall(frame)


def receive_ask(by: socket.socket) -> Ask:
    (size,) = _FRAME.unpack(receive(by, _FRAME.size))
    asked = pickle.loads(receive(by, size))  # noqa: S301 - the parent's own words
    if not isinstance(asked, Ask):
        raise Closed
    return asked


def send_answer(to: socket.socket, head: dict[str, Any], data: bytes) -> None:
    line = orjson.dumps(head)
    to.sendall(_ANSWER.pack(len(line), len(data)) + line)
    to.sendall(data)


def receive(by: socket.socket, size: int) -> bytes:
    """Exactly so many bytes. Raises `Closed`, or `TimeoutError` where the socket has a time-out."""
    found = bytearray(size)
    room = memoryview(found)
    while room:
        count = by.recv_into(room)
        if count == 0:
            raise Closed
        room = room[count:]
    return bytes(found)


def parse_head(by: bytes) -> tuple[int, int]:
    """The sizes of an answer's head and data. Raises `Closed` for sizes that no child may send."""
    head, data = _ANSWER.unpack(by)
    if head > _LONGEST_HEAD or data > LARGEST:
        raise Closed
    return head, data


HEAD: Final = _ANSWER.size
