"""How an attempt ends that a system makes by itself: what it says is settled as the outcome of a call would be."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from adapters.call import Outcome, Result
from bus.clock import Clock
from bus.envelope import Envelope
from bus.states import LOSSES, Change, target
from contracts.model import Contract
from journal.commands import Lost, Reply, Settle, Settled
from journal.committer import Committer
from routes.arrivals import Arrivals
from routes.broker import Broker
from routes.conditions import Conditions
from routes.model import Retry, Route
from routes.notices import Notices
from routes.outcome import decide
from routes.work import log, signal


@dataclass(frozen=True, slots=True)
class Held:
    """A delivery in its system's hands: attempt `attempt`, begun at `since`; `ordered`: others wait for its end."""

    delivery: UUID
    system: str
    envelope: Envelope
    attempt: int
    repeatable: bool
    ordered: bool
    since: int


@dataclass(frozen=True, slots=True)
class Way:
    """What the documents of one revision say of a delivery; None of what they say no more."""

    revision: int
    contract: Contract | None
    route: Route | None


class Endings:
    """Settles for one process."""

    def __init__(
        self,
        committer: Committer,
        conditions: Conditions,
        broker: Broker,
        notices: Notices,
        arrivals: Arrivals,
        clock: Clock,
        process: str,
        chance: Callable[[], float],
    ) -> None:
        self._committer = committer
        self._conditions = conditions
        self._broker = broker
        self._notices = notices
        self._arrivals = arrivals
        self._clock = clock
        self._process = process
        self._chance = chance

    async def end(self, held: Held, way: Way, outcome: Outcome, reply: Reply | None = None) -> bool:
        """Settle, tell whoever waits, and let the next of its order be fetched; False where it came too late."""
        settle = self._settlement(held, way, outcome, reply)
        settled: Settled = await self._committer.write(settle)
        if not settled.applied:
            return False
        if settle.change is Change.KILL or outcome.result is Result.MISCONFIGURED:
            log.error("delivery-needs-a-person", delivery=str(held.delivery), system=held.system, code=outcome.code)
        if settle.change is not Change.RETRY:
            if held.ordered:
                self._arrivals.came(held.system)
            if held.envelope.waiter:
                await self._broker.signal(held.envelope.waiter, signal(held.envelope, reply))
        return True

    def _settlement(self, held: Held, way: Way, outcome: Outcome, reply: Reply | None) -> Settle:
        now = self._conditions.now() or self._clock.now()
        verdict = decide(
            outcome,
            attempt=held.attempt,
            repeatable=held.repeatable,
            retry=way.route.retry if way.route else Retry(),
            remaining=held.envelope.expires_at - now,
            chance=self._chance(),
        )
        notice = None
        if verdict.change in LOSSES:
            state = target(verdict.change)
            notice = self._notices.lost(
                Lost(held.delivery, held.system, held.envelope, state, verdict.reason, outcome.code)
            )
        return Settle(
            held.delivery,
            held.envelope.message,
            held.system,
            held.attempt,
            verdict.change,
            outcome.result,
            outcome.code,
            self._process,
            held.since,
            max(0, now - held.since),
            way.revision,
            verdict.reason,
            delay=verdict.delay,
            reply=reply,
            reply_life=round(way.contract.retention.body * 1000) if way.contract else 0,
            notice=notice,
            fetched=True,
        )
