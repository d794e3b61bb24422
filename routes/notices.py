"""What the bus tells of itself as messages of its own: a delivery that failed, a system that answers nobody.

A notice is a message like any other, under a contract that comes with the bus, to whoever has a route and a grant for
it. It is written in the transaction of what it tells, so that it is there if and only if that is; then the sweep rings
it. Where no route leads, nothing is made. No notice tells of a notice.
"""

from collections import Counter
from datetime import date
from typing import Final

import orjson
import structlog

from bus.clock import Clock, iso
from bus.envelope import Envelope
from bus.errors import QuotaExceeded, ReceiverNotGranted, SnapshotStale
from bus.states import State
from contracts.model import Contract
from identity.grants import May, civil_date
from journal.commands import Accept, Lost, NewDelivery
from routes import router
from routes.accept import acceptance, trace
from routes.model import Quota, Route, Snapshot
from routes.quotas import Quotas
from routes.snapshots import Snapshots

SENDER: Final = "bus"
PREFIX: Final = "bus."
DEAD: Final = "bus.delivery-dead"
OPENED: Final = "bus.circuit-opened"

RATE: Final = Quota(per_second=1, burst=100)
"""How many notices of one system a process sends: past it they are counted, and the next one says how many. When ten
thousand deliveries die at once, nobody is helped by ten thousand messages."""

log = structlog.get_logger("notices")


class Notices:
    """Makes notices for one process; safe in the event loop and in the committer's thread."""

    def __init__(self, snapshots: Snapshots, clock: Clock) -> None:
        self._snapshots = snapshots
        self._clock = clock
        self._quotas = Quotas(clock)
        self._untold: Counter[str] = Counter()

    def lost(self, lost: Lost) -> Accept | None:
        """The notice of a delivery that ended without having been delivered. Never raises."""
        envelope = lost.envelope
        if envelope.contract.startswith(PREFIX):
            return None
        told: dict[str, str | int] = {
            "message": str(envelope.message),
            "delivery": str(lost.delivery),
            "contract": envelope.contract,
            "version": envelope.version,
            "sender": envelope.sender,
            "system": lost.system,
            "state": str(lost.state),
            "reason": lost.reason,
            "code": lost.code,
            "at": iso(self._clock.now()),
        }
        return self._made(DEAD, lost.system, told)

    def opened(self, system: str, code: str) -> Accept | None:
        """The notice of a circuit that opens. Never raises."""
        return self._made(OPENED, system, {"system": system, "code": code, "at": iso(self._clock.now())})

    def _made(self, contract: str, system: str, told: dict[str, str | int]) -> Accept | None:
        try:
            return self._notice(self._snapshots.current(), contract, system, told)
        except SnapshotStale:
            return None
        except Exception as unforeseen:  # noqa: BLE001 - what cannot be told must not hold up what happened
            log.error("notice-failed", contract=contract, kind=type(unforeseen).__name__)
            return None

    def _notice(self, snapshot: Snapshot, name: str, system: str, told: dict[str, str | int]) -> Accept | None:
        contract = next(iter(snapshot.contracts.get(name, ())), None)
        if contract is None or contract.reference not in snapshot.routes:
            return None
        if name == DEAD:
            told["untold"] = self._untold[system]
        routes = router.choose(snapshot, contract, told)
        if not routes:
            return None
        try:
            self._quotas.take(f"{name} {system}", RATE)
        except QuotaExceeded:
            self._untold[system] += name == DEAD
            return None
        if name == DEAD:
            self._untold.pop(system, None)
        now = self._clock.now()
        today = civil_date(now)
        deliveries = tuple(self._delivery(snapshot, contract, route, today) for route in routes)
        message = self._clock.new_id()
        envelope = Envelope(
            message,
            contract.name,
            contract.version,
            contract.exchange,
            SENDER,
            now,
            now + round(contract.life * 1000),
            trace(None, message),
            contract.request.format,
        )
        return acceptance(envelope, contract, orjson.dumps(told), deliveries)

    def _delivery(self, snapshot: Snapshot, contract: Contract, route: Route, today: date) -> NewDelivery:
        """Due at once: the sweep rings it."""
        may = snapshot.grants.allows(route.system, contract.reference, May.RECEIVE, today)
        state, reason = (State.PENDING, "") if may else (State.DEAD, ReceiverNotGranted.code)
        return NewDelivery(self._clock.new_id(), route.system, state, route.repeatable, reason=reason)
