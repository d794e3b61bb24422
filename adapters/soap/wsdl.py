"""What a WSDL 1.1 says of its ports: their operations, how each is spoken, and the schemas of what they carry.

zeep resolves the definitions, and what it makes of them stays in here. It is given every element that a message names
as a bare declaration: the schemas themselves are left to libxml2, which reads more of them, and more exactly.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from lxml import etree
from zeep.settings import Settings
from zeep.transports import Transport
from zeep.wsdl import Document
from zeep.wsdl.bindings import Soap11Binding, Soap12Binding

from adapters.endpoint import headers_are_safe
from adapters.soap.addressing import Edition
from adapters.soap.encoded import Encoding, as_literal
from adapters.soap.envelope import SoapVersion
from adapters.soap.references import dangling, lead_on
from adapters.soap.rpc import Part, Wrapper, declarations, references, without
from adapters.soap.sources import SOAP_NAMESPACES, WSDL, XSD, gather
from adapters.soap.wsdl_policies import actions, asked, mtom_asked, secured
from bus.errors import DocumentInvalid, Finding, SchemaInvalid
from contracts.xsd import XsdDocuments

SOAP_HEADERS = tuple(f"{{{namespace}}}header" for namespace in SOAP_NAMESPACES)
MIME = "{http://schemas.xmlsoap.org/wsdl/mime/}"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. Elements are written ``{namespace}local``.

    `input` is the one element of the request's Body, None where that is empty; `output` the answer's, None where no
    element is answered, as by a one-way operation. `faults` are the elements a fault's detail may hold, `headers` the
    header blocks that the WSDL declares for the request, sent where a system's document says what stands in them.
    `encoding` is there where the messages are written by the rules of SOAP encoding. `attachments` are those that the
    WSDL declares for the request, `reply_attachments` for the answer: the media types that each may have. `addressed`
    is the request's action where WS-Addressing is spoken.
    """

    name: str
    input: str | None
    output: str | None
    action: str
    version: SoapVersion
    faults: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    encoding: Encoding | None = None
    attachments: tuple[tuple[str, ...], ...] = ()
    reply_attachments: tuple[tuple[str, ...], ...] = ()
    addressed: str = ""


@dataclass(frozen=True, slots=True)
class Service:
    """One port of one service. `unusable` gives for each operation that cannot be called the reason; `addressing` is
    the edition of WS-Addressing that the port asks for, `mtom` whether it asks for that,
    `security` the schemes of WS-Security that it asks for.

    `declared` are schemas that stand in no file: of what rpc operations carry, by the path they would have.
    """

    name: str
    port: str
    address: str
    operations: Mapping[str, Operation]
    documents: XsdDocuments = field(repr=False)
    unusable: Mapping[str, str] = field(default_factory=dict)
    declared: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    addressing: Edition | None = None
    mtom: bool = False
    security: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Port:
    """A port that speaks SOAP over HTTP; `port_type` is ``{namespace}local``. `documented` is what the WSDL says of
    each operation, by name, and of the service, under the empty name."""

    service: str
    name: str
    port_type: str
    version: SoapVersion
    address: str
    documented: Mapping[str, str] = field(default_factory=dict, repr=False)


class _Unusable(Exception):
    """An operation that the bus cannot call."""


def load(path: str, files: Mapping[str, bytes], *, service: str | None = None, port: str | None = None) -> Service:
    """Read the WSDL at `path` out of `files`, and nothing from anywhere else.

    Without `service` or `port` the only one is taken, of ports that differ merely in protocol or address the first that
    speaks SOAP 1.1. Raises `DocumentInvalid`, with findings that say what to do.
    """
    return Description(path, files).service(service, port)


