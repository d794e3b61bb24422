"""Anything at all is answered, and never with an error of the bus."""

from collections.abc import Iterator
from pathlib import Path
from socket import SHUT_WR

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.flows.hostile_bus import XML, Answer, Served, is_over, is_problem, request, serving, surviving


@pytest.fixture(scope="module")
def bus(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(migrated, tmp_path_factory.mktemp("hostile")) as served:
        yield served


@pytest.fixture(autouse=True)
def survives(bus: Served) -> Iterator[None]:
    """After each test the bus still takes and delivers a good message."""
    yield from surviving(bus)


def acceptable(answer: Answer) -> bool:
    """A success, or a problem document that blames the sender."""
    if answer.status < 300:
        return True
    assert 400 <= answer.status < 500, answer
    return is_problem(answer, answer.status, answer.json()["code"])


FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

JSONISH = st.recursive(
    st.sampled_from([b"null", b"true", b'"a"', b"1", b"1e9", b'"\\ud83d\\ude00"', b"-0.0", b'"\xc3\xa9"'])
    | st.binary(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda each: b"[" + b",".join(each) + b"]")
        | st.lists(inner, max_size=4).map(lambda each: b"{" + b",".join(b'"name":' + one for one in each) + b"}")
    ),
    max_leaves=12,
)


@FUZZ
@given(body=st.binary(max_size=400) | JSONISH, contract=st.sampled_from(["tell", "news"]))
def test_any_bytes_are_answered_as_json(bus: Served, body: bytes, contract: str) -> None:
    """Whatever bytes are sent as JSON are accepted or refused, and never an error of the bus."""
    assert acceptable(bus.call(path=f"/messages/{contract}", body=body))


@FUZZ
@given(
    body=st.binary(max_size=400)
    | st.lists(
        st.sampled_from(
            [b"<", b">", b"/", b"Person", b"Name", b' xmlns="urn:t"', b"<!--", b"-->", b"<?", b"?>", b"&", b";", b"An"]
        )
    ).map(b"".join)
)
def test_any_bytes_are_answered_as_xml(bus: Served, body: bytes) -> None:
    """Whatever bytes are sent as XML are accepted or refused, and never an error of the bus."""
    assert acceptable(bus.call(path="/messages/tell-xml", body=body, Content_Type=XML))


NAMES = st.sampled_from(
    [
        "Accept-Language",
        "Authorization",
        "Connection",
        "Content-Encoding",
        "Content-Type",
        "Expect",
        "Host",
        "Idempotency-Key",
        "Prefer",
        "Upgrade",
        "X-Forwarded-For",
        "traceparent",
    ]
)


@FUZZ
@given(headers=st.dictionaries(NAMES, st.binary(max_size=60), max_size=4))
def test_any_header_is_answered(bus: Served, headers: dict[str, bytes]) -> None:
    """Whatever bytes stand in a header, there is an answer."""
    values = {name: value.replace(b"\n", b"").replace(b"\r", b"") for name, value in headers.items()}
    assert acceptable(bus.raw(request(headers={"Authorization": f"Bearer {bus.token}", **values})))


SEGMENT = st.binary(max_size=40).map(lambda data: b"".join(b"%%%02x" % byte for byte in data)) | st.text(
    "abc/.@%?#:;,~-_0", max_size=20
).map(str.encode)


@FUZZ
@given(segments=st.lists(SEGMENT, max_size=3), method=st.sampled_from(["GET", "POST", "PUT"]))
def test_any_path_is_answered(bus: Served, segments: list[bytes], method: str) -> None:
    """Whatever is asked for, there is an answer."""
    token: dict[str, str | bytes] = {"Authorization": f"Bearer {bus.token}"}
    for root in (b"/messages/", b"/"):
        assert acceptable(bus.raw(request(method, root + b"/".join(segments), dict(token)), method))


@FUZZ
@given(query=st.dictionaries(st.sampled_from(["state", "since", "limit"]), st.binary(max_size=30), max_size=3))
def test_any_query_is_answered(bus: Served, query: dict[str, bytes]) -> None:
    """Whatever is asked of the list, there is an answer."""
    text = b"&".join(
        b"%b=%b" % (name.encode(), b"".join(b"%%%02x" % byte for byte in value)) for name, value in query.items()
    )
    assert acceptable(bus.call("GET", b"/messages?" + text, None))


@FUZZ
@given(
    year=st.integers(1, 9999),
    day=st.integers(1, 28),
    clock=st.sampled_from(["", "T23:59:59", "T00:00:00.000001", "T24:00:00"]),
    zone=st.sampled_from(["", "Z", "+23:59", "-23:59", "+07:00", "+00:00:01"]),
)
def test_any_time_is_answered(bus: Served, year: int, day: int, clock: str, zone: str) -> None:
    """Whatever moment a list begins at, there is an answer."""
    since = f"{year:04}-12-{day:02}{clock}{zone if clock else ''}".replace("+", "%2b")
    assert acceptable(bus.call("GET", f"/messages?since={since}", None))


@FUZZ
@given(data=st.binary(max_size=300), cut=st.integers(0, 200))
def test_any_bytes_on_the_wire_are_answered(bus: Served, data: bytes, cut: int) -> None:
    """Whatever is sent instead of the rest of a request, the connection ends, with an answer where there is one."""
    good = request(headers={"Authorization": f"Bearer {bus.token}"})
    with bus.connected() as connection:
        connection.sendall(good[:cut] + data)
        connection.shutdown(SHUT_WR)
        assert is_over(connection)
