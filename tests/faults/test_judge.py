"""What the judge of the fault suite makes of records: it must see everything that the bus may do wrong."""

from typing import Any

import pytest

from tests.faults.faults import FAULTS, plan
from tests.faults.judge import Delivery, judge
from tests.faults.province import KINDS
from tests.faults.report import Struck, longest_silence, recoveries
from tests.faults.senders import divide

CONTRACTS = {kind.system: kind.contract for kind in KINDS}


def a_send(message: str, system: str = "registry") -> dict[str, Any]:
    return {"message": message, "lane": f"{system}-0", "number": 0}


def a_delivery(message: str, system: str = "registry", state: str = "delivered", reason: str = "") -> Delivery:
    return Delivery(f"to {message}", message, CONTRACTS[system], state, reason)


def a_call(message: str, start: float, system: str = "registry", **facts: Any) -> dict[str, Any]:
    """A call that took a second and was answered with 200."""
    call = {"system": system, "delivery": f"to {message}", "start": start, "end": start + 1, "gone": None}
    return call | {"answered": 200, "key": "one", "sequence": 1, "number": 0} | facts


def test_everything_well() -> None:
    """A message that was accepted, called for once and answered breaks nothing."""
    verdict = judge([a_send("m")], [a_call("m", 1)], [a_delivery("m")])
    assert verdict.holds
    assert (verdict.accepted, verdict.delivered, verdict.calls) == (1, 1, 1)


@pytest.mark.parametrize(
    "deliveries",
    [
        pytest.param([], id="not in the journal"),
        pytest.param([a_delivery("m", state="pending")], id="still open"),
        pytest.param([a_delivery("m")], id="said to be delivered, and never arrived"),
    ],
)
def test_lost(deliveries: list[Delivery]) -> None:
    """An accepted message that neither arrived nor ended with a reason is lost."""
    verdict = judge([a_send("m")], [], deliveries)
    assert verdict.lost == 1
    assert not verdict.holds


def test_delivered_without_an_answer_is_lost() -> None:
    """A call that was reset does not count as an arrival."""
    assert judge([a_send("m")], [a_call("m", 1, answered="reset")], [a_delivery("m")]).lost == 1


def test_ends_with_a_reason() -> None:
    """An unrepeatable call with an unknown outcome, and a question that outlived its time, are accounted for."""
    sends = [a_send("m"), a_send("q", "oracle")]
    ends = [a_delivery("m", state="dead", reason="outcome-unknown"), a_delivery("q", "oracle", "expired", "timeout")]
    verdict = judge(sends, [], ends)
    assert verdict.holds
    assert (verdict.dead["outcome-unknown"], verdict.expired) == (1, 1)


@pytest.mark.parametrize(
    "delivery",
    [
        a_delivery("m", state="dead", reason="refused"),
        a_delivery("m", state="expired", reason="timeout"),
        a_delivery("m", "archive", "dead", "outcome-unknown"),
    ],
)
def test_wrong_ends(delivery: Delivery) -> None:
    """Nothing else may end without having arrived."""
    assert judge([a_send("m")], [], [delivery]).unexpected_ends == 1


def test_accepted_twice() -> None:
    """A message that no sender was told of was made a second time for the same key."""
    deliveries = [a_delivery("m"), a_delivery("twin")]
    assert judge([a_send("m")], [a_call("m", 1), a_call("twin", 3)], deliveries).accepted_twice == 1


def test_repeats() -> None:
    """A second call is a repeat that must not be, but for what may be repeated or was refused by the receiver."""
    sends = [a_send("m"), a_send("e", "archive"), a_send("r")]
    calls = [
        *(a_call("m", 1, answered="reset"), a_call("m", 3)),
        *(a_call("e", 1, "archive", answered="nothing"), a_call("e", 3, "archive")),
        *(a_call("r", 1, answered=503), a_call("r", 3)),
    ]
    verdict = judge(sends, calls, [a_delivery("m"), a_delivery("e", "archive"), a_delivery("r")])
    assert verdict.repeated_unrepeatable == verdict.repeated_repeatable == verdict.repeated_after_refusal == 1
    assert not verdict.holds


