"""The parent of several processes: starts them, watches them, starts them again, and ends with them.

It does nothing else and knows nothing of messages, so that there is little it could fail at.
"""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from bus.errors import SettingInvalid
from bus.settings import EMBEDDED, Settings
from running.listening import on_signals
from running.task import READY, WRONG, Task

FIRST_PAUSE: Final = 0.5
"""Seconds until a process that has ended by itself is started again; twice as long after each that did not last."""

LAST_PAUSE: Final = 5.0
"""No longer: whoever connects meanwhile is answered by nobody."""

LASTED: Final = 60.0
"""Seconds after which a process has proven itself."""

COMMAND: Final = (sys.executable, "-P", "-m", "running.child")


def require_servers(settings: Settings) -> None:
    """Raises `SettingInvalid` where the settings name no journal and no broker that several processes can share."""
    if not settings.database_url.startswith("postgresql://"):
        hint = "several processes share a journal in PostgreSQL: set LGSP_DATABASE_URL=postgresql://…, or use `lgsp up`"
        raise SettingInvalid(name="database_url", hint=hint)
    if settings.broker == EMBEDDED:
        hint = "several processes share a RabbitMQ: set LGSP_BROKER=amqp://…, or use `lgsp up`"
        raise SettingInvalid(name="broker", hint=hint)


@dataclass(frozen=True, slots=True, eq=False)
class Child:
    """A started process. `ready`: whether it came to do its work; `ended`: its exit status."""

    process: Process
    ready: asyncio.Task[bool]
    ended: asyncio.Task[int]

    @classmethod
    async def start(cls, task: Task, environment: Mapping[str, str]) -> "Child":
        """In a process group of its own: what is typed at a terminal goes to the parent alone. Its standard input is
        closed when the parent ends, however that comes to pass."""
        inherited = [task.socket] if task.socket >= 0 else []
        process = await asyncio.create_subprocess_exec(
            *COMMAND, stdin=PIPE, stdout=PIPE, pass_fds=inherited, process_group=0, env=os.environ | dict(environment)
        )
        if process.stdin:
            process.stdin.write(task.encode())
        return cls(process, asyncio.create_task(_ready(process)), asyncio.create_task(process.wait()))

    def tell(self, what: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            self.process.send_signal(what)


@dataclass(slots=True, eq=False)
class Slot:
    """The place of one child, whoever holds it."""

    child: Child | None = None
    pause: float = field(default_factory=lambda: FIRST_PAUSE)


@dataclass(slots=True)
class Parent:
    """Keeps `count` children of one task. `ready` is called once the first of them all do their work, `told` with what
    an operator should read, `ending` once when all is to end, and `gone` with the id of each process that has.
    `environment` is what children have in theirs besides our own."""

    task: Task
    count: int
    ready: Callable[[], None]
    told: Callable[[str], None]
    ending: Callable[[], None] = lambda: None
    gone: Callable[[int], None] = lambda _: None
    environment: Mapping[str, str] = field(default_factory=dict)
    alive: set[Child] = field(default_factory=set)
    _end: asyncio.Event = field(default_factory=asyncio.Event)
    _replace: asyncio.Event = field(default_factory=asyncio.Event)
    _proven: bool = False
    _status: int = 0

    async def run(self) -> int:
        """Until SIGTERM or SIGINT, a second one of which kills; SIGHUP replaces each child, one after the other, by a
        new one. The exit status."""
        slots = [Slot() for _ in range(self.count)]
        with (
            on_signals(signal.SIGTERM, signal.SIGINT, call=self._asked),
            on_signals(signal.SIGHUP, call=self._replace.set),
        ):
            keeping = [asyncio.create_task(self._keep(slot, slots)) for slot in slots]
            replacing = asyncio.create_task(self._replacing(slots))
            await self._end.wait()
            for task in (*keeping, replacing):
                task.cancel()
            await asyncio.gather(*keeping, replacing, return_exceptions=True)
            self.ending()
            for child in self.alive:
                child.tell(signal.SIGTERM)
            statuses = await asyncio.gather(*(child.ended for child in self.alive))
        # Ended before it could begin: nothing was lost by it.
        return self._status or (0 if set(statuses) <= {0, -signal.SIGTERM} else 1)

    def _asked(self) -> None:
        if self._end.is_set():
            for child in self.alive:
                child.tell(signal.SIGKILL)
        self._end.set()

    async def _keep(self, slot: Slot, slots: list[Slot]) -> None:
        """A child in this place, always."""
        loop = asyncio.get_running_loop()
        while True:
            child = slot.child = slot.child or await self._start()
            began = loop.time()
            if await asyncio.shield(child.ready):
                self._look(slots)
            status = await asyncio.shield(child.ended)
            if slot.child is not child:
                continue
            if status == WRONG and not self._proven:
                self._status = WRONG
                self._end.set()
                return
            if loop.time() - began > LASTED:
                slot.pause = FIRST_PAUSE
            self.told(f"{self._name(child)} {_how(status)}; another begins in {slot.pause:g} s")
            await asyncio.sleep(slot.pause)
            slot.pause = min(2 * slot.pause, LAST_PAUSE)
            if slot.child is child:
                slot.child = None

    async def _replacing(self, slots: list[Slot]) -> None:
        while True:
            await self._replace.wait()
            self._replace.clear()
            for slot in slots:
                if not await self._replaced(slot):
                    break

    async def _replaced(self, slot: Slot) -> bool:
        """A new child does its work before the old one is told to leave, and the old one has left before the next."""
        new = await self._start()
        if not await asyncio.shield(new.ready):
            status = await asyncio.shield(new.ended)
            self.told(f"{self._name(new)} {_how(status)} before it could take over; the others go on")
            return False
        old, slot.child = slot.child, new
        if old:
            self.told(f"{self._name(new)} takes over from {old.process.pid}")
            old.tell(signal.SIGHUP)
            await asyncio.shield(old.ended)
        return True

    async def _start(self) -> Child:
        child = await Child.start(self.task, self.environment)
        self.alive.add(child)
        child.ended.add_done_callback(lambda _: self._gone(child))
        return child

    def _gone(self, child: Child) -> None:
        self.alive.discard(child)
        self.gone(child.process.pid)

    def _look(self, slots: list[Slot]) -> None:
        """Say so once the first children are all there."""
        there = [slot.child is not None and slot.child.ready.done() and slot.child.ready.result() for slot in slots]
        if not self._proven and all(there):
            self._proven = True
            self.ready()

    def _name(self, child: Child) -> str:
        return f"{self.task.role} {child.process.pid}"


async def _ready(process: Process) -> bool:
    return process.stdout is not None and await process.stdout.readline() == READY


def _how(status: int) -> str:
    return f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
