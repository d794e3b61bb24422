"""Callers of this process that wait for a message to end."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

from routes.broker import Signal


class Waiting:
    """Hands a signal to every caller that waits for its message; `closed` once the process ends, which `closing` hears
    as well."""

    def __init__(self, closing: Callable[[], None] = lambda: None) -> None:
        self.closed = False
        self._closing = closing
        self._futures: dict[UUID, set[asyncio.Future[Signal]]] = defaultdict(set)
        self._doubt: asyncio.Future[None] | None = None

    @property
    def doubt(self) -> asyncio.Future[None]:
        """Done once signals may have been missed: whoever waits looks for himself."""
        if self._doubt is None or self._doubt.done():
            self._doubt = asyncio.get_running_loop().create_future()
        return self._doubt

    def missed(self) -> None:
        if self._doubt and not self._doubt.done():
            self._doubt.set_result(None)

    @contextmanager
    def expect(self, message: UUID) -> Iterator[asyncio.Future[Signal]]:
        """Begin to listen; must be entered before the message is rung."""
        future: asyncio.Future[Signal] = asyncio.get_running_loop().create_future()
        self._futures[message].add(future)
        try:
            yield future
        finally:
            self._futures[message].discard(future)
            if not self._futures[message]:
                del self._futures[message]

    def close(self) -> None:
        """Let every caller go, with a signal that says nothing: its message goes on without it."""
        self.closed = True
        self._closing()
        for message in tuple(self._futures):
            self.hear(Signal(message))

    def hear(self, signal: Signal) -> None:
        for future in tuple(self._futures.get(signal.message, ())):
            if not future.done():
                future.set_result(signal)
