"""The one writer of a process."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any, ClassVar

import pytest

from bus.errors import InternalError, JournalUnavailable, Overloaded
from journal.commands import Command, Event, Record
from journal.committer import TOLD_WITHIN, Committer
from journal.store import BatchRefused, Written
from journal.waits import aside


class Recorder:
    """A store that keeps what it is given and can be told to refuse or to wait."""

    blocks: ClassVar[bool] = True

    def __init__(self) -> None:
        self.batches: list[Sequence[Command[Any]]] = []
        self.refused: Command[Any] | None = None
        self.down = False
        self.closed = False

    def write(self, commands: Sequence[Command[Any]]) -> Written:
        if self.down:
            raise JournalUnavailable
        if self.refused in commands:
            raise BatchRefused
        self.batches.append(commands)
        return Written([id(command) for command in commands], [b"{}" for _ in commands])

    def close(self) -> None:
        self.closed = True


class Yielding(Recorder):
    """One whose waits give way to the event loop."""

    blocks = False

    def write(self, commands: Sequence[Command[Any]]) -> Written:
        aside(time.sleep, 0.001)
        return super().write(commands)


@pytest.fixture(params=[Recorder, Yielding])
def store(request: pytest.FixtureRequest) -> Recorder:
    made: Recorder = request.param()
    return made


@pytest.fixture
async def committer(store: Recorder) -> AsyncIterator[Committer]:
    committer = Committer(store)
    yield committer
    await committer.close()


def some(count: int) -> list[Record]:
    return [Record(Event("test", f"actor-{number}")) for number in range(count)]


async def test_each_caller_gets_its_own_result(committer: Committer) -> None:
    """However commands share transactions, each caller gets the result of its own."""
    commands = some(2_000)
    results: list[object] = list(await asyncio.gather(*map(committer.write, commands)))
    assert results == [id(command) for command in commands]


async def test_commands_share_transactions(committer: Committer, store: Recorder) -> None:
    """Commands that wait together are written together."""
    await asyncio.gather(*map(committer.write, some(1_000)))
    assert len(store.batches) < 100


async def test_only_the_culprit_fails(committer: Committer, store: Recorder) -> None:
    """Of a batch with one command that cannot be written, all others are written."""
    commands = some(100)
    store.refused = commands[37]
    results = await asyncio.gather(*map(committer.write, commands), return_exceptions=True)
    assert [number for number, result in enumerate(results) if isinstance(result, InternalError)] == [37]
    assert sum(map(len, store.batches)) == 99


async def test_unavailable_database_fails_the_callers_not_the_writer(committer: Committer, store: Recorder) -> None:
    """While the database is away each caller is told; when it is back, writing goes on."""
    store.down = True
    with pytest.raises(JournalUnavailable):
        await committer.write(some(1)[0])
    store.down = False
    await committer.write(some(1)[0])


async def test_queue_is_bounded(store: Recorder) -> None:
    """Past its bounds the queue refuses instead of growing."""
    committer = Committer(store, most_commands=10)
    results = await asyncio.gather(*map(committer.write, some(5_000)), return_exceptions=True)
    refused = [result for result in results if isinstance(result, Overloaded)]
    assert refused
    assert len(refused) + sum(map(len, store.batches)) == 5_000
    await committer.close()


async def test_closing_writes_what_waits(store: Recorder) -> None:
    """Nothing that was given to the committer before it closed is left unwritten."""
    committer = Committer(store)
    tasks = [asyncio.ensure_future(committer.write(command)) for command in some(300)]
    await asyncio.sleep(0)
    await committer.close()
    await asyncio.gather(*tasks)
    assert sum(map(len, store.batches)) == 300
    assert store.closed


async def test_events_are_told_after_the_commit(store: Recorder) -> None:
    """What is told of a transaction is told once, after it was written."""
    told: list[bytes] = []
    committer = Committer(store, told.extend)
    await asyncio.gather(*map(committer.write, some(10)))
    await committer.close()
    assert len(told) == 10


async def test_events_are_told_under_load_too(store: Recorder) -> None:
    """However one transaction follows another, what was written is told soon, and nothing of it is kept."""
    told: list[bytes] = []
    committer = Committer(store, told.extend)
    written = 0
    for _ in range(100):
        await asyncio.gather(*map(committer.write, some(5)))
        written += 5
        await asyncio.sleep(0.002)
    before = len(told)
    await asyncio.sleep(4 * TOLD_WITHIN)
    assert before
    assert len(told) == written
    await committer.close()


async def test_follower_goes_with_the_next(committer: Committer, store: Recorder) -> None:
    """What follows is written in the transaction of whatever is written next, and not before."""
    follower, leader = some(2)
    committer.follow(follower)
    await asyncio.sleep(0)
    assert store.batches == []
    await committer.write(leader)
    assert store.batches == [[follower, leader]]


async def test_followers_are_not_left_behind(store: Recorder) -> None:
    """What follows is written when the committer closes, if nothing was written before."""
    committer = Committer(store)
    committer.follow(some(1)[0])
    await committer.close()
    assert sum(map(len, store.batches)) == 1
