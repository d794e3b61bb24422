"""Names in a WSDL that lead nowhere: the reasons why it cannot be read, told one by one."""

from collections.abc import Iterator, Mapping

from lxml import etree

from adapters.soap.sources import WSDL, place
from bus.errors import Finding

# Where a WSDL names another of its parts (WSDL 1.1 §2): the element, its attribute, the part it names.
REFERENCES = (
    ("portType/operation/input", "message", "message"),
    ("portType/operation/output", "message", "message"),
    ("portType/operation/fault", "message", "message"),
    ("binding", "type", "portType"),
    ("service/port", "binding", "binding"),
)


def dangling(definitions: Mapping[str, etree._Element]) -> list[Finding]:
    """A finding for each message, port type or binding that is named and not there."""
    known = {one for root in definitions.values() for one in _defined(root)}
    return [
        Finding(place(path, node), f"{what}-missing", f"define the {what} {name}, or correct the name")
        for path, root in definitions.items()
        for node, what, name in _named(root)
        if not known & {(what, namespaced) for namespaced in _meanings(node, name, root)}
    ]


def lead_on(definitions: Mapping[str, etree._Element]) -> Iterator[Finding]:
    """Let a port whose binding is not there have the only one that there is, as in the first example of WSDL 1.1 itself
    and what was copied from it; a finding for each."""
    bindings = [name for root in definitions.values() for what, name in _defined(root) if what == "binding"]
    if len(bindings) != 1:
        return
    (only,) = bindings
    namespace, _, local = only[1:].rpartition("}")
    for path, root in definitions.items():
        for node, what, name in _named(root):
            if what == "binding" and only not in _meanings(node, name, root):
                yield Finding(place(path, node), "binding-guessed", f"there is no {name}, and {local} is the only one")
                prefix = next((prefix for prefix, each in node.nsmap.items() if prefix and each == namespace), None)
                node.set("binding", f"{prefix}:{local}" if prefix else local)


def _defined(root: etree._Element) -> Iterator[tuple[str, str]]:
    namespace = root.get("targetNamespace", "")
    for what in ("message", "portType", "binding"):
        for node in root.findall(f"{WSDL}{what}"):
            yield what, f"{{{namespace}}}{node.get('name')}"


def _named(root: etree._Element) -> Iterator[tuple[etree._Element, str, str]]:
    for steps, attribute, what in REFERENCES:
        for node in root.findall("/".join(f"{WSDL}{step}" for step in steps.split("/"))):
            if name := node.get(attribute):
                yield node, what, name


def _meanings(node: etree._Element, name: str, root: etree._Element) -> set[str]:
    """A name without a prefix is met both in the default and in the target namespace."""
    prefix, _, local = name.rpartition(":")
    if prefix:
        return {f"{{{node.nsmap.get(prefix, '')}}}{local}"}
    return {f"{{{node.nsmap.get(None, '')}}}{local}", f"{{{root.get('targetNamespace', '')}}}{local}"}
