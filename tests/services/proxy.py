"""A proxy in front of a PostgreSQL server that can cut a connection at its COMMIT, on either side of it."""

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
class Proxy:
    """Listens at `url`; `cut` holds for one COMMIT. While it is `closed` it lets nobody through."""

    server: str
    listening: socket.socket
    cut: Cut | None = None
    stay_closed: bool = False
    closed: bool = False
    _held: list[tuple[socket.socket, bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        port = self.listening.getsockname()[1]
        url = urlsplit(self.server)
        return url._replace(
            netloc=f"{url.username}@127.0.0.1:{port}", query="sslmode=disable&gssencmode=disable"
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

    def run(self) -> None:
        """Serve until the listening socket is closed."""
        while True:
            try:
                client, _ = self.listening.accept()
            except OSError:
                return
            if self.closed:
                client.close()
                continue
            url = urlsplit(self.server)
            server = socket.create_connection((url.hostname, url.port))
            connection = _Connection(self, client, server)
            threading.Thread(target=connection.forth, daemon=True).start()
            threading.Thread(target=connection.back, daemon=True).start()


@dataclass
class _Connection:
    proxy: Proxy
    client: socket.socket
    server: socket.socket
    withholding: bool = False
    _statements: dict[bytes, bytes] = field(default_factory=dict)

    def forth(self) -> None:
        """What the client says, message by message."""
        kept = False
        with suppress(OSError, _Over):
            self.server.sendall(self._read(startup=True))
            while True:
                message = self._read()
                if self._is_commit(message) and (cut := self.proxy.cut_off()):
                    if cut is Cut.LATE:
                        kept = True
                        rest = message + self._read() + self._read() + self._read()
                        self.proxy.hold(self.server, rest)
                    if cut is not Cut.AFTER:
                        break
                    self.withholding = True
                self.server.sendall(message)
        _close(self.client)
        if not kept:
            _close(self.server)

    def back(self) -> None:
        """What the server answers."""
        withheld = b""
        with suppress(OSError):
            while data := self.server.recv(65536):
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
        head = self._exactly(4 if startup else 5)
        return head + self._exactly(int.from_bytes(head[-4:], "big") - 4)

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self.client.recv(size - len(data))
            if not more:
                raise _Over
            data += more
        return data


def _close(ended: socket.socket) -> None:
    with suppress(OSError):
        ended.shutdown(socket.SHUT_RDWR)
    ended.close()


@contextmanager
def proxy(server: str) -> Iterator[Proxy]:
    """A proxy on a free port in front of the server that a URL names."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        own = Proxy(server, listening)
        thread = threading.Thread(target=own.run, daemon=True)
        thread.start()
        try:
            yield own
        finally:
            own.closed = True
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            thread.join()
            own.release()
