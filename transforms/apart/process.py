"""One child process, seen from its parent: started, asked with a deadline, killed."""

import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any, Final

import orjson

from transforms.apart.program import Program
from transforms.apart.wire import HEAD, READY, Ask, Closed, parse_head, receive, send_ask

START: Final = 20.0
"""Seconds that a busy machine may need to begin a process."""

MOST_PROGRAMS: Final = 200
"""How many compiled programs a child keeps."""


class Late(Exception):
    """It did not answer in time."""


class Gone(Exception):
    """It ended, or what it said cannot be understood."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a program may use: seconds, and bytes of address space."""

    seconds: float = 5.0
    memory: int = 1024 * 1024 * 1024


class Child:
    """A process; of one thread at a time. Raises `Gone` where it cannot be started."""

    def __init__(self, bounds: Bounds) -> None:
        self.asked = 0
        self._known: set[str] = set()
        self._ready = False
        ours, theirs = socket.socketpair()
        self._socket = ours
        with theirs:
            number = theirs.fileno()
            # Alone: no settings, no secrets in its environment, no signal of a terminal, and no file but the socket.
            command = [sys.executable, "-I", "-m", "transforms.apart.child"]
            bounded = [str(number), str(bounds.seconds), str(bounds.memory)]
            try:
                self._process = subprocess.Popen(  # noqa: S603 - our own program
                    [*command, *bounded],
                    env={"LC_ALL": "C.UTF-8"},
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    cwd="/",
                    pass_fds=(number,),
                    start_new_session=True,
                )
            except OSError:
                ours.close()
                raise Gone from None

    @property
    def pid(self) -> int:
        return self._process.pid

    def knows(self, key: str) -> bool:
        return key in self._known

    def begin(self) -> None:
        """Wait until it can be asked. Raises `Gone`."""
        if self._ready:
            return
        try:
            self._socket.settimeout(START)
            self._ready = receive(self._socket, 1) == READY
        except (Closed, OSError):
            raise Gone from None

    def ask(self, program: Program, key: str, data: bytes | None, deadline: float) -> tuple[dict[str, Any], bytes]:
        """Its answer, by the monotonic time `deadline`: a head and data. Raises `Late`, `Gone`; kill it then."""
        forget = len(self._known) >= MOST_PROGRAMS
        if forget:
            self._known.clear()
        new = key not in self._known
        self.asked += 1
        try:
            self._bound(deadline)
            send_ask(self._socket, Ask(key, data, program if new else None, forget))
            head_size, data_size = parse_head(self._receive(HEAD, deadline))
            head = orjson.loads(self._receive(head_size, deadline))
            made = self._receive(data_size, deadline)
        except TimeoutError:
            raise Late from None
        except (Closed, OSError, ValueError):
            raise Gone from None
        if not isinstance(head, dict):
            raise Gone
        if "flaws" not in head:
            self._known.add(key)
        return head, made

    def stop(self) -> None:
        """End it while another thread waits for its answer, which then is `Gone`."""
        self._process.kill()

    def kill(self) -> None:
        """End it, whatever it is doing, and leave nothing of it."""
        self._process.kill()
        self._process.wait()
        self._socket.close()

    def _receive(self, size: int, deadline: float) -> bytes:
        self._bound(deadline)
        return receive(self._socket, size)

    def _bound(self, deadline: float) -> None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)
