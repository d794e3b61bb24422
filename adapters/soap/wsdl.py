"""What a WSDL 1.1 says of one port: its operations, how each is spoken, and the schemas of what they carry.

zeep resolves the definitions, and what it makes of them stays in here. It is given every element that a message names
as a bare declaration: the schemas themselves are left to libxml2, which reads more of them, and more exactly.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from lxml import etree
from zeep.settings import Settings
from zeep.transports import Transport
from zeep.wsdl import Document
from zeep.wsdl.bindings import Soap11Binding, Soap12Binding

from adapters.endpoint import headers_are_safe
from adapters.soap.envelope import SoapVersion
from adapters.soap.references import dangling
from adapters.soap.sources import SOAP_NAMESPACES, WSDL, XSD, gather
from bus.errors import DocumentInvalid, Finding, SchemaInvalid
from contracts.xsd import XsdDocuments

MIME = "{http://schemas.xmlsoap.org/wsdl/mime/}multipartRelated"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. Elements are written ``{namespace}local``.

    `input` is the one element of the request's Body; `output` the answer's, None where no element is answered, as by a
    one-way operation. `faults` are the elements a fault's detail may hold, `headers` the header blocks that the WSDL
    declares for the request; the bus sends none of those.
    """

    name: str
    input: str
    output: str | None
    action: str
    version: SoapVersion
    faults: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Service:
    """One port of one service. `unusable` gives for each operation that cannot be called the reason."""

    name: str
    port: str
    address: str
    operations: Mapping[str, Operation]
    documents: XsdDocuments = field(repr=False)
    unusable: Mapping[str, str] = field(default_factory=dict)


class _Unusable(Exception):
    """An operation that the bus cannot call."""


def load(path: str, files: Mapping[str, bytes], *, service: str | None = None, port: str | None = None) -> Service:
    """Read the WSDL at `path` out of `files`, and nothing from anywhere else.

    Without `service` or `port` the only one is taken, of ports that differ merely in protocol or address the first that
    speaks SOAP 1.1. Raises `DocumentInvalid`, with findings that say what to do.
    """
    definitions = gather(path, files)
    document = _resolved(path, definitions)
    if not any(one.ports for one in document.services.values()):
        limit = "give the WSDL that has a service with a port for SOAP over HTTP"
        raise _explained(path, definitions, "service-missing", limit)
    service_name, chosen = _port(path, document, service, port)
    operations, unusable = _operations(chosen)
    if not operations:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in unusable.items()) or "it has no operation"
        limit = f"port {chosen.name} has none that can be called: {reasons}"
        raise _explained(path, definitions, "operations-unusable", limit)
    address = (chosen.binding_options or {}).get("address") or ""
    return Service(service_name, chosen.name, address, operations, _schemas(path, files), unusable)


def _schemas(path: str, files: Mapping[str, bytes]) -> XsdDocuments:
    try:
        return XsdDocuments(files, [path])
    except SchemaInvalid as error:
        raise _invalid(path, error.code, error.text) from None


class _Documents(Transport):
    """Hands zeep the documents gathered for it; there is no session to fetch others with."""

    def __init__(self, documents: Mapping[str, bytes]) -> None:
        self._close_session = False
        self._documents = documents
        self.binding_classes = [_Soap11, _Soap12]

    def load(self, url: str) -> bytes:
        return self._documents[url]


class _Sourced:
    """A binding that remembers its source, for what zeep leaves out: use, parts, MIME."""

    source: etree._Element

    @classmethod
    def parse(cls, definitions: Any, xmlelement: etree._Element) -> Any:
        untyped: Any = super()
        binding = untyped.parse(definitions, xmlelement)
        binding.source = xmlelement
        return binding


class _Soap11(_Sourced, Soap11Binding):
    version = SoapVersion.V11


class _Soap12(_Sourced, Soap12Binding):
    version = SoapVersion.V12


def _resolved(path: str, definitions: Mapping[str, etree._Element]) -> Document:
    settings = Settings(forbid_dtd=True, forbid_entities=True, forbid_external=True, force_https=False)
    documents = {_url(one): etree.tostring(_bare(root, definitions)) for one, root in definitions.items()}
    try:
        # zeep warns of operations that it drops; those of the chosen port are found missing and reported.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Document(_url(path), _Documents(documents), settings=settings)  # type: ignore[arg-type]  # an instance
    except Exception:  # noqa: BLE001  zeep meets what it did not expect with whatever error comes first
        raise _explained(path, definitions, "wsdl-inconsistent", "check it with the tool that made it") from None


def _invalid(path: str, rule: str, limit: str) -> DocumentInvalid:
    """One thing wrong with a WSDL: where, what, and what to do."""
    return DocumentInvalid(findings=[Finding(path, rule, limit)], count=1)


def _explained(path: str, definitions: Mapping[str, etree._Element], rule: str, limit: str) -> DocumentInvalid:
    """The names that lead nowhere, if there are any; else a general finding."""
    findings = dangling(definitions) or [Finding(path, rule, limit)]
    return DocumentInvalid(findings=findings, count=len(findings))


