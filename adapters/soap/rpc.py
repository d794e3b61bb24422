"""RPC in document's clothes: the elements that rpc operations carry, declared as the WSDL leaves them to be inferred.

An rpc operation is one element in the Body, named after the operation, with a child for each part (WSDL 1.1 §3.5): of
no namespace where the part has a type (WS-I Basic Profile 1.1, R2735), the element itself where it names one. Declared
so, everything that reads document/literal reads rpc too.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from lxml import etree

from adapters.soap.sources import XSD
from bus.errors import SenderFault
from contracts.xml_body import parse_xml


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a message: an element or a type, written ``{namespace}local``."""

    name: str
    element: str | None = None
    type: str | None = None


@dataclass(frozen=True, slots=True)
class Wrapper:
    """The element in the Body of an rpc operation's request or answer."""

    namespace: str
    local: str
    parts: tuple[Part, ...]

    @property
    def name(self) -> str:
        return f"{{{self.namespace}}}{self.local}" if self.namespace else self.local


def declarations(path: str, wrappers: Iterable[Wrapper]) -> Mapping[str, bytes]:
    """A schema for each namespace that declares the wrappers in it, by a path beside the WSDL at `path`.

    No schema of a WSDL may declare an element of that name itself: then libxml2 refuses the whole.
    """
    by_namespace: dict[str, dict[str, Wrapper]] = {}
    for wrapper in wrappers:
        by_namespace.setdefault(wrapper.namespace, {}).setdefault(wrapper.local, wrapper)
    return {
        f"{path}.rpc-{number}.xsd": _schema(namespace, tuple(found.values()))
        for number, (namespace, found) in enumerate(by_namespace.items(), 1)
    }


def _schema(namespace: str, wrappers: Iterable[Wrapper]) -> bytes:
    named = {_split(each.element or each.type or "")[0] for wrapper in wrappers for each in wrapper.parts}
    prefixes = {each: f"p{number}" for number, each in enumerate(sorted(named - {"", XSD[1:-1]}))}
    prefixes[XSD[1:-1]] = "xs"
    attributes = {"targetNamespace": namespace} if namespace else {}
    schema = etree.Element(f"{XSD}schema", attributes, nsmap={prefix: each for each, prefix in prefixes.items()})
    for wrapper in wrappers:
        element = etree.SubElement(schema, f"{XSD}element", {"name": wrapper.local})
        sequence = etree.SubElement(etree.SubElement(element, f"{XSD}complexType"), f"{XSD}sequence")
        for part in wrapper.parts:
            etree.SubElement(sequence, f"{XSD}element", _child(part, prefixes))
    return etree.tostring(schema)


def _child(part: Part, prefixes: Mapping[str, str]) -> dict[str, str]:
    """The attributes of a part's declaration."""
    namespace, local = _split(part.element or part.type or f"{XSD}anyType")
    name = f"{prefixes[namespace]}:{local}" if namespace else local
    if part.element:
        return {"ref": name}
    # It may be nil: nothing in a WSDL says that a part may not, and servers of the time do so.
    return {"name": part.name, "type": name, "form": "unqualified", "nillable": "true"}


def _split(name: str) -> tuple[str, str]:
    namespace, _, local = name.rpartition("}")
    return namespace[1:], local


def references(schema: etree._Element) -> Iterator[str]:
    """The elements that a schema refers to."""
    for node in schema.iter(f"{XSD}element"):
        for attribute in ("ref", "substitutionGroup"):
            if name := node.get(attribute):
                prefix, _, local = name.rpartition(":")
                namespace = node.nsmap.get(prefix or None)
                yield f"{{{namespace}}}{local}" if namespace else local


def without(files: Mapping[str, bytes], element: str) -> dict[str, bytes]:
    """WSDLs and schemas that do not declare the element; other files as they are."""
    return {path: _without(data, *_split(element)) for path, data in files.items()}


def _without(data: bytes, namespace: str, local: str) -> bytes:
    if local.encode() not in data:
        return data
    try:
        root = parse_xml(data)
    except SenderFault:
        return data  # whoever reads it next says what is wrong
    for schema in root.iter(f"{XSD}schema"):
        for each in schema.findall(f"{XSD}element"):
            # A schema without a namespace of its own may be included into any.
            if each.get("name") == local and schema.get("targetNamespace", namespace) == namespace:
                schema.remove(each)
    return etree.tostring(root)
