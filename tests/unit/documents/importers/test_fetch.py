"""Fetching a description, where somebody asked for it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli import app
from documents.importers import fetch as fetching
from documents.importers.fetch import Allowed, fetch
from documents.importers.source import Refused
from tests.unit.documents.importers.test_wsdl import WSDL

XSD = '<x:schema xmlns:x="http://www.w3.org/2001/XMLSchema" xmlns:t="urn:t" targetNamespace="urn:t">'
LOOPBACK = (ip_network("127.0.0.0/8"),)
HERE = Allowed(("127.0.0.1",), LOOPBACK)


@contextmanager
def served(files: dict[str, bytes | tuple[int, str]]) -> Iterator[tuple[str, list[str]]]:
    """The address of a server of these files, by path, and what it was asked for; a pair is a status and a Location."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            given = files.get(self.path, (404, ""))
            status, location, body = (200, "", given) if isinstance(given, bytes) else (*given, b"")
            self.send_response(status)
            self.send_header("Location", location)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def refusal(url: str, folder: Path, allowed: Allowed = HERE) -> str:
    with pytest.raises(Refused) as raised:
        fetch(url, folder, allowed)
    return raised.value.notes[0].remark.code


def test_a_description_comes_with_what_it_refers_to(tmp_path: Path) -> None:
    """Schemas are fetched too, each once, by relative and by whole address; the service's own address is not called."""
    with served({}) as (url, asked):
        document = WSDL.replace("<x:element name", f'<x:include schemaLocation="{url}/deep/a.xsd"/><x:element name', 1)
        document = document.replace("http://dan-cu.example.internal/ws", f"{url}/ws")
    files: dict[str, bytes | tuple[int, str]] = {
        "/deep/a.xsd": f'{XSD}<x:include schemaLocation="b.xsd"/></x:schema>'.encode(),
        "/deep/b.xsd": f'{XSD}<x:include schemaLocation="a.xsd"/></x:schema>'.encode(),
    }
    with served(files) as (url, asked):
        files["/ws?wsdl"] = document.replace(
            document[document.index("http://127") : document.index("/deep")], url
        ).encode()
        path = fetch(f"{url}/ws?wsdl", tmp_path, HERE)
        assert asked == ["/ws?wsdl", "/deep/a.xsd", "/deep/b.xsd"]
    assert path.name == "ws?wsdl"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.xsd", "b.xsd", "ws?wsdl"]


def test_nothing_is_asked_of_a_host_that_is_not_named(tmp_path: Path) -> None:
    """Neither the address itself nor a redirect nor a reference leads to a host that was not allowed."""
    elsewhere = b'<x:schema xmlns:x="http://www.w3.org/2001/XMLSchema"><x:include schemaLocation="http://other/a.xsd"/></x:schema>'
    files: dict[str, bytes | tuple[int, str]] = {"/a.xsd": elsewhere, "/away.xsd": (302, "http://localhost/x")}
    with served(files) as (url, asked):
        assert refusal(url, tmp_path, Allowed(("other",), LOOPBACK)) == "fetch-host"
        assert asked == []
        assert refusal(f"{url}/away.xsd", tmp_path) == "fetch-host"
        assert fetch(f"{url}/a.xsd", tmp_path, HERE).name == "a.xsd"
        assert asked == ["/away.xsd", "/a.xsd"]
    assert refusal("file:///etc/passwd", tmp_path) == "fetch-host"


def test_private_addresses_are_refused_unless_a_network_is_named(tmp_path: Path) -> None:
    """Without LGSP_EGRESS only public addresses are connected to, whatever a name resolves to."""
    with served({"/a.xsd": b"<a/>"}) as (url, asked):
        assert refusal(f"{url}/a.xsd", tmp_path, Allowed(("127.0.0.1",))) == "fetch-address"
        assert (
            refusal(f"{url}/a.xsd", tmp_path, Allowed(("127.0.0.1",), (ip_network("10.0.0.0/8"),))) == "fetch-address"
        )
        assert asked == []
    assert not Allowed(("h",)).egress().allows("10.1.2.3", 80)
    assert not Allowed(("h",)).egress().allows("169.254.169.254", 80)
    assert Allowed(("h",)).egress().allows("8.8.8.8", 80)


def test_a_redirect_is_followed_a_few_times(tmp_path: Path) -> None:
    """To the same host, and not for ever."""
    files: dict[str, bytes | tuple[int, str]] = {"/old": (301, "/a.xsd"), "/a.xsd": b"<a/>", "/round": (302, "/round")}
    with served(files) as (url, _):
        assert fetch(f"{url}/old", tmp_path, HERE).read_bytes() == b"<a/>"
        assert refusal(f"{url}/round", tmp_path) == "fetch-redirects"
        assert refusal(f"{url}/none", tmp_path) == "fetch-status"
    assert refusal(f"{url}/a.xsd", tmp_path) == "fetch-failed"


def test_what_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More bytes than a description has are not read to their end; nor are more files."""
    monkeypatch.setattr(fetching, "MAX_FILE", 10)
    monkeypatch.setattr(fetching, "MOST_FILES", 1)
    schema = b'<s:schema xmlns:s="http://www.w3.org/2001/XMLSchema"><s:include schemaLocation="b.xsd"/></s:schema>'
    with served({"/a.xsd": schema, "/b.xsd": b"<a/>"}) as (url, _):
        assert refusal(f"{url}/a.xsd", tmp_path) == "source-too-large"
        monkeypatch.setattr(fetching, "MAX_FILE", 1000)
        assert refusal(f"{url}/a.xsd", tmp_path) == "source-too-many-files"


def test_the_command_fetches_only_when_it_is_asked_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address without --fetch is refused; with it, and its host allowed, it is imported."""
    with served({"/ws?wsdl": WSDL.encode()}) as (url, asked):
        words = ["import", "wsdl", f"{url}/ws?wsdl", "--system", "p", "--agency", "H98", "--out", str(tmp_path / "o")]
        assert CliRunner().invoke(app, words).exit_code == 1
        assert CliRunner().invoke(app, [*words, "--fetch"]).exit_code == 1
        assert asked == []
        monkeypatch.setenv("LGSP_FETCH_HOSTS", '["127.0.0.1"]')
        monkeypatch.setenv("LGSP_EGRESS", '["127.0.0.0/8"]')
        given = CliRunner().invoke(app, [*words, "--fetch"])
        assert given.exit_code == 0, given.output
    assert (tmp_path / "o/p/1.0.0/ws?wsdl").exists()
