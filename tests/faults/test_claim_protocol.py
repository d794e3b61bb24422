"""A model of everything that can go wrong around the claim protocol, run over the real store.

The world is a broker that loses, doubles and reorders, workers that crash at any step or stall, a receiver that may be
slow, refuse the connection, fail, or act without its answer arriving, sweepers that come and go, and a store whose
clock is set back and forward. Time is a `ManualClock`: thousands of schedules take seconds.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from adapters.call import Outcome, Result
from bus.clock import ManualClock
from bus.envelope import Envelope, Exchange, Format
from bus.errors import IllegalTransition, OutOfOrder
from bus.states import TERMINAL, State
from journal.commands import (
    Accept,
    Claim,
    Claimed,
    Command,
    Event,
    NewDelivery,
    Replay,
    Settle,
    Settled,
    Sweep,
    Swept,
)
from journal.leases import CALL_MARGIN
from journal.queries import Queries
from journal.sqlite import SqliteStore
from routes.model import Retry
from routes.outcome import decide
from routes.watch import Watch

SEEDS = range(12)
SCHEDULES = 250
"""Schedules to a seed: three thousand in all."""

CALL_TIMEOUT = 30_000
LEASE = CALL_TIMEOUT + CALL_MARGIN
LIFE = 7 * 86_400_000


@dataclass
class Attempt:
    """A worker with a claim in its hands, at one of its steps; `began`, `sent` and `until` are milliseconds."""

    claimed: Claimed
    began: int
    sent: int | None = None
    until: int = 0
    outcome: Outcome | None = None


@dataclass
class World:
    """`clock` is the store's, which may be set; time passes for everybody by `passed`, in milliseconds."""

    store: SqliteStore
    clock: ManualClock
    chance: random.Random
    passed: int = 0
    broker: list[UUID] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    calls: dict[UUID, list[tuple[int, int, Result]]] = field(default_factory=lambda: defaultdict(list))
    repeatable: dict[UUID, bool] = field(default_factory=dict)
    order: dict[bytes, list[UUID]] = field(default_factory=lambda: defaultdict(list))
    calm: bool = False

    def __post_init__(self) -> None:
        self.begin_sweeping()

    def write(self, command: Command[Any]) -> Any:
        return self.store.write([command]).results[0]

    def accept(self) -> None:
        message, delivery = self.clock.new_id(), self.clock.new_id()
        self.repeatable[delivery] = self.chance.random() < 0.5
        envelope = Envelope(message, "a.b", "1.0.0", Exchange.DOCUMENT, "sender", 0, 0, "00-1", Format.JSON)
        key = self.chance.choice([None, b"one", b"other"])
        new = NewDelivery(delivery, "his", State.QUEUED, self.repeatable[delivery], key)
        event = Event("message.accepted", "sender", message)
        accepted = self.write(Accept(envelope, b"{}", b"", "", LIFE, LIFE, (new,), event))
        if key:
            self.order[key].append(delivery)
        if delivery not in accepted.held:
            self.publish(delivery)

    def accept_more(self) -> None:
        if not self.calm and self.chance.random() < 0.1:
            self.accept()

    def publish(self, delivery: UUID) -> None:
        """The broker, or the crash of the process that publishes: none, one or two copies, in any order."""
        copies = 1 if self.calm else self.chance.choice([0, 1, 1, 1, 2])
        for _ in range(copies):
            self.broker.insert(self.chance.randint(0, len(self.broker)), delivery)

    def consume(self) -> None:
        """A worker takes a message of the broker and claims; it may crash before it claims."""
        if not self.broker:
            return
        delivery = self.broker.pop()
        if not self.calm and self.chance.random() < 0.1:
            return
        claimed = self.write(Claim(delivery, "worker", LEASE))
        if claimed:
            self.attempts.append(Attempt(claimed, self.passed))

    def step(self) -> None:
        """One worker takes its next step, or is gone."""
        if not self.attempts:
            return
        attempt = self.chance.choice(self.attempts)
        now = self.passed
        if not self.calm and self.chance.random() < 0.1 and (attempt.sent is None or attempt.outcome):
            self.attempts.remove(attempt)
        elif attempt.outcome:
            self.attempts.remove(attempt)
            self.settle(attempt)
        elif attempt.sent is None:
            self.send(attempt, now)
        elif now >= attempt.until:
            self.calls[attempt.claimed.delivery].append((attempt.sent, attempt.until, self.receiver()))
            attempt.outcome = Outcome(self.calls[attempt.claimed.delivery][-1][2], "test")
        elif not self.calm and self.chance.random() < 0.05:  # killed in the middle of its call: the receiver has it
            self.attempts.remove(attempt)
            self.calls[attempt.claimed.delivery].append((attempt.sent, min(now, attempt.until), Result.UNKNOWN))

    def send(self, attempt: Attempt, now: int) -> None:
        if now - attempt.began > CALL_MARGIN / 2:
            attempt.outcome = Outcome(Result.NOT_SENT, "worker-late")
        else:
            attempt.sent = now
            attempt.until = now + self.chance.choice([10, 1_000, CALL_TIMEOUT])

    def receiver(self) -> Result:
        if self.calm:
            return Result.ANSWERED
        return self.chance.choice(
            [Result.ANSWERED, Result.ANSWERED, Result.NOT_SENT, Result.UNKNOWN, Result.TROUBLE, Result.MISCONFIGURED]
        )

    def settle(self, attempt: Attempt) -> None:
        claimed, outcome = attempt.claimed, attempt.outcome
        assert outcome
        verdict = decide(
            outcome,
            attempt=claimed.attempt,
            repeatable=claimed.repeatable,
            retry=Retry(),
            remaining=claimed.expires_at - claimed.now - (self.passed - attempt.began),
            chance=0.0,
        )
        settled = self.write(
            Settle(
                claimed.delivery,
                claimed.message,
                claimed.system,
                claimed.attempt,
                verdict.change,
                outcome.result,
                outcome.code,
                "worker",
                claimed.now,
                0,
                1,
                verdict.reason,
                delay=verdict.delay,
            )
        )
        assert isinstance(settled, Settled)
        if settled.rung:
            self.publish(settled.rung.delivery)

    def replay(self) -> None:
        """A person has one of those that ended tried again, if that breaks no order."""
        ended = [each for each, repeatable in self.repeatable.items() if repeatable]
        if ended and not self.calm:
            with suppress(IllegalTransition, OutOfOrder):
                result = self.write(Replay(self.chance.choice(ended), "person"))
                if isinstance(result, Exception):
                    raise result

    def begin_sweeping(self) -> None:
        """A process begins to sweep that knows nothing of what was before."""
        self.watch = Watch(lambda: self.passed / 1000)

    def sweep(self) -> None:
        if not self.calm and self.chance.random() < 0.1:
            self.begin_sweeping()
        swept = self.write(Sweep("sweeper", latest=self.watch.latest(), watched=self.watch.watched()))
        assert isinstance(swept, Swept)
        self.watch.heard(swept.now, self.passed / 1000)
        for rung in swept.rung:
            self.publish(rung.delivery)

    def restart(self) -> None:
        """Every process ends, and one comes back: calls in flight are cut, the broker's memory is gone."""
        for attempt in self.attempts:
            if attempt.sent is not None and attempt.outcome is None:
                end = min(self.passed, attempt.until)
                self.calls[attempt.claimed.delivery].append((attempt.sent, end, Result.UNKNOWN))
        self.attempts.clear()
        self.broker.clear()
        self.begin_sweeping()
        for rung in self.write(Sweep("sweeper", restart=True)).rung:
            self.publish(rung.delivery)

    def wait(self) -> None:
        seconds = self.chance.choice([0.01, 0.01, 0.01, 0.1, 0.1, 1, 1, 10, 30, 60, 900])
        self.passed += round(1000 * seconds)
        self.clock.advance(seconds)

    def set_clock(self) -> None:
        """Somebody sets the store's clock."""
        if not self.calm and self.chance.random() < 0.1:
            self.clock.advance(self.chance.choice([-3_600, -90, -15, -2, 2, 15, 40, 90, 3_600]))

    def live(self, steps: int) -> None:
        deeds = [self.consume, self.consume, self.step, self.step, self.step, self.sweep, self.wait, self.accept_more]
        deeds.append(self.set_clock)
        deeds += [self.replay] if self.chance.random() < 0.2 else []
        for _ in range(steps):
            if self.chance.random() < 0.01 and not self.calm:
                self.restart()
            self.chance.choice(deeds)()


