"""Data of messages stay in the bodies: a marker that is planted wherever data can stand is found nowhere else."""

import logging
import sqlite3
import warnings
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.call import Call, Outcome, Result
from bus.envelope import Body, Format
from bus.errors import TransformFailed
from tests.flows.hostile_bus import GOOD, XML, Answer, Served, encoded, read, request, serving

MARKER = "Qx7markerZv"
NUMBER = "7313377317"
TRACES = [
    MARKER.lower(),
    NUMBER,
    MARKER.lower().encode().hex(),
    b64encode(MARKER.encode()).decode().lower().rstrip("="),
]


def holds_a_trace(data: str | bytes) -> bool:
    text = data.decode("latin-1") if isinstance(data, bytes) else data
    return any(trace in text.lower() for trace in TRACES)


def outside_bodies(folder: Path) -> Iterator[str]:
    """Every value of every row of the journal that is no body, as ``table: value``."""
    with sqlite3.connect(folder / "journal.sqlite") as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for row in connection.execute(f"SELECT * FROM {table}"):
                for value in row:
                    if table != "bodies" and value is not None:
                        yield f"{table}: {value.decode('latin-1') if isinstance(value, bytes) else value}"
    connection.close()


def bodies(folder: Path) -> int:
    """How many bodies hold the marker."""
    connection = sqlite3.connect(folder / "journal.sqlite")
    found = sum(MARKER.encode() in data for (data,) in connection.execute("SELECT data FROM bodies"))
    connection.close()
    return found


ACCEPTED = [
    b'{"name":"%m"}',
    b'{"name":"%m","extra":{"%m":["%m",%n,{"%m":null}]}}',
    b'{"age":1,"extra":"%m %m"}',
]

REFUSED = [
    b'{"%m":1}',
    b'{"%m":1,"%m":2}',
    b'{"name":"%m","name":"%m"}',
    b'{"name":"%m',
    b'{"name":%m}',
    b"%m",
    b'{"name":"%m"}%m',
    b'{"name":"%m \\ud800"}',
    b'{"name":"%m \\u0000"}',
    b'{"%m \\u0000":1}',
    b'{"name":"%m \xff"}',
    b'{"extra":"%m","age":1e999}',
    b'{"age":%n}',
    b'{"age":"%m"}',
    b'{"age":%n%n%n}',
    b'{"name":%n}',
    b'{"born":"%m"}',
    b'{"sex":"%m"}',
    b'{"phones":["%m"]}',
    b'{"phones":"%m"}',
    b'{"name":"' + b"%m" * 100 + b'"}',
    b'{"extra":' + b'{"%m":' * 150 + b"1" + b"}" * 150 + b"}",
    b'["%m"]',
    b'"%m"',
]

REFUSED_XML = [
    b"<%m/>",
    b"<%m>",
    b"%m",
    b'<Person xmlns="urn:t"><%m>%m</%m></Person>',
    b'<Person xmlns="urn:t"><Name>%m</Name><Age>%m</Age></Person>',
    b'<Person xmlns="urn:t"><Name>%m</Name><Age>%n</Age></Person>',
    b'<Person xmlns="urn:t" %m="%m"><Name>%m</Name></Person>',
    b'<Person xmlns="urn:t" kind="%m %m !"><Name>%m</Name></Person>',
    b'<Person xmlns="urn:%m"><Name>%m</Name></Person>',
    b'<%m:Person xmlns="urn:t"><Name>%m</Name></%m:Person>',
    b'<%m:Person xmlns:%m="urn:t"><%m:Other>%m</%m:Other></%m:Person>',
    b'<Person xmlns="urn:t"><Name>&%m;</Name></Person>',
    b'<Person xmlns="urn:t"><Name>%m</%m></Person>',
    b'<Person xmlns="urn:t"><Name %m="1" %m="2"/></Person>',
    b'<!DOCTYPE %m SYSTEM "%m"><Person xmlns="urn:t"><Name>%m</Name></Person>',
    b'<!DOCTYPE a [<!ENTITY %m "%m">]><Person xmlns="urn:t"><Name>&%m;</Name></Person>',
    b'<?xml version="1.0" encoding="%m"?><Person xmlns="urn:t"><Name>%m</Name></Person>',
    b'<Person xmlns="urn:t"><Name>%m \xff</Name></Person>',
    b'<Person xmlns="urn:t"><!-- %m --><?%m %m?><Other>%m</Other></Person>',
    b'<Person xmlns="urn:t"><Name><i:include xmlns:i="http://www.w3.org/2001/XInclude" href="%m"/></Name></Person>',
]


