"""What is said between the bus and the stacks, and whether a case holds."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from lxml import etree

from adapters.call import Call
from adapters.soap.addressing import Edition
from adapters.soap.manner import Manner
from bus.envelope import Format
from tests.interop.bus import SENDER, Bus
from tests.interop.sample import ENTRY, FIELDS, NS, NUMBER, REFUSED, TEXT, VIEW, instant, note_xml, read_entry
from tests.interop.sample import record_xml as record
from tests.interop.stacks import WITHIN, Caller, Stack, done

OCTETS: Final = b"\x00\xff\x10\r\n--"
"""What is in an attachment."""

BOTH: Final = (*FIELDS, "fault", "one-way")
CLIENT_CASES: Final = (*BOTH, "json", "soap-1.2", "addressing", "inbox", "attachment", "mtom")
SERVER_CASES: Final = (*BOTH, "soap-1.2", "addressing", "prefixes", "us-ascii", "mtom")


@dataclass(frozen=True, slots=True)
class Way:
    """How a server is called in a conversation: at which path, as which port of the WSDL, and in which manner."""

    path: str = "/"
    wsdl_port: str = "RecordsSoap"
    manner: Manner = field(default_factory=Manner)


PLAIN: Final = ""
WAYS: Final[Mapping[str, Way]] = {
    PLAIN: Way(),
    "soap-1.2": Way("/12", "RecordsSoap12"),
    "addressing": Way("/addressed", manner=Manner(addressing=Edition.W3C)),
    "prefixes": Way(manner=Manner(envelope="his-env", prefixes={NS: "his"})),
    "us-ascii": Way(manner=Manner(request_charset="us-ascii")),
    "mtom": Way(manner=Manner(mtom=True)),
}
"""The cases that are conversations of their own with a server, beside the one that all others are."""


@dataclass(frozen=True, slots=True)
class Client:
    """What a client said it had read, by step, what it had the bus hand to the receiver, and what it replied to the
    message in its own inbox."""

    said: Mapping[str, Any]
    sent: Sequence[Call]
    replied: bytes

    def holds(self, case: str) -> None:
        """Raises `AssertionError` where a case does not hold."""
        match case:
            case "fault":
                assert self.said["fault"] == REFUSED
            case "one-way":
                assert self.said["note"] is None
                assert [each.findtext(f"{{{NS}}}text") for each in self._bodies("Note")][:1] == [TEXT]
            case "json":
                assert self.said["view"] == VIEW
                assert [json.loads(each.body.data) for each in self.sent if each.body.format is Format.JSON] == [VIEW]
            case "inbox":
                assert self.said["inbox"] == {"contract": f"{SENDER}.ask", "attempt": 1, "text": TEXT}
                assert etree.fromstring(self.replied).findtext(f"{{{NS}}}text") == TEXT
            case "attachment":
                assert self.said["attachment"] is None
                ((file,),) = (each.attachments for each in self.sent if each.attachments)
                assert (file.name, file.media_type, file.data) == ("octets@client", "application/octet-stream", OCTETS)
            case "soap-1.2":
                self._holds_whole("record12", "fault12", 1)
            case "addressing":
                self._holds_whole("addressed", "addressedFault", 2)
            case "mtom":
                self._holds_whole("mtom", "mtomFault", 3)
            case _:
                said, sent = _read(self.said["record"]), read_entry(self._kept()[0])
                for name in FIELDS[case]:
                    assert (name, said[name], sent[name]) == (name, ENTRY[name], ENTRY[name])

    def _holds_whole(self, reply: str, fault: str, nth: int) -> None:
        assert _read(self.said[reply]) == {**ENTRY, "number": NUMBER}
        assert read_entry(self._kept()[nth]) == ENTRY
        assert self.said[fault] == REFUSED

    def _bodies(self, local: str) -> list[etree._Element]:
        bodies = [each.body.data for each in self.sent if each.body.format is Format.XML]
        return [each for each in map(etree.fromstring, bodies) if each.tag == f"{{{NS}}}{local}"]

    def _kept(self) -> list[etree._Element]:
        return [each for each in self._bodies("Record") if each.findtext(f".//{{{NS}}}kind") == "keep"]


def _read(said: Mapping[str, Any]) -> dict[str, Any]:
    assert "error" not in said, said["error"]
    return {**said, "at": instant(said["at"])}


@dataclass(frozen=True, slots=True)
class Server:
    """What the bus made of a server's answers, which say what the server had read, by the way that it was called: the
    entry and the fault. And the note that the server kept."""

    answers: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]]
    note: str

    def holds(self, case: str) -> None:
        """Raises `AssertionError` where a case does not hold."""
        entry, fault = self.answers[case if case in WAYS else PLAIN]
        match case:
            case "fault":
                assert fault == REFUSED
            case "one-way":
                assert self.note == TEXT
            case "soap-1.2" | "addressing" | "prefixes" | "us-ascii" | "mtom":
                assert entry == {**ENTRY, "number": NUMBER}
                assert fault == REFUSED
            case _:
                assert "error" not in entry, entry["error"]
                for name in FIELDS[case]:
                    assert (name, entry[name]) == (name, ENTRY[name])


@dataclass
class Conversations:
    """Each conversation is held once, when it is first asked for; `found` keeps what became of each case."""

    bus: Bus
    folder: Path
    ports: Mapping[str, int]
    found: dict[tuple[str, str, str], bool] = field(default_factory=dict)
    _held: dict[tuple[str, str], Client | Server] = field(default_factory=dict)

    def check(self, side: str, stack: Stack, case: str) -> None:
        """Raises `Missing`; `AssertionError` where the case does not hold."""
        stack.needed()
        key = side, stack.name, case
        self.found[key] = False
        if (side, stack.name) not in self._held:
            talk: Callable[[Stack], Client | Server] = self._client if side == "client" else self._server
            self._held[side, stack.name] = talk(stack)
        self._held[side, stack.name].holds(case)
        self.found[key] = True

    def _own_folder(self, side: str, stack: Stack) -> Path:
        folder = self.folder / f"{stack.name}-{side}"
        folder.mkdir(exist_ok=True)
        return folder

    def _client(self, stack: Stack) -> Client:
        assert stack.client
        folder, before = self._own_folder("client", stack), len(self.bus.stand_in.calls)
        caller = Caller(f"{self.bus.url}/soap", SENDER, self.bus.secret)
        command = [*stack.client(folder, caller), caller.base, caller.name, caller.secret, TEXT]
        waiting = self._send(f"{SENDER}.ask", note_xml(), "respond-async").headers["location"]
        said = json.loads(done(command, folder, stack.surroundings()))
        assert "error" not in (said["note"] or {}), said
        notes = 2 if "attachment" in sides(stack)["client"] else 1
        _until(lambda: sum(call.body.data.find(b"Note") > 0 for call in self.bus.stand_in.calls[before:]) == notes)
        replied = self.bus.http.get(f"{waiting}/reply", headers=self._token()).content
        return Client(said, self.bus.stand_in.calls[before:], replied)

    def _server(self, stack: Stack) -> Server:
        folder = self._own_folder("server", stack)
        with _serving(stack, folder, self.ports[stack.name]):
            answers = {case: self._answers(system_of(stack, case)) for case in ways(stack)}
            self._ask(f"{stack.name}.note", note_xml())
            note = folder / "note.txt"
            _until(lambda: note.exists() and note.stat().st_size > 0)
        return Server(answers, note.read_text(encoding="utf-8"))

    def _answers(self, system: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        return _answers(self._ask(f"{system}.record", record()), self._ask(f"{system}.record", record("refuse")))

    def _ask(self, contract: str, body: bytes) -> Any:
        return self._send(contract, body, "wait=20")

    def _send(self, contract: str, body: bytes, prefer: str) -> Any:
        headers = {"Content-Type": "application/xml", "Prefer": prefer, **self._token()}
        return self.bus.http.post(f"/messages/{contract}", content=body, headers=headers)

    def _token(self) -> dict[str, str]:
        token = self.bus.http.post("/token", data={"grant_type": "client_credentials"}).json()["access_token"]
        return {"Authorization": f"Bearer {token}"}


def _answers(kept: Any, refused: Any) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The entry of a reply, and the members of a fault; what the bus says where there is neither."""
    entry: Mapping[str, Any] = {"error": kept.text}
    if kept.status_code == 200:
        root = etree.fromstring(kept.content)
        entry = read_entry(root) | {"number": int(root.findtext(f"{{{NS}}}number") or 0)}
    fault: Mapping[str, Any] = {"error": refused.text}
    if refused.status_code == 422:
        told = etree.fromstring(refused.json()["body"])
        fault = {etree.QName(each).localname: each.text for each in told}
    return entry, fault


