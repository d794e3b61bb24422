"""The path and the query of an operation, filled with values of the message, each of them encoded whole."""

import json
import re
from collections.abc import Iterator, Mapping
from itertools import chain
from urllib.parse import quote

from bus.errors import SettingInvalid

FIELD = re.compile(r"\{([^{}]*)\}")
STATIC = "/:@!$&'()*+,;=~%?-._"  # RFC 3986 §3.3 and §3.4, and what is encoded already
WHITESPACE = re.compile(r"[ \t\n\r]*")


class Unfillable(ValueError):
    """A place in the path or the query cannot be filled with what the message holds there."""


class Number(str):
    """A JSON number as it is written."""

    __slots__ = ()


DECODER = json.JSONDecoder(parse_int=Number, parse_float=Number)


class Target:
    """A compiled path template and query. Raises `SettingInvalid`."""

    def __init__(self, path: str, query: Mapping[str, str]) -> None:
        if path and not path.startswith("/"):
            raise SettingInvalid(name="path", hint="begin it with /")
        if "{" in FIELD.sub("", path) or "}" in FIELD.sub("", path) or "" in FIELD.findall(path) or "#" in path:
            raise SettingInvalid(name="path", hint="write each field as {name}, and no #")
        # Odd pieces are names of fields, even ones stand as they are.
        self._pieces = [piece if odd % 2 else quote(piece, safe=STATIC) for odd, piece in enumerate(FIELD.split(path))]
        self._query = dict(query)
        self.fields = frozenset(chain(self._pieces[1::2], self._query.values()))

    def fill(self, values: Mapping[str, object]) -> str:
        """The path and the query for these values; raises `Unfillable`."""
        filled = (_path_value(values.get(piece)) if odd % 2 else piece for odd, piece in enumerate(self._pieces))
        path = "".join(filled)
        # Values apart may be harmless and make a step upwards together.
        if any(segment in {".", ".."} for segment in path.partition("?")[0].split("/")):
            raise Unfillable
        pairs = [pair for name, source in self._query.items() for pair in _pairs(name, values.get(source))]
        return path + (("&" if "?" in path else "?") + "&".join(pairs) if pairs else "")


def take(data: bytes, fields: frozenset[str]) -> tuple[dict[str, object], bytes]:
    """Take fields out of a JSON object: their values, and the object without them, every other byte as it was.

    Numbers come as `Number`, which is how they were written. Raises `Unfillable` where it is not a JSON object.
    """
    taken: dict[str, object] = {}
    kept: list[str] = []
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise Unfillable from None
    for name, value, member, _ in members(text):
        if name in fields:
            taken[name] = value
        else:
            kept.append(member)
    return taken, ("{" + ",".join(kept) + "}").encode()


def members(text: str) -> Iterator[tuple[str, object, str, str]]:
    """Each member of a JSON object: its name, its value, its text, its value's text. Raises `Unfillable`."""
    at = _skip(text, 0)
    if text[at : at + 1] != "{":
        raise Unfillable
    at = _skip(text, at + 1)
    try:
        while text[at] != "}":
            name, colon = DECODER.raw_decode(text, at)
            begin = _skip(text, _skip(text, colon) + 1)
            value, end = DECODER.raw_decode(text, begin)
            yield name, value, text[at:end], text[begin:end]
            at = _skip(text, end)
            at = _skip(text, at + 1) if text[at] == "," else at
    except (ValueError, IndexError):
        raise Unfillable from None


def _skip(text: str, at: int) -> int:
    found = WHITESPACE.match(text, at)
    return found.end() if found else at


def _path_value(value: object) -> str:
    text = _scalar(value)
    if text in {"", ".", ".."}:
        raise Unfillable
    return quote(text, safe="")


def _pairs(name: str, value: object) -> Iterator[str]:
    """``name=value``; none for null, one for each member of an array."""
    for one in value if isinstance(value, list) else [value]:
        if one is not None:
            yield f"{quote(name, safe='')}={quote(_scalar(one), safe='')}"


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        raise Unfillable
    return str(value)
