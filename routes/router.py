"""Which systems a message goes to: decided once, at acceptance."""

from collections.abc import Iterator
from datetime import date

from bus.clock import Clock
from bus.envelope import Exchange
from bus.errors import Backlog as BacklogFull
from bus.errors import ReceiverNotGranted, RouteMissing
from bus.states import State
from contracts.model import Contract
from identity.grants import May
from identity.keyring import steady_hash
from journal.commands import NewDelivery
from routes.backlog import Backlog
from routes.model import Route, Snapshot


def choose(snapshot: Snapshot, contract: Contract, parsed: object) -> tuple[Route, ...]:
    """The routes whose condition holds: every one for an event, the first for what has one receiver.

    Raises `RouteMissing` where a request or a document would reach nobody.
    """
    matching = (
        route
        for route in snapshot.routes.get(contract.reference, ())
        if route.condition is None or route.condition(parsed)
    )
    if contract.exchange is Exchange.EVENT:
        return tuple(matching)
    if (only := next(matching, None)) is None:
        raise RouteMissing(contract=contract.reference, owner=contract.owner)
    return (only,)


def deliveries(
    snapshot: Snapshot,
    contract: Contract,
    routes: tuple[Route, ...],
    parsed: object,
    backlog: Backlog,
    clock: Clock,
    today: date,
) -> Iterator[NewDelivery]:
    """One delivery a route. A subscriber of an event that may not or cannot take it gets a dead letter, which a person
    can replay; the receiver of anything else makes the whole message refused: `ReceiverNotGranted`, `Backlog`."""
    for route in routes:
        system = snapshot.systems[route.system]
        refused: ReceiverNotGranted | BacklogFull | None = None
        received = route.granted or contract.reference
        if not snapshot.grants.allows(system.name, received, May.RECEIVE, today):
            refused = ReceiverNotGranted(system=system.name, contract=received, owner=contract.owner)
        elif backlog.full(system.name, system.backlog):
            refused = BacklogFull(system=system.name, retry_after=30)
        if refused is None:
            key = order_key(snapshot, route, parsed)
            yield NewDelivery(
                clock.new_id(), system.name, backlog.enter(system.name, fetches=system.fetches), route.repeatable, key
            )
        elif contract.exchange is Exchange.EVENT:
            yield NewDelivery(clock.new_id(), system.name, State.DEAD, route.repeatable, reason=refused.code)
        else:
            raise refused


def order_key(snapshot: Snapshot, route: Route, parsed: object) -> bytes | None:
    """A keyed hash of what the route orders by; None where it does not, or the message has no such value."""
    value = route.order_by(parsed) if route.order_by else None
    return None if value is None else steady_hash(snapshot.keys, f"{route.contract}\n{value}".encode())
