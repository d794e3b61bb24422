"""Conditions and selections over XML, in XPath 1.0 (https://www.w3.org/TR/1999/REC-xpath-19991116/).

Without extensions: no regular expressions, no documents but the message. As for JSON, a condition that cannot be
evaluated does not hold.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

from lxml import etree

from transforms.findings import invalid, shown

Condition = Callable[[object], bool]


def compile_xpath_condition(text: str, namespaces: Mapping[str, str]) -> Condition:
    """True where the expression's boolean value is (XPath 1.0 §4.3), for an lxml element or tree.

    Raises `DocumentInvalid`; the condition itself raises nothing.
    """
    evaluate = _compile(text, namespaces)
    return lambda document: _boolean(evaluate(document))


def compile_xpath_texts(text: str, namespaces: Mapping[str, str]) -> Callable[[object], list[str]]:
    """The texts of what is selected: elements with all that is in them, attributes, or one computed text or number.

    Raises `DocumentInvalid`; the selection itself raises nothing.
    """
    evaluate = _compile(text, namespaces)
    string = etree.XPath("string()", smart_strings=False)

    def select(document: object) -> list[str]:
        found = evaluate(document)
        nodes = found if isinstance(found, list) else [] if found is None else [found]
        return [str(string(node)) if isinstance(node, etree._Element) else str(node) for node in nodes]  # noqa: SLF001

    return select


def _compile(text: str, namespaces: Mapping[str, str]) -> Callable[[object], Any]:
    """Unknown prefixes, functions and variables only show when an expression is evaluated: it is, once, on nothing."""
    try:
        expression = etree.XPath(text, namespaces=dict(namespaces), regexp=False, smart_strings=False)
        expression(etree.Element("nothing"))
    except (etree.XPathError, TypeError, ValueError):
        there = ", ".join(sorted(namespaces)) or "none"
        raise invalid(f"{shown(text)} is not an XPath 1.0 expression; the prefixes known here: {there}.") from None

    def evaluate(document: object) -> Any:
        try:
            return expression(document)  # type: ignore[arg-type]  # whatever is no XML raises TypeError
        except (etree.XPathError, TypeError, ValueError):
            return None

    return evaluate


def _boolean(value: object) -> bool:
    if isinstance(value, float):
        return value != 0 and not math.isnan(value)
    return bool(value)
