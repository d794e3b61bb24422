"""Who may sign in to this process: the people of the journal, kept as fresh as its revision."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import structlog

from bus.clock import Clock
from bus.errors import BusError, SnapshotStale
from identity.passwords import Passwords
from identity.people import People, Person
from identity.sign_in import SignIn
from journal.commands import PutRow
from journal.queries import Queries
from routes.snapshots import STALE_AFTER
from running.node import beside
from running.people import read_people

FOLLOW_EVERY: Final = 1.0
"""Seconds between two looks: whoever is disabled is out within two."""

log = structlog.get_logger("sign-in")


class Directory:
    """Everybody, as of the last look."""

    def __init__(self, queries: Queries, clock: Clock) -> None:
        self._queries = queries
        self._clock = clock
        self._people: People | None = None
        self._looked_at = clock.monotonic()

    def current(self) -> People:
        """Raises `SnapshotStale` where nobody could look for so long that somebody may have been disabled since."""
        age = self._clock.monotonic() - self._looked_at
        if self._people is None or age > STALE_AFTER:
            raise SnapshotStale(seconds=round(age), retry_after=5)
        return self._people

    async def refresh(self) -> None:
        """Look again. Raises `JournalUnavailable`."""
        began = self._clock.monotonic()
        self._people = await asyncio.to_thread(self._newest)
        self._looked_at = began

    def _newest(self) -> People:
        if self._people is not None and self._people.revision == self._queries.revision():
            return self._people
        return read_people(self._queries)

    async def follow(self) -> None:
        """Look once a second, until cancelled."""
        while True:
            await asyncio.sleep(FOLLOW_EVERY)
            try:
                await self.refresh()
            except BusError as unavailable:
                log.warning("people-not-refreshed", code=unavailable.code)
            except Exception as unforeseen:  # noqa: BLE001 - the process goes on until what it knows is stale
                log.error("people-not-refreshed", kind=type(unforeseen).__name__)


@asynccontextmanager
async def signing_in(
    queries: Queries,
    write: Callable[[PutRow], Awaitable[object]],
    clock: Clock,
    actor: str,
    passwords: Passwords | None = None,
) -> AsyncIterator[SignIn]:
    """Whoever signs in is checked by this, as long as it lasts; `write` keeps hashes by newer parameters, as `actor`.
    Raises `JournalUnavailable`."""
    directory = Directory(queries, clock)
    await directory.refresh()

    async def rehashed(person: Person, password_hash: str) -> None:
        """What somebody else has changed meanwhile stands, and the next time is as good."""
        try:
            people = directory.current()
            if people.find(person.name) == person:
                await write(people.renew_hash(person.name, password_hash, actor))
        except BusError as refused:
            log.warning("password-not-rehashed", code=refused.code)

    sign_in = SignIn(directory.current, clock, passwords, rehashed)
    try:
        async with beside(directory.follow()):
            yield sign_in
    finally:
        sign_in.close()
