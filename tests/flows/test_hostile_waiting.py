"""Callers that wait, go away, or come back too late."""

import resource
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters.call import Outcome, Result
from bus.envelope import Body, Format
from tests.flows.hostile_bus import GOOD, Served, is_problem, refused, request, serving, surviving

MEBIBYTE = 1024 * 1024


@pytest.fixture(scope="module")
def bus(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(migrated, tmp_path_factory.mktemp("hostile")) as served:
        yield served


@pytest.fixture(autouse=True)
def survives(bus: Served) -> Iterator[None]:
    """After each test the bus still takes and delivers a good message."""
    yield from surviving(bus)


def test_client_that_goes_away_loses_nothing(bus: Served) -> None:
    """The message of a client that went away while it waited is delivered all the same, and its reply is kept."""
    receiver = bus.province.receivers["his"]
    called, go = threading.Event(), threading.Event()

    def answer(_: object) -> Outcome:
        called.set()
        return Outcome(Result.ANSWERED, "http-200", 200, Body(Format.JSON, b'{"late":true}'))

    receiver.answer, receiver.delay = answer, 0.5
    key = {"Authorization": f"Bearer {bus.token}", "Idempotency-Key": "gone"}
    with bus.connected() as connection:
        connection.sendall(request(path="/messages/ask", headers=dict(key)))
        called.clear()
        while not receiver.inside:
            go.wait(0.005)
    assert called.wait(30)
    again = bus.raw(request(path="/messages/ask", headers=dict(key)))
    assert (again.status, again.body) == (200, b'{"late":true}')
    assert bus.call("GET", again.headers["location"] + "/reply", None).body == b'{"late":true}'


def test_two_hundred_callers_wait_while_the_receiver_is_down(bus: Served) -> None:
    """Two hundred callers may wait at once for a receiver that is down; each gets its own reply when it is back."""
    receiver = bus.province.receivers["his"]
    back = threading.Event()

    def answer(call: Any) -> Outcome:
        if back.is_set():
            return Outcome(Result.ANSWERED, "http-200", 200, call.body)
        return Outcome(Result.NOT_SENT, "connection-refused")

    receiver.answer = answer
    before = bus.counted()
    with ThreadPoolExecutor(200) as pool:
        bodies = [b'{"name":"%d"}' % n for n in range(200)]
        asked = [pool.submit(bus.call, path="/messages/ask", body=body) for body in bodies]
        while bus.counted() < before + 200:
            back.wait(0.05)
        assert bus.call("GET", "/health/ready", None).status == 200
        back.set()
        replies = [each.result() for each in asked]
    assert [(each.status, each.body) for each in replies] == [(200, body) for body in bodies]


def test_large_reply_is_carried(bus: Served) -> None:
    """A reply of sixteen megabytes reaches its caller whole, and again from its place, and memory does not grow."""
    large = b'["' + b"x" * (16 * MEBIBYTE - 4) + b'"]'
    bus.province.receivers["his"].answer = lambda call: Outcome(
        Result.ANSWERED, "http-200", 200, Body(Format.JSON, large)
    )
    grown = []
    for _ in range(4):
        asked = bus.call(path="/messages/ask")
        assert (asked.status, asked.body == large) == (200, True)
        again = bus.call("GET", asked.headers["location"] + "/reply", None)
        assert (again.status, again.body == large) == (200, True)
        grown.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
    assert grown[-1] - grown[1] < 150


@pytest.mark.parametrize("fault", [b'{"name":"An","extra":12345678901234567.10}', b"not json", b"\xff\xfe", b""])
def test_fault_without_schema_is_given_back(bus: Served, fault: bytes) -> None:
    """A declared fault is a 422 whatever its body is, JSON to the last digit, anything else as text."""
    bus.province.receivers["his"].answer = lambda call: Outcome(
        Result.FAULT, "declared-fault", 409, Body(Format.JSON, fault), "busy"
    )
    answer = bus.call(path="/messages/ask", Accept_Language="en")
    assert is_problem(answer, 422, "declared-fault")
    assert fault in answer.body if fault.startswith(b"{") else answer.json()["body"] == fault.decode(errors="replace")


def test_message_whose_body_has_gone(bus: Served) -> None:
    """A message whose bodies have gone is still there to see; its reply says that it is gone."""
    contracts = bus.province.contracts
    kept = contracts["ask"]
    contracts["ask"] = replace(kept, retention=replace(kept.retention, body=0.0))
    bus.put_in_force()
    try:
        asked = bus.call(path="/messages/ask", Prefer="respond-async")
        location = asked.headers["location"]
        assert bus.ended(location)["state"] == "done"
        while bus.queries.reply(bus.queries.messages(size=1).items[0].envelope.message):
            pass
        assert bus.call("GET", location, None).json()["size"] == len(GOOD)
        refused(bus, 410, "reply-gone", method="GET", path=f"{location}/reply", body=None)
    finally:
        contracts["ask"] = kept
        bus.put_in_force()


def test_head_is_get_without_a_body(bus: Served) -> None:
    """HEAD is answered as GET would be, and fetches nothing."""
    asked = bus.call(path="/messages/ask")
    location = asked.headers["location"]
    whole, head = (bus.call(method, f"{location}/reply", None) for method in ("GET", "HEAD"))
    assert (head.status, head.headers["content-length"], head.body) == (200, whole.headers["content-length"], b"")
    assert bus.is_well()  # what is told after an answer is written with the next commit
    told = [each["event"] for each in bus.call("GET", location, None).json()["timeline"]]
    assert told.count("reply.fetched") == 1
