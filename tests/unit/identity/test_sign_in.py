"""Signing in by name and password."""

import asyncio
import threading
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest

from bus.clock import ManualClock
from bus.errors import SignInLimited, SignInRefused
from identity.passwords import Passwords
from identity.people import People, Person
from identity.roles import Role
from identity.sign_in import MOST_WAITING, OF_NAME, OF_SOURCE, REMEMBERED_FOR, SignIn, credentials

GOOD = "ba con vịt bơi: hai vịt lặn"
CHEAP = Passwords(time_cost=1, memory_cost=8, parallelism=1)
AN = Person("an", "An", frozenset({Role.OPERATOR}), None, CHEAP.hash(GOOD), 1, 1)
HERE, THERE = "10.0.0.1", "10.9.9.9"


class Counted(Passwords):
    """Notes each hash that is checked; `gate` holds them up."""

    def __init__(self, *given: int) -> None:
        super().__init__(*given)
        object.__setattr__(self, "checked", [])
        object.__setattr__(self, "gate", threading.Event())
        self.gate.set()

    checked: list[str]
    gate: threading.Event

    def matches(self, kept: str, password: str) -> bool:
        self.checked.append(kept)
        self.gate.wait(10)
        return super().matches(kept, password)


@dataclass
class Door:
    """A sign-in whose people can be changed, and which counts what is checked."""

    clock: ManualClock
    people: People = field(default_factory=lambda: People([AN]))
    passwords: Counted = field(default_factory=lambda: Counted(1, 8, 1))
    rehashed: list[tuple[Person, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        async def rehashed(person: Person, password_hash: str) -> None:
            self.rehashed.append((person, password_hash))

        self.sign_in = SignIn(lambda: self.people, self.clock, self.passwords, rehashed, most_remembered=3)

    async def enter(self, name: str = "an", password: str = GOOD, source: str = HERE) -> Person:
        return await self.sign_in.verify(basic(name, password), source)

    async def refused(self, name: str = "an", password: str = "wrong", source: str = HERE) -> None:
        with pytest.raises(SignInRefused):
            await self.enter(name, password, source)


def basic(name: str, password: str) -> str:
    return "Basic " + b64encode(f"{name}:{password}".encode()).decode()


@pytest.fixture
def door(clock: ManualClock) -> Iterator[Door]:
    door = Door(clock)
    yield door
    door.passwords.gate.set()
    door.sign_in.close()


async def test_the_right_password_lets_in(door: Door) -> None:
    """A person is given back as the journal has them now; a password may hold a colon."""
    assert await door.enter() is AN
    await door.refused(password=GOOD + "x")


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic " + b64encode(b"an").decode(),
        "Basic " + b64encode(b"an:\xff").decode(),
        "Bearer " + b64encode(b"an:x").decode(),
        "Basic " + b64encode(b"an:" + b"x" * 9999).decode(),
        "Basic " + b64encode(b"An:x").decode(),
        "Basic \u0111",
    ],
)
async def test_what_is_no_name_and_password_is_refused(door: Door, header: str | None) -> None:
    """Another scheme, no base64, no colon, no UTF-8, a name that cannot be one, or endless: refused and not hashed."""
    with pytest.raises(SignInRefused):
        await door.sign_in.verify(header, HERE)
    assert door.passwords.checked == []


def test_the_scheme_is_written_in_any_case() -> None:
    """Schemes are case-insensitive (RFC 9110 §11.1)."""
    assert credentials("bAsIc " + b64encode("an:ế:b".encode()).decode()) == ("an", "ế:b")


async def test_everybody_who_is_not_let_in_is_told_the_same_at_the_same_cost(door: Door) -> None:
    """An unknown name, a disabled one and a wrong password each cost one hash of the same parameters."""
    door.people = People([AN, replace(AN, name="binh", disabled_at=5)])
    texts = set()
    for name, password in (("nobody", GOOD), ("binh", GOOD), ("an", "wrong")):
        with pytest.raises(SignInRefused) as caught:
            await door.enter(name, password)
        texts.add((caught.value.text, caught.value.retry_after))
    assert len(texts) == 1
    assert len(door.passwords.checked) == 3
    assert len({kept.rpartition("$")[0].rpartition("$")[0] for kept in door.passwords.checked}) == 1


async def test_a_right_password_is_hashed_once_in_some_minutes(door: Door) -> None:
    """It is known again for a while, then hashed anew; another password of the same name always is."""
    for _ in range(20):
        assert await door.enter() is AN
    assert len(door.passwords.checked) == 1
    await door.refused()
    assert len(door.passwords.checked) == 2
    door.clock.advance(REMEMBERED_FOR)
    await door.enter()
    assert len(door.passwords.checked) == 3


async def test_a_change_of_the_person_is_in_force_at_once(door: Door) -> None:
    """Somebody disabled or with another password is refused, and other roles count, however lately they signed in."""
    await door.enter()
    other = replace(AN, roles=frozenset({Role.AUDITOR}))
    door.people = People([other])
    assert (await door.enter()).roles == {Role.AUDITOR}
    assert len(door.passwords.checked) == 1
    for changed in (replace(AN, disabled_at=5), replace(AN, password_hash=CHEAP.hash("another one")), None):
        door.people = People([changed] if changed else [])
        await door.refused(password=GOOD)
    door.people = People([AN])
    await door.enter()


