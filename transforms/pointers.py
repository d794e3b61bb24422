"""Where the subject and the personal data of a JSON message are: JSON Pointers with ``*``.

RFC 6901, and one thing beside it: the token ``*`` stands for every member of a list or object.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from transforms.findings import invalid, shown

Replace = Callable[[object], object]

_SYNTAX = re.compile(r"(?:/(?:[^~/]|~[01])*)*")
_INDEX = re.compile(r"0|[1-9]\d{0,8}", re.ASCII)
_EVERY = "*"


@dataclass(frozen=True, slots=True)
class Pointer:
    """A compiled pointer: called with a document, it gives every value that is there, in the document's order."""

    text: str
    tokens: tuple[str, ...]

    def __call__(self, document: object) -> list[object]:
        found = [document]
        for token in self.tokens:
            found = [value[key] for value in found for key in _keys(value, token)]  # type: ignore[index]
        return found

    def replaced(self, document: object, replace: Replace) -> object:
        """A copy of the document in which each selected value is what `replace` makes of it.

        Only what lies on the way is copied; everything else is shared with the document.
        """
        return _replaced(document, self.tokens, replace)


def compile_pointer(text: str) -> Pointer:
    """Raises `DocumentInvalid` for a text that is not a JSON Pointer."""
    if not _SYNTAX.fullmatch(text):
        raise invalid(f"{shown(text)} is not a JSON Pointer, such as /patient/name, or /contacts/*/phone.")
    tokens = text.split("/")[1:]
    return Pointer(text, tuple(token.replace("~1", "/").replace("~0", "~") for token in tokens))


def extract(pointers: Iterable[str]) -> Callable[[object], list[object]]:
    """Every value that any of the pointers selects. Raises `DocumentInvalid`."""
    compiled = tuple(map(compile_pointer, pointers))
    return lambda document: [value for each in compiled for value in each(document)]


def masking(pointers: Iterable[str], replace: Replace) -> Callable[[object], object]:
    """A function that gives a copy of a document with each selected value replaced. Raises `DocumentInvalid`."""
    compiled = tuple(map(compile_pointer, pointers))

    def mask(document: object) -> object:
        for each in compiled:
            document = each.replaced(document, replace)
        return document

    return mask


def _keys(value: object, token: str) -> Iterable[str | int]:
    if isinstance(value, dict):
        return tuple(value) if token == _EVERY else ((token,) if token in value else ())
    if isinstance(value, list):
        if token == _EVERY:
            return range(len(value))
        if _INDEX.fullmatch(token) and int(token) < len(value):
            return (int(token),)
    return ()


def _replaced(value: object, tokens: tuple[str, ...], replace: Replace) -> object:
    if not tokens:
        return replace(value)
    keys = _keys(value, tokens[0])
    if not keys:
        return value
    copy = value.copy()  # type: ignore[attr-defined]  # only objects and lists have keys
    for key in keys:
        copy[key] = _replaced(copy[key], tokens[1:], replace)
    return copy
