"""Listening, answering, and leaving without cutting anybody off."""

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn

from bus.errors import SettingInvalid
from running.serving import Connection, Serving

LEAVE_WITHIN: Final = 8.0
"""Seconds in which the clients of a process that is replaced come to a next request, which is answered with
``Connection: close``; who is idle for longer than five is closed anyway (`uvicorn.Config.timeout_keep_alive`)."""

LOOK_EVERY: Final = 0.05
SURELY_EMPTY: Final = 5


def listen(host: str, port: int, setting: str = "port") -> socket.socket:
    """Raises `SettingInvalid`."""
    try:
        return socket.create_server((host, port), backlog=2048)
    except OSError:
        hint = f"cannot listen on {host}:{port}; choose another with --{setting.replace('_', '-')}"
        raise SettingInvalid(name=setting, hint=hint) from None


@contextmanager
def on_signals(*which: signal.Signals, call: Callable[[], None]) -> Iterator[None]:
    """In a running event loop; afterwards the signals do again what they do by default."""
    loop = asyncio.get_running_loop()
    for each in which:
        loop.add_signal_handler(each, call)
    try:
        yield
    finally:
        for each in which:
            loop.remove_signal_handler(each)


class Server(uvicorn.Server):
    """Says when it answers; asked to end, it drains: what it answers closes its connection, and nobody who is being
    answered is cut off.

    `draining` is called as that begins, `ending` when no more requests come: whoever waits is told where to look later.
    `grace` is for how many seconds it still takes requests after it was asked to end, so that whoever balances the load
    sees it in time. A process that is replaced stops listening at once instead: another listens at the same socket.
    """

    def __init__(
        self,
        config: Serving,
        started: Callable[[], None],
        ending: Callable[[], None],
        draining: Callable[[], None] = lambda: None,
        grace: float = 0.0,
    ) -> None:
        super().__init__(config)
        self._serving = config
        self._told, self._ending, self._told_draining = started, ending, draining
        self._grace = grace
        self._asked = self._replaced = False
        self.ended = asyncio.Event()

    @property
    def draining(self) -> bool:
        return self._serving.closing

    def end(self) -> None:
        """Asked a second time, without grace and without waiting for those who are being answered."""
        self.force_exit = self._asked
        self._asked = self.should_exit = True

    def leave(self) -> None:
        """Another process has taken its place."""
        self._replaced = True
        self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Uvicorn raises a signal again once it has stopped listening, which ended the process in the middle of its
        calls: who runs the server sees to signals."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._told()

    async def main_loop(self) -> None:
        await super().main_loop()
        self._told_draining()
        self._serving.closing = True
        for connection in list(self.server_state.connections):
            if isinstance(connection, Connection):
                connection.close_after_this()
        if self._replaced:
            for server in self.servers:
                server.close()
        await self._linger(LEAVE_WITHIN if self._replaced else self._grace)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._ending()
        await super().shutdown(sockets)
        self.ended.set()

    async def _linger(self, seconds: float) -> None:
        """A process that is replaced need not wait once nobody has been connected for a moment: who was let in last may
        still be on his way into the list."""
        loop = asyncio.get_running_loop()
        until, empty = loop.time() + seconds, 0
        while loop.time() < until and empty < SURELY_EMPTY and not self.force_exit:
            empty = 0 if self.server_state.connections or not self._replaced else empty + 1
            await asyncio.sleep(LOOK_EVERY)