def _url(path: str) -> str:
    return f"file:///{quote(path)}"


def _bare(root: etree._Element, definitions: Mapping[str, etree._Element]) -> etree._Element:
    """The definitions without their schemas, but with each element and type that a message names declared."""
    bare = deepcopy(root)
    for node in [*bare.findall(f"{WSDL}types"), *bare.findall(f"{WSDL}import")]:
        if (location := node.get("location")) in definitions:
            node.set("location", _url(str(location)))
        else:
            bare.remove(node)
    types = etree.Element(f"{WSDL}types")
    bare.insert(0, types)
    for part in bare.iterfind(f"{WSDL}message/{WSDL}part"):
        _declare(types, part, "element", "element")
        _declare(types, part, "type", "complexType")
    return bare


def _declare(types: etree._Element, part: etree._Element, attribute: str, component: str) -> None:
    prefix, _, local = (part.get(attribute) or "").rpartition(":")
    namespace = part.nsmap.get(prefix or None)
    if not local or f"{{{namespace}}}" == XSD:
        return
    schema = etree.SubElement(types, f"{XSD}schema", {"targetNamespace": namespace} if namespace else {})
    etree.SubElement(schema, f"{XSD}{component}", name=local)


def _port(path: str, document: Document, service: str | None, port: str | None) -> tuple[str, Any]:
    """The service's name and zeep's port. Only ports that speak SOAP over HTTP are left by zeep."""
    services = {name: found for name, found in document.services.items() if found.ports}
    name = _chosen(path, "service", service, list(services))
    ports: dict[str, Any] = dict(services[name].ports)
    if port is None and len({one.binding.port_type.name.text for one in ports.values()}) == 1:
        return name, min(ports.values(), key=lambda one: one.binding.version is not SoapVersion.V11)
    return name, ports[_chosen(path, "port", port, list(ports))]


def _chosen(path: str, what: str, wanted: str | None, names: Sequence[str]) -> str:
    if wanted is None and len(names) == 1:
        return names[0]
    if wanted is None or wanted not in names:
        raise _invalid(path, f"{what}-unknown", f"name one {what} of: {', '.join(names)}")
    return wanted


def _operations(port: Any) -> tuple[dict[str, Operation], dict[str, str]]:
    """What can be called, and why the rest cannot."""
    usable: dict[str, Operation] = {}
    unusable: dict[str, str] = {}
    nodes = port.binding.source.findall(f"{WSDL}operation")
    for name in dict.fromkeys(node.get("name", "") for node in nodes):
        try:
            usable[name] = _operation(port.binding, name, [node for node in nodes if node.get("name") == name])
        except _Unusable as error:
            unusable[name] = str(error)
    return usable, unusable


def _operation(binding: Any, name: str, nodes: Sequence[etree._Element]) -> Operation:
    concrete, abstract = binding.all().get(name), binding.port_type.operations.get(name)
    if concrete is None or abstract is None:
        raise _Unusable("its port type does not have it")
    if len(nodes) > 1:
        raise _Unusable("there are several of this name")
    (node,) = nodes
    action = concrete.soapaction or ""
    if concrete.style == "rpc":
        raise _Unusable("its style is rpc, and the bus speaks document/literal")
    if '"' in action or not headers_are_safe({"SOAPAction": action}):
        raise _Unusable("its soapAction cannot be sent in a header")
    headers, given = _elements(node.find(f"{WSDL}input"), abstract.input_message, concrete.input)
    _, answered = _elements(node.find(f"{WSDL}output"), abstract.output_message, concrete.output)
    if len(given) != 1:
        raise _Unusable(f"its request has {len(given)} elements in the Body, not one")
    if len(answered) > 1:
        raise _Unusable(f"its answer has {len(answered)} elements in the Body")
    faults = [part.element.qname.text for one in abstract.fault_messages.values() for part in _with_element(one)]
    return Operation(name, given[0], next(iter(answered), None), action, binding.version, tuple(faults), tuple(headers))


def _elements(node: etree._Element | None, abstract: Any, concrete: Any) -> tuple[list[str], list[str]]:
    """The elements of the header blocks and of the Body."""
    if node is None or abstract is None:
        return [], []
    if node.find(MIME) is not None:
        raise _Unusable("it has attachments (MIME)")
    body = next(
        (found for namespace in SOAP_NAMESPACES if (found := node.find(f"{{{namespace}}}body")) is not None), None
    )
    if body is not None and body.get("use", "literal") != "literal":
        raise _Unusable("its use is encoded, and the bus speaks document/literal")
    headers = [element.qname.text for _, element in concrete.header.type.elements] if concrete.header else []
    named = body.get("parts") if body is not None else None
    parts = [part for name, part in abstract.parts.items() if named is None or name in named.split()]
    if any(part.element is None for part in parts):
        raise _Unusable("a part of its message has a type, not an element")
    elements = [part.element.qname.text for part in parts]
    return headers, [one for one in elements if one not in headers]


def _with_element(message: Any) -> Iterator[Any]:
    return (part for part in message.parts.values() if part.element is not None)
