"""Processes of the suite itself: each takes orders as lines of JSON, and answers each with one."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PATIENCE = 30
"""Seconds after which a process is given up."""

Answer = dict[str, Any]
Orders = dict[str, Callable[..., Answer | None]]


class Part:
    """A child process that runs a module of this folder."""

    def __init__(self, module: str) -> None:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"tests.faults.{module}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            start_new_session=True,  # a Ctrl-C is for whoever started it, which then ends it
        )

    def tell(self, order: str, **facts: object) -> Answer:
        """Give an order and wait for its answer."""
        with self._lock:
            assert self._process.stdin
            assert self._process.stdout
            self._process.stdin.write(json.dumps({"order": order, **facts}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        answer: Answer = json.loads(line)
        return answer

    def close(self) -> None:
        """It ends when its orders end."""
        assert self._process.stdin
        assert self._process.stdout
        try:
            self._process.stdin.close()
            self._process.wait(PATIENCE)
        except (OSError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait(PATIENCE)
        self._process.stdout.close()


@contextmanager
def part(module: str) -> Iterator[Part]:
    own = Part(module)
    try:
        yield own
    finally:
        own.close()


def obey(orders: Orders) -> None:
    """In the child: carry out what comes in, line by line, until there is no more."""
    for line in sys.stdin:
        given = json.loads(line)
        answer = orders[given.pop("order")](**given)
        print(json.dumps(answer or {}), flush=True)  # noqa: T201 - this is how it answers