def test_refusal_that_nobody_heard() -> None:
    """A refusal after the bus had hung up is none: the bus cannot have known."""
    calls = [a_call("m", 1, answered=503, gone=1.5), a_call("m", 3)]
    assert judge([a_send("m")], calls, [a_delivery("m")]).repeated_unrepeatable == 1


def test_overlapping() -> None:
    """Two calls of one delivery at a time overlap; unless the bus had hung up the first, which only the receiver
    went on with."""
    sends, deliveries = [a_send("m", "archive")], [a_delivery("m", "archive")]
    verdict = judge(sends, [a_call("m", 1, "archive"), a_call("m", 1.9, "archive")], deliveries)
    assert (verdict.overlapping, verdict.overlapping_abandoned) == (1, 0)
    assert not verdict.holds
    verdict = judge(sends, [a_call("m", 1, "archive", gone=1.5), a_call("m", 1.9, "archive")], deliveries)
    assert (verdict.overlapping, verdict.overlapping_abandoned) == (0, 1)
    assert verdict.holds


@pytest.mark.parametrize(
    ("first", "second", "wrong"),
    [
        ({"sequence": 5, "number": 0}, {"sequence": 9, "number": 1}, (0, 0)),
        ({"sequence": 9, "number": 0}, {"sequence": 5, "number": 1}, (1, 0)),
        ({"sequence": 5, "number": 1}, {"sequence": 9, "number": 0}, (0, 1)),
        ({"sequence": 5, "number": 0}, {"sequence": None, "number": 1}, (1, 0)),
        ({"sequence": 5, "number": 0, "end": 4}, {"sequence": 9, "number": 1}, (1, 0)),
        ({"sequence": 9, "number": 1, "key": "two"}, {"sequence": 5, "number": 0}, (0, 0)),
    ],
)
def test_order(first: dict[str, Any], second: dict[str, Any], wrong: tuple[int, int]) -> None:
    """In one order key, calls come by their sequence and as they were sent, one after the other."""
    sends = [a_send("a", "ledger"), a_send("b", "ledger")]
    calls = [a_call("a", 1, "ledger", **first), a_call("b", 3, "ledger", **second)]
    verdict = judge(sends, calls, [a_delivery("a", "ledger"), a_delivery("b", "ledger")])
    assert (verdict.out_of_order, verdict.out_of_sent_order) == wrong


def test_recovery() -> None:
    """A fault is over for a receiver with the next call that it answers, for all else with the next of any."""
    calls = [a_call("m", 10, "archive"), a_call("n", 14, "registry"), a_call("o", 30, "archive", answered=500)]
    struck = [Struck("receiver slow", "registry", 5, 8), Struck("worker killed", "worker-1", 5, 8)]
    assert recoveries(struck, calls) == [6, 2]
    assert longest_silence(calls) == 4


def test_plan_is_of_its_seed() -> None:
    """The same seed plans the same; of each kind there is one where there is room."""
    assert plan(200, 7, 600) == plan(200, 7, 600) != plan(200, 8, 600)
    planned = plan(200, 7, 600)
    assert len(planned) == 200
    assert {fault.name for _, fault, _, _ in planned} == {fault.name for fault in FAULTS}
    assert all(0 <= moment <= 600 for moment, _, _, _ in planned)


def test_lanes_send_what_was_asked_for() -> None:
    """The lanes together send as many messages, at the rate, to every contract."""
    tokens = {kind.sender: "token" for kind in KINDS}
    lanes = divide(1_003, 50, tokens)
    assert sum(lane.count for lane in lanes) == 1_003
    assert sum(lane.per_second for lane in lanes) == pytest.approx(50)
    assert {lane.kind for lane in lanes} == set(KINDS)
