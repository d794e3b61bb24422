"""Which systems a message goes to, and in which state its deliveries are born."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from bus.clock import ManualClock
from bus.envelope import Exchange
from bus.errors import Backlog as BacklogFull
from bus.errors import ReceiverNotGranted, RouteMissing
from bus.states import State
from identity.grants import May
from journal.commands import NewDelivery
from journal.conditions import Condition
from journal.queries import Present
from routes.backlog import Backlog
from routes.conditions import Conditions
from routes.model import Route, Snapshot
from routes.room import Room
from routes.router import choose, deliveries
from tests.unit.routes.conftest import a_contract, a_snapshot, may

TODAY = date(2026, 11, 22)
ALWAYS, NEVER = (lambda value: True), (lambda value: False)
ROUTES = (
    Route("a.b", 1, "first", condition=lambda value: value == "first"),
    Route("a.b", 1, "second"),
    Route("a.b", 1, "third", condition=ALWAYS),
    Route("a.b", 1, "fourth", condition=NEVER),
    Route("a.b", 2, "next-major"),
    Route("other", 1, "elsewhere"),
)
SYSTEMS = {route.system: None for route in ROUTES}


def names(routes: tuple[Route, ...]) -> list[str]:
    return [route.system for route in routes]


@pytest.mark.parametrize("exchange", [Exchange.REQUEST, Exchange.DOCUMENT])
def test_first_match_takes_it(exchange: Exchange) -> None:
    """What has one receiver goes to the first route whose condition holds; a route without one always matches."""
    snapshot, contract = a_snapshot(routes=ROUTES), a_contract(exchange)
    assert names(choose(snapshot, contract, "first")) == ["first"]
    assert names(choose(snapshot, contract, "other")) == ["second"]


def test_every_match_takes_an_event() -> None:
    """An event goes to every route whose condition holds, of its own contract and major alone."""
    snapshot, contract = a_snapshot(routes=ROUTES), a_contract(Exchange.EVENT)
    assert names(choose(snapshot, contract, "first")) == ["first", "second", "third"]
    assert names(choose(snapshot, contract, "other")) == ["second", "third"]
    assert names(choose(snapshot, a_contract(Exchange.EVENT, version="2.3.0"), "first")) == ["next-major"]


def test_conditions_are_asked_no_further_than_needed() -> None:
    """After the first match no other condition is asked."""
    asked: list[str] = []

    def remember(value: object) -> bool:
        asked.append(str(value))
        return True

    routes = [Route("a.b", 1, "first", condition=remember), Route("a.b", 1, "second", condition=remember)]
    choose(a_snapshot(routes=routes), a_contract(), "value")
    assert asked == ["value"]


@pytest.mark.parametrize("exchange", [Exchange.REQUEST, Exchange.DOCUMENT])
@pytest.mark.parametrize("routes", [(), (Route("a.b", 1, "his", condition=NEVER),)])
def test_nobody_to_receive(exchange: Exchange, routes: tuple[Route, ...]) -> None:
    """A request or document that no route takes is refused with the owner's name; such an event is nobody's loss."""
    snapshot = a_snapshot(routes=routes)
    with pytest.raises(RouteMissing) as refused:
        choose(snapshot, a_contract(exchange), {})
    assert refused.value.facts == {"contract": "a.b@1", "owner": "H99"}
    assert choose(snapshot, a_contract(Exchange.EVENT), {}) == ()


def conditions(*counted: Condition) -> Conditions:
    """What was counted last."""
    known = Conditions(ManualClock(), "gateway-1")
    known.see(Present(counted), 0.0)
    return known


def born(exchange: Exchange, snapshot: Snapshot, backlog: Backlog | None = None) -> list[NewDelivery]:
    routes = tuple(Route("a.b", 1, name, repeatable=name == "second") for name in ("first", "second"))
    made = deliveries(
        snapshot, a_contract(exchange), routes, {}, backlog or Backlog(conditions()), ManualClock(), TODAY
    )
    return list(made)


def granted(*systems: str, **limits: Any) -> Snapshot:
    return a_snapshot(systems=SYSTEMS, grants=[may(system, May.RECEIVE) for system in systems], **limits)


def test_delivery_for_each_route() -> None:
    """Each route gives one delivery with an id of its own, on its way, repeatable as its route says."""
    made = born(Exchange.EVENT, granted("first", "second"))
    assert [(each.system, each.state, each.repeatable) for each in made] == [
        ("first", State.QUEUED, False),
        ("second", State.QUEUED, True),
    ]
    assert len({each.id for each in made}) == 2


def test_event_passes_over_who_may_not_receive() -> None:
    """A subscriber without a grant gets a dead letter that says so; the others get the event."""
    made = born(Exchange.EVENT, granted("second"))
    assert [(each.system, each.state, each.reason) for each in made] == [
        ("first", State.DEAD, "receiver-not-granted"),
        ("second", State.QUEUED, ""),
    ]


@pytest.mark.parametrize("exchange", [Exchange.REQUEST, Exchange.DOCUMENT])
def test_receiver_needs_a_grant(exchange: Exchange) -> None:
    """What has one receiver is refused where that one has no grant to receive it, today."""
    for grants in ([], [replace(may("first", May.RECEIVE), valid_until=date(2026, 11, 21))], [may("first", May.SEND)]):
        with pytest.raises(ReceiverNotGranted):
            born(exchange, a_snapshot(systems=SYSTEMS, grants=grants))


def test_full_system_refuses_or_dies() -> None:
    """A system with as much waiting as it is allowed gets a dead letter of an event, and refuses anything else for
    half a minute; others go on."""
    known = conditions(Condition("first", waiting=5, counted_at=1))
    backlog = Backlog(known)
    made = born(Exchange.EVENT, granted("first", "second", backlog=5), backlog)
    assert [(each.state, each.reason) for each in made] == [(State.DEAD, "backlog"), (State.QUEUED, "")]
    with pytest.raises(BacklogFull) as refused:
        born(Exchange.DOCUMENT, granted("first", "second", backlog=5), backlog)
    assert refused.value.retry_after == 30
    known.see(Present((Condition("first", waiting=4, counted_at=2),)), 0.0)
    assert born(Exchange.DOCUMENT, granted("first", "second", backlog=5), backlog)


def test_backlog_counts_on_between_counts() -> None:
    """What this process accepts counts at once, until the next count says how it is."""
    known = conditions(Condition("his", waiting=0, counted_at=1))
    backlog = Backlog(known)
    for _ in range(3):
        assert not backlog.full("his", 3)
        backlog.enter("his")
    assert backlog.full("his", 3)
    assert not backlog.full("other", 3)
    known.see(known.present, 1.0)
    assert backlog.full("his", 3)
    known.see(Present((Condition("his", waiting=1, queued=1, counted_at=2),)), 2.0)
    assert not backlog.full("his", 3)
    assert backlog.full("his", 1)


def test_broker_holds_no_more_than_its_share() -> None:
    """Past the share of one system in the broker its deliveries are born waiting in the journal."""
    known = conditions()
    backlog = Backlog(known, Room(most=2))
    assert [backlog.enter("his") for _ in range(4)] == [State.QUEUED, State.QUEUED, State.PENDING, State.PENDING]
    assert backlog.enter("other") is State.QUEUED
    known.see(Present((Condition("his", waiting=51, queued=1, counted_at=1),)), 0.0)
    assert [backlog.enter("his") for _ in range(2)] == [State.QUEUED, State.PENDING]


@pytest.mark.parametrize("condition", [Condition("his", paused_at=1), Condition("his", opened_at=1)])
def test_what_nobody_serves_waits_in_the_journal(condition: Condition) -> None:
    """What is accepted for a paused or silent system is born waiting, and counts towards its backlog."""
    backlog = Backlog(conditions(condition))
    assert backlog.enter("his") is State.PENDING
    assert backlog.enter("other") is State.QUEUED
    assert backlog.full("his", 1)
