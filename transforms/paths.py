"""Where a value is: ``patient.name``, ``contacts[0].phone``, ``contacts[*].phone``, ``.``, ``/root``, ``../outer``.

    path  = "." | "/" | ".." | [ "/" | 1*"../" ] first *next
    first = key | index           next = "." key | index
    key   = 1*( letter | digit | "_" | "-" | "@" | "$" | ":" ) | a JSON string
    index = "[" ( ["-"] 1*9digit | "*" ) "]"

Letters and digits are Unicode's.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from transforms.findings import invalid, shown
from transforms.scope import MISSING, Broken, Make, Scope, members

_STEP = re.compile(
    r"""(?P<dot>\.)? (?: (?P<plain>[\w@$:-]+) | (?P<quoted>"(?:[^"\\]|\\.)*") | \[ (?P<index>\*|-?\d{1,9}) \] )""",
    re.VERBOSE,
)
_OUTER = "../"
_STAR = "*"

Walk = Callable[[object], object]


@dataclass(frozen=True, slots=True)
class Path:
    """`outer`: how many scopes up it begins; None for the root. A step is a key, or an index in a tuple of one."""

    text: str
    outer: int | None
    steps: tuple[str | tuple[int | str], ...]


def compile_path(text: str, inside: int = 0) -> Make:
    """A reader of the value at a path, in a scope that lies `inside` so many others.

    Null and whatever is not there are `MISSING`. Raises `DocumentInvalid` for a text that is not a path.
    """
    path = parse_path(text)
    if path.outer is not None and path.outer > inside:
        raise invalid(f"{shown(text)} leads out of the message: here {_OUTER} can stand at most {inside} times.")
    walk = _walker(path)
    if path.outer is None:
        return lambda scope: walk(scope.root)
    if path.outer == 0:
        return lambda scope: walk(scope.here)
    return _from_outside(walk, path.outer)


def parse_path(text: str) -> Path:
    """Raises `DocumentInvalid`."""
    outer, rest = _beginning(text)
    return Path(text, outer, _steps(text, rest))


def _beginning(text: str) -> tuple[int | None, str]:
    if text == ".":
        return 0, ""
    if text.startswith("/"):
        return None, text[1:]
    outer = 0
    while text.startswith(_OUTER):
        outer, text = outer + 1, text[len(_OUTER) :]
    if text == "..":
        return outer + 1, ""
    if not text and outer == 0:
        raise invalid("an empty text is not a path; the whole message is `.`.")
    return outer, text


def _steps(text: str, rest: str) -> tuple[str | tuple[int | str], ...]:
    steps: list[str | tuple[int | str]] = []
    at = 0
    while at < len(rest):
        found = _STEP.match(rest, at)
        if found is None or bool(found["dot"]) != (bool(steps) and found["index"] is None):
            hint = 'Keys with other characters are quoted (a."b c"); a fixed text is written {value: …}.'
            raise invalid(f"{shown(text)} is not a path. {hint}")
        steps.append(_step(text, found))
        at = found.end()
    return tuple(steps)


def _step(text: str, found: re.Match[str]) -> str | tuple[int | str]:
    if found["index"] is not None:
        return (_STAR if found["index"] == _STAR else int(found["index"]),)
    if found["quoted"] is None:
        return found["plain"]
    try:
        return str(json.loads(found["quoted"]))
    except ValueError:
        raise invalid(f"{shown(text)} is not a path: a quoted key is written as in JSON.") from None


def _from_outside(walk: Walk, levels: int) -> Make:
    def read(scope: Scope) -> object:
        for _ in range(levels):
            scope = scope.outer or scope
        return walk(scope.here)

    return read


def _walker(path: Path) -> Walk:
    keys = tuple(step for step in path.steps if isinstance(step, str))
    if len(keys) == len(path.steps):
        return _by_keys(keys, path.text)
    walk: Walk = _by_keys((), path.text)
    lists = False
    for step in reversed(path.steps):
        if isinstance(step, str):
            walk = _key_then(_by_keys((step,), path.text), walk)
        elif isinstance(step[0], int):
            walk = _index_then(step[0], walk)
        else:
            walk, lists = _every_then(walk, flatten=lists), True
    return walk


def _by_keys(keys: tuple[str, ...], text: str) -> Walk:
    rule = f"the path {text} meets a list; [0], [*] or each would go into it"

    def walk(value: object) -> object:
        for key in keys:
            if isinstance(value, dict):
                value = value.get(key)
            elif isinstance(value, list):
                raise Broken(rule)
            else:
                return MISSING
        return MISSING if value is None else value

    return walk


def _key_then(key: Walk, rest: Walk) -> Walk:
    def walk(value: object) -> object:
        found = key(value)
        return MISSING if found is MISSING else rest(found)

    return walk


def _index_then(index: int, rest: Walk) -> Walk:
    def walk(value: object) -> object:
        held = members(value)
        return rest(held[index]) if -len(held) <= index < len(held) else MISSING

    return walk


def _every_then(rest: Walk, *, flatten: bool) -> Walk:
    def walk(value: object) -> object:
        found = [each for each in map(rest, members(value)) if each is not MISSING]
        return [one for each in found for one in members(each)] if flatten else found

    return walk
