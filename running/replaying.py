"""Dead letters tried again by a person: one by their kept answer, or many; told once as a whole, paced, and safe to
break off at any point."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from bus.errors import (
    ContractUnknown,
    IllegalTransition,
    ReceiverFault,
    ReplyGone,
    RouteMissing,
    SenderFault,
    TransformFailed,
)
from bus.states import Change
from contracts.model import Contract
from documents.compile import Compiled, compile_documents
from documents.store import read
from journal.commands import Event, Record, Replay, TakeReply
from journal.dead import DeadCount, DeadFilter
from journal.views import DeadLetter, DeliveryView
from routes.reply import again
from running.home import Home
from transforms.apart.pool import Pool

PAGE = 500
"""Dead letters read at once."""

REPLY_INVALID = "reply-invalid"
MAY_HAVE_ACTED = ("outcome-unknown", REPLY_INVALID)
"""Reasons of dead letters whose receiver was reached: one that knows no duplicates would do twice what was asked."""


LEFT = (IllegalTransition, ReceiverFault, SenderFault, RouteMissing, TransformFailed)
"""What leaves one dead letter as it is, and lets the others go on: somebody else took it up, or its answer is still
wrong."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of it so far: `passed` were left as they are."""

    done: int = 0
    passed: int = 0


def meant(wanted: DeadFilter, now: int, *, reply: bool = False) -> DeadFilter:
    """What a replay asks for: nothing that dies from `now` on, and nothing whose receiver may have acted, unless it is
    named by its reason. By their kept answers, only those that have one."""
    until = now if wanted.until is None else min(wanted.until, now)
    if reply:
        return replace(wanted, until=until, reason=REPLY_INVALID)
    return replace(wanted, until=until, without=() if wanted.reason else MAY_HAVE_ACTED)


def letters(home: Home, wanted: DeadFilter, limit: int | None = None) -> Iterator[DeadLetter]:
    """The oldest first, a page at a time; each once, whatever becomes of it meanwhile."""
    after, left = None, limit
    while left is None or left > 0:
        most = PAGE if left is None else min(PAGE, left)
        found = home.queries.dead_letters(wanted, limit=most, after=after, newest_first=False)
        yield from found
        if len(found) < most:
            return
        after = found[-1].delivery.id
        left = None if left is None else left - len(found)


def total(counts: Sequence[DeadCount], limit: int | None) -> int:
    every = sum(each.count for each in counts)
    return every if limit is None else min(every, limit)


@dataclass(slots=True)
class Pace:
    """So many a second, evenly."""

    per_second: float
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _next: float = 0.0

    def turn(self) -> None:
        now = self.monotonic()
        begin = max(now, self._next)
        self._next = begin + 1 / self.per_second
        if begin > now:
            self.sleep(begin - now)


def tell(home: Home, wanted: DeadFilter, count: int, actor: str) -> None:
    """One audit event for the whole, beside that of each delivery."""
    home.write(Record(Event("replay.started", actor, facts=wanted.facts() | {"count": count})))


def replay(
    home: Home, found: Iterator[DeadLetter], pace: Pace, actor: str, *, out_of_order: bool = False
) -> Iterator[Replayed]:
    """Try each again, at that pace, for `actor`; what has been done so far, after each. Every one is a change of its
    own, so that whoever breaks off leaves the rest as it was."""

    def once(letter: DeadLetter) -> None:
        home.write(Replay(letter.delivery.id, actor, out_of_order))

    return _each(found, pace, once)


def retake(home: Home, found: Iterator[DeadLetter], pace: Pace, actor: str) -> Iterator[Replayed]:
    """As `replay`, by their kept answers."""
    with retaking(home, actor) as by:
        yield from _each(found, pace, lambda letter: by.take(letter.delivery))


def _each(found: Iterator[DeadLetter], pace: Pace, act: Callable[[DeadLetter], None]) -> Iterator[Replayed]:
    so_far = Replayed()
    for letter in found:
        pace.turn()
        try:
            act(letter)
        except LEFT:
            so_far = replace(so_far, passed=so_far.passed + 1)
        else:
            so_far = replace(so_far, done=so_far.done + 1)
        yield so_far


@dataclass(frozen=True, slots=True)
class Retaking:
    """Reads kept answers again for `actor`, by the documents of one revision."""

    home: Home
    actor: str
    revision: int
    compiled: Compiled

    def take(self, view: DeliveryView) -> None:
        """Make the kept answer of a delivery its reply. Raises why that cannot be, `ReplyInvalid` with the findings
        where it is still wrong; then nothing has changed."""
        message = self.home.queries.message(view.message)
        kept = self.home.queries.reply(view.message, view.id)
        if view.reason != REPLY_INVALID or message is None:
            raise IllegalTransition(state=view.state, change=Change.TAKE_REPLY)
        if kept is None:
            raise ReplyGone
        envelope = message.envelope
        contract = self._contract(envelope.contract, envelope.version)
        routes = self.compiled.routes.get(contract.reference, ())
        route = next((each for each in routes if each.system == view.system), None)
        if route is None:
            raise RouteMissing(contract=contract.reference, owner=contract.owner)
        reply = again(contract, route, kept[1])
        life = round(contract.retention.body * 1000)
        if not self.home.write(TakeReply(view.id, view.message, self.actor, self.revision, reply, life)):
            raise IllegalTransition(state=view.state, change=Change.TAKE_REPLY)

    def _contract(self, name: str, version: str) -> Contract:
        """The version under which the message was accepted, or its newest correction (patch)."""
        minor = version.rpartition(".")[0]
        versions = self.compiled.contracts.get(name, ())
        found = next((each for each in versions if each.version.rpartition(".")[0] == minor), None)
        if found is None:
            raise ContractUnknown
        return found


@contextmanager
def retaking(home: Home, actor: str) -> Iterator[Retaking]:
    """By the documents in force. What cannot be compiled is left out, as when messages are served."""
    revision = home.queries.revision()
    with Pool() as pool:
        compiled, _ = compile_documents(read(home.queries), pool)
        yield Retaking(home, actor, revision, compiled)
