"""Work that would hold up the event loop goes to a thread."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Final, TypeVar

R = TypeVar("R")

LARGEST_ON_LOOP: Final = 64 * 1024
"""Bytes of a body that are parsed on the event loop: about a millisecond."""


async def off_the_loop(size: int, work: Callable[..., R], *arguments: object, apart: Executor | None = None) -> R:
    """Do it here where it is short, else in a thread; in one of `apart` where it waits for another process."""
    if apart is not None:
        return await asyncio.get_running_loop().run_in_executor(apart, work, *arguments)
    if size <= LARGEST_ON_LOOP:
        return work(*arguments)
    return await asyncio.to_thread(work, *arguments)
