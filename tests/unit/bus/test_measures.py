"""What is counted, and of what."""

import re

import pytest
from prometheus_client import generate_latest

from bus.measures import METRICS, Fact, Measures

FACTS = {"at": "2026-01-01T00:00:00.000Z", "actor": "x", "message": None, "number": 1, "writer": "w"}


def event(name: str, **facts: str | int) -> Fact:
    return {**FACTS, "event": name, **facts}


def test_committed_events_are_counted() -> None:
    """What a process has accepted, refused, attempted and ended is counted out of its committed audit events."""
    measures = Measures()
    measures.tell(
        [
            event("message.accepted", contract="health.patient-referral"),
            event("message.refused", contract="-", code="body-invalid"),
            event("caller.refused", source="127.0.0.1", code="token-expired", count=7),
            event("attempt.ended", system="his", result="trouble", state="pending", durationMs=20, reason="http-500"),
            event("attempt.ended", system="his", result="refused", state="dead", durationMs=30, reason="refused"),
            event("delivery.expired", system="his", reason=""),
            event("delivery.replayed", system="his", stateBefore="dead"),
            event("circuit.opened", system="his", code="connection-refused"),
            event("documents.applied", count=1),
        ]
    )
    value = measures.registry.get_sample_value
    assert value("lgsp_messages_accepted_total", {"contract": "health.patient-referral"}) == 1
    assert value("lgsp_messages_refused_total", {"code": "body-invalid"}) == 1
    assert value("lgsp_callers_refused_total", {"code": "token-expired"}) == 7
    assert value("lgsp_attempts_total", {"system": "his", "result": "trouble"}) == 1
    assert value("lgsp_attempt_seconds_sum", {"system": "his"}) == pytest.approx(0.05)
    ended = {"system": "his", "state": "dead", "reason": "refused"}
    assert value("lgsp_deliveries_ended_total", ended) == 1
    assert value("lgsp_deliveries_ended_total", {**ended, "state": "expired", "reason": ""}) == 1
    assert value("lgsp_deliveries_replayed_total", {"system": "his"}) == 1
    assert value("lgsp_circuits_opened_total", {"system": "his"}) == 1


def test_two_processes_of_one_test_share_nothing() -> None:
    """Each has a registry of its own."""
    one, other = Measures(), Measures()
    one.show("lgsp_journal_queue", 3)
    assert other.registry.get_sample_value("lgsp_journal_queue") == 0


def test_names_follow_the_conventions() -> None:
    """Metrics are named as Prometheus wants: a prefix, base units, and each is exported under its documented name."""
    page = generate_latest(Measures().registry).decode()
    for metric in METRICS:
        assert re.fullmatch(r"lgsp_[a-z_]+", metric.exported)
        assert f"# HELP {metric.exported} {metric.meaning}" in page
