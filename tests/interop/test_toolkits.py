"""What old toolkits send, as bytes through a socket, is taken as they meant it; or refused by a fault that says why."""

import socket
from base64 import b64encode
from http.client import HTTPResponse
from unicodedata import normalize
from urllib.parse import urlsplit

import pytest
from lxml import etree

from adapters.call import Call
from tests.interop.bus import SENDER, Bus
from tests.interop.conversations import Conversations
from tests.interop.sample import ENTRY, NS, NUMBER, REFUSED, read_entry
from tests.interop.toolkits import ODDITIES, TOOLKITS, Toolkit

WITHIN = 60


@pytest.fixture
def bus(conversations: Conversations) -> Bus:
    return conversations.bus


def answered(bus: Bus, toolkit: Toolkit, *, known: bool = True) -> tuple[int, HTTPResponse, bytes]:
    """Status, head and body of the answer, of one connection."""
    with connected(bus) as connection:
        return spoken(connection, bus, toolkit, known=known)


def connected(bus: Bus) -> socket.socket:
    host, _, port = urlsplit(bus.url).netloc.partition(":")
    return socket.create_connection((host, int(port)), WITHIN)


def spoken(connection: socket.socket, bus: Bus, toolkit: Toolkit, *, known: bool) -> tuple[int, HTTPResponse, bytes]:
    data = toolkit.data()
    lines = [toolkit.first.format(toolkit.to), f"Host: {urlsplit(bus.url).netloc}"]
    lines += [f"{name}: {value}" for name, value in toolkit.head.items()]
    if known:
        lines.append(f"{toolkit.authorization} {b64encode(f'{SENDER}:{bus.secret}'.encode()).decode()}")
    lines.append("Transfer-Encoding: chunked" if toolkit.chunks else f"Content-Length: {len(data)}")
    connection.sendall("\r\n".join([*lines, "", ""]).encode())
    if toolkit.waits:
        assert connection.recv(1000).startswith(b"HTTP/1.1 100 ")
    connection.sendall(chunked(data) if toolkit.chunks else data)
    response = HTTPResponse(connection)
    response.begin()
    return response.status, response, response.read()


def chunked(data: bytes) -> bytes:
    pieces = [data[start : start + 700] for start in range(0, len(data), 700)]
    return b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in [*pieces, b""])


def test_each_is_told_apart() -> None:
    """Every toolkit and oddity says in a sentence of its own what it is here for."""
    says = [each.says for each in (*TOOLKITS.values(), *ODDITIES.values())]
    assert len(set(says)) == len(says)
    assert all(each.endswith(".") for each in says)


@pytest.mark.parametrize("name", [*TOOLKITS, *ODDITIES])
def test_what_it_sends_arrives_as_it_was_meant(bus: Bus, name: str) -> None:
    """The receiver gets every member, and the caller the reply; or the fault that says why not."""
    toolkit = TOOLKITS.get(name) or ODDITIES[name]
    before = len(bus.stand_in.calls)
    status, _, body = answered(bus, toolkit)
    calls = bus.stand_in.calls[before:]
    root = etree.fromstring(body)
    if toolkit.refused:
        assert toolkit.refused in {(each.text or "").rpartition(":")[2] for each in root.iter()}
        assert not calls
        return
    assert status == 200, body.decode()
    (call,) = calls
    if toolkit.to == "/soap/old":
        assert asked_of_old(call) == {"number": "7", "names": ["An", "Bình"], "note": None}
        assert root.findtext(".//found") == REFUSED["reason"]
        return
    entry = dict(ENTRY) if name != "windows-1258" else {**ENTRY, "text": normalize("NFC", "Nguyễn Thị Bình")}
    assert read_entry(etree.fromstring(call.body.data)) == entry
    (recorded,) = root.iter(f"{{{NS}}}Recorded")
    assert (read_entry(recorded), recorded.findtext(f"{{{NS}}}number")) == (ENTRY, str(NUMBER))


def asked_of_old(call: Call) -> dict[str, object]:
    (asked,) = etree.fromstring(call.body.data)
    number, names, note = asked
    return {"number": number.text, "names": [each.text for each in names], "note": note.text}


def test_proxies_of_dotnet_say_who_they_are_when_they_are_asked(bus: Bus) -> None:
    """Without PreAuthenticate the first request of a connection has no Authorization: it is asked for Basic, and the
    same connection takes the second."""
    with connected(bus) as connection:
        first, head, _ = spoken(connection, bus, TOOLKITS["wcf-basic"], known=False)
        second, _, _ = spoken(connection, bus, TOOLKITS["wcf-basic"], known=True)
    assert (first, second) == (401, 200)
    assert "Basic" in (head.getheader("WWW-Authenticate") or "")
