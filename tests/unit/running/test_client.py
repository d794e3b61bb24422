"""The command's own client of the gateway."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bus.errors import GatewayUnreachable
from bus.settings import read_settings
from running.client import Client
from running.home import Home

ANSWER = b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n" + b'{"id":"1"}'


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(read_settings(data=tmp_path / "data"), "test")
    home.prepare()
    yield home
    home.close()


@contextmanager
def gateway(answer: bytes) -> Iterator[str]:
    """Says the same to whoever calls, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        thread.join()


def test_proxy_of_the_environment_is_not_asked(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Token and body go to the bus itself, whatever proxy the environment names."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    with gateway(ANSWER) as url:
        assert Client(url, home, "one-stop").send("a.b", b"{}").status == 202


@pytest.mark.parametrize("cut", [b"", ANSWER[:40], ANSWER[:-3]])
def test_answer_that_breaks_off_is_told(home: Home, cut: bytes) -> None:
    """A bus that dies before or within its answer is told as such."""
    with gateway(cut) as url, pytest.raises(GatewayUnreachable):
        Client(url, home, "one-stop").send("a.b", b"{}")


def test_nobody_listens(home: Home) -> None:
    """An address where nobody listens is told as such."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(GatewayUnreachable):
        Client(f"http://127.0.0.1:{port}", home, "one-stop").send("a.b", b"{}")


def test_nobody_is_followed_elsewhere(home: Home) -> None:
    """A redirection is an answer like any other: the token goes to the bus that was named and to nobody else."""
    with gateway(b"HTTP/1.1 307 -\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n") as url:
        assert Client(url, home, "one-stop").send("a.b", b"{}").status == 307
    with gateway(b"HTTP/1.1 302 -\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n") as url:
        assert Client(url, home, "one-stop").message("1") == {}