@pytest.fixture
def world(database: str, clock: ManualClock) -> Iterator[World]:
    store = SqliteStore(Path(database.removeprefix("sqlite:///")), clock, "writer-1")
    store._connection.execute("PRAGMA synchronous = OFF")  # nothing here crashes the machine
    yield World(store, clock, random.Random())
    store.close()


@pytest.mark.parametrize("seed", SEEDS)
def test_no_schedule_breaks_the_promises(world: World, queries: Queries, seed: int) -> None:
    """Whatever crashes, gets lost, doubled or slow: every delivery ends, none is called twice at a time, an
    unrepeatable call whose outcome is unknown is never repeated without a person, and those of one order key go one
    after the other, as they were accepted."""
    world.chance.seed(seed)
    for schedule in range(SCHEDULES):
        world.calls.clear()
        world.repeatable.clear()
        world.order.clear()
        world.calm = False
        for _ in range(world.chance.randint(1, 3)):
            world.accept()
        world.live(world.chance.randint(10, 120))
        world.calm = True
        while world.attempts or any(state_of(queries, each) not in TERMINAL for each in world.repeatable):
            world.live(20)
        for delivery, repeatable in world.repeatable.items():
            check(queries, delivery, repeatable=repeatable, calls=world.calls[delivery], where=(seed, schedule))
        for deliveries in world.order.values():
            check_order([world.calls[each] for each in deliveries], (seed, schedule))


