"""Clients that are slow, endless, impatient, or do not speak HTTP."""

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from socket import SHUT_WR, socket

import pytest

from running.serving import MOST_HEAD, MOST_HEADERS, MOST_LINGERED
from tests.flows.hostile_bus import (
    GOOD,
    MOST_BYTES,
    Answer,
    Served,
    is_over,
    is_problem,
    read,
    refused,
    request,
    serving,
    surviving,
)

MEBIBYTE = 1024 * 1024


@pytest.fixture(scope="module")
def bus(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(migrated, tmp_path_factory.mktemp("hostile")) as served:
        yield served


@pytest.fixture(autouse=True)
def survives(bus: Served) -> Iterator[None]:
    """After each test the bus still takes and delivers a good message."""
    yield from surviving(bus)


@pytest.mark.parametrize("content_length", [str(MOST_BYTES + 1), str(10**9), str(2**63)])
def test_announced_large_body_is_refused_unread(bus: Served, content_length: str) -> None:
    """A body that is announced as too large is refused with 413 before any of it was sent."""
    answer = refused(bus, 413, "body-too-large", body=None, Content_Length=content_length)
    assert str(MOST_BYTES) in answer.json()["detail"]


def test_endless_body_is_refused_while_it_comes(bus: Served) -> None:
    """A chunked body past the limit is refused with 413, and what comes after is not read."""
    sent = 0
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    head = request(headers={"Authorization": f"Bearer {bus.token}", "Transfer-Encoding": "chunked"}, body=None)
    with bus.connected(send_buffer=0x10000) as connection:
        connection.sendall(head)
        try:
            while sent < 256 * MEBIBYTE:
                connection.sendall(chunk)
                sent += len(chunk)
        except ConnectionError:
            pass
        assert is_problem(read(connection), 413, "body-too-large")
    # The limit, what is thrown away, and what the kernel has taken without anybody reading it.
    assert sent < MOST_BYTES + MOST_LINGERED + 16 * MEBIBYTE


def test_body_that_nobody_wants_is_not_read_on(bus: Served) -> None:
    """A stranger's endless body is not read: the answer is given at once, and then the connection ends."""
    sent = 0
    with bus.connected(send_buffer=0x10000) as connection:
        connection.sendall(request(headers={"Transfer-Encoding": "chunked"}, body=None))
        assert is_problem(read(connection), 401, "token-missing")
        try:
            while sent < 256 * MEBIBYTE:
                connection.sendall(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
                sent += 0x10000
        except ConnectionError:
            pass
    assert sent < MOST_LINGERED + 16 * MEBIBYTE


def test_chunked_body_is_taken(bus: Served) -> None:
    """A chunked body within the limit is accepted; its trailers count for nothing."""
    body = b"3;extension=x\r\n" + GOOD[:3] + b"\r\na\r\n" + GOOD[3:] + b"\r\n0\r\nIdempotency-Key: trailer\r\n\r\n"
    head = request(headers={"Authorization": f"Bearer {bus.token}", "Transfer-Encoding": "chunked"}, body=None)
    assert bus.raw(head + body).status == 202
    assert bus.raw(head + body.replace(b"An", b"Bo")).status == 202


@pytest.mark.parametrize(
    "body",
    [
        b"x\r\n",
        b"-1\r\n",
        b"ffffffffffffffffff\r\n",
        b"3\r\n{}}}}}\r\n",
        b"2\r\n{}\r\n0\r\nTrailer: " + b"x" * 16 * MOST_HEAD,
        b"2\r\n{}\r\n0\r\n" + b"A: b\r\n" * MOST_HEAD,
    ],
    ids=["no number", "negative", "overflow", "wrong size", "endless trailer", "many trailers"],
)
def test_broken_chunks_are_refused(bus: Served, body: bytes) -> None:
    """Chunks that are not chunks, and endless trailers, are refused while they come; nothing is accepted."""
    before = bus.counted()
    head = request(headers={"Authorization": f"Bearer {bus.token}", "Transfer-Encoding": "chunked"}, body=None)
    answer = bus.raw(head + body)
    assert answer.status in {400, 431}
    assert is_problem(answer, answer.status, answer.json()["code"])
    assert bus.counted() == before


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"BREW /messages HTTP/1.1\r\nHost: bus\r\n\r\n",
        request(path=b"/messages/\xff\xfe"),
        request(path=b"/messages/a b"),
        request(headers={"X": b"a\0b"}),
        request(headers={"X": b"a\rb"}),
        request(headers={b"X Y": "a"}),  # type: ignore[dict-item]
        request(headers={"Content-Length": "-1"}),
        request(headers={"Content-Length": "9" * 30}),
        request(headers={"Content-Length": "13, 14"}),
        request(headers={"Transfer-Encoding": "chunked"}),
        request(headers={"Transfer-Encoding": "gzip", "Content-Length": None}),
    ],
    ids=lambda data: data[:40].decode("latin-1"),
)
def test_what_is_not_http_is_told_so(bus: Served, data: bytes) -> None:
    """What is not HTTP/1.1, or two servers could read differently, is refused with 400, and the connection ends."""
    with bus.connected() as connection:
        connection.sendall(data)
        assert is_problem(read(connection), 400, "request-malformed")
        assert is_over(connection)


