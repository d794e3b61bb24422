"""Passwords of people: what one must be, and the hash that is kept of it."""

import unicodedata
from base64 import b64encode
from dataclasses import dataclass, field
from secrets import token_bytes
from typing import Final

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

from bus.errors import PasswordUnfit

SHORTEST: Final = 12  # characters
LONGEST: Final = 1024  # bytes: nobody's password, and a bound for what is hashed


def require_fit(password: str, name: str) -> None:
    """Raises `PasswordUnfit`."""
    if len(password) < SHORTEST:
        raise PasswordUnfit(hint=f"it must have at least {SHORTEST} characters")
    if password.casefold() == name.casefold():
        raise PasswordUnfit(hint="it is the sign-in name")
    if len(set(password)) == 1:
        raise PasswordUnfit(hint="it is one character again and again")
    if len(_prepared(password)) > LONGEST:
        raise PasswordUnfit(hint=f"it may have at most {LONGEST} bytes")
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in password):
        raise PasswordUnfit(hint="it holds control characters, which no form lets anybody type")


@dataclass(frozen=True, slots=True)
class Passwords:
    """Hashes of argon2id; as given, the second recommended choice of RFC 9106 §4 (64 MiB, some 230 ms). Each blocks,
    and gives other threads the interpreter meanwhile."""

    time_cost: int = 3
    memory_cost: int = 65_536  # KiB
    parallelism: int = 4
    _hasher: argon2.PasswordHasher = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        hasher = argon2.PasswordHasher(self.time_cost, self.memory_cost, self.parallelism)
        object.__setattr__(self, "_hasher", hasher)

    def hash(self, password: str) -> str:
        """In the PHC string format, with a salt of its own."""
        return self._hasher.hash(_prepared(password))

    def matches(self, kept: str, password: str) -> bool:
        """Never raises, whatever is kept or given."""
        given = _prepared(password)
        if len(given) > LONGEST:
            return False
        try:
            return self._hasher.verify(kept, given)
        except (VerificationError, InvalidHashError, UnicodeError):
            return False

    def outdated(self, kept: str) -> bool:
        """Whether it was made with other parameters than those of now."""
        return self._hasher.check_needs_rehash(kept)

    def nobodys(self) -> str:
        """What no password matches, at the same cost as any other: for whoever is not there."""
        hasher = self._hasher
        salt, digest = (_encoded(token_bytes(length)) for length in (hasher.salt_len, hasher.hash_len))
        return f"$argon2id$v=19$m={self.memory_cost},t={self.time_cost},p={self.parallelism}${salt}${digest}"


def _prepared(password: str) -> bytes:
    """As RFC 8265 §4.2.2 has it: letters with marks are composed, so that ``ế`` is one thing on every keyboard, and a
    space is a space. A lone surrogate stays what it is: it matches nothing that anybody could set."""
    spaced = "".join(" " if unicodedata.category(character) == "Zs" else character for character in password)
    return unicodedata.normalize("NFC", spaced).encode(errors="surrogatepass")


def _encoded(data: bytes) -> str:
    return b64encode(data).rstrip(b"=").decode()
