"""xs:redefine (XSD 1.0 part 1 §4.2.2), written out: what is redefined gets another name, and the redefinition its own.

A redefinition is made of what it redefines, under the same name, and holds wherever that name is used. So the former
component is renamed, and only the redefinition knows its new name.
"""

from collections.abc import Sequence
from copy import deepcopy
from typing import Final

from lxml import etree

from bus.errors import SchemaInvalid

XS: Final = "{http://www.w3.org/2001/XMLSchema}"
REDEFINE: Final = f"{XS}redefine"

# How each kind of component names itself where it is redefined.
_OF_ITSELF: Final = {"complexType": "base", "simpleType": "base", "group": "ref", "attributeGroup": "ref"}


def redefined(schemas: Sequence[tuple[str, str, etree._Element]]) -> list[etree._Element]:
    """The documents of a set, each given by its place, namespace and root, without redefinitions. Raises
    `SchemaInvalid` where there is nothing to redefine."""
    if all(root.find(REDEFINE) is None for _, _, root in schemas):
        return [root for _, _, root in schemas]
    roots = [deepcopy(root) for _, _, root in schemas]
    # Whoever redefines comes before what it redefines: what was redefined there stands under its name when we come.
    for number in reversed(range(len(roots))):
        place, namespace, _ = schemas[number]
        others = [root for at, root in enumerate(roots) if at != number and schemas[at][1] == namespace]
        for statement in roots[number].findall(REDEFINE):
            for component in statement.iterchildren(*(f"{XS}{kind}" for kind in _OF_ITSELF)):
                _rename(component, others, f".{number}", place)
                roots[number].append(component)
            roots[number].remove(statement)
    return roots


def _rename(component: etree._Element, others: Sequence[etree._Element], suffix: str, place: str) -> None:
    name = component.get("name", "")
    former = next(
        (each for root in others for each in root.iterchildren(component.tag) if each.get("name") == name), None
    )
    if former is None:
        rule = f"it redefines {name}, which is not there"
        raise SchemaInvalid(schema=place, rule=rule, place=f"line {component.sourceline}")
    former.set("name", name + suffix)
    attribute = _OF_ITSELF[etree.QName(component).localname]
    for node in component.iter():
        prefix, colon, local = node.get(attribute, "").rpartition(":")
        if local == name and node is not component:
            node.set(attribute, f"{prefix}{colon}{local}{suffix}")
