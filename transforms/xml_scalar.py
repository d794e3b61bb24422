"""The simple types of XML Schema as JSON values, lossless in both directions (XSD 1.0 part 2).

| type | JSON |
|---|---|
| boolean | true, false |
| integer and what derives from it | a number where it fits 64 bits, else a string |
| decimal | a number where a double holds exactly that value (always up to 15 digits), else a string |
| float, double | a number; INF, -INF and NaN a string |
| number or boolean with a pattern | the same where it is written so again, else a string: 007 |
| list | an array of its items |
| union | as its members where they agree, else a string |
| all others | a string, white space as the type says |

Writing is one rule: a value may stand where its JSON text is in the lexical space of the type. So 5, 5.0 and "5" make
an xs:int; true, "true" and 1 an xs:boolean, "True" does not; 12 makes an xs:string.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite
from typing import Any

from xmlschema import names


class Misfit(Exception):
    """A value or an element that does not fit; `steps` lead to it, innermost first, by names of the schema."""

    def __init__(self, rule: str, limit: str = "") -> None:
        super().__init__(rule)
        self.rule = rule
        self.limit = limit
        self.steps: list[str] = []


@dataclass(frozen=True, slots=True)
class Scalar:
    """How the text of a simple type is read and written; both raise `Misfit`. `literal`: what would be written in
    another way than it stood is a string."""

    name: str
    read: Callable[[str], object]
    write: Callable[[object], str]
    white_space: str = "collapse"
    literal: bool = False


_LOOSER = ("collapse", "replace", "preserve")
_SPACE = " \t\r\n"
_SPACES = re.compile(f"[{_SPACE}]+")
_ONE_BY_ONE = str.maketrans("\t\r\n", "   ")
_INTEGERS = range(-(2**63), 2**64)
_LONGEST_INTEGER = 20  # digits of 2**64
_EXACT = 15  # decimal digits that every double keeps (IEEE 754 binary64)
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_ZONE = r"(?:Z|[+-][0-9]{2}:[0-9]{2})?"
_DATE = r"-?[0-9]{4,}-[0-9]{2}-[0-9]{2}"
_TIME = r"[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?"
_DECIMAL = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
LEXICAL = {
    "boolean": "true|false|1|0",
    "integer": "[+-]?[0-9]+",
    "decimal": _DECIMAL,
    "double": rf"{_DECIMAL}(?:[eE][+-]?[0-9]+)?|-?INF|NaN",
    "date": _DATE + _ZONE,
    "time": _TIME + _ZONE,
    "dateTime": f"{_DATE}T{_TIME}{_ZONE}",
}


def scalar_of(simple: Any) -> Scalar:
    """The `Scalar` of an xmlschema simple type."""
    if simple.name in {names.XSD_ANY_SIMPLE_TYPE, names.XSD_ANY_ATOMIC_TYPE}:
        return text("string", "preserve")
    if simple.variety == "list":
        return _list(scalar_of(_from_base(simple, "item_type")))
    if simple.variety == "union":
        return _union([scalar_of(member) for member in _from_base(simple, "member_types")])
    primitive: str = simple.primitive_type.local_name
    if primitive == "decimal" and _derives(simple, names.XSD_INTEGER):
        primitive = "integer"
    if primitive in _SCALARS:
        return _literal(_SCALARS[primitive]) if _patterned(simple) else _SCALARS[primitive]
    return text(primitive, simple.white_space or "preserve")


def _union(members: list[Scalar]) -> Scalar:
    """White space is that of whichever member takes the text, so none is lost that one of them keeps."""
    names_ = {member.name for member in members}
    loosest = max((member.white_space for member in members), key=_LOOSER.index)
    if len(names_) > 1 or loosest != "collapse":
        return text("string", loosest)
    return next((member for member in members if member.literal), members[0])


def _patterned(simple: Any) -> bool:
    """Whether patterns say how a value is written (XSD 1.0 part 2 §4.3.4), other than those of XML Schema itself."""
    while simple is not None and not (simple.name or "").startswith(f"{{{names.XSD_NAMESPACE}}}"):
        if names.XSD_PATTERN in simple.facets:
            return True
        simple = simple.base_type
    return False


def _literal(scalar: Scalar) -> Scalar:
    """Where a pattern asks for 007, the number 7 does not do."""

    def read(given: str) -> object:
        value = scalar.read(given)
        stripped = given.strip(_SPACE)
        return value if scalar.write(value) == stripped else stripped

    return Scalar(scalar.name, read, scalar.write, literal=True)


def item_types(simple: Any) -> Iterator[Any]:
    """What the items of a list may be: of several types in a union of lists."""
    if simple.variety == "list":
        yield _from_base(simple, "item_type")
    else:
        for member in _from_base(simple, "member_types"):
            yield from item_types(member)


def _from_base(simple: Any, attribute: str) -> Any:
    """What the nearest type that `simple` restricts says."""
    while not getattr(simple, attribute, None):
        simple = simple.base_type
    return getattr(simple, attribute)


def _derives(simple: Any, name: str) -> bool:
    while simple is not None and simple.name != name:
        simple = simple.base_type
    return simple is not None


def text(name: str, white_space: str) -> Scalar:
    """A type whose values stay strings."""
    write = _writer(name) if name in LEXICAL else plain
    if white_space == "preserve":
        return Scalar(name, str, write, white_space)
    if white_space == "replace":
        return Scalar(name, lambda given: given.translate(_ONE_BY_ONE), write, white_space)
    return Scalar(name, _collapse, write)


def _collapse(given: str) -> str:
    """XSD's white space only: a no-break space is a character like any other."""
    return _SPACES.sub(" ", given).strip(_SPACE)