def check_order(calls: list[list[tuple[int, int, Result]]], where: tuple[int, int]) -> None:
    """Of one order key, in the order of acceptance: nothing is called before the one before has had its last call."""
    ends = 0
    for each in calls:
        assert all(ends <= begin for begin, _, _ in each), where
        ends = max([ends, *(end for _, end, _ in each)])


def check(
    queries: Queries, delivery: UUID, *, repeatable: bool, calls: list[tuple[int, int, Result]], where: tuple[int, int]
) -> None:
    view = queries.delivery(delivery)
    assert view
    results = Counter(result for _, _, result in calls)
    ordered = sorted(calls)
    assert all(earlier[1] <= later[0] for earlier, later in pairwise(ordered)), where
    if view.state is State.DELIVERED:
        assert results[Result.ANSWERED] >= 1, where
    else:
        assert (view.state, view.reason) == (State.DEAD, "outcome-unknown"), where
        assert not repeatable, where
    if not repeatable:
        # A worker that died after an answer left its outcome unknown to the journal.
        assert results[Result.UNKNOWN] + results[Result.ANSWERED] <= 1, where


def state_of(queries: Queries, delivery: UUID) -> State:
    view = queries.delivery(delivery)
    assert view
    return view.state


def test_model_reaches_what_matters(world: World, queries: Queries) -> None:
    """The model is not idle: in it some calls are repeated, some deliveries die, and every outcome occurs."""
    world.chance.seed(1)
    states = set()
    for _ in range(300):
        world.accept()
        world.live(60)
        states |= {state_of(queries, each) for each in world.repeatable}
    tries = Counter(len(calls) for calls in world.calls.values())
    assert tries[1] > 10
    assert tries[2] + tries[3] > 10
    assert len({result for calls in world.calls.values() for _, _, result in calls}) == 5
    assert states == set(State) - {State.EXPIRED}
