"""Is this the person they say they are? HTTP Basic (RFC 7617), and what keeps guessing passwords slow."""

import asyncio
import hmac
from base64 import b64decode
from binascii import Error as NotBase64
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from ipaddress import IPv6Address, ip_address
from secrets import token_bytes
from typing import Final, ParamSpec, TypeVar

from bus.clock import Clock
from bus.errors import SignInLimited, SignInRefused
from identity.passwords import Passwords
from identity.people import NAME, People, Person
from identity.tries import Tries

K = TypeVar("K")
V = TypeVar("V")
R = TypeVar("R")
P = ParamSpec("P")

CHALLENGE: Final = 'Basic realm="lgsp", charset="UTF-8"'
"""WWW-Authenticate of a 401 (RFC 7617 §2)."""

LONGEST_HEADER: Final = 4096  # characters

AT_ONCE: Final = 2
"""Passwords that are checked at the same time: each takes 64 MiB, and one of the machine's cores."""

MOST_WAITING: Final = 32
"""Passwords that wait to be checked: some four seconds."""

REMEMBERED_FOR: Final = 300.0
"""Seconds for which a right password is known again without its hash."""

MOST_REMEMBERED: Final = 1_000

OF_NAME: Final = (5, 600.0)
"""Wrong tries in a row, and the seconds for each one more."""

OF_SOURCE: Final = (20, 30.0)
"""The same of one address: a whole agency may sit behind it."""

Rehashed = Callable[[Person, str], Awaitable[None]]
"""Told whose password is kept by parameters that are not those of now, and its hash by those of now. Never raises."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a password was found to match, and until when that is believed."""

    password_hash: str = field(repr=False)
    until: float


class SignIn:
    """Of one process. `people` gives everybody as of now; whoever is disabled there, or has another password, is known
    no longer."""

    def __init__(
        self,
        people: Callable[[], People],
        clock: Clock,
        passwords: Passwords | None = None,
        rehashed: Rehashed | None = None,
        *,
        most_remembered: int = MOST_REMEMBERED,
    ) -> None:
        self._people = people
        self._clock = clock
        self._passwords = passwords or Passwords()
        self._rehashed = rehashed
        self._most_remembered = most_remembered
        self._key = token_bytes(32)
        self._nobody = self._passwords.nobodys()
        self._remembered: OrderedDict[bytes, Remembered] = OrderedDict()
        self._checking: dict[bytes, asyncio.Task[str | None]] = {}
        self._renewing: set[asyncio.Task[None]] = set()
        self._by_name = Tries(clock, *OF_NAME)
        self._by_source = Tries(clock, *OF_SOURCE)
        self._familiar: OrderedDict[str, None] = OrderedDict()
        self._threads = ThreadPoolExecutor(AT_ONCE, "sign-in")

    async def verify(self, authorization: str | None, source: str) -> Person:
        """Who sends this Authorization header, from the address `source`.

        Raises `SignInRefused`, the same for an unknown name, a wrong password and somebody disabled, and
        `SignInLimited` where too many were tried.
        """
        name, password = credentials(authorization)
        digest = hmac.digest(self._key, f"{name}\0{password}".encode(errors="surrogatepass"), sha256)
        person = self._known(name)
        if person and self._remembers(digest, person):
            return person
        # Who asks ten things at once with one password is checked, and counted, once.
        task = self._checking.get(digest) or self._begin(digest, name, password, person, _network(source))
        matched = await asyncio.shield(task)
        # What was right when it began may have been changed meanwhile.
        person = self._known(name)
        if person is None or matched != person.password_hash:
            raise SignInRefused
        return person

    def close(self) -> None:
        """Nobody is let in any more; what is being checked ends by itself."""
        for task in self._renewing:
            task.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._remembered.clear()

    def _known(self, name: str) -> Person | None:
        person = self._people().find(name)
        return person if person and person.enabled else None

    def _remembers(self, digest: bytes, person: Person) -> bool:
        kept = self._remembered.get(digest)
        if kept is None:
            return False
        if kept.until > self._clock.monotonic() and kept.password_hash == person.password_hash:
            self._remembered.move_to_end(digest)
            return True
        del self._remembered[digest]
        return False

    def _begin(
        self, digest: bytes, name: str, password: str, person: Person | None, source: str
    ) -> asyncio.Task[str | None]:
        # Strangers who try a name must not keep its owner out where the owner has been let in before.
        place = f"{name} {source}"
        counted_as = place if place in self._familiar else name
        self._by_name.require_free(counted_as)
        self._by_source.require_free(source)
        if len(self._checking) >= MOST_WAITING:
            raise SignInLimited(retry_after=2)
        self._by_name.count(counted_as)
        self._by_source.count(source)

        async def check() -> str | None:
            matched = await self._match(password, person)
            if matched:
                self._by_name.forget(counted_as)
                self._by_source.forgive(source)
                _keep(self._familiar, place, None, self._most_remembered)
                until = self._clock.monotonic() + REMEMBERED_FOR
                _keep(self._remembered, digest, Remembered(matched, until), self._most_remembered)
            return matched

        task = self._checking[digest] = asyncio.create_task(check())
        task.add_done_callback(lambda _: self._checking.pop(digest, None))
        return task

    async def _match(self, password: str, person: Person | None) -> str | None:
        """The hash that the password matches. Whoever is not there costs as much as a wrong password."""
        kept = person.password_hash if person else self._nobody
        right = await self._in_thread(self._passwords.matches, kept, password)
        if not right or person is None:
            return None
        if self._rehashed and self._passwords.outdated(kept):
            task = asyncio.create_task(self._renew(person, password, self._rehashed))
            self._renewing.add(task)
            task.add_done_callback(self._renewing.discard)
        return kept

    async def _renew(self, person: Person, password: str, rehashed: Rehashed) -> None:
        await rehashed(person, await self._in_thread(self._passwords.hash, password))

    async def _in_thread(self, do: Callable[P, R], *given: P.args, **named: P.kwargs) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(do, *given, **named))


def _keep(kept: OrderedDict[K, V], key: K, value: V, most: int) -> None:
    """The newest stand last, and what has been there for longest goes where there are too many."""
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > most:
        kept.popitem(last=False)


def credentials(authorization: str | None) -> tuple[str, str]:
    """Name and password of an Authorization header of the scheme Basic, in UTF-8 (RFC 7617 §2.1). Raises
    `SignInRefused`."""
    scheme, _, encoded = (authorization or "")[: LONGEST_HEADER + 1].partition(" ")
    if scheme.lower() != "basic" or len(encoded) > LONGEST_HEADER:
        raise SignInRefused
    try:
        name, colon, password = b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (NotBase64, UnicodeError, ValueError):
        raise SignInRefused from None
    if not colon or not NAME.fullmatch(name):
        raise SignInRefused
    return name, password


def _network(source: str) -> str:
    """What one stranger has of addresses: one, or in IPv6 a network of 64 bits (RFC 4291 §2.5.1)."""
    try:
        address = ip_address(source)
    except ValueError:
        return source
    if not isinstance(address, IPv6Address):
        return source
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return (address.packed[:8]).hex()
