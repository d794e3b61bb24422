"""SOAP encoding (SOAP 1.1 §5, SOAP 1.2 Part 2 §3) read and written as plain XML of a schema.

What the encoding adds to a message says nothing that its schema does not say: types on every element, values that stand
once and are referred to, arrays whose members have any name. A request gets it before it is sent, an answer loses it
before anything reads it; the schemas are rewritten to what is left. Members of an array are called ``item``.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any, Final

from lxml import etree

from adapters.soap.envelope import NotSoap, SoapVersion
from bus.errors import SenderFault
from contracts.xml_body import parse_xml
from contracts.xsd import XsdDocuments

XS: Final = "{http://www.w3.org/2001/XMLSchema}"
XSI: Final = "{http://www.w3.org/2001/XMLSchema-instance}"
ENC: Final = "{http://schemas.xmlsoap.org/soap/encoding/}"
ENC_12: Final = "{http://www.w3.org/2003/05/soap-encoding}"
WSDL_ARRAY: Final = "{http://schemas.xmlsoap.org/wsdl/}arrayType"
ITEM: Final = "item"

MOST_NODES: Final = 200_000
"""Elements of an answer once every reference is followed: a value may be referred to many times, and refer itself."""

# SOAP encoding has XML Schema's own simple types again, with id and href, and these besides (SOAP 1.1 §5.2.1).
_STRUCTURES: Final = frozenset({"Array", "Struct", "base64"})
_NAMED: Final = ("type", "base", "itemType")


def as_literal(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """WSDLs and schemas as they describe messages without the encoding; other files as they are."""
    return {path: _as_literal(data) for path, data in files.items()}


def _as_literal(data: bytes) -> bytes:
    if ENC[1:-1].encode() not in data:
        return data
    try:
        root = parse_xml(data)
    except Exception:  # noqa: BLE001  whoever reads it next says what is wrong
        return data
    for schema in root.iter(f"{XS}schema"):
        for node in schema.iter(f"{XS}import"):
            if node.get("namespace") == ENC[1:-1]:
                schema.remove(node)
        for node in list(schema.iter(f"{XS}complexType")):
            _plain_array(node)
    for node in root.iter(f"{XS}*"):
        for attribute in _NAMED:
            _plain_type(node, attribute)
    return etree.tostring(root)


def _plain_array(node: etree._Element) -> None:
    """A type that restricts ``soapenc:Array`` becomes a sequence of its members."""
    base = node.find(f"{XS}complexContent/*[@base]")
    if base is None or _name(base, base.get("base", "")) != f"{ENC}Array":
        return
    declared = next((each for each in base.iter(f"{XS}attribute") if each.get(WSDL_ARRAY)), None)
    inner = base.find(f".//{XS}element")
    of = _name(declared, (declared.get(WSDL_ARRAY) or "").partition("[")[0]) if declared is not None else ""
    for child in list(node):
        node.remove(child)
    sequence = etree.SubElement(node, f"{XS}sequence")
    item = etree.SubElement(
        sequence, f"{XS}element", {"name": ITEM, "minOccurs": "0", "maxOccurs": "unbounded", "nillable": "true"}
    )
    item.set("form", "unqualified")
    if not of and inner is not None and inner.get("type"):
        of = _name(inner, inner.get("type", ""))
    _set_type(item, of or f"{XS}anyType")


def _plain_type(node: etree._Element, attribute: str) -> None:
    namespace, _, local = _name(node, node.get(attribute) or "").rpartition("}")
    if namespace + "}" == ENC and local not in _STRUCTURES:
        _set_type(node, XS + local, attribute)
    elif namespace + "}" == ENC and local == "base64":
        _set_type(node, f"{XS}base64Binary", attribute)


def _set_type(node: etree._Element, name: str, attribute: str = "type") -> None:
    """Put a qualified name into an attribute, by a prefix in scope: whoever said the name declared one."""
    namespace, _, local = name.rpartition("}")
    prefix = next((key for key, value in node.nsmap.items() if f"{{{value}" == namespace), None)
    node.set(attribute, f"{prefix}:{local}" if prefix else local)


def _name(node: etree._Element, text: str) -> str:
    """``prefix:local`` as ``{namespace}local``."""
    prefix, _, local = text.strip().rpartition(":")
    namespace = node.nsmap.get(prefix or None)
    return f"{{{namespace}}}{local}" if namespace else local


class Encoding:
    """Puts the encoding on and takes it off, by the schemas of a port, which are given once they are read."""

    def __init__(self) -> None:
        self.documents: XsdDocuments | None = None

    def put_on(self, data: bytes, version: SoapVersion) -> bytes:
        """A request with the type of each element written on it; it fits its schema."""
        root = parse_xml(data)
        declared = self.documents.model.maps.elements.get(str(root.tag)) if self.documents else None
        made = self._declaring(root)
        made.set(f"{{{version.namespace}}}encodingStyle", (ENC if version is SoapVersion.V11 else ENC_12)[1:-1])
        if declared is not None:
            for child, source in zip(made, root, strict=True):
                _say_type(child, source, _child(declared.type, str(source.tag)))
        return etree.tostring(made)

    def _declaring(self, root: etree._Element) -> etree._Element:
        """A copy of an element that declares the prefixes that types are written with."""
        units = self.documents.units if self.documents else ()
        namespaces = sorted({unit.namespace for unit in units} - {""})
        nsmap: dict[Any, str] = {f"t{number}": namespace for number, namespace in enumerate(namespaces)}
        nsmap |= {**root.nsmap, "xsi": XSI[1:-1], "xsd": XS[1:-1], "soapenc": ENC[1:-1]}
        made = etree.Element(root.tag, {str(key): str(value) for key, value in root.items()}, nsmap=nsmap)
        made.text = root.text
        made.extend(deepcopy(child) for child in root)
        return made

    def take_off(self, envelope: bytes, element: str | None) -> bytes:
        """An envelope whose Body has one plain element, called `element` where it is the answer: the name that an
        answer has says nothing (SOAP 1.1 §7.1). Raises `NotSoap`."""
        try:
            root = parse_xml(envelope)
        except SenderFault:
            raise NotSoap from None
        body = next((each for version in SoapVersion for each in root.findall(f"{{{version.namespace}}}Body")), None)
        if body is None or not len(body):
            return envelope
        values = {ref: each for each in body.iter() if (ref := each.get("id"))}
        first, *others = body
        for other in others:
            body.remove(other)
        if not str(first.tag).endswith("}Fault"):
            plain = _Plainer(values).plain(first, ())
            if element is not None:
                plain.tag = element
            body.replace(first, plain)
        return etree.tostring(root)


def _child(xsd_type: Any, tag: str) -> Any:
    content = getattr(xsd_type, "content", None)
    members: Any = content.iter_elements() if content is not None and hasattr(content, "iter_elements") else ()
    return next((each for each in members if each.name == tag), None)


def _say_type(node: etree._Element, source: etree._Element, declared: Any) -> None:
    if declared is None or node.get(f"{XSI}nil"):
        return
    xsd_type = declared.type
    item = _child(xsd_type, ITEM)
    if item is not None and item.max_occurs is None:
        node.set(f"{XSI}type", "soapenc:Array")
        node.set(f"{ENC}arrayType", f"{_written(node, item.type.name or f'{XS}anyType')}[{len(node)}]")
    elif xsd_type.name:
        node.set(f"{XSI}type", _written(node, xsd_type.name))
    for child, inner in zip(node, source, strict=True):
        _say_type(child, inner, _child(xsd_type, str(inner.tag)))


def _written(node: etree._Element, name: str) -> str:
    """A qualified name in a prefix that is in scope at the node."""
    namespace, _, local = name.rpartition("}")
    prefix = next((key for key, value in node.nsmap.items() if key and f"{{{value}" == namespace), None)
    if namespace and prefix is None:
        return local
    return f"{prefix}:{local}" if prefix else local


class _Plainer:
    """Takes the encoding off, following references; what refers to itself, or grows without end, is refused."""

    def __init__(self, values: Mapping[str, etree._Element]) -> None:
        self._values = values
        self._nodes = 0

    def plain(self, node: etree._Element, inside: tuple[str, ...]) -> etree._Element:
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise NotSoap("an answer that grows without end by its references")
        reference = (node.get("href") or "").removeprefix("#") or node.get(f"{ENC_12}ref") or ""
        if reference in inside:
            raise NotSoap("an answer in which a value refers to itself")
        source = self._values.get(reference) if reference else node
        if source is None:
            raise NotSoap("an answer that refers to a value that is not there")
        made = etree.Element(node.tag, {str(key): str(value) for key, value in _kept(source)})
        made.text = source.text
        is_array = any(source.get(name) is not None for name in (f"{ENC}arrayType", f"{ENC_12}itemType"))
        inside = (*inside, reference) if reference else inside
        for child in source:
            plain = self.plain(child, inside)
            if is_array:
                plain.tag = ITEM
            made.append(plain)
        return made


def _kept(node: etree._Element) -> Iterator[tuple[Any, Any]]:
    """The attributes that are not the encoding's; nil is the schema's."""
    nil = f"{XSI}nil"
    for key, value in node.items():
        name = str(key)
        if name == nil or not (name in {"id", "href"} or name.startswith("{")):
            yield key, value
