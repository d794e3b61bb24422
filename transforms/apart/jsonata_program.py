"""JSONata (docs.jsonata.org, 2.x) as jsonata-python has it, without what would make a second try make something else.

Runs in a child process alone: nothing here bounds time or memory.
"""

import re
from collections.abc import Callable
from typing import Any, Final

import orjson
from jsonata.jexception import JException
from jsonata.jsonata import Jsonata

from transforms.apart.lookups import look_up
from transforms.apart.program import Failed, Made, Program, Unusable

IMPURE: Final = ("eval", "millis", "now", "random", "shuffle")
"""Functions that are taken away: a message that is tried again becomes what it became before."""

_BLANKS: Final = re.compile(r"\{\{+\w+\}\}+")


def compile_jsonata(program: Program) -> Callable[[bytes], Made]:
    """The function that makes JSON of JSON. Raises `Unusable`; what it returns raises `Failed`."""
    text, expression = _parsed(program)
    for name in IMPURE:
        expression.assign(name, None)
    there, back = look_up(program.lists, reverse=False), look_up(program.lists, reverse=True)
    expression.register_lambda("code", there)
    expression.register_lambda("codeOf", back)

    def run(data: bytes) -> Made:
        try:
            made: Any = expression.evaluate(orjson.loads(data))
        except JException as error:
            raise Failed(_reason(error), _place(text, error) or "/") from None
        except RecursionError:
            raise Failed("it goes too deep into itself") from None
        except (ArithmeticError, AttributeError, IndexError, KeyError, TypeError, ValueError, re.error) as error:
            raise Failed(f"a function was given what it cannot use ({type(error).__name__})") from None
        if made is None:
            raise Failed("it makes nothing of this document")
        try:
            return Made(orjson.dumps(made))
        except (orjson.JSONEncodeError, RecursionError):
            raise Failed("a value that JSON cannot hold, or a function without its arguments") from None

    return run


def _parsed(program: Program) -> tuple[str, Jsonata]:
    text = ""
    try:
        text = program.files[program.main].decode()
        return text, Jsonata(text)
    except UnicodeDecodeError:
        raise Unusable(("", "it is not written in UTF-8.")) from None
    except JException as error:
        raise Unusable((_place(text, error), f"{error} ({error.error}).")) from None
    except RecursionError:
        raise Unusable(("", "it is nested too deep.")) from None


def _reason(error: JException) -> str:
    """The words of the language for what went wrong, without the values, which are the sender's."""
    words = JException.error_codes.get(error.error, "")
    if not words or words.startswith("{{{"):
        return f"JSONata stopped ({error.error})" if words == "" else "the expression stopped by $error or $assert"
    return f"{_BLANKS.sub('…', words)} ({error.error})"


def _place(text: str, error: JException) -> str:
    """Where in the text, by line; empty where it is not known."""
    if not isinstance(error.location, int) or error.location <= 0:
        return ""
    return f"line {text.count(chr(10), 0, error.location) + 1}"