def planted(template: bytes) -> bytes:
    return template.replace(b"%m", MARKER.encode()).replace(b"%n", NUMBER.encode())


HEADERS = [
    {"Accept-Language": MARKER},
    {"Authorization": f"Bearer {MARKER}"},
    {"Authorization": f"Basic {MARKER}"},
    {"Authorization": MARKER},
    {"Authorization": f"Bearer {encoded({'alg': MARKER, 'kid': MARKER, MARKER: MARKER})}.{encoded({'sub': MARKER})}.x"},
    {"Content-Encoding": MARKER},
    {"Content-Type": MARKER},
    {"Content-Type": f"application/json; charset={MARKER}"},
    {"Content-Type": f"application/json; charset*=unicode_escape''\\{MARKER}"},
    {"Content-Length": MARKER},
    {"Transfer-Encoding": MARKER},
    {"Cookie": MARKER},
    {"Expect": MARKER},
    {"Forwarded": f"for={MARKER}"},
    {"Host": MARKER},
    {"Idempotency-Key": MARKER},
    {"Idempotency-Key": MARKER * 100},
    {"Idempotency-Key": MARKER + "\xe9"},
    {"Prefer": MARKER},
    {"Prefer": f"wait={MARKER}"},
    {"Prefer": f"wait={NUMBER}"},
    {"Upgrade": MARKER, "Connection": f"Upgrade, {MARKER}"},
    {"User-Agent": MARKER},
    {"X-Forwarded-For": MARKER, "Authorization": "Bearer x"},
    {"X-Request-Id": MARKER},
    {MARKER: MARKER},
    {f"{MARKER} {MARKER}": MARKER},
    {"traceparent": MARKER},
    {"tracestate": MARKER},
    {"baggage": MARKER},
]

CALLS = [
    ("POST", f"/messages/{MARKER}"),
    ("POST", f"/messages/tell@{MARKER}"),
    ("POST", f"/messages/tell%00{MARKER}"),
    ("POST", f"/messages/tell/{MARKER}"),
    ("POST", f"/{MARKER}?{MARKER}={MARKER}"),
    ("GET", f"/messages/{MARKER}"),
    ("GET", f"/messages/{MARKER}/reply"),
    ("GET", f"/messages?state={MARKER}"),
    ("GET", f"/messages?since={MARKER}"),
    ("GET", f"/messages?limit={MARKER}"),
    ("GET", f"/messages?limit={NUMBER}"),
    ("PUT", f"/messages/{MARKER}"),
    (MARKER, "/messages/tell"),
    ("POST", f"/messages/tell HTTP/{MARKER}"),
]


def replying(result: Result, data: bytes, fault: str = "") -> Callable[[Call], Outcome]:
    reply = Body(Format.JSON, planted(data))
    return lambda call: Outcome(result, "http-200", 200, reply, fault)


ENDS = [
    replying(Result.ANSWERED, b'{"%m":"%m"}'),
    replying(Result.ANSWERED, b"%m"),
    replying(Result.ANSWERED, b'{"%m":1,"%m":1}'),
    replying(Result.FAULT, b'{"name":"%m"}', "not-found"),
    replying(Result.FAULT, b'{"%m":"%m"}', "not-found"),
    replying(Result.FAULT, b"%m", "busy"),
    replying(Result.REPLY_INVALID, b"%m"),
    replying(Result.REFUSED, b"%m"),
]