def plain(value: object) -> str:
    """The text of a JSON scalar."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() if value in _INTEGERS:  # JSON has no others here, and CPython refuses to print endless ones
            return str(value)
        case float() if isfinite(value):
            return format(Decimal(repr(value)), "f")
    raise Misfit("type", "string")


def _writer(name: str) -> Callable[[object], str]:
    fits = re.compile(LEXICAL[name]).fullmatch

    def write(value: object) -> str:
        written = plain(value) if not isinstance(value, float) else _number(value, name)
        if fits(written.strip(_SPACE)) is None:
            raise Misfit("type", f"xs:{name}")
        return written

    return write


def _number(value: float, name: str) -> str:
    if name == "integer" and value.is_integer():
        return str(int(value))
    return repr(value) if name == "double" else plain(value)


def _reader(name: str, value_of: Callable[[str], object]) -> Callable[[str], object]:
    fits = re.compile(LEXICAL[name]).fullmatch

    def read(given: str) -> object:
        stripped = given.strip(_SPACE)
        if fits(stripped) is None:
            raise Misfit("type", f"xs:{name}")
        return value_of(stripped)

    return read


def _integer(given: str) -> object:
    if len(given) > _LONGEST_INTEGER + 1:
        return given
    value = int(given)
    return value if value in _INTEGERS else given


def _decimal(given: str) -> object:
    if "." not in given:
        return _integer(given)
    value = float(given)
    if len(given) <= _EXACT or (isfinite(value) and Decimal(repr(value)) == Decimal(given)):
        return value
    return given


def _double(given: str) -> object:
    if given in {"INF", "-INF", "NaN"}:
        return given
    value = float(given)
    return value if isfinite(value) else given


def _list(item: Scalar) -> Scalar:
    def read(given: str) -> object:
        collapsed = _collapse(given)
        return [item.read(each) for each in collapsed.split(" ")] if collapsed else []

    def write(value: object) -> str:
        if not isinstance(value, list):
            raise Misfit("array", f"xs:{item.name}")
        items = [item.write(each) for each in value]
        if any(not each or _SPACES.search(each) for each in items):
            raise Misfit("list", f"xs:{item.name}")
        return " ".join(items)

    return Scalar(f"list of {item.name}", read, write)


_SCALARS = {
    "boolean": Scalar("boolean", _reader("boolean", _BOOLEANS.__getitem__), _writer("boolean")),
    "integer": Scalar("integer", _reader("integer", _integer), _writer("integer")),
    "decimal": Scalar("decimal", _reader("decimal", _decimal), _writer("decimal")),
    "float": Scalar("double", _reader("double", _double), _writer("double")),
    "double": Scalar("double", _reader("double", _double), _writer("double")),
}
