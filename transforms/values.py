"""Single values into other single values: text, numbers, truth, the parts of a name.

Each function here takes one value that is not null, and raises `Broken` with a rule that says what was expected. An
empty text is no number, truth or date: it counts as no value, as the country's systems mean it.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import TypeVar
from unicodedata import normalize

from transforms.findings import invalid, known, shown
from transforms.scope import MISSING, Broken, Convert

T = TypeVar("T")

_INTEGER = re.compile(r"[+-]?\d{1,19}", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d{1,400}(?:\.\d{1,400})?(?:[eE][+-]?\d{1,3})?", re.ASCII)
_TRUTH: Mapping[str, bool] = MappingProxyType(
    {
        **dict.fromkeys(("true", "1", "yes", "y", "có", "co", "đúng"), True),
        **dict.fromkeys(("false", "0", "no", "n", "không", "khong", "sai"), False),
    }
)


def text_of(value: object) -> str:
    """A single value as text: numbers in plain decimals (as xs:decimal has them, without exponent), true and false."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(_bounded(value))
    if isinstance(value, float) and math.isfinite(value):
        return format(Decimal(repr(value)), "f")
    raise Broken("one text or number is expected here, not an object or a list")


def _bounded(number: int) -> int:
    if not -(2**63) <= number < 2**63:
        raise Broken("a whole number needs more than 64 bits")
    return number


# --- as: string | number | integer | boolean ------------------------------------------------------------------------


def to_integer(value: object) -> object:
    if isinstance(value, str):
        if not value:
            return MISSING
        if _INTEGER.fullmatch(value):
            return _bounded(int(value))
    elif isinstance(value, float):
        if value.is_integer():
            return _bounded(int(value))
    elif isinstance(value, int) and not isinstance(value, bool):
        return _bounded(value)
    raise Broken("the value is not a whole number")


def to_number(value: object) -> object:
    """JSON's number, as long as it says the same: 17 digits that a double cannot hold are refused, not rounded."""
    if isinstance(value, str):
        return _number(value) if value else MISSING
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Broken("the value is not a number")
    return value


def _number(text: str) -> int | float:
    if not _NUMBER.fullmatch(text):
        raise Broken("the text is not a number")
    exact = Decimal(text)
    if text.lstrip("+-").isdigit() and -(2**63) <= exact < 2**63:
        return int(exact)
    near = float(exact)
    if not math.isfinite(near) or Decimal(repr(near)) != exact:
        raise Broken("the number has more digits than a JSON number holds")
    return near


def to_boolean(value: object) -> object:
    """Truth as people and systems write it, in any case: true, 1, yes, y, có, đúng and their opposites."""
    if isinstance(value, bool):
        return value
    if value == "":
        return MISSING
    if isinstance(value, int | float) and value in {0, 1}:
        return value == 1
    truth = _TRUTH.get(normalize("NFC", value).casefold()) if isinstance(value, str) else None
    if truth is None:
        raise Broken("the value says neither yes nor no")
    return truth


_TYPES: Mapping[str, Convert] = MappingProxyType(
    {"string": text_of, "number": to_number, "integer": to_integer, "boolean": to_boolean}
)


def compile_type(name: object) -> Convert:
    """`as: string | number | integer | boolean`."""
    return _choice(_TYPES, name, "a type")


# --- boolean: [true text, false text] -------------------------------------------------------------------------------


def compile_boolean(target: Sequence[object] | None, source: Sequence[object] | None) -> Convert:
    """From truth (as `to_boolean` reads it, or exactly the pair `source`) into the pair `target`, or JSON's own."""
    read = to_boolean if source is None else _exact_pair(source)
    when_true, when_false = (True, False) if target is None else target

    def convert(value: object) -> object:
        truth = read(value)
        return truth if truth is MISSING else (when_true if truth else when_false)

    return convert


def _exact_pair(pair: Sequence[object]) -> Convert:
    truth = {text_of(pair[0]): True, text_of(pair[1]): False}

    def read(value: object) -> object:
        text = text_of(value)
        if text in truth:
            return truth[text]
        if not text:
            return MISSING
        raise Broken(f"the value is neither {pair[0]} nor {pair[1]}")

    return read


# --- texts ----------------------------------------------------------------------------------------------------------


def _of_text(change: Callable[[str], str]) -> Convert:
    return lambda value: change(value) if isinstance(value, str) else value


trim: Convert = _of_text(str.strip)

_CASES: Mapping[str, Convert] = MappingProxyType({"upper": _of_text(str.upper), "lower": _of_text(str.lower)})


def compile_case(name: object) -> Convert:
    """`case: upper | lower`."""
    return _choice(_CASES, name, "a case")


def _family(words: list[str]) -> list[str]:
    return words[:1] if len(words) > 1 else []


def _middle(words: list[str]) -> list[str]:
    return words[1:-1]


def _given(words: list[str]) -> list[str]:
    return words[-1:]


_NAME_PARTS: Mapping[str, Callable[[list[str]], list[str]]] = MappingProxyType(
    {"family": _family, "middle": _middle, "given": _given}
)


def compile_name_part(name: object) -> Convert:
    """`namePart: family | middle | given` (họ, chữ đệm, tên): the first word, the words between, the last word."""
    part = _choice(_NAME_PARTS, name, "a part of a name")
    return lambda value: " ".join(part(text_of(value).split())) or MISSING


def compile_split(separator: str) -> Convert:
    """A text into a list of its pieces, trimmed, without empty ones. Raises `DocumentInvalid`."""
    if not separator:
        raise invalid("`split` names the text between the pieces.")
    return lambda value: [piece for piece in map(str.strip, text_of(value).split(separator)) if piece]


def _choice(choices: Mapping[str, T], name: object, what: str) -> T:
    if not isinstance(name, str) or name not in choices:
        raise invalid(f"{shown(name)} is not {what}: {known(choices, str(name))}")
    return choices[name]