@contextmanager
def _serving(stack: Stack, folder: Path, port: int) -> Iterator[None]:
    """A server, from when it answers anything until the block ends."""
    assert stack.server
    command, log = stack.server(folder, port), folder / "log.txt"
    with log.open("wb") as out:
        surroundings = {**stack.surroundings(), "TMPDIR": str(folder)}
        process = subprocess.Popen(command, cwd=folder, env=surroundings, stdout=out, stderr=out)
        try:
            while not _answers_at(port):
                assert process.poll() is None, log.read_text(errors="replace")[-2000:]
                time.sleep(0.02)
            yield
        finally:
            process.terminate()
            process.wait(20)


def _until(holds: Callable[[], bool]) -> None:
    """Wait for what comes after the answer: the bus delivers and servers read when the other has its 202."""
    last = time.monotonic() + WITHIN
    while not holds():
        assert time.monotonic() < last
        time.sleep(0.01)


def _answers_at(port: int) -> bool:
    try:
        urlopen(f"http://127.0.0.1:{port}/?wsdl", timeout=5).close()  # it may listen before it serves
    except HTTPError as answered:
        answered.close()
    except (URLError, OSError):
        return False
    return True


def sides(stack: Stack) -> dict[str, tuple[str, ...]]:
    """The cases that a stack is capable of, by the side it is on."""
    able = {"client": CLIENT_CASES if stack.client else (), "server": SERVER_CASES if stack.server else ()}
    return {side: tuple(each for each in cases if (side, each) not in stack.cannot) for side, cases in able.items()}


def ways(stack: Stack) -> dict[str, Way]:
    """The ways that a stack is called as a server."""
    able = (PLAIN, *sides(stack)["server"]) if stack.server else ()
    return {case: way for case, way in WAYS.items() if case in able}


def system_of(stack: Stack, case: str) -> str:
    """The system that a stack is behind the bus when it is called that way."""
    return f"{stack.name}-{case.replace('.', '')}" if case else stack.name
