"""What libxml2 found wrong with a document, without its words: they quote the document.

A finding shows nothing but words of the schema: the names it declares and the values its facets state. A piece of
libxml2's message is taken over only if the schema itself holds the very same word.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lxml import etree

from bus.errors import Finding
from contracts.xsd_closure import XS, Unit

# libxml2's name of an error, after SCHEMAV_, to the rule as a schema's author would call it.
_RULES: Mapping[str, str] = {
    "ELEMENT_CONTENT": "content",
    "CVC_ELT_1": "element",
    "CVC_ELT_2": "abstract",
    "CVC_ELT_3_1": "nillable",
    "CVC_ELT_3_2_1": "nil",
    "CVC_ELT_3_2_2": "nil",
    "CVC_ELT_4_1": "xsi:type",
    "CVC_ELT_4_2": "xsi:type",
    "CVC_ELT_4_3": "xsi:type",
    "CVC_ELT_5_2_2_1": "fixed",
    "CVC_ELT_5_2_2_2_1": "fixed",
    "CVC_ELT_5_2_2_2_2": "fixed",
    "CVC_TYPE_2": "abstract",
    "CVC_TYPE_3_1_1": "attribute",
    "CVC_TYPE_3_1_2": "content",
    "CVC_COMPLEX_TYPE_2_1": "empty",
    "CVC_COMPLEX_TYPE_2_2": "simple-content",
    "CVC_COMPLEX_TYPE_2_3": "text",
    "CVC_COMPLEX_TYPE_2_4": "content",
    "CVC_COMPLEX_TYPE_3_1": "fixed",
    "CVC_COMPLEX_TYPE_3_2_1": "attribute",
    "CVC_COMPLEX_TYPE_3_2_2": "attribute",
    "CVC_COMPLEX_TYPE_4": "required",
    "CVC_AU": "fixed",
    "CVC_ATTRIBUTE_4": "fixed",
    "CVC_IDC": "unique",
    "CVC_WILDCARD": "any",
    "CVC_DATATYPE_VALID_1_2_1": "type",
    "CVC_DATATYPE_VALID_1_2_2": "type",
    "CVC_DATATYPE_VALID_1_2_3": "type",
    "CVC_LENGTH_VALID": "length",
    "CVC_MINLENGTH_VALID": "minLength",
    "CVC_MAXLENGTH_VALID": "maxLength",
    "CVC_MININCLUSIVE_VALID": "minInclusive",
    "CVC_MAXINCLUSIVE_VALID": "maxInclusive",
    "CVC_MINEXCLUSIVE_VALID": "minExclusive",
    "CVC_MAXEXCLUSIVE_VALID": "maxExclusive",
    "CVC_TOTALDIGITS_VALID": "totalDigits",
    "CVC_FRACTIONDIGITS_VALID": "fractionDigits",
    "CVC_PATTERN_VALID": "pattern",
    "CVC_ENUMERATION_VALID": "enumeration",
    "CVC_FACET_VALID": "facet",
}
_QUOTED = re.compile(r"'([^']*)'")
_EXPECTED = re.compile(r"Expected is (?:one of )?\( ([^()]*) \)\.\s*$")
_NAME = re.compile(r"(?:\{[^{}]*\})?\*?([^{}\s,*]+)")
_ELEMENT = re.compile(r"Element '([^']*)'")
_ATTRIBUTE = re.compile(r"Element '[^']*', attribute '([^']*)': ")
_STEP = re.compile(r"(?:([^:/\[\]]+):)?([^:/\[\]]+)(?:\[(\d+)\])?")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words of a schema: local names of its components, and what its facets state."""

    names: frozenset[str]
    limits: frozenset[str]

    @classmethod
    def of(cls, units: Iterable[Unit]) -> "Vocabulary":
        names: set[str] = set()
        limits: set[str] = set()
        for unit in units:
            for element in unit.root.iter(f"{XS}*"):
                names.update(element.get(part, "").rpartition(":")[2] for part in ("name", "ref"))
                limits.update({element.get("type", ""), element.get("base", ""), element.get("fixed", "")})
                if "value" in element.attrib and element.tag != f"{XS}enumeration":
                    limits.add(element.get("value", ""))
        return cls(frozenset(names - {""}), frozenset(limits - {""}))


def findings(errors: Iterable[Any], root: etree._Element, vocabulary: Vocabulary, limit: int) -> list[Finding]:
    """At most `limit` findings out of `errors`, the ``error_log`` of a schema that `root` does not satisfy."""
    places = (f"line {error.line} {_path(error.path or '', root, vocabulary)}" for error in errors)
    return _findings(errors, places, vocabulary, limit)


def findings_near(line: int, errors: Iterable[Any], vocabulary: Vocabulary, limit: int) -> list[Finding]:
    """The same for a document that was read in pieces, of which libxml2 tells the names of elements only."""
    names = ((_ELEMENT.match(error.message) or ["", ""])[1].rpartition("}")[2] for error in errors)
    places = (f"near line {line} //{_shown(name, vocabulary)}" for name in names)
    return _findings(errors, places, vocabulary, limit)


def _findings(errors: Iterable[Any], places: Iterable[str], vocabulary: Vocabulary, limit: int) -> list[Finding]:
    found: dict[Finding, None] = {}
    for error, place in zip(errors, places, strict=True):
        rule = _RULES.get(error.type_name.removeprefix("SCHEMAV_"), "schema")
        attribute = _ATTRIBUTE.match(error.message)
        at = f"/@{_shown(attribute[1].rpartition('}')[2], vocabulary)}" if attribute else ""
        found[Finding(place + at, rule, _limit(error.message, rule, vocabulary))] = None
        if len(found) == limit:
            break
    return list(found)


def _shown(name: str, vocabulary: Vocabulary) -> str:
    return name if name in vocabulary.names else "*"


def _limit(message: str, rule: str, vocabulary: Vocabulary) -> str:
    """What the schema asks for: the children or attributes it expects, the value of a facet, the name of a type."""
    if rule == "content":
        expected = _EXPECTED.search(message)
        names = _NAME.findall(expected[1]) if expected else []
        return " | ".join(name for name in names if name in vocabulary.names)
    last = (_QUOTED.findall(message) or [""])[-1]
    if rule == "required":
        return f"@{last}" if last in vocabulary.names else ""
    return last if last in vocabulary.limits else ""


def _path(path: str, root: etree._Element, vocabulary: Vocabulary) -> str:
    """libxml2's path to a node by prefix or ``*`` and position, with the schema's own names instead."""
    steps = []
    nodes: list[etree._Element] = [root]
    for step in path.removeprefix("/").split("/"):
        matched = _STEP.fullmatch(step)
        if matched is None or step.startswith("@"):
            break
        _, local, position = matched.groups()
        same = [node for node in nodes if local in {"*", etree.QName(node).localname}]
        index = int(position or 1) - 1
        if index >= len(same):
            break
        node = same[index]
        steps.append(_step(node, vocabulary))
        nodes = list(node)
    return "".join(f"/{step}" for step in steps)


def _step(node: etree._Element, vocabulary: Vocabulary) -> str:
    shown = _shown(etree.QName(node).localname, vocabulary)
    parent = node.getparent()
    alike = [] if parent is None else parent.findall(node.tag)
    return f"{shown}[{alike.index(node) + 1}]" if len(alike) > 1 else shown
