"""What systems say to the validation handshake, and that their documents' `cloudEvents` and `sign` reach the wire."""

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import orjson
import pytest

from adapters.rest.webhook import Consent
from bus.errors import QueryInvalid, SettingInvalid
from bus.settings import read_settings
from documents.store import read
from identity.keyring import Purpose
from running.apply import apply_folder
from running.consent import Said, _judged, said
from running.home import Home
from running.stand_in import Answered, Asked, standing_in
from running.stand_in_rest import answerers
from running.verifying import verified

DOCUMENTS = """kind: Agency
code: H98
name: {vi: Tỉnh, en: Province}
---
kind: System
name: dashboard
agency: H98
adapter: rest
endpoint: ENDPOINT
cloudEvents: structured
sign: true
auth: {scheme: api-key, header: X-Key, value: secret:key}
limits: {ratePerSecond: 2}
---
kind: Contract
name: air.reading
version: 1.2.0
title: {vi: Số đo, en: Reading}
owner: H98
exchange: event
request: {format: json, schema: reading.json}
examples: {valid: [reading.example.json]}
---
{kind: Route, contract: air.reading@1, to: dashboard}
---
{kind: Grant, contract: air.reading@1, system: dashboard, may: receive, purpose: Xem, legalBasis: Luật}
"""
FILES = {
    "reading.json": '{"type": "object", "required": ["pm25"]}',
    "reading.example.json": '{"pm25": 31}',
}
Making = Callable[..., Home]
Receiver = tuple[str, dict[str, str], list[tuple[str, str, dict[str, str]]]]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Making]:
    """Makes a bus whose dashboard is at an address; once."""
    made: list[Home] = []

    def make(endpoint: str = "https://dashboard.example.vn") -> Home:
        folder = tmp_path / "province"
        folder.mkdir()
        documents = DOCUMENTS.replace("ENDPOINT", endpoint)
        for name, text in (FILES | {"documents.yaml": documents}).items():
            (folder / name).write_text(text, encoding="utf-8")
        settings = read_settings({}, data=tmp_path / "data", url="https://bus.vn", egress=("127.0.0.0/8",))
        made.append(Home(settings, "user:test"))
        made[0].prepare()
        made[0].set_secret("H98", "key", "k-1")
        assert apply_folder(made[0], folder).done
        return made[0]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A web hook: its address, the headers of its answers, and what it was asked."""
    answer: dict[str, str] = {}
    asked: list[tuple[str, str, dict[str, str]]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_OPTIONS(self) -> None:
            asked.append((self.command, self.path, {name.lower(): text for name, text in self.headers.items()}))
            self.send_response(200)
            for name, text in answer.items():
                self.send_header(name, text)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/in", answer, asked
    server.shutdown()
    server.server_close()
    thread.join()


def test_system_is_asked_as_its_document_says(home: Making, receiver: Receiver) -> None:
    """A system is asked at its own address, with its own credentials, for as many calls as its document says, on behalf
    of the host that it knows the bus by; once it is gone, that is told."""
    address, answers, asked = receiver
    answers.update({"WebHook-Allowed-Origin": "bus.vn", "WebHook-Allowed-Rate": "120"})
    made = home(address)
    assert said(made, "dashboard") == [Said("", "", agreed=True, rate=120)]
    ((method, path, headers),) = asked
    assert (method, path, headers["webhook-request-origin"], headers["x-key"]) == ("OPTIONS", "/in", "bus.vn", "k-1")
    assert headers["webhook-request-rate"] == "120"
    with pytest.raises(QueryInvalid):
        said(made, "dashbord")
    nameless = Home(made.settings.model_copy(update={"url": ""}), "user:test")
    with pytest.raises(SettingInvalid):
        said(nameless, "dashboard")


@pytest.mark.parametrize(
    ("consent", "most", "agreed", "why"),
    [
        (Consent("agreed"), None, True, ""),
        (Consent("agreed", 120), 120, True, ""),
        (Consent("agreed", 119), 120, False, "ratePerSecond: 1.983"),
        (Consent("agreed", 90), None, False, "ratePerSecond: 1.5"),
        (Consent("not-agreed"), None, False, "neither the bus nor everybody"),
        (Consent("connection-refused"), None, False, "Nothing listens"),
        (Consent("http-405"), None, False, "http-405"),
    ],
)
def test_answer_is_judged(consent: Consent, most: int | None, agreed: bool, why: str) -> None:
    """A system that allows fewer calls than its document says does not agree, and what to write is said."""
    judged = _judged("", "", consent.why, consent.rate, most)
    assert judged.agreed is agreed
    assert why in judged.why


def test_document_reaches_the_wire(home: Making) -> None:
    """What the document asks for is done: an example goes out as a structured event, signed by the key for deliveries;
    and the stand-in that is made of the documents understands it."""
    asked: list[Asked] = []
    made = home()
    stand_in = answerers(read(made.queries))["dashboard"]

    def answer(each: Asked) -> Answered:
        asked.append(each)
        return stand_in(each)

    with standing_in({"dashboard": answer}) as endpoints:
        (found,) = verified(made, "dashboard", writes=True, endpoint=endpoints["dashboard"])
    assert found.verdict == "conforms"
    event = orjson.loads(asked[0].body)
    assert (event["type"], event["data"], event["source"]) == ("air.reading@1", {"pm25": 31}, "/systems/bus")
    assert f'keyid="{made.keys().current(Purpose.DELIVERIES).kid}"' in asked[0].headers["signature-input"]