def spoiling(body: Body) -> Body:
    raise TransformFailed(transform="t", rule="type", place="/name")


class Planting:
    """Plants the marker and looks at what comes back."""

    def __init__(self, bus: Served) -> None:
        self.bus = bus
        self.refusals = 0

    def looked_at(self, answer: Answer) -> Answer:
        """Only a reply and a declared fault are the caller's to have back."""
        shown = " ".join([*answer.headers, *answer.headers.values()])
        assert not holds_a_trace(shown), answer
        if answer.status >= 400 and answer.status != 422:
            self.refusals += 1
            assert not holds_a_trace(answer.body), answer
        return answer

    def send(self, path: str, body: bytes, content_type: str = "application/json") -> Answer:
        return self.looked_at(self.bus.call(path=path, body=body, Content_Type=content_type, Accept_Language="en"))

    def say(self, data: bytes) -> None:
        with self.bus.connected() as connection:
            connection.sendall(data)
            self.looked_at(read(connection))

    def bodies(self) -> None:
        for template in ACCEPTED + REFUSED:
            answer = self.send("/messages/tell", planted(template))
            assert (answer.status == 202) == (template in ACCEPTED), (template, answer)
        accepted = self.send("/messages/tell-xml", planted(b'<Person xmlns="urn:t"><Name>%m</Name></Person>'), XML)
        assert accepted.status == 202
        for template in REFUSED_XML:
            assert self.send("/messages/tell-xml", planted(template), XML).status in {400, 415}, template

    def heads(self) -> None:
        token = {"Authorization": f"Bearer {self.bus.token}"}
        for headers in HEADERS:
            self.say(request(headers=token | headers))
        for method, path in CALLS:
            self.say(request(method, path, token))
        for data in (f"{MARKER}\r\n\r\n", f"GET /{MARKER}\r\n\r\n", f"GET / HTTP/1.1\r\n{MARKER}\r\n\r\n"):
            self.say(data.encode())
        chunks = f"2\r\n{{}}\r\n0\r\n{MARKER}: {MARKER}\r\n\r\n".encode()
        self.say(request(headers=token | {"Transfer-Encoding": "chunked"}, body=None) + chunks)
        self.say(request(headers=token | {"Transfer-Encoding": "chunked"}, body=None) + MARKER.encode() + b"\r\n")

    def clients(self) -> None:
        for form in (f"client_id={MARKER}&client_secret={MARKER}", f"client_id=one-stop&client_secret={MARKER}"):
            self.say(request("POST", "/token", body=f"grant_type=client_credentials&{form}".encode()))
        self.say(request("POST", "/token", body=f"grant_type={MARKER}&{MARKER}={MARKER}".encode()))
        basic = b64encode(f"{MARKER}:{MARKER}".encode()).decode()
        self.say(request("POST", "/token", {"Authorization": f"Basic {basic}"}, b"grant_type=client_credentials"))

    def ends(self) -> None:
        receiver = self.bus.province.receivers["his"]
        for answer in ENDS:
            receiver.answer = answer
            asked = self.send("/messages/ask", planted(b'{"name":"%m"}'))
            location = asked.headers["location"]
            shown = self.bus.call("GET", location, None)
            assert not holds_a_trace(shown.body)
            self.looked_at(self.bus.call("GET", f"{location}/reply", None, Accept_Language="vi"))
        receiver.answer = replying(Result.ANSWERED, b'{"a":1}')

    def transforms(self) -> None:
        routes = self.bus.province.routes
        place = next(index for index, route in enumerate(routes) if route.contract == "ask")
        kept = routes[place]
        routes[place] = replace(kept, request=spoiling)
        self.bus.put_in_force()
        assert self.send("/messages/ask", planted(b'{"name":"%m"}')).status == 502
        routes[place] = kept
        self.bus.put_in_force()