async def test_whoever_is_changed_while_their_password_is_checked_is_refused(door: Door) -> None:
    """What was right when it began and is wrong when it ends lets nobody in, nor later."""
    for changed in (replace(AN, disabled_at=5), replace(AN, password_hash=CHEAP.hash("another one"))):
        door.people = People([AN])
        door.passwords.gate.clear()
        entering = asyncio.create_task(door.refused(password=GOOD))
        await asyncio.sleep(0)
        door.people = People([changed])
        later = asyncio.create_task(door.refused(password=GOOD))
        await asyncio.sleep(0)
        door.passwords.gate.set()
        await asyncio.gather(entering, later)
        door.clock.advance(REMEMBERED_FOR)


async def test_what_is_remembered_is_bounded_and_no_password(door: Door) -> None:
    """Only so many are kept, the latest, and neither a password nor anything that could be guessed from it."""
    names = [f"name-{number}" for number in range(6)]
    door.people = People([replace(AN, name=name) for name in names])
    for name in names:
        await door.enter(name)
    assert len(door.sign_in._remembered) == 3
    assert GOOD not in repr(vars(door.sign_in))
    await door.enter(names[-1])
    assert len(door.passwords.checked) == 6
    await door.enter(names[0])
    assert len(door.passwords.checked) == 7


async def test_many_calls_at_once_are_one_sign_in(door: Door) -> None:
    """A page that asks for ten things with a new password costs one hash and one try."""
    found = await asyncio.gather(*(door.enter() for _ in range(OF_NAME[0] + OF_SOURCE[0])))
    assert all(each is AN for each in found)
    assert len(door.passwords.checked) == 1


async def test_at_most_two_are_checked_at_a_time_and_few_wait(door: Door) -> None:
    """However many come at once, memory and cores are bounded; past that, they are told to come again."""
    door.passwords.gate.clear()
    tries = [asyncio.create_task(door.enter(f"name-{n}", source=f"10.0.1.{n}")) for n in range(MOST_WAITING + 5)]
    while len(door.passwords.checked) < 2:
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.02)
    assert len(door.passwords.checked) == 2
    door.passwords.gate.set()
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert [type(each) for each in outcomes] == [SignInRefused] * MOST_WAITING + [SignInLimited] * 5


async def test_a_caller_who_goes_away_disturbs_no_other(door: Door) -> None:
    """Of two who wait for the same check, one is cancelled, and the other is let in."""
    door.passwords.gate.clear()
    one, other = asyncio.create_task(door.enter()), asyncio.create_task(door.enter())
    await asyncio.sleep(0.01)
    one.cancel()
    door.passwords.gate.set()
    assert await other is AN
    with pytest.raises(asyncio.CancelledError):
        await one


async def test_guessing_at_a_name_is_slowed_down(door: Door) -> None:
    """After five wrong tries from wherever, the next must wait, also the right one; unknown names no less."""
    for name in ("an", "nobody"):
        for number in range(OF_NAME[0]):
            await door.refused(name, source=f"10.0.2.{number}")
        with pytest.raises(SignInLimited) as caught:
            await door.enter(name, source=THERE)
        assert caught.value.retry_after == 1
    door.clock.advance(1)
    assert await door.enter(source=THERE) is AN
    for _ in range(OF_NAME[0] - 1):
        await door.refused(source="10.0.3.1")


async def test_guessing_at_once_is_no_way_around(door: Door) -> None:
    """Wrong tries that come together are counted before any of them has ended."""
    outcomes = await asyncio.gather(*(door.enter(password=f"wrong {n}") for n in range(30)), return_exceptions=True)
    assert [type(each) for each in outcomes].count(SignInRefused) == OF_NAME[0]


async def test_strangers_do_not_keep_out_whoever_was_let_in_before(door: Door) -> None:
    """Where a person has signed in, wrong tries from elsewhere do not make them wait."""
    await door.enter()
    door.clock.advance(REMEMBERED_FOR)
    for number in range(OF_NAME[0]):
        await door.refused(source=f"10.0.2.{number}")
    with pytest.raises(SignInLimited):
        await door.enter(source=THERE)
    assert await door.enter() is AN


async def test_a_right_password_that_is_remembered_is_free(door: Door) -> None:
    """Who is signed in goes on while others guess at the name, even from the same address."""
    await door.enter()
    for _ in range(OF_NAME[0]):
        await door.refused()
    with pytest.raises(SignInLimited):
        await door.refused()
    assert await door.enter() is AN


@pytest.mark.parametrize(
    ("source", "neighbour"),
    [(HERE, HERE), ("2001:db8::1", "2001:db8::2:2"), ("::ffff:10.0.0.1", HERE), ("pipe", "pipe")],
)
async def test_guessing_from_one_place_is_slowed_down(door: Door, source: str, neighbour: str) -> None:
    """Wrong tries of ever other names count by where they come from: an address, or a network of IPv6."""
    for number in range(OF_SOURCE[0]):
        await door.refused(f"name-{number}", source=source)
    with pytest.raises(SignInLimited):
        await door.enter(source=neighbour)
    assert await door.enter(source="2001:db8:0:1::1") is AN


async def test_a_hash_by_older_parameters_is_made_anew(door: Door) -> None:
    """Whoever signs in by one is told of once, with a hash by those of now; somebody refused never is."""
    older = replace(AN, password_hash=Passwords(2, 8, 1).hash(GOOD))
    door.people = People([older])
    await door.refused()
    await door.enter()
    await door.enter()
    while not door.rehashed:
        await asyncio.sleep(0.001)
    ((person, password_hash),) = door.rehashed
    assert person is older
    assert not CHEAP.outdated(password_hash)
    door.people = People([replace(older, password_hash=password_hash)])
    await door.enter()
    await asyncio.sleep(0.01)
    assert len(door.rehashed) == 1
