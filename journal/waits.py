"""Waiting in code that is written as if it blocked: on the event loop it gives way to others, in a thread it blocks.

A store that waits for a server is called by `giving_way` on the event loop itself. A thread of its own for it cost a
busy process a fifth of its time: two threads that both have much to do take the interpreter from each other for each
line of what they do.
"""

import asyncio
import select
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from sqlalchemy.util import await_, greenlet_spawn
from sqlalchemy.util.concurrency import in_greenlet

P = ParamSpec("P")
R = TypeVar("R")


async def giving_way(work: Callable[..., R], *arguments: object) -> R:
    """Do it here; wherever it waits by `until_ready` or `aside`, the event loop goes on."""
    return await greenlet_spawn(work, *arguments)


def until_ready(descriptor: int, *, writable: bool = False) -> None:
    """Wait until something can be read from a socket; with `writable`, or be written."""
    if in_greenlet():
        await_(_ready(descriptor, writable=writable))
        return
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN | (select.POLLOUT if writable else 0))
    waiting.poll()


def aside(work: Callable[P, R], *arguments: P.args, **named: P.kwargs) -> R:
    """Do what blocks: in another thread, while the event loop goes on."""
    if in_greenlet():
        return await_(asyncio.to_thread(work, *arguments, **named))
    return work(*arguments, **named)


async def _ready(descriptor: int, *, writable: bool) -> None:
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    loop.add_reader(descriptor, _happened, ready)
    if writable:
        loop.add_writer(descriptor, _happened, ready)
    try:
        await ready
    finally:
        loop.remove_reader(descriptor)
        if writable:
            loop.remove_writer(descriptor)


def _happened(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
