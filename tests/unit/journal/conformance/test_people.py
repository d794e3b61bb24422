"""The people who run the bus, in the journal."""

import asyncio
from dataclasses import replace

import pytest

from bus.clock import ManualClock
from bus.errors import BusError, LastAdministrator, RegistryChanged, SignInRefused, SnapshotStale
from identity.passwords import Passwords
from identity.people import People, Person
from identity.roles import Role
from journal.commands import Event, PutDocuments, PutRow
from journal.queries import Queries
from journal.store import Store
from routes.snapshots import STALE_AFTER
from running.people import read_people
from running.signing_in import Directory, signing_in

NOW = 1_800_000_000_000
GOOD = "ba con vịt bơi"
CHEAP = Passwords(time_cost=1, memory_cost=8, parallelism=1)
OLDER = Passwords(time_cost=2, memory_cost=8, parallelism=1)
AN = Person("an", "Nguyễn Văn An", frozenset({Role.ADMINISTRATOR}), "H57.12", OLDER.hash(GOOD), NOW, NOW)
BINH = replace(AN, name="binh", agency=None)
BASIC = "Basic YW46YmEgY29uIHbhu4t0IGLGoWk="  # an:ba con vịt bơi


def put(store: Store, command: PutRow) -> object:
    (result,) = store.write([command]).results
    if isinstance(result, BusError):
        raise result
    return result


def test_people_are_kept_and_changes_are_told(store: Store, queries: Queries) -> None:
    """Whatever is written of a person is read again, each change is one revision and one event, and no event holds
    the hash of a password."""
    put(store, People().add(AN, "user:root"))
    put(store, read_people(queries).add(BINH, "user:root"))
    put(store, read_people(queries).set_password("binh", CHEAP.hash(GOOD), NOW + 1, "user:root"))
    put(store, read_people(queries).disable("binh", NOW + 2, "person:an"))
    an, binh = read_people(queries)
    assert an == AN
    assert (binh.enabled, binh.changed_at, binh.password_hash != BINH.password_hash) == (False, NOW + 2, True)
    assert read_people(queries).revision == queries.revision() == 4
    told = [row.content for row in queries.chain("writer-1")]
    assert len(told) == 4
    assert not [content for content in told if b"argon2" in content or "Nguyễn".encode() in content]


def test_two_administrators_cannot_disable_each_other(store: Store, queries: Queries) -> None:
    """Of two who decided by the same state one is refused, and by the newest state the refusal is final."""
    put(store, People().add(AN, "a"))
    put(store, read_people(queries).add(BINH, "a"))
    seen = read_people(queries)
    first, second = seen.disable("an", NOW, "person:binh"), seen.disable("binh", NOW, "person:an")
    results = store.write([first, second]).results
    assert isinstance(results[1], RegistryChanged)
    with pytest.raises(LastAdministrator):
        read_people(queries).disable("binh", NOW, "person:an")
    assert [person.enabled for person in read_people(queries)] == [False, True]


async def test_a_directory_is_as_fresh_as_its_last_look(store: Store, queries: Queries, clock: ManualClock) -> None:
    """It knows who was there when it looked, reads nobody anew while nothing has changed, and after too long without a
    look it knows nobody."""
    directory = Directory(queries, clock)
    with pytest.raises(SnapshotStale):
        directory.current()
    await directory.refresh()
    assert list(directory.current()) == []
    put(store, People().add(AN, "a"))
    assert list(directory.current()) == []
    await directory.refresh()
    assert list(directory.current()) == [AN]
    seen = directory.current()
    await directory.refresh()
    assert directory.current() is seen
    clock.advance(STALE_AFTER + 1)
    with pytest.raises(SnapshotStale):
        directory.current()


async def test_older_hashes_are_renewed_when_their_owner_signs_in(
    store: Store, queries: Queries, clock: ManualClock
) -> None:
    """The hash is written by the parameters of now, with an event of the bus, and opens for the same password; where
    somebody has changed anything meanwhile, that stands."""
    put(store, People().add(AN, "a"))
    written = asyncio.Event()

    async def write(command: PutRow) -> object:
        try:
            return put(store, command)
        finally:
            written.set()

    async with signing_in(queries, write, clock, "manage-1", CHEAP) as sign_in:
        store.write([PutDocuments((), Event("secret.changed", "a"))])
        assert await sign_in.verify(BASIC, "10.0.0.1") == AN
        await asyncio.wait_for(written.wait(), 10)
        assert read_people(queries).get("an") == AN
    written.clear()
    async with signing_in(queries, write, clock, "manage-1", CHEAP) as sign_in:
        assert await sign_in.verify(BASIC, "10.0.0.1") == AN
        await asyncio.wait_for(written.wait(), 10)
    kept = read_people(queries).get("an")
    assert kept == replace(AN, password_hash=kept.password_hash)
    assert not CHEAP.outdated(kept.password_hash)
    assert b"person.password-rehashed" in list(queries.chain("writer-1"))[-1].content
    async with signing_in(queries, write, clock, "manage-1", CHEAP) as sign_in:
        assert await sign_in.verify(BASIC, "10.0.0.1") == kept
        with pytest.raises(SignInRefused):
            await sign_in.verify(BASIC[:-4] + "aaa=", "10.0.0.1")


async def test_whoever_is_disabled_is_out_by_the_next_look(store: Store, queries: Queries, clock: ManualClock) -> None:
    """Another process disables somebody; a sign-in that goes on looking knows of it by itself."""
    put(store, People().add(AN, "a"))
    put(store, read_people(queries).add(BINH, "a"))

    async def write(command: PutRow) -> object:
        raise RegistryChanged

    async with signing_in(queries, write, clock, "manage-1", CHEAP) as sign_in:
        assert await sign_in.verify(BASIC, "10.0.0.1") == AN
        put(store, read_people(queries).disable("an", NOW, "person:binh"))

        async def knock() -> None:
            while await sign_in.verify(BASIC, "10.0.0.1"):
                await asyncio.sleep(0.05)

        with pytest.raises(SignInRefused):
            await asyncio.wait_for(knock(), 30)