def test_connect_is_not_allowed(bus: Served) -> None:
    """The bus is nobody's proxy."""
    answer = bus.raw(b"CONNECT elsewhere:443 HTTP/1.1\r\nHost: elsewhere\r\n\r\n")
    assert is_problem(answer, 405, "method-not-allowed")


@pytest.mark.parametrize(
    "headers",
    [
        "".join(f"X-{n}: y\r\n" for n in range(10_000)),
        "".join(f"X-{n}: y\r\n" for n in range(MOST_HEADERS + 1)),
        f"X: {'y' * MOST_HEAD}\r\n",
        f"{'X' * MOST_HEAD}: y\r\n",
        f"Authorization: Bearer {'y' * 10 * MOST_HEAD}\r\n",
    ],
    ids=["ten thousand", "one too many", "one long", "long name", "huge authorization"],
)
def test_large_head_is_refused(bus: Served, headers: str) -> None:
    """A head of too many or too long headers is refused with 431."""
    answer = bus.raw(f"GET /messages HTTP/1.1\r\nHost: bus\r\nAccept-Language: en\r\n{headers}\r\n".encode())
    assert is_problem(answer, 431, "head-too-large")


def test_long_path_is_refused(bus: Served) -> None:
    """A path longer than a head may be is refused with 431."""
    assert is_problem(bus.raw(request(path="/" + "x" * MOST_HEAD)), 431, "head-too-large")


def test_endless_head_is_not_kept(bus: Served) -> None:
    """A header without an end is refused as soon as it is too long, and the connection ends."""
    sent = 0
    with bus.connected(send_buffer=0x10000) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nX: ")
        try:
            while sent < 256 * MEBIBYTE:
                connection.sendall(b"x" * 0x10000)
                sent += 0x10000
        except ConnectionError:
            pass
    assert sent < MOST_LINGERED + 16 * MEBIBYTE


@pytest.mark.parametrize("sent", [b"P", b"POST /messages/tell HTTP/1.1\r\nHost:", request()[:60], b"\r\n"])
def test_slow_head_is_given_up(bus: Served, sent: bytes) -> None:
    """A head that does not arrive in time is answered with 408, and the connection ends."""
    with bus.connected() as connection:
        connection.sendall(sent)
        assert is_problem(read(connection), 408, "head-timeout")
        assert is_over(connection)


def test_trickling_head_is_given_up(bus: Served) -> None:
    """A head that comes a byte at a time has no longer than any other."""
    answers: list[Answer] = []
    with bus.connected() as connection:
        reader = threading.Thread(target=lambda: answers.append(read(connection)))
        reader.start()
        connection.sendall(b"GET / HTTP/1.1\r\nX: ")
        try:
            while reader.is_alive():
                connection.sendall(b"x")
                reader.join(0.01)
        except ConnectionError:
            reader.join()
    assert is_problem(answers[0], 408, "head-timeout")


def test_silent_connection_ends(bus: Served) -> None:
    """A connection on which nobody says anything is closed without a word."""
    with bus.connected() as connection:
        assert is_over(connection)


