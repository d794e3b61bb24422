"""The few processes in which programs run, shared by all of them.

A program has five seconds and a gigabyte. One that takes longer is killed, and its message is a dead letter; what a
process did before its own end is done again in another, for transforms are pure. No program ever has all processes, and
one that was too slow lately has one of them and nobody waits for it: a bad transform holds up no other.
"""

import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Final, Self

from bus.errors import DocumentInvalid, Finding, TransformFailed, TransformTooCostly, TransformUnavailable
from transforms.apart.process import Bounds, Child, Gone, Late
from transforms.apart.program import Made, Program

WAIT: Final = 3.0
"""Seconds that a document waits for a free process. The lease of a delivery leaves fifteen, for this and the run."""

THREADS: Final = 32
"""Documents that may wait for an answer at a time; each has a thread."""


class Pool:
    """Starts a process when it is first needed; used by any thread, and closed in the end.

    `size`: processes, one more than there are processors where nothing is said, for one of them may be stuck.
    """

    def __init__(self, size: int | None = None, bounds: Bounds | None = None, wait: float = WAIT) -> None:
        self._size = max(2, size or (os.cpu_count() or 1) + 1)
        self._bounds = bounds or Bounds()
        self._wait = wait
        self._changed = threading.Condition()
        self._idle: list[Child] = []
        self._busy: set[Child] = set()
        self._running: Counter[str] = Counter()
        self._waiting: list[list[str]] = []
        self._slow: set[str] = set()
        self._closed = False
        self._threads: ThreadPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @property
    def threads(self) -> Executor:
        """Where to call what waits for these processes, so that nothing else waits with it."""
        with self._changed:
            if self._threads is None:
                self._threads = ThreadPoolExecutor(THREADS, "transform")
            return self._threads

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes there are."""
        with self._changed:
            return tuple(child.pid for child in (*self._idle, *self._busy))

    def run(self, program: Program, data: bytes) -> Made:
        """What it makes of a document. Blocks.

        Raises `TransformFailed` where it makes nothing of this document, `TransformTooCostly` where it exceeds its
        bounds, `TransformUnavailable` where no process could be had: the document can be tried again later.
        """
        head, made = self._answer(program, data)
        if "root" in head:
            return Made(made, str(head["root"]))
        if flaws := head.get("flaws"):
            place, rule = flaws[0]
            rule = f"it cannot be compiled: {rule.rstrip('.')}"
            raise TransformFailed(transform=program.name, rule=rule, place=place or "/")
        raise TransformFailed(transform=program.name, rule=str(head.get("rule")), place=str(head.get("place")))

    def compiled(self, program: Program) -> Program:
        """The program, which can be compiled. Raises `DocumentInvalid` with everything that is wrong with it."""
        try:
            head, _ = self._answer(program, None)
        except TransformTooCostly as costly:
            raise DocumentInvalid(findings=[Finding(place="", rule=costly.text)], count=1) from None
        if flaws := head.get("flaws"):
            found = [Finding(place=str(place), rule=str(rule)) for place, rule in flaws]
            raise DocumentInvalid(findings=found, count=len(found))
        return program

    def close(self) -> None:
        """End every process; what is under way ends with `TransformUnavailable`."""
        with self._changed:
            self._closed = True
            idle, self._idle = self._idle, []
            for child in self._busy:
                child.stop()
            self._changed.notify_all()
        for child in idle:
            child.kill()
        if self._threads:
            self._threads.shutdown(cancel_futures=True)
        with self._changed:
            self._changed.wait_for(lambda: not self._busy)

    # --- one document -------------------------------------------------------------------------------------------------

    def _answer(self, program: Program, data: bytes | None) -> tuple[dict[str, Any], bytes]:
        """A process that has served before and then ends may not have ended because of this document: another is asked,
        a new one."""
        key, spent = program.key, 0.0
        for fresh in (False, True):
            with self._child(program.name, key, fresh=fresh) as child:
                young = child.asked == 0
                began = time.monotonic()
                try:
                    head, made = child.ask(program, key, data, began + self._bounds.seconds - spent)
                except Late:
                    self._slow.add(key)
                    limit = f"{self._bounds.seconds:g} s"
                    raise TransformTooCostly(transform=program.name, limit=limit) from None
                except Gone:
                    if self._closed:
                        raise TransformUnavailable(transform=program.name) from None
                    if fresh:
                        raise TransformFailed(transform=program.name, rule="its process ended", place="/") from None
                    spent += time.monotonic() - began
                    continue
                if not head.get("memory"):
                    self._slow.discard(key)
                    self._keep(child)
                    return head, made
                if young:
                    break
        raise TransformTooCostly(transform=program.name, limit=f"{self._bounds.memory >> 20} MiB")

    @contextmanager
    def _child(self, name: str, key: str, *, fresh: bool) -> Iterator[Child]:
        """A process for this program alone, meanwhile; ended afterwards, unless it was kept."""
        self._enter(name, key)
        child: Child | None = None
        try:
            child = self._taken(key, fresh=fresh)
            child.begin()
            yield child
        except Gone:
            raise TransformUnavailable(transform=name) from None
        finally:
            if child is not None and child in self._busy:
                child.kill()
            with self._changed:
                if child is not None:
                    self._busy.discard(child)
                self._running[key] -= 1
                if not self._running[key]:
                    del self._running[key]
                self._changed.notify_all()

    def _enter(self, name: str, key: str) -> None:
        """Wait until this program may have a process."""
        ticket = [key]
        with self._changed:
            self._waiting.append(ticket)
            try:
                patience = 0.0 if key in self._slow else self._wait
                if not self._changed.wait_for(lambda: self._closed or self._turn(ticket), patience) or self._closed:
                    raise TransformUnavailable(transform=name)
                self._running[key] += 1
            finally:
                self._waiting = [each for each in self._waiting if each is not ticket]
                self._changed.notify_all()  # the next in line may go on as well

    def _turn(self, ticket: list[str]) -> bool:
        """Whether it is the first in line of those that may have a process."""
        return next((each for each in self._waiting if self._free(each[0])), None) is ticket

    def _free(self, key: str) -> bool:
        most = 1 if key in self._slow else self._size - 1
        return self._running[key] < most and self._running.total() < self._size

    def _taken(self, key: str, *, fresh: bool) -> Child:
        """An idle process, one that knows the program where there is one, else a new one. Raises `Gone`."""
        with self._changed:
            spare = self._idle.pop(0) if fresh and len(self._idle) + len(self._busy) >= self._size else None
            known = next((child for child in self._idle if child.knows(key)), None)
            found = None if fresh else known or next(iter(self._idle), None)
            if found is not None:
                self._idle.remove(found)
                self._busy.add(found)
                return found
        if spare is not None:
            spare.kill()
        child = Child(self._bounds)
        with self._changed:
            self._busy.add(child)
            if self._closed:
                child.stop()
        return child

    def _keep(self, child: Child) -> None:
        with self._changed:
            if not self._closed:
                self._busy.discard(child)
                self._idle.append(child)
