"""Values as PostgreSQL sends and takes them in binary (its types' send and receive functions), for the types that the
journal's columns have, and arrays of these in one dimension.

The driver's own adaptation finds the type of each value anew, in each array; here the statement's description has said
it once. For a batch of four messages that is a third of what it cost.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from struct import Struct, error
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

import psycopg

Encode = Callable[[Any], bytes]
Decode = Callable[[bytes], Any]

NULL: Final = b"\xff\xff\xff\xff"
"""The length of what is not there."""

LENGTH: Final = Struct("!i")
HEAD: Final = Struct("!iiIii")
"""Of an array: its dimensions, whether it has nulls, the type of its elements, how many they are, the first index."""

NUMBERS: Final = MappingProxyType({16: "?", 20: "q", 21: "h", 23: "i"})
"""bool, int8, int2, int4."""

TEXTS: Final = (19, 25, 1043)
"""name, text, varchar."""

ARRAYS: Final = MappingProxyType({1000: 16, 1001: 17, 1016: 20, 1005: 21, 1007: 23, 1009: 25, 1015: 1043, 2951: 2950})
"""Arrays by the type of their elements."""


def encoder(kind: int) -> Encode:
    """Writes values of the type with this OID. What it raises for a value that does not fit is `psycopg.DataError`."""
    element = ARRAYS.get(kind)
    if element is None:
        return partial(_checked, ENCODE[kind])
    if letter := NUMBERS.get(element):
        return partial(_checked, partial(_numbers, element, letter))
    return partial(_checked, partial(_array, element, ENCODE[element]))


def decoder(kind: int) -> Decode:
    """Reads values of the type with this OID."""
    return DECODE[kind]


def _checked(write: Encode, value: Any) -> bytes:
    try:
        return write(value)
    except (error, UnicodeError, OverflowError):
        # Nothing of the value is quoted.
        raise psycopg.DataError("a value does not fit its column") from None


def _number(packed: Struct) -> tuple[Encode, Decode]:
    return packed.pack, lambda data: packed.unpack(data)[0]


def _numbers(element: int, letter: str, values: Sequence[Any]) -> bytes:
    """An array of numbers, in one go where none is missing."""
    one = Struct(f"!{letter}")
    if None in values:
        return _array(element, one.pack, values)
    flat: list[Any] = [one.size] * (2 * len(values))
    flat[1::2] = values
    return _head(element, values, nulls=False) + Struct("!" + f"i{letter}" * len(values)).pack(*flat)


def _array(element: int, write: Encode, values: Sequence[Any]) -> bytes:
    parts: list[bytes] = [b""]
    for value in values:
        if value is None:
            parts.append(NULL)
        else:
            data = write(value)
            parts += (LENGTH.pack(len(data)), data)
    parts[0] = _head(element, values, nulls=None in values)
    return b"".join(parts)


def _head(element: int, values: Sequence[Any], *, nulls: bool) -> bytes:
    return HEAD.pack(1, nulls, element, len(values), 1)


def _as_it_is(data: bytes) -> bytes:
    return bytes(data)


def _uuid(value: UUID) -> bytes:
    return value.bytes


_PAIRS: Mapping[int, tuple[Encode, Decode]] = {
    **{kind: _number(Struct(f"!{letter}")) for kind, letter in NUMBERS.items()},
    **dict.fromkeys(TEXTS, (str.encode, bytes.decode)),
    17: (_as_it_is, _as_it_is),
    2950: (_uuid, lambda data: UUID(bytes=data)),
}
ENCODE: Mapping[int, Encode] = MappingProxyType({kind: pair[0] for kind, pair in _PAIRS.items()})
DECODE: Mapping[int, Decode] = MappingProxyType({kind: pair[1] for kind, pair in _PAIRS.items()})
