"""The one writer of a process: commands from the event loop share durable transactions.

Each accepted row must be on disk before its answer, and a commit costs the same for one row as for hundreds: whatever
has gathered while the last transaction was written goes into the next. The queue in front is bounded in commands and in
bytes; past either, `Overloaded`.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from copy import copy
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import structlog

from bus.errors import BusError, InternalError, Overloaded
from bus.measures import Measures
from journal.commands import Command
from journal.store import BatchRefused, Store
from journal.waits import giving_way

R = TypeVar("R")

MOST_COMMANDS = 10_000
MOST_BYTES = 64 * 1024 * 1024
BATCH = 500
"""Commands to a transaction; beyond some hundreds nothing is gained and the first waits for the last."""

TOLD_WITHIN = 0.05
"""Seconds; to tell of each transaction by itself costs more than to write it."""

log = structlog.get_logger("journal")


@dataclass(frozen=True, slots=True)
class _Waiting:
    command: Command[Any]
    future: asyncio.Future[Any]


class Committer:
    """Owns a store; serves the event loop that it was made on.

    `told` hears the committed audit events, in order, after the callers have been answered.
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
        self._count = 0
        self._weight = 0
        self._queue: deque[_Waiting] = deque()
        self._followers: list[_Waiting] = []
        self._events: list[bytes] = []
        self._telling = False
        self._stopping = False
        self._changed = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, "committer") if store.blocks else None
        self._task = asyncio.get_running_loop().create_task(self._run())

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
        waiting = _Waiting(command, asyncio.get_running_loop().create_future())
        self._count += 1
        self._weight += weight
        self._queue.append(waiting)
        self._changed.set()
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
        waiting = _Waiting(command, asyncio.get_running_loop().create_future())
        waiting.future.add_done_callback(_log_failure)
        self._followers.append(waiting)

    async def close(self) -> None:
        """Write what is waiting, then close the store; nobody may write any more."""
        self._stopping = True
        self._changed.set()
        await self._task
        if self._thread:
            self._thread.shutdown()
        self._store.close()

    async def _run(self) -> None:
        while batch := await self._next():
            for waiting, result in zip(batch, await self._perform(batch), strict=True):
                _resolve(waiting.future, result)
            if self._events and not self._telling:
                self._telling = True
                asyncio.get_running_loop().call_later(TOLD_WITHIN, self._tell)
        self._tell()

    async def _next(self) -> list[_Waiting]:
        """What shares the next transaction; empty when the committer has stopped and nothing waits."""
        while not self._queue and not self._stopping:
            self._changed.clear()
            await self._changed.wait()
            await asyncio.sleep(0)  # what else this turn of the loop brings
        if self._followers and (self._queue or self._stopping):
            self._queue.extendleft(reversed(self._followers))
            self._followers = []
        return [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]

    async def _perform(self, batch: Sequence[_Waiting]) -> list[Any]:
        events: list[bytes] = []
        if self._thread:
            results = await asyncio.get_running_loop().run_in_executor(self._thread, self._write, batch, events)
        else:
            results = await giving_way(self._write, batch, events)
        self._events += events
        return results

    def _tell(self) -> None:
        """The journal has the events, whatever becomes of the log."""
        events, self._events, self._telling = self._events, [], False
        if events and self._told:
            with suppress(Exception):
                self._told(events)

    def _write(self, batch: Sequence[_Waiting], events: list[bytes]) -> list[Any]:
        """A result or an exception for each; a batch that fails for its data is halved until the culprit is alone.

        What was committed is added to `events`."""
        began = time.perf_counter()
        try:
            written = self._store.write([waiting.command for waiting in batch])
        except BatchRefused:
            if len(batch) == 1:
                log.error("command-refused", command=type(batch[0].command).__name__)
                self._measures.count("lgsp_journal_failures", InternalError.code)
                return [InternalError()]
            middle = len(batch) // 2
            return self._write(batch[:middle], events) + self._write(batch[middle:], events)
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
        events += written.events
        return list(written.results)


def _log_failure(future: asyncio.Future[Any]) -> None:
    if not future.cancelled() and (failed := future.exception()):
        log.error("follower-lost", kind=type(failed).__name__)


def _resolve(future: asyncio.Future[Any], result: object) -> None:
    if future.done():
        return
    if isinstance(result, BaseException):
        future.set_exception(result)
    else:
        future.set_result(result)