def test_marker_stays_in_the_bodies(
    migrated: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Planted in every value and name of bodies, replies, heads, paths and credentials, valid and not, the marker
    appears in no log line, no audit event, no row but a body, and no answer but a reply or a declared fault."""
    caplog.set_level(logging.DEBUG)
    with warnings.catch_warnings(record=True) as warned, serving(migrated, tmp_path) as bus:
        warnings.simplefilter("always")
        planting = Planting(bus)
        for plant in (planting.bodies, planting.heads, planting.clients, planting.ends, planting.transforms):
            plant()
        assert not holds_a_trace(bus.call("GET", "/messages?limit=1000", None).body)
        assert not holds_a_trace(bus.call("GET", "/health/ready", None).body)
    lines = (tmp_path / "lgsp.jsonl").read_text().splitlines()
    captured = capfd.readouterr()
    assert not [line for line in lines if holds_a_trace(line)]
    assert not [line for line in (caplog.text + captured.out + captured.err).splitlines() if holds_a_trace(line)]
    assert not [str(each.message) for each in warned if holds_a_trace(str(each.message))]
    assert not [row for row in outside_bodies(tmp_path) if holds_a_trace(row)]
    # It was there to be found.
    assert planting.refusals > len(REFUSED) + len(REFUSED_XML)
    assert bodies(tmp_path) > len(ACCEPTED) + len(ENDS)
    assert len(lines) > 100


LEAF = st.sampled_from([f'"{MARKER}"', NUMBER, f'"{MARKER}\\n"', "null", "true", "1e400", f'"\\u0000{MARKER}"', MARKER])
TREE = st.recursive(
    LEAF,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda each: f"[{','.join(each)}]")
        | st.dictionaries(
            st.sampled_from(["name", "age", "born", "sex", "phones", "extra", MARKER, f"{MARKER}/~"]), inner, max_size=3
        ).map(lambda members: "{" + ",".join(f'"{name}":{value}' for name, value in members.items()) + "}")
    ),
    max_leaves=8,
)
ELEMENT = st.recursive(
    st.sampled_from(
        [MARKER, NUMBER, "&amp;", f"&{MARKER};", f"<!--{MARKER}-->", f"<?{MARKER}?>", f"<![CDATA[{MARKER}]]>"]
    ),
    lambda inner: st.builds(
        lambda name, attributes, content: f"<{name}{attributes}>{''.join(content)}</{name.split(':')[-1]}>",
        st.sampled_from(["Person", "Name", "Age", MARKER, f"{MARKER}:{MARKER}"]),
        st.sampled_from(
            ["", ' xmlns="urn:t"', f' kind="{MARKER} !"', f' {MARKER}="{MARKER}"', f' xmlns:{MARKER}="{MARKER}"']
        ),
        st.lists(inner, max_size=3),
    ),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def bus(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(migrated, tmp_path_factory.mktemp("marker")) as served:
        yield served


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(json=TREE, xml=ELEMENT)
def test_no_refusal_quotes_the_message(bus: Served, json: str, xml: str) -> None:
    """Whatever shape the data have, no answer to them and no line about them shows any of it."""
    planting = Planting(bus)
    planting.send("/messages/tell", json.encode())
    planting.send("/messages/tell-xml", xml.encode(), XML)


def test_nothing_was_told_of_them(bus: Served) -> None:
    """Of all those messages nothing is in the log or in the journal beside the bodies."""
    assert bus.call(body=GOOD).status == 202
    assert not [line for line in (bus.folder / "lgsp.jsonl").read_text().splitlines() if holds_a_trace(line)]
    assert not [row for row in outside_bodies(bus.folder) if holds_a_trace(row)]


def test_marker_would_be_found(tmp_path: Path) -> None:
    """The search finds the marker in whatever case and in whatever column it stands."""
    connection = sqlite3.connect(tmp_path / "journal.sqlite")
    connection.execute("CREATE TABLE attempts (code, data)")
    connection.execute("INSERT INTO attempts VALUES (?, ?)", (MARKER.upper(), f"{NUMBER}".encode()))
    connection.commit()
    connection.close()
    assert [holds_a_trace(row) for row in outside_bodies(tmp_path)] == [True, True]
    assert holds_a_trace(b64encode(MARKER.encode()))