class Description:
    """A WSDL, resolved: its ports, and what each of them says. Raises as `load` does. `guessed` are names that lead
    nowhere and whose meaning is plain all the same."""

    def __init__(self, path: str, files: Mapping[str, bytes]) -> None:
        self.path = path
        self._files = files
        self._definitions = gather(path, files)
        self.guessed = tuple(lead_on(self._definitions))
        self._messages = dict(_messages(self._definitions))
        self._document = _resolved(path, self._definitions)
        if not any(one.ports for one in self._document.services.values()):
            others = [port.get("name", "") for root in self._definitions.values() for port in root.iter(f"{WSDL}port")]
            limit = "give the WSDL that has a service with a port for SOAP over HTTP"
            if others:
                raise _explained(path, self._definitions, "ports-other", f"not {', '.join(others[:5])}: {limit}")
            raise _explained(path, self._definitions, "service-missing", limit)

    @property
    def ports(self) -> tuple[Port, ...]:
        """Every port that speaks SOAP over HTTP, in the order of the WSDL."""
        return tuple(
            Port(
                service,
                name,
                port.binding.port_type.name.text,
                port.binding.version,
                _address(port),
                self._documented(service, port.binding.port_type.name),
            )
            for service, one in self._document.services.items()
            for name, port in one.ports.items()
        )

    def dangling(self) -> list[Finding]:
        """Names that lead nowhere, and are in nobody's way."""
        return dangling(self._definitions)

    def service(self, service: str | None = None, port: str | None = None) -> Service:
        """What one port says."""
        service_name, chosen = _port(self.path, self._document, service, port)
        reading = _Reading(self.path, self._files, chosen.binding, self._messages)
        documents, declared = reading.schemas()
        if not reading.usable:
            reasons = "; ".join(f"{name}: {reason}" for name, reason in reading.unusable.items())
            limit = f"port {chosen.name} has none that can be called: {reasons or 'it has no operation'}"
            raise _explained(self.path, self._definitions, "operations-unusable", limit)
        port_type, stated = chosen.binding.port_type.name, {name: each.action for name, each in reading.usable.items()}
        addressed = actions(self._definitions, port_type, stated)
        operations = {
            name: replace(each, addressed=addressed.get(name, each.action)) for name, each in reading.usable.items()
        }
        ports = [each for root in self._definitions.values() for each in root.iter(f"{WSDL}port")]
        own = [each for each in ports if each.get("name") == chosen.name]
        return Service(
            service_name,
            chosen.name,
            _address(chosen),
            operations,
            documents,
            reading.unusable,
            declared,
            asked(self._definitions, [*own, chosen.binding.source]),
            mtom_asked(self._definitions, [*own, chosen.binding.source]),
            secured(self._definitions, [*own, chosen.binding.source]),
        )

    def _documented(self, service: str, port_type: etree.QName) -> Mapping[str, str]:
        found: dict[str, str] = {}
        for root in self._definitions.values():
            own = root.get("targetNamespace", "") == (port_type.namespace or "")
            for node in root.iterfind(f"{WSDL}portType/{WSDL}operation"):
                parent = node.getparent()
                if own and parent is not None and parent.get("name") == port_type.localname:
                    found[node.get("name", "")] = _documentation(node)
            for node in root.iterfind(f"{WSDL}service"):
                if node.get("name") == service:
                    found[""] = _documentation(node)
        return {name: text for name, text in found.items() if text}


def _documentation(node: etree._Element) -> str:
    said = node.find(f"{WSDL}documentation")
    return "" if said is None else " ".join(etree.tostring(said, method="text", encoding=str).split())


def _address(port: Any) -> str:
    return (port.binding_options or {}).get("address") or ""


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


def _invalid_schema(path: str, error: SchemaInvalid) -> DocumentInvalid:
    """All that is missing, where that is the reason; else what was found."""
    found = [Finding(each.place, "schema-missing", f"{each.rule}: {each.limit}") for each in error.findings]
    findings = found or [Finding(path, error.code, error.text)]
    return DocumentInvalid(findings=findings, count=len(findings))


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
    messages = dict(_messages(definitions))
    for node in list(bare.iter(*SOAP_HEADERS)):
        parent = node.getparent()
        if parent is not None and not list(_header(node, messages)):
            parent.remove(node)  # no header block is sent: one that leads nowhere stands in nobody's way
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


