"""Work that would hold up the event loop goes to a thread."""

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

R = TypeVar("R")

LARGEST_ON_LOOP: Final = 64 * 1024
"""Bytes of a body that are parsed on the event loop: about a millisecond."""


async def off_the_loop(size: int, work: Callable[..., R], *arguments: object) -> R:
    """Do it here where it is short, else in a thread."""
    if size <= LARGEST_ON_LOOP:
        return work(*arguments)
    return await asyncio.to_thread(work, *arguments)
