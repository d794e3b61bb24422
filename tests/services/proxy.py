"""Proxies on loopback: one that passes bytes on and can cut or stall every connection, and one in front of a PostgreSQL
server that can also cut a connection at its COMMIT, on either side of it."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

COMMITTED = b"C\0\0\0\x0bCOMMIT\0"
"""The server's CommandComplete (PostgreSQL 15, 55.7 Message Formats)."""


class Cut(StrEnum):
    """What happens to the next COMMIT."""

    BEFORE = "before"  # it never reaches the server, which sees its client vanish
    LATE = "late"  # the client is cut off; the server sees nothing, and may get the COMMIT yet: `Proxy.release`
    AFTER = "after"  # the server commits; its answer never reaches the client


class _Over(Exception):
    """This connection has been cut."""


@dataclass
class Relay:
    """Passes on what comes to `listening`. While it is `closed` it lets nobody through."""

    address: tuple[str, int]
    listening: socket.socket
    closed: bool = False
    _going: threading.Event = field(default_factory=threading.Event)
    _live: set["_Connection"] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._going.set()

    @property
    def port(self) -> int:
        return int(self.listening.getsockname()[1])

    def sever(self) -> None:
        """Cut whoever is connected."""
        for connection in list(self._live):
            connection.end()

    def reaches_from(self, port: int) -> bool:
        """Whether a connection of this port of ours is passed on to the server."""
        return any(connection.reaches_from(port) for connection in list(self._live))

    def stall(self) -> None:
        """From now on nothing is passed on, and nobody hears of it, until `resume`."""
        self._going.clear()

    def resume(self) -> None:
        self._going.set()

    def pause(self) -> None:
        """Waits while everything is stalled."""
        self._going.wait()

    def run(self) -> None:
        """Serve until the listening socket is closed."""
        while True:
            try:
                client, _ = self.listening.accept()
            except OSError:
                return
            server = self._reached()
            if server is None:
                client.close()
                continue
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._start(self._connection(client, server))

    def _reached(self) -> socket.socket | None:
        try:
            return None if self.closed else socket.create_connection(self.address)
        except OSError:
            return None

    def _connection(self, client: socket.socket, server: socket.socket) -> "_Connection":
        return _Connection(self, client, server)

    def _start(self, connection: "_Connection") -> None:
        self._live.add(connection)
        threading.Thread(target=connection.forth, daemon=True).start()
        threading.Thread(target=connection.back, daemon=True).start()

    def forget(self, connection: "_Connection") -> None:
        self._live.discard(connection)


@dataclass
class Proxy(Relay):
    """Listens at `url`; `cut` holds for one COMMIT."""

    server: str = ""
    cut: Cut | None = None
    stay_closed: bool = False
    _held: list[tuple[socket.socket, bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        url = urlsplit(self.server)
        return url._replace(
            netloc=f"{url.username}@127.0.0.1:{self.port}", query="sslmode=disable&gssencmode=disable"
        ).geturl()

    def cut_off(self) -> Cut | None:
        """Take the order to cut, which holds once."""
        cut, self.cut = self.cut, None
        if cut and self.stay_closed:
            self.closed = True
        return cut

    def release(self) -> None:
        """Let the server have what was held back."""
        for server, data in self._held:
            with suppress(OSError):
                server.sendall(data)
            server.close()
        self._held.clear()

    def hold(self, server: socket.socket, data: bytes) -> None:
        self._held.append((server, data))

    def _connection(self, client: socket.socket, server: socket.socket) -> "_Connection":
        return _Session(self, client, server)


@dataclass(eq=False)
class _Connection:
    relay: Relay
    client: socket.socket
    server: socket.socket

    def forth(self) -> None:
        """What the client says."""
        self._pass_on(self.client, self.server)

    def back(self) -> None:
        """What the server answers."""
        self._pass_on(self.server, self.client)

    def reaches_from(self, port: int) -> bool:
        with suppress(OSError):
            return bool(self.server.getsockname()[1] == port)
        return False

    def end(self) -> None:
        self.relay.forget(self)
        _close(self.client)
        _close(self.server)

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self.relay.pause()
                target.sendall(data)
        self.end()


@dataclass(eq=False)
class _Session(_Connection):
    """A connection to PostgreSQL."""

    relay: Proxy
    withholding: bool = False
    _buffer: bytes = b""
    _statements: dict[bytes, bytes] = field(default_factory=dict)

    def forth(self) -> None:
        """What the client says, message by message; passed on in the pieces in which it came."""
        kept = False
        with suppress(OSError, _Over):
            self.server.sendall(self._read(startup=True))
            while True:
                passing = b""
                while message := self._next():
                    if self._is_commit(message) and (cut := self.relay.cut_off()):
                        if cut is Cut.LATE:
                            kept = True
                            rest = message + self._read() + self._read() + self._read()
                            self.relay.hold(self.server, rest)
                        if cut is not Cut.AFTER:
                            if passing:
                                self.server.sendall(passing)
                            raise _Over
                        self.withholding = True
                    passing += message
                if passing:
                    self.relay.pause()
                    self.server.sendall(passing)
                self._more()
        _close(self.client)
        if not kept:
            _close(self.server)
        self.relay.forget(self)

    def back(self) -> None:
        withheld = b""
        with suppress(OSError):
            while data := self.server.recv(65536):
                self.relay.pause()
                if self.withholding:
                    withheld += data
                    if COMMITTED in withheld:
                        break
                else:
                    self.client.sendall(data)
        _close(self.client)

    def _is_commit(self, message: bytes) -> bool:
        """Whether it binds the statement COMMIT; learns the statements that are prepared."""
        kind = message[:1]
        if kind not in {b"P", b"B"}:
            return False
        first, second, _ = message[5:].split(b"\0", 2)
        if kind == b"P":
            self._statements[first] = second
        return kind == b"B" and self._statements.get(second) == b"COMMIT"

    def _read(self, *, startup: bool = False) -> bytes:
        while not (message := self._next(startup=startup)):
            self._more()
        return message

    def _next(self, *, startup: bool = False) -> bytes:
        """The next whole message that has come; empty: there is none."""
        head = 4 if startup else 5
        if len(self._buffer) < head:
            return b""
        size = head - 4 + int.from_bytes(self._buffer[head - 4 : head], "big")
        if len(self._buffer) < size:
            return b""
        message, self._buffer = self._buffer[:size], self._buffer[size:]
        return message

    def _more(self) -> None:
        data = self.client.recv(65536)
        if not data:
            raise _Over
        self._buffer += data


def _close(ended: socket.socket) -> None:
    with suppress(OSError):
        ended.shutdown(socket.SHUT_RDWR)
    ended.close()


@contextmanager
def proxy(server: str) -> Iterator[Proxy]:
    """A proxy on a free port in front of the PostgreSQL server that a URL names."""
    url = urlsplit(server)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        own = Proxy((url.hostname or "", url.port or 5432), listening, server=server)
        with _running(own):
            yield own
        own.release()


@contextmanager
def relay(port: int) -> Iterator[Relay]:
    """A relay on a free port in front of another port of the loopback."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        own = Relay(("127.0.0.1", port), listening)
        with _running(own):
            yield own


@contextmanager
def _running(own: Relay) -> Iterator[None]:
    thread = threading.Thread(target=own.run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        own.closed = True
        with suppress(OSError):
            own.listening.shutdown(socket.SHUT_RDWR)
        thread.join()
        own.resume()
        own.sever()
