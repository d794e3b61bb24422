"""Waiting for the end of a message that was just accepted: by its signal, else by looking into the journal."""

import asyncio
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from bus.clock import Clock
from bus.envelope import Exchange
from bus.errors import InternalError
from bus.states import TERMINAL, MessageState
from journal.commands import Event, Record, Reply
from journal.committer import Committer
from journal.queries import Queries
from journal.views import MessageView
from routes.accept import Acceptance
from routes.broker import Signal
from routes.waiting import Waiting

GRACE: Final = 1.0
"""Seconds beyond a request's life for which its caller is kept, to be told of its end rather than of nothing."""

POLL: Final = 0.25
"""Seconds between looks into the journal for a caller whose message another process rings."""


@dataclass(frozen=True, slots=True)
class End:
    """What is known once the wait is over: the reply or the declared fault, else how the message stands. `status` is
    that of the receiver's HTTP answer where the signal told it, else 0."""

    reply: Reply | None = None
    view: MessageView | None = None
    status: int = 0


class Awaiting:
    """The waits of one process's callers; both front doors come here."""

    def __init__(self, waiting: Waiting, queries: Queries, committer: Committer, clock: Clock) -> None:
        self._waiting = waiting
        self._queries = queries
        self._committer = committer
        self._clock = clock

    @property
    def closed(self) -> bool:
        """Whether this process is about to end, and lets nobody wait."""
        return self._waiting.closed

    async def end(self, accepted: Acceptance, seconds: float) -> End:
        """Nothing may be awaited between acceptance and this, so that no signal is missed."""
        message = accepted.envelope.message
        with self._waiting.expect(message) as future:
            signal = await self._signal(accepted, future, seconds)
        if signal and signal.body is not None:
            end = End(Reply(signal.kind, signal.body, signal.fault), status=signal.status)
        else:
            end = await self._looked_up(message)
        if end.reply and accepted.contract.exchange is Exchange.REQUEST:
            self._committer.follow(Record(Event("reply.returned", accepted.envelope.sender, message)))
        return end

    async def _looked_up(self, message: UUID) -> End:
        view = await asyncio.to_thread(self._queries.message, message)
        found = await asyncio.to_thread(self._queries.reply, message)
        if view is None:
            raise InternalError
        reply = found[1] if found else None
        told = reply is not None and reply.kind != "raw" and all(each.state in TERMINAL for each in view.deliveries)
        return End(reply if told else None, view)

    async def _signal(self, accepted: Acceptance, future: asyncio.Future[Signal], seconds: float) -> Signal | None:
        """The first signal; None where the journal must be asked: at the end of the wait, once an event has ended with
        the last of its deliveries, and where a signal may have been missed, because the broker had been away or the
        message is a repeated one that ends in another process."""
        if not accepted.repeated and all(each.state in TERMINAL for each in accepted.deliveries):
            return None
        end = self._clock.monotonic() + seconds
        looks = accepted.repeated or len(accepted.deliveries) > 1
        while (left := end - self._clock.monotonic()) > 0 and not self._waiting.closed:
            if looks and await self._has_ended(accepted.envelope.message):
                return None
            doubt = self._waiting.doubt
            either: list[asyncio.Future[Any]] = [future, doubt]
            pause = min(POLL, left) if looks else left
            await asyncio.wait(either, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
            if future.done() and (accepted.repeated or len(accepted.deliveries) == 1):
                return future.result()
            if future.done():
                await asyncio.sleep(min(POLL, left))
            if doubt.done() and await self._has_ended(accepted.envelope.message):
                return None
        return None

    async def _has_ended(self, message: UUID) -> bool:
        view = await asyncio.to_thread(self._queries.message, message)
        return view is not None and view.state in {MessageState.DONE, MessageState.FAILED, MessageState.EXPIRED}
