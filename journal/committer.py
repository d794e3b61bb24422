"""The one writer of a process: commands from the event loop share durable transactions.

Each accepted row must be on disk before its answer, and a commit costs the same for one row as for hundreds: whatever
has gathered while the last transaction was written goes into the next. The queue in front is bounded in commands and in
bytes; past either, `Overloaded`.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import structlog

from bus.errors import BusError, InternalError, Overloaded
from bus.measures import Measures
from journal.commands import Command
from journal.store import BatchRefused, Store

R = TypeVar("R")

MOST_COMMANDS = 10_000
MOST_BYTES = 64 * 1024 * 1024
BATCH = 500
"""Commands to a transaction; beyond some hundreds nothing is gained and the first waits for the last."""

log = structlog.get_logger("journal")


@dataclass(frozen=True, slots=True)
class _Waiting:
    command: Command[Any]
    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop


class Committer:
    """Owns a store and the thread that writes to it; serves one event loop.

    `told` hears the committed audit events, in order, in that thread.
    """

    def __init__(
        self,
        store: Store,
        told: Callable[[Sequence[bytes]], None] | None = None,
        *,
        measures: Measures | None = None,
        most_commands: int = MOST_COMMANDS,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._store = store
        self._told = told
        self._measures = measures or Measures()
        self._most_commands, self._most_bytes = most_commands, most_bytes
        # Of the event loop: what waits for its answer, and what has come in this turn.
        self._count = 0
        self._weight = 0
        self._gathered: list[_Waiting] = []
        self._followers: list[_Waiting] = []
        # Of both threads, under the lock.
        self._queue: deque[_Waiting] = deque()
        self._stopping = False
        self._changed = threading.Condition()
        # Of the thread: what was committed and is not yet told.
        self._events: list[bytes] = []
        self._thread = threading.Thread(target=self._run, name="committer", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Commands that have no answer yet."""
        return self._count

    async def write(self, command: Command[R]) -> R:
        """Write it durably and give its result; raises what the command or the store refuses."""
        weight = command.weight()
        full = self._count >= self._most_commands or self._weight + weight > self._most_bytes
        if self._stopping or (full and self._count):
            raise Overloaded(retry_after=1)
        loop = asyncio.get_running_loop()
        waiting = _Waiting(command, loop.create_future(), loop)
        self._count += 1
        self._weight += weight
        if not self._gathered:
            # One hand-over for all that this turn of the loop brings: the threads' lock is what costs.
            loop.call_soon(self._hand_over)
        self._gathered.append(waiting)
        try:
            return cast("R", await waiting.future)
        finally:
            self._count -= 1
            self._weight -= weight

    def follow(self, command: Command[Any]) -> None:
        """Write it along with whatever is written next, which the sweeper's rhythm bounds; a failure is logged.

        For what is told after an answer: it costs its caller nothing and is worth no commit of its own.
        """
        if self._stopping or len(self._followers) >= self._most_commands:
            log.error("follower-lost", command=type(command).__name__)
            return
        loop = asyncio.get_running_loop()
        waiting = _Waiting(command, loop.create_future(), loop)
        waiting.future.add_done_callback(_log_failure)
        self._followers.append(waiting)

    def close(self) -> None:
        """Write what is waiting, then close the store. Blocks; nobody may write any more."""
        self._hand_over()
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join()
        self._store.close()

    def _hand_over(self) -> None:
        gathered = self._followers + self._gathered
        self._followers, self._gathered = [], []
        with self._changed:
            self._queue.extend(gathered)
            self._changed.notify()

    def _run(self) -> None:
        while batch := self._next():
            answers = list(zip(batch, self._write(batch), strict=True))
            try:
                batch[0].loop.call_soon_threadsafe(_resolve, answers)
            except RuntimeError:  # the loop is closed: nobody waits any more
                log.warning("answer-unwanted", count=len(batch))
            self._tell()

    def _tell(self) -> None:
        """The journal has the events, whatever becomes of the log."""
        events, self._events = self._events, []
        if events and self._told:
            with suppress(Exception):
                self._told(events)

    def _next(self) -> list[_Waiting]:
        """What shares the next transaction; empty when the committer has stopped and nothing waits."""
        with self._changed:
            while not self._queue and not self._stopping:
                self._changed.wait()
            return [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]

    def _write(self, batch: Sequence[_Waiting]) -> list[Any]:
        """A result or an exception for each; a batch that fails for its data is halved until the culprit is alone."""
        began = time.perf_counter()
        try:
            written = self._store.write([waiting.command for waiting in batch])
        except BatchRefused:
            if len(batch) == 1:
                log.error("command-refused", command=type(batch[0].command).__name__)
                self._measures.count("lgsp_journal_failures", InternalError.code)
                return [InternalError()]
            middle = len(batch) // 2
            return self._write(batch[:middle]) + self._write(batch[middle:])
        except BusError as unavailable:
            log.error("journal-unavailable", code=unavailable.code)
            self._measures.count("lgsp_journal_failures", unavailable.code)
            return [copy(unavailable) for _ in batch]
        except Exception as unforeseen:  # noqa: BLE001 - the writer must outlive whatever a driver raises
            log.error("journal-failed", kind=type(unforeseen).__name__)
            self._measures.count("lgsp_journal_failures", InternalError.code)
            return [InternalError() for _ in batch]
        self._measures.observe("lgsp_commit_seconds", time.perf_counter() - began)
        self._measures.observe("lgsp_commit_commands", len(batch))
        self._events += written.events
        return list(written.results)


def _log_failure(future: asyncio.Future[Any]) -> None:
    if not future.cancelled() and (failed := future.exception()):
        log.error("follower-lost", kind=type(failed).__name__)


def _resolve(answers: Sequence[tuple[_Waiting, Any]]) -> None:
    for waiting, result in answers:
        if waiting.future.done():
            continue
        if isinstance(result, BaseException):
            waiting.future.set_exception(result)
        else:
            waiting.future.set_result(result)