class _Reading:
    """The operations of one binding: what can be called, and why the rest cannot."""

    def __init__(self, path: str, files: Mapping[str, bytes], binding: Any, messages: "Messages") -> None:
        self.path, self.files, self.binding, self.messages = path, files, binding, messages
        self.wrappers: dict[str, Wrapper] = {}
        self.encoding = Encoding()
        self.usable: dict[str, Operation] = {}
        self.unusable: dict[str, str] = {}
        nodes = self.binding.source.findall(f"{WSDL}operation")
        for name in dict.fromkeys(node.get("name", "") for node in nodes):
            try:
                self.usable[name] = self._operation(name, [node for node in nodes if node.get("name") == name])
            except _Unusable as error:
                self.unusable[name] = str(error)

    def schemas(self) -> tuple[XsdDocuments, Mapping[str, bytes]]:
        """The schemas of what is carried, and those of them that stand in no file."""
        self._set_aside_declared()
        declared = declarations(self.path, self.wrappers.values())
        files: Mapping[str, bytes] = {**self.files, **declared}
        try:
            if any(each.encoding for each in self.usable.values()):
                files = as_literal(files)
            documents = XsdDocuments(files, [self.path, *declared])
        except SchemaInvalid as error:
            raise _invalid_schema(self.path, error) from None
        self.encoding.documents = documents
        return documents, {path: files[path] for path in declared}

    def _set_aside_declared(self) -> None:
        """An rpc operation carries an element that no schema may declare otherwise: a declaration that nothing uses is
        left away, and where one is used, the operation."""
        if not self.wrappers:
            return
        try:
            units = XsdDocuments(self.files, [self.path]).units
        except SchemaInvalid:
            return  # there is none, or what is wrong with it is found with the rest
        taken = {
            f"{{{unit.namespace}}}{each.get('name')}" if unit.namespace else each.get("name")
            for unit in units
            for each in unit.root.findall(f"{XSD}element")
        }
        used = set(self.messages.values())
        used |= {name for unit in units for name in references(unit.root)}
        for wrapper in [each for each in self.wrappers if each in taken]:
            if wrapper not in used:
                self.files = without(self.files, wrapper)
                continue
            del self.wrappers[wrapper]
            for name in [each.name for each in self.usable.values() if wrapper in {each.input, each.output}]:
                self.usable.pop(name)
                self.unusable[name] = f"its style is rpc, and a schema declares an element {wrapper} of its own"

    def _operation(self, name: str, nodes: Sequence[etree._Element]) -> Operation:
        concrete, abstract = self.binding.all().get(name), self.binding.port_type.operations.get(name)
        if concrete is None or abstract is None:
            raise _Unusable("its port type does not have it")
        if len(nodes) > 1:
            raise _Unusable("there are several of this name")
        (node,) = nodes
        action = concrete.soapaction or ""
        if '"' in action or not headers_are_safe({"SOAPAction": action}):
            raise _Unusable("its soapAction cannot be sent in a header")
        given = _message(node.find(f"{WSDL}input"), abstract.input_message, self.messages)
        answered = _message(node.find(f"{WSDL}output"), abstract.output_message, self.messages)
        faults = [part.element for one in abstract.fault_messages.values() for part in _parts(one) if part.element]
        return Operation(
            name,
            *self._elements(name, concrete.style, given, answered),
            action,
            self.binding.version,
            tuple(faults),
            tuple(given.headers),
            self.encoding if given.encoded or answered.encoded else None,
            tuple(given.attachments),
            tuple(answered.attachments),
        )

    def _elements(
        self, name: str, style: str, given: "_Message", answered: "_Message"
    ) -> tuple[str | None, str | None]:
        """The elements in the Body of the request and of the answer."""
        if style == "rpc":
            return self._wrapped(given, name), self._wrapped(answered, f"{name}Response") if answered.there else None
        if given.encoded or answered.encoded:
            raise _Unusable("its style is document and its use encoded, of which nobody agrees what it means")
        return _element(given, "request"), _element(answered, "answer")

    def _wrapped(self, message: "_Message", local: str) -> str:
        """The element of an rpc message, which is declared then."""
        wrapper = Wrapper(message.namespace, local, tuple(message.parts))
        if self.wrappers.setdefault(wrapper.name, wrapper) != wrapper:
            raise _Unusable(f"it carries an element {wrapper.name} that another operation carries otherwise")
        return wrapper.name


