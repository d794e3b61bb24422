"""How much the broker may hold, while it is there and while it is not."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from bus.clock import ManualClock
from bus.states import State
from journal.commands import Command, Unring
from journal.committer import Committer
from journal.store import Written
from routes.backlog import Backlog
from routes.conditions import Conditions
from routes.ringer import MOST_AT_ONCE, Ringer
from routes.room import FIRST, LONGEST, Room
from tests.unit.routes.conftest import Memory, Silent, a_delivery


@pytest.fixture
def broker() -> Silent:
    return Silent()


@pytest.fixture
def room(broker: Silent, clock: ManualClock) -> Room:
    return Room(reachable=lambda: broker.reachable, now=clock.monotonic)


def test_broker_that_is_away_has_room_for_nothing(room: Room, broker: Silent, clock: ManualClock) -> None:
    """What is accepted meanwhile is born waiting, so that it is written once; afterwards all is as before."""
    backlog = Backlog(Conditions(clock, "gateway-1"), room)
    broker.reachable = False
    assert backlog.enter("his") is State.PENDING
    assert room.everywhere() == 0
    broker.reachable = True
    assert backlog.enter("his") is State.QUEUED
    assert room.everywhere() == room.most


def test_system_whose_queue_refuses_is_tried_less_and_less(room: Room, clock: ManualClock) -> None:
    """Each refusal after a pause makes the next pause twice as long, up to a bound; further ones within it nothing."""
    lengths = []
    for _ in range(7):
        room.refused(["his", "his"])
        room.refused(["his"])
        began = clock.monotonic()
        while room.of("his") == 0:
            assert room.closed() == {"his"}
            clock.advance(1)
        lengths.append(clock.monotonic() - began)
    assert lengths == [FIRST, 2, 4, 8, 16, LONGEST, LONGEST]


def test_refusal_is_nobody_elses(room: Room, broker: Silent) -> None:
    """Other systems have their room; the one that was refused has it again once something of it is taken."""
    room.refused(["his"])
    assert (room.of("his"), room.of("other")) == (0, room.most)
    room.taken(["other"])
    assert room.of("his") == 0
    room.taken(["his"])
    assert room.of("his") == room.most


def test_broker_that_is_away_refuses_nobody_in_particular(room: Room, broker: Silent) -> None:
    """When it is back, no system has to wait for a pause to end."""
    broker.reachable = False
    room.refused(["his"])
    broker.reachable = True
    assert room.of("his") == room.most


async def test_refusals_share_commits(
    committer: Committer, store: Memory, broker: Silent, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch that the broker does not take costs one commit, and its systems are left alone."""
    batches, write = list[int](), store.write

    def counted(commands: Sequence[Command[Any]]) -> Written:
        batches.append(len(commands))
        return write(commands)

    monkeypatch.setattr(store, "write", counted)
    ringer = Ringer(broker, committer, room)
    sent = [a_delivery() for _ in range(MOST_AT_ONCE)]
    broker.refused = tuple(sent)
    ringer.ring(sent)
    running = asyncio.create_task(ringer.run())
    while len(store.of(Unring)) < len(sent):
        await asyncio.sleep(0)
    running.cancel()
    assert batches == [MOST_AT_ONCE]
    assert room.closed() == {"his"}
