"""The judge: what the senders were promised, what the receivers saw and what the journal says, held against each other.

It reads records that others wrote, and asks the bus nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from tests.faults.province import KINDS, Kind

Record = Mapping[str, Any]

KIND_OF: Mapping[str, Kind] = {kind.contract: kind for kind in KINDS}
OF_SYSTEM: Mapping[str, Kind] = {kind.system: kind for kind in KINDS}
SAFE = frozenset({500, 503})
"""Answers after which also what must not be repeated is tried again: the receiver has said that it did not act."""

EXAMPLES = 5
"""Of each wrong that are told."""

EXPECTED_DEATHS: Mapping[str, frozenset[str]] = {
    # An unrepeatable call of which nobody knows what came; a question outlived by its own time.
    kind.contract: frozenset() if kind.repeatable else frozenset({"outcome-unknown"})
    for kind in KINDS
}


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the journal says of one delivery at the end."""

    id: str
    message: str
    contract: str
    state: str
    reason: str


@dataclass
class Verdict:
    """Counts; each of `broken` must be 0."""

    accepted: int = 0
    delivered: int = 0
    expired: int = 0
    calls: int = 0
    dead: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    accepted_twice: int = 0
    unexpected_ends: int = 0
    repeated_repeatable: int = 0
    repeated_after_refusal: int = 0
    repeated_unrepeatable: int = 0
    overlapping: int = 0
    overlapping_abandoned: int = 0
    out_of_order: int = 0
    out_of_sent_order: int = 0
    broken_chains: int = 0
    examples: list[str] = field(default_factory=list)
    """Some of what is wrong, so that one knows where to look."""

    BROKEN = (
        "lost",
        "accepted_twice",
        "unexpected_ends",
        "repeated_unrepeatable",
        "overlapping",
        "out_of_order",
        "out_of_sent_order",
        "broken_chains",
    )

    @property
    def holds(self) -> bool:
        return not any(getattr(self, name) for name in self.BROKEN)

    def blame(self, what: str, example: object) -> None:
        setattr(self, what, getattr(self, what) + 1)
        if getattr(self, what) <= EXAMPLES:
            self.examples.append(f"{what}: {example}")


def judge(sends: Iterable[Record], calls: Iterable[Record], deliveries: Iterable[Delivery]) -> Verdict:
    verdict = Verdict()
    accepted = {each["message"]: each for each in sends}
    by_delivery: dict[str, list[Record]] = defaultdict(list)
    for call in sorted(calls, key=lambda call: float(call["start"])):
        by_delivery[call["delivery"]].append(call)
        verdict.calls += 1
    _ends(verdict, accepted, list(deliveries), by_delivery)
    for of_one in by_delivery.values():
        _repeats(verdict, of_one)
    for kind in KINDS:
        if kind.ordered:
            _order(verdict, kind, by_delivery)
    return verdict


def _ends(
    verdict: Verdict,
    accepted: Mapping[str, Record],
    deliveries: list[Delivery],
    calls: Mapping[str, list[Record]],
) -> None:
    """Every accepted message has ended, and where it says that it was delivered it was."""
    verdict.accepted = len(accepted)
    of_message: dict[str, list[Delivery]] = defaultdict(list)
    for delivery in deliveries:
        of_message[delivery.message].append(delivery)
    for message, send in accepted.items():
        if len(of_message[message]) != 1:
            verdict.blame("lost", f"{send['lane']} {send['number']} has {len(of_message[message])} deliveries")
    for delivery in deliveries:
        if delivery.message not in accepted:
            verdict.blame("accepted_twice", f"nobody was told of {delivery.message}")
        _end(verdict, delivery, calls.get(delivery.id, []))


def _end(verdict: Verdict, delivery: Delivery, calls: list[Record]) -> None:
    kind = KIND_OF[delivery.contract]
    match delivery.state:
        case "delivered" if any(call["answered"] == 200 for call in calls):
            verdict.delivered += 1
        case "dead" if delivery.reason in EXPECTED_DEATHS[delivery.contract]:
            verdict.dead[delivery.reason] += 1
        case "expired" if kind.exchange == "request":
            verdict.expired += 1
        case "dead" | "expired":
            verdict.dead[delivery.reason] += 1
            verdict.blame("unexpected_ends", delivery)
        case _:  # still open, or delivered to nobody
            verdict.blame("lost", delivery)


def _repeats(verdict: Verdict, calls: list[Record]) -> None:
    """Calls of one delivery, by their beginning."""
    kind = OF_SYSTEM[calls[0]["system"]]
    for earlier, later in pairwise(calls):
        refused = earlier["answered"] in SAFE and earlier["gone"] is None
        if refused:
            verdict.repeated_after_refusal += 1
        elif kind.repeatable:
            verdict.repeated_repeatable += 1
        else:
            verdict.blame("repeated_unrepeatable", (earlier, later))
    for earlier, later in _pairs(calls):
        if later["start"] < over(earlier):
            verdict.blame("overlapping", (earlier, later))
        elif later["start"] < earlier["end"]:
            # The bus had hung up, and the receiver went on: no caller can see that.
            verdict.overlapping_abandoned += 1


def _pairs(calls: list[Record]) -> Iterator[tuple[Record, Record]]:
    return ((earlier, later) for index, later in enumerate(calls) for earlier in calls[:index])


def over(call: Record) -> float:
    """When the bus had its answer, or had hung up."""
    return min(float(call["end"]), float(call["gone"] if call["gone"] is not None else call["end"]))


def _order(verdict: Verdict, kind: Kind, by_delivery: Mapping[str, list[Record]]) -> None:
    """In each order key no call begins before every call of the deliveries before it is over."""
    of_key: dict[str, list[Record]] = defaultdict(list)
    for calls in by_delivery.values():
        for call in calls:
            if call["system"] == kind.system:
                of_key[call["key"]].append(call)
    for calls in of_key.values():
        calls.sort(key=lambda call: float(call["start"]))
        highest, sent, ended, last = -1, -1, 0.0, ""
        for call in calls:
            if call["sequence"] is None or call["sequence"] < highest:
                verdict.blame("out_of_order", call)
            if call["number"] < sent:
                verdict.blame("out_of_sent_order", call)
            if call["delivery"] != last and call["start"] < ended:
                verdict.blame("out_of_order", call)
            highest = max(highest, call["sequence"] or 0)
            sent, last = max(sent, call["number"]), call["delivery"]
            ended = max(ended, over(call))
