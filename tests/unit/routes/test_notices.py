"""What the bus tells of itself: to whom, how often, and of what it never tells."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import orjson
import pytest

from bus.clock import ManualClock
from bus.envelope import Exchange
from bus.states import State
from identity.grants import May
from journal.commands import Accept, Lost
from routes.model import Condition, Route, Snapshot
from routes.notices import DEAD, OPENED, RATE, Notices
from routes.snapshots import STALE_AFTER, Snapshots
from tests.unit.routes.conftest import a_contract, a_snapshot, an_envelope, may

DELIVERY = UUID(int=5)


def a_loss(system: str = "his", **fields: Any) -> Lost:
    return Lost(DELIVERY, system, an_envelope(**fields), State.DEAD, "refused", "http-422")


def told(*routes: Route, granted: bool = True) -> Snapshot:
    """A province whose centre may be told, by these routes."""
    contracts = [a_contract(Exchange.EVENT, name=name) for name in (DEAD, OPENED)]
    grants = [may("centre", May.RECEIVE, name) for name in (DEAD, OPENED)] if granted else []
    return a_snapshot(contracts, routes, {"centre": None, "his": None}, grants)


def routed(condition: Condition | None = None) -> tuple[Route, ...]:
    return tuple(Route(name, 1, "centre", condition=condition, repeatable=True) for name in (DEAD, OPENED))


@pytest.fixture
def notices(clock: ManualClock) -> Callable[[Snapshot], Notices]:
    def made(snapshot: Snapshot) -> Notices:
        snapshots = Snapshots(clock)
        snapshots.refreshed(snapshot)
        return Notices(snapshots, clock)

    return made


Make = Callable[[Snapshot], Notices]


def body(notice: Accept | None) -> dict[str, Any]:
    assert notice
    return dict(orjson.loads(notice.body))


def test_loss_is_told_to_whom_a_route_leads(notices: Make) -> None:
    """A loss is an event of the bus's own, due at once for each subscriber, that names everything but data."""
    loss = a_loss()
    notice = notices(told(*routed())).lost(loss)
    assert notice
    envelope = notice.envelope
    assert (envelope.contract, envelope.exchange, envelope.sender, envelope.waiter) == (DEAD, Exchange.EVENT, "bus", "")
    assert [(each.system, each.state, each.repeatable) for each in notice.deliveries] == [
        ("centre", State.PENDING, True)
    ]
    assert body(notice) == {
        "message": str(loss.envelope.message),
        "delivery": str(DELIVERY),
        "contract": "a.b",
        "version": "1.0.0",
        "sender": "sender",
        "system": "his",
        "state": "dead",
        "reason": "refused",
        "code": "http-422",
        "at": "2027-01-15T08:00:00.000Z",
        "untold": 0,
    }
    assert (notice.event.name, notice.event.actor) == ("message.accepted", "bus")


def test_open_circuit_is_told(notices: Make) -> None:
    """A circuit that opens is told with its system and why."""
    notice = notices(told(*routed())).opened("his", "refused-connection")
    assert body(notice) == {"system": "his", "code": "refused-connection", "at": "2027-01-15T08:00:00.000Z"}


def test_without_a_route_nothing_is_made(notices: Make) -> None:
    """Where nobody wants to be told, or nobody of this loss, nothing is made."""
    assert notices(told()).lost(a_loss()) is None
    assert notices(a_snapshot()).lost(a_loss()) is None
    only = notices(told(*routed(lambda value: value["sender"] == "one-stop")))  # type: ignore[index]
    assert only.lost(a_loss()) is None
    assert only.lost(a_loss(sender="one-stop"))


def test_no_notice_tells_of_a_notice(notices: Make) -> None:
    """The loss of a notice is told to nobody: there is no loop."""
    each = notices(told(*routed()))
    assert each.lost(a_loss(contract=DEAD)) is None
    assert each.lost(a_loss(contract=OPENED)) is None


def test_without_a_grant_it_is_a_dead_letter(notices: Make) -> None:
    """A subscriber that may not receive gets a dead letter, as of any event."""
    notice = notices(told(*routed(), granted=False)).lost(a_loss())
    assert notice
    assert [(each.state, each.reason) for each in notice.deliveries] == [(State.DEAD, "receiver-not-granted")]


def test_ten_thousand_losses_are_a_hundred_notices(notices: Make, clock: ManualClock) -> None:
    """When very many die at once the first are told, the others counted by the next that is told; another system's
    loss is told all the same."""
    each = notices(told(*routed()))
    made = [notice for _ in range(10_000) if (notice := each.lost(a_loss()))]
    assert len(made) == RATE.burst == 100
    assert body(each.lost(a_loss("lab")))["untold"] == 0
    clock.advance(1)
    assert body(each.lost(a_loss()))["untold"] == 9_900
    assert each.lost(a_loss()) is None
    clock.advance(1)
    assert body(each.lost(a_loss()))["untold"] == 1
    assert each.opened("his", "refused-connection")


def test_notice_never_fails_what_it_tells(notices: Make, clock: ManualClock) -> None:
    """A condition that breaks, or a snapshot that is stale, makes no notice and no error."""

    def broken(value: object) -> bool:
        raise RuntimeError(value)

    each = notices(told(*routed(broken)))
    assert each.lost(a_loss()) is None
    clock.advance(STALE_AFTER + 1)
    assert each.opened("his", "x") is None
