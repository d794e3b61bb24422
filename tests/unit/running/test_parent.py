"""The parent of several processes; its children here are scripts of a few lines."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from running import parent
from running.parent import Parent
from running.task import READY, WRONG, Task

CHILD = f"""
import os, signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
signal.signal(signal.SIGHUP, lambda *_: sys.exit(0))
sys.stdin.readline()
os.write(1, {READY!r})
sys.stdin.read()
"""


@dataclass
class Watched:
    """A running parent, and what it has said."""

    done: asyncio.Task[int]
    parent: Parent
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    told: list[str] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)

    def children(self) -> set[int]:
        return {child.process.pid for child in self.parent.alive}


@asynccontextmanager
async def watched(monkeypatch: pytest.MonkeyPatch, script: str, count: int = 2) -> AsyncIterator[Watched]:
    monkeypatch.setattr(parent, "COMMAND", (sys.executable, "-c", script))
    monkeypatch.setattr(parent, "FIRST_PAUSE", 0.01)
    said: list[str] = []
    gone: list[int] = []
    ready = asyncio.Event()
    own = Parent(Task("worker", {}), count, ready.set, said.append, gone=gone.append)
    found = Watched(asyncio.create_task(own.run()), own, ready, said, gone)
    try:
        yield found
    finally:
        if not found.done.done():
            os.kill(os.getpid(), signal.SIGTERM)
        await found.done


async def until(holds: object) -> None:
    assert callable(holds)
    while not holds():
        await asyncio.sleep(0.01)


async def test_killed_and_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that ends by itself is told of, forgotten and followed by another."""
    async with watched(monkeypatch, CHILD) as bus:
        await bus.ready.wait()
        victim = min(bus.children())
        os.kill(victim, signal.SIGKILL)
        await until(lambda: len(bus.children() - {victim}) == 2)
        assert bus.gone == [victim]
        assert bus.told[0].startswith(f"worker {victim} was ended by SIGKILL; another begins in ")


async def test_a_new_one_that_cannot_begin_replaces_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the first new child does not come to do its work, the old ones all go on."""
    async with watched(monkeypatch, CHILD) as bus:
        await bus.ready.wait()
        before = bus.children()
        monkeypatch.setattr(parent, "COMMAND", (sys.executable, "-c", "raise SystemExit(1)"))
        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: bus.told)
        assert "ended with status 1 before it could take over" in bus.told[0]
        assert bus.children() == before


async def test_replaced_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """After SIGHUP every child is a new one, and never were there fewer than before."""
    async with watched(monkeypatch, CHILD) as bus:
        await bus.ready.wait()
        before, fewest = bus.children(), 2
        os.kill(os.getpid(), signal.SIGHUP)
        while before & bus.children() or len(bus.children()) > 2:
            fewest = min(fewest, len(bus.children()))
            await asyncio.sleep(0)
        assert fewest == 2
        assert len(bus.children()) == 2


async def test_what_no_child_can_mend_ends_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting that is not right ends the parent with the child's own status, rather than trying for ever."""
    async with watched(monkeypatch, f"raise SystemExit({WRONG})") as bus:
        assert await bus.done == WRONG


async def test_a_second_signal_kills(monkeypatch: pytest.MonkeyPatch) -> None:
    """Children that do not end are killed when the operator insists."""
    stubborn = CHILD.replace("lambda *_: sys.exit(0)", "signal.SIG_IGN") + "while True: signal.pause()\n"
    async with watched(monkeypatch, stubborn) as bus:
        await bus.ready.wait()
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0.1)
        assert not bus.done.done()
        os.kill(os.getpid(), signal.SIGTERM)
        assert await bus.done == 1