@dataclass(frozen=True, slots=True)
class _Message:
    """What is in a Body, and the elements of the header blocks."""

    there: bool = False
    parts: Sequence[Part] = ()
    headers: Sequence[str] = ()
    namespace: str = ""
    encoded: bool = False
    attachments: Sequence[tuple[str, ...]] = ()


def _message(node: etree._Element | None, abstract: Any, messages: "Messages") -> _Message:
    if node is None or abstract is None:
        return _Message()
    # A Body stands alone, or in the part of a multipartRelated that is no attachment (WSDL 1.1 §5.3).
    body = next(node.iter(*(f"{{{namespace}}}body" for namespace in SOAP_NAMESPACES)), None)
    attached: dict[str | None, list[str]] = {}
    for each in node.iter(f"{MIME}content"):
        attached.setdefault(each.get("part"), []).append(each.get("type", ""))
    attributes: Mapping[str, str] = {} if body is None else {str(key): str(value) for key, value in body.items()}
    headers = list(dict.fromkeys(one for each in node.iter(*SOAP_HEADERS) for one in _header(each, messages)))
    named = attributes["parts"].split() if "parts" in attributes else None
    parts = [
        part
        for part in _parts(abstract)
        if (part.name not in attached if named is None else part.name in named)
        and (part.element is None or part.element not in headers)
    ]
    encoded = attributes.get("use") == "encoded"
    return _Message(True, parts, headers, attributes.get("namespace", ""), encoded, list(map(tuple, attached.values())))


Messages = Mapping[tuple[str, str], str]
"""The element of each part that has one, by the message's ``{namespace}local`` and the part's name."""


def _messages(definitions: Mapping[str, etree._Element]) -> Iterator[tuple[tuple[str, str], str]]:
    for root in definitions.values():
        for node in root.iterfind(f"{WSDL}message"):
            for part in node.iterfind(f"{WSDL}part"):
                if element := part.get("element"):
                    namespace = root.get("targetNamespace")
                    message = f"{{{namespace}}}{node.get('name')}" if namespace else node.get("name", "")
                    yield (message, part.get("name", "")), _meant(part, element)


def _header(node: etree._Element, messages: Messages) -> Iterator[str]:
    """The element of a header block; nothing of one that leads nowhere."""
    element = messages.get((_meant(node, node.get("message", "")), node.get("part", "")))
    if element:
        yield element


def _meant(node: etree._Element, name: str) -> str:
    prefix, _, local = name.rpartition(":")
    namespace = node.nsmap.get(prefix or None)
    return f"{{{namespace}}}{local}" if namespace else local


def _element(message: _Message, what: str) -> str | None:
    """The one element of a document/literal message; None where the Body is empty (WS-I Basic Profile 1.1, R2210)."""
    if any(part.element is None for part in message.parts):
        raise _Unusable(f"a part of its {what} has a type, not an element, though its style is document")
    if len(message.parts) > 1:
        raise _Unusable(f"its {what} has {len(message.parts)} elements in the Body, not one")
    return next((part.element for part in message.parts), None)


def _parts(message: Any) -> Iterator[Part]:
    for name, part in message.parts.items():
        if part.element is not None:
            yield Part(name, element=part.element.qname.text)
        else:
            yield Part(name, type=part.type.qname.text if part.type is not None else None)
