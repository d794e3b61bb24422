"""What is decided by the newest state, and decided anew where somebody else was quicker."""

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from bus.errors import RegistryChanged

R = TypeVar("R")


def anew(attempt: Callable[[], R], tries: int = 5) -> R:
    """What `attempt` returns, which reads, decides and writes: again each time that it raises `RegistryChanged`, and at
    most so often."""
    for _ in range(tries - 1):
        with suppress(RegistryChanged):
            return attempt()
    return attempt()