def test_slow_body_is_given_up(bus: Served) -> None:
    """A body that does not arrive in time is answered with 408, however it trickles, and nothing is accepted."""
    before = bus.counted()
    head = request(headers={"Authorization": f"Bearer {bus.token}", "Content-Length": "1000000"}, body=b"")
    answers: list[Answer] = []
    with bus.connected() as connection:
        connection.sendall(head)
        reader = threading.Thread(target=lambda: answers.append(read(connection)))
        reader.start()
        try:
            while reader.is_alive():
                connection.sendall(b" ")
                reader.join(0.01)
        except ConnectionError:
            reader.join()
    assert is_problem(answers[0], 408, "body-timeout")
    assert bus.counted() == before


def test_body_that_breaks_off_is_not_accepted(bus: Served) -> None:
    """A client that goes away within its body has sent nothing."""
    before = bus.counted()
    head = request(headers={"Authorization": f"Bearer {bus.token}", "Content-Length": "100"})
    for _ in range(3):
        with bus.connected() as connection:
            connection.sendall(head)
    assert bus.is_well()
    assert bus.counted() == before + 1


def test_half_closed_connection_is_answered(bus: Served) -> None:
    """A client that closes its sending side still gets its answer, and nothing after."""
    with bus.connected() as connection:
        connection.sendall(request(path="/messages/ask", headers={"Authorization": f"Bearer {bus.token}"}))
        connection.shutdown(SHUT_WR)
        assert read(connection).status == 200
        assert is_over(connection)


def statuses(connection: socket) -> list[int]:
    """The statuses of every answer until the connection ends."""
    with connection.makefile("rb") as file:
        return [int(status) for status in re.findall(rb"HTTP/1.1 (\d+)", file.read())]


def test_pipelined_requests_are_answered_in_order(bus: Served) -> None:
    """Requests sent without waiting are answered one after the other; garbage after them spoils none."""
    with bus.connected() as connection:
        good = request(headers={"Authorization": f"Bearer {bus.token}"})
        connection.sendall(good + request("GET", "/health/live", body=None) + good + b"GARBAGE\r\n\r\n")
        assert statuses(connection) == [202, 200, 202]


def test_garbage_does_not_answer_the_request_before_it(bus: Served) -> None:
    """What follows a request that is being answered cannot make its answer another."""
    bus.province.receivers["his"].delay = 0.2
    good = request(path="/messages/ask", headers={"Authorization": f"Bearer {bus.token}"})
    with bus.connected() as connection:
        connection.sendall(good + b"\0\0\0GARBAGE\r\n\r\n")
        assert read(connection).status == 200
        assert is_over(connection)


@pytest.mark.parametrize("upgrade", ["h2c", "websocket", "nonsense"])
def test_offer_of_another_protocol_is_declined(bus: Served, upgrade: str) -> None:
    """A request that offers another protocol, as Java's client does each first time, is answered in HTTP/1.1."""
    offer = {
        "Authorization": f"Bearer {bus.token}",
        "Connection": "Upgrade, HTTP2-Settings",
        "Upgrade": upgrade,
        "HTTP2-Settings": "AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA",
        "Prefer": "wait=20",
    }
    whole = request(headers=dict(offer)) + request("GET", "/health/live", body=None)
    with bus.connected() as connection:
        for start in range(0, len(whole), 50):
            connection.sendall(whole[start : start + 50])
        connection.shutdown(SHUT_WR)
        assert statuses(connection) == [200, 200]


def test_expect_is_heard(bus: Served) -> None:
    """A client that asks whether it may send is told so, or told why not, before it sends its body."""
    asks = {"Authorization": f"Bearer {bus.token}", "Expect": "100-continue", "Content-Length": str(len(GOOD))}
    with bus.connected() as connection:
        connection.sendall(request(headers=dict(asks), body=b""))
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(GOOD)
        assert read(connection).status == 202
    with bus.connected() as connection:
        connection.sendall(request(headers=asks | {"Content-Length": str(MOST_BYTES + 1)}, body=b""))
        assert is_problem(read(connection), 413, "body-too-large")
        assert is_over(connection)
