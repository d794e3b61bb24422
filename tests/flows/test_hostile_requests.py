"""Paths, methods, headers and queries that make no sense."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.hostile_bus import Served, is_problem, refused, request, serving, surviving


@pytest.fixture(scope="module")
def bus(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(migrated, tmp_path_factory.mktemp("hostile")) as served:
        yield served


@pytest.fixture(autouse=True)
def survives(bus: Served) -> Iterator[None]:
    """After each test the bus still takes and delivers a good message."""
    yield from surviving(bus)


NOTHING = "/messages/01a3185c-53e8-77b6-86d1-928bad1852a0"


@pytest.mark.parametrize(
    "path",
    [
        "/messages/nowhere",
        "/messages/%2e%2e",
        "/messages/%00",
        "/messages/%ff",
        "/messages/%F0%9F%92%A9",
        "/messages/%",
        "/messages/%zz",
        "/messages/tell%0d%0aX-Injected:%20yes",
        "/messages/" + "x" * 10_000,
        "/messages/TELL",
        "/messages/tell%20",
        "/messages/@1",
        "/messages/@",
        "/messages/__class__",
    ],
    ids=lambda path: path[:40],
)
def test_unknown_contract_is_not_found(bus: Served, path: str) -> None:
    """A contract that does not exist is a 404 that repeats nothing of its name."""
    answer = refused(bus, 404, "contract-unknown", path=path)
    assert path.removeprefix("/messages/") not in answer.body.decode()
    assert "x-injected" not in answer.headers


@pytest.mark.parametrize(
    "path",
    [
        "/messages/..%2ftell",
        "/messages/%2fetc%2fpasswd",
        "/messages/tell/",
        "/messages/tell/reply/more",
        "//messages/tell",
        "/messages//tell",
        "/messages/./tell",
        "/Messages/tell",
        "/",
        "/messages/../token",
        "/.well-known/../token",
        "/%2e%2e/%2e%2e/etc/passwd",
    ],
)
def test_unknown_path_is_not_found(bus: Served, path: str) -> None:
    """A path that does not exist is a 404 and never a redirection."""
    answer = refused(bus, 404, "path-unknown", path=path, Host="elsewhere.example")
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    "version", ["2", "1.1", "1.0.1", "1.0.0.0", "x", "1.", "..", "-1", "9" * 5000, "%31%00", "1@1"]
)
def test_unknown_version_is_not_found(bus: Served, version: str) -> None:
    """A version that is not active is a 404."""
    refused(bus, 404, "version-unknown", path=f"/messages/tell@{version}")


@pytest.mark.parametrize(
    "key", ["", " ", "k" * 10_000, "kh\xf3a", b"kh\xc3\xb3a", b"a\tb", b"\x80"], ids=lambda key: str(key)[:12]
)
def test_idempotency_key_is_bounded(bus: Served, key: str | bytes) -> None:
    """An Idempotency-Key that is empty, long or not printable ASCII is refused with 400."""
    answer = refused(bus, 400, "header-invalid", Idempotency_Key=key)
    assert "idempotency-key" in answer.json()["detail"].lower()


def test_two_idempotency_keys_are_refused(bus: Served) -> None:
    """Two keys on one message are refused: nobody knows which is meant."""
    twice = {"Authorization": f"Bearer {bus.token}", "Idempotency-Key": "one", "idempotency-key": "two"}
    assert is_problem(bus.raw(request(headers=dict(twice))), 400, "header-invalid")


@pytest.mark.parametrize(
    "prefer", ["wait=x", "wait=-1", "wait=1e3", "wait=", "wait", "wait=1 2", "wait=" + "9" * 60_000]
)
def test_wait_must_be_a_number(bus: Served, prefer: str) -> None:
    """A wait that is no number of seconds is refused with 400."""
    refused(bus, 400, "header-invalid", Prefer=prefer)


@pytest.mark.parametrize(
    "prefer",
    [
        "",
        ",,,",
        "=",
        ";",
        "nonsense",
        "return=minimal",
        "respond-async",
        'handling="len',
        "\xff\xfe",
        'x="' + " " * 60_000,
    ],
    ids=lambda prefer: prefer[:20],
)
def test_unknown_preferences_are_ignored(bus: Served, prefer: str) -> None:
    """A preference that nobody knows changes nothing (RFC 7240 §2)."""
    assert bus.call(Prefer=prefer).status == 202


def test_spaces_in_prefer_cost_nothing(bus: Served) -> None:
    """A wait of sixty thousand spaces is refused like any other; a pattern would have gone over them for a minute."""
    refused(bus, 400, "header-invalid", Prefer="wait=" + " " * 60_000 + '"x"y')


@pytest.mark.parametrize(
    "traceparent",
    [
        "",
        "nonsense",
        "00-0-0-0",
        "00-" + "0" * 32 + "-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-" + "0" * 16 + "-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00F067AA0BA902B7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        "\xff" * 55,
        "0" * 10_000,
    ],
    ids=lambda value: value[:24],
)
def test_nonsense_traceparent_begins_a_new_trace(bus: Served, traceparent: str) -> None:
    """A traceparent that does not follow W3C Trace Context is ignored, and the bus begins a trace of its own."""
    sent = bus.call(traceparent=traceparent, Prefer="wait=20")
    begun = bus.call("GET", sent.headers["location"], None).json()["traceparent"]
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", begun)
    assert begun != traceparent


@pytest.mark.parametrize(
    "query",
    [
        "state=",
        "state=x",
        "state=DONE",
        "state=%00",
        "since=",
        "since=yesterday",
        "since=2026-13-01",
        "since=%ff",
        "since=" + "2" * 10_000,
        "since=1e9",
        "limit=",
        "limit=0",
        "limit=-1",
        "limit=1.5",
        "limit=1001",
        "limit=x",
        "limit=%D9%A3",
        "limit=" + "9" * 10_000,
        "limit=0x10",
        "limit=1_0",
        "cursor=",
        "cursor=x",
        "cursor=%ff",
        "cursor=%00",
        "cursor=" + "A" * 10_000,
    ],
    ids=lambda query: query[:24],
)
def test_nonsense_query_is_refused(bus: Served, query: str) -> None:
    """A query parameter that makes no sense is refused with 400."""
    refused(bus, 400, "query-invalid", method="GET", path=f"/messages?{query}", body=None)


@pytest.mark.parametrize(
    "query",
    ["", "&&&", "=", "unknown=x", "%", "limit=1&limit=x&limit", "since=0001-01-01", "since=9999-12-31T23:59:59-23:59"],
)
def test_strange_query_is_answered(bus: Served, query: str) -> None:
    """What is merely strange is answered."""
    assert bus.call("GET", f"/messages?{query}", None).status in {200, 400}


@pytest.mark.parametrize(
    "message",
    [
        "x",
        "%00",
        "%ff",
        "0" * 32,
        "{}",
        "urn:uuid:",
        "..%2f..",
        "1" * 10_000,
        NOTHING.removeprefix("/messages/"),
        "tell",
    ],
    ids=lambda message: message[:24],
)
def test_unknown_message_is_not_found(bus: Served, message: str) -> None:
    """A message that does not exist is a 404, and so is its reply."""
    code = "path-unknown" if "%2f" in message else "message-unknown"
    refused(bus, 404, code, method="GET", path=f"/messages/{message}", body=None)
    refused(bus, 404, code, method="GET", path=f"/messages/{message}/reply", body=None)


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/messages/tell", "GET, HEAD, POST"),
        ("/messages", "GET, HEAD"),
        (f"{NOTHING}/reply", "GET, HEAD"),
        ("/token", "POST"),
        ("/health/live", "GET, HEAD"),
    ],
)
@pytest.mark.parametrize("method", ["OPTIONS", "DELETE", "PUT", "PATCH", "TRACE"])
def test_method_that_is_not_allowed(bus: Served, method: str, path: str, allowed: str) -> None:
    """Every path says which methods it takes (RFC 9110 §15.5.6)."""
    answer = refused(bus, 405, "method-not-allowed", method=method, path=path, body=None)
    assert answer.headers["allow"] == allowed
