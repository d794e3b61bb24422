"""JSON from outside, read so that every later reader must read the same.

What RFC 8259 leaves to each implementation, and where readers therefore differ, is refused: names given twice (§4),
numbers beyond 64 bits or the range of a double (§6), lone surrogates (§8.2), a byte order mark (§8.1). A message goes
on as the bytes that were checked, so a mark that one reader strips and the next one chokes on is not stripped here.
"""

import re
from math import isfinite
from typing import NoReturn

import jiter

from bus.errors import CharsetUnsupported, JsonForbidden, JsonMalformed

# jsonschema, orjson and the receivers' own readers recurse: jackson stops at 1,000, .NET at 64, jiter at 200.
MAX_DEPTH = 100
# A double in plain notation needs at most 309 digits before the point or 324 zeros and 17 digits behind it.
MAX_NUMBER = 400
INTEGERS = range(-(2**63), 2**64)

# A digit is read as 0, so that one pass of C finds every number that may be too long, and nothing else is walked.
_FOLD = bytes.maketrans(b"123456789E", b"000000000e")
_SUSPECTS = (b"0" * 19, b"0e000", b"0e+000", b"\\u0000")
_PLACE = re.compile(r" at line (\d+) column (\d+)$")
_OTHER_CHARSETS = (b"\xff\xfe", b"\xfe\xff")


def parse_json(data: bytes) -> object:
    """The values in `data`: dict, list, str, int, float, bool or None.

    Raises `JsonMalformed` for what is not JSON, `JsonForbidden` for what two readers may read differently or cannot
    bear, `CharsetUnsupported` for anything but UTF-8.
    """
    try:
        value: object = jiter.from_json(data, allow_inf_nan=False, catch_duplicate_keys=True)
    except ValueError as error:
        _refuse(data, str(error))
    folded = data.translate(_FOLD)
    if folded.count(b"[") + folded.count(b"{") > MAX_DEPTH or any(suspect in folded for suspect in _SUSPECTS):
        _inspect(value, 0)
        if b"0" * (MAX_NUMBER // 2) in folded:
            _measure(jiter.from_json(data, float_mode="lossless-float"))
    return value


def _refuse(data: bytes, message: str) -> NoReturn:
    """Raise our own error for jiter's, of whose message only the fixed part and the place are read: it quotes names."""
    place = _PLACE.search(message)
    line, column = place.groups() if place else ("1", "1")
    where = f"line {line}, column {column}"
    if data.startswith(_OTHER_CHARSETS) or b"\0" in data[:4] or message.startswith("invalid unicode code point"):
        raise CharsetUnsupported from None
    if data.startswith(b"\xef\xbb\xbf"):
        raise JsonForbidden(hint="it begins with a byte order mark (RFC 8259 §8.1)") from None
    if message.startswith("Detected duplicate key"):
        raise JsonForbidden(hint=f"an object names a member twice, {where}") from None
    if message.startswith("recursion limit"):
        raise JsonForbidden(hint=f"it is nested more than {MAX_DEPTH} deep, {where}") from None
    if message.startswith("number out of range"):
        raise JsonForbidden(hint=f"a number is too long, {where}") from None
    if message.startswith(("lone leading surrogate", "unexpected end of hex escape")):
        raise JsonForbidden(hint=f"half of a surrogate pair stands alone, {where}") from None
    raise JsonMalformed(line=line, column=column) from None


def _inspect(value: object, depth: int) -> None:
    """Walk what was read; no deeper than jiter's own limit of 200."""
    if isinstance(value, dict):
        _enter(depth)
        for name, member in value.items():
            _inspect(name, depth)
            _inspect(member, depth + 1)
    elif isinstance(value, list):
        _enter(depth)
        for item in value:
            _inspect(item, depth + 1)
    elif isinstance(value, str):
        if "\0" in value:
            raise JsonForbidden(hint="a text holds the character U+0000")
    elif isinstance(value, int):
        if value not in INTEGERS:
            raise JsonForbidden(hint="an integer does not fit 64 bits; send it as a text")
    elif isinstance(value, float) and not isfinite(value):
        raise JsonForbidden(hint="a number is beyond the range of a double")


def _enter(depth: int) -> None:
    if depth >= MAX_DEPTH:
        raise JsonForbidden(hint=f"it is nested more than {MAX_DEPTH} deep")


def _measure(value: object) -> None:
    """Refuse numbers of endless digits, which some readers round and others keep whole."""
    if isinstance(value, dict):
        for member in value.values():
            _measure(member)
    elif isinstance(value, list):
        for item in value:
            _measure(item)
    elif isinstance(value, jiter.LosslessFloat) and len(bytes(value)) > MAX_NUMBER:
        raise JsonForbidden(hint=f"a number has more than {MAX_NUMBER} characters")
