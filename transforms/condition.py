"""Conditions and selections over JSON views, in JMESPath (https://jmespath.org/specification.html).

One thing is added: a bare number is a number, where JMESPath wants backticks (``aqi > 100`` for ``aqi > `100```). What
JMESPath calls false (null, false, an empty text, list or object) does not hold, and neither does a condition that meets
a value of the wrong type: a message that a condition cannot judge does not fulfil it.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError, ParseError
from jmespath.functions import Functions
from jmespath.parser import ParsedResult
from jmespath.visitor import TreeInterpreter

from transforms.findings import invalid, known, shown

Condition = Callable[[object], bool]
Select = Callable[[object], object]

_TOKEN = re.compile(
    r"""(?P<quoted> '(?:[^'\\]|\\.)*' | "(?:[^"\\]|\\.)*" ) | `(?P<literal>(?:[^`\\]|\\.)*)` | (?P<name>[A-Za-z_]\w*)
    | (?P<number>-?(?:0|[1-9]\d*)(?:\.\d+)?) | (?P<other>.)""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_HINT = "Compare with ==, !=, <, >; join with &&, ||; write texts in '…' and odd keys in \"…\"."
_LONGEST = 2_000
_DEEPEST = 40


def compile_condition(text: str) -> Condition:
    """Raises `DocumentInvalid`; the condition itself raises nothing."""
    select = compile_select(text)

    def holds(document: object) -> bool:
        found = select(document)
        return not (found is None or found is False or (isinstance(found, str | list | dict) and not found))

    return holds


def compile_select(text: str) -> Select:
    """The value that an expression selects, or None, also where it meets a value of the wrong type.

    Raises `DocumentInvalid`; the selection itself raises nothing for a JSON value.
    """
    tree = _parse(text).parsed

    def select(document: object) -> object:
        try:
            return _Interpreter().visit(tree, document)
        except (JMESPathError, TypeError, ValueError, ArithmeticError, RecursionError):
            return None

    return select


class _Interpreter(TreeInterpreter):
    """The library's, except that comparing a text with a number is null, as the specification has it, and no error:
    ``aqi > 100 || level == 'red'`` is judged by the level when a station sends ``"n/a"``."""

    def visit_comparator(self, node: Any, value: Any) -> Any:
        try:
            return super().visit_comparator(node, value)
        except TypeError:
            return None


def _parse(text: str) -> ParsedResult:
    if len(text) > _LONGEST:
        raise invalid(f"a condition is at most {_LONGEST} characters long.")
    try:
        parsed = jmespath.compile("".join(_standard(text)))
    except ParseError as wrong:
        where = "the end" if wrong.token_type in {None, "EOF"} else shown(wrong.token_value)
        raise invalid(f"{shown(text)} is not a JMESPath condition: see {where}. {_HINT}") from None
    except (JMESPathError, RecursionError):
        raise invalid(f"{shown(text)} is not a JMESPath condition. {_HINT}") from None
    _check_tree(parsed.parsed, _DEEPEST)
    return parsed


def _standard(text: str) -> Iterator[str]:
    """The pieces of the expression in standard JMESPath: a bare number that is no index or slice gets its backticks."""
    last, open_brackets = "", ["("]
    for token in _TOKEN.finditer(text):
        piece = token[0]
        if token.lastgroup == "literal":
            _check_literal(token["literal"])
        elif piece in {"'", '"', "`"}:
            raise invalid(f"{shown(text)} is not a JMESPath condition: {piece} is opened and not closed.")
        elif piece in {"(", "[", "{"}:
            open_brackets.append(piece)
        elif piece in {")", "]", "}"} and len(open_brackets) > 1:
            open_brackets.pop()
        index = open_brackets[-1] == "[" and last in {"[", ":"}
        yield f"`{piece}`" if token.lastgroup == "number" and not index else piece
        last = piece.strip() or last


def _check_literal(literal: str) -> None:
    try:
        json.loads(literal.replace("\\`", "`"))
    except ValueError:
        raise invalid(f"{shown(literal)} between backticks is not JSON; a text is written '…'.") from None


def _check_tree(node: Any, depth: int) -> None:
    """JMESPath finds unknown functions and wrong numbers of arguments only when it meets them: find them now."""
    if depth == 0:
        raise invalid(f"the condition is nested more than {_DEEPEST} levels deep.")
    if node["type"] == "function_expression":
        _check_call(node["value"], len(node["children"]))
    for child in node.get("children", ()):
        if isinstance(child, dict):
            _check_tree(child, depth - 1)


def _check_call(name: str, given: int) -> None:
    functions = Functions.FUNCTION_TABLE
    if name not in functions:
        raise invalid(f"JMESPath has no function {shown(name)}: {known(functions, name)}")
    wanted = functions[name]["signature"]
    if given < len(wanted) or (given > len(wanted) and not wanted[-1].get("variadic")):
        raise invalid(f"the JMESPath function {name} takes {len(wanted)} argument(s), not {given}.")
