"""A contract as WSDL 1.1, document/literal: one operation, its schemas within."""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Final

from lxml import etree

from bus.envelope import Exchange, Format
from bus.errors import PathUnknown, SchemaInvalid
from contracts.descriptions.elements import Elements
from contracts.descriptions.json_schema import bundled
from contracts.descriptions.model import Payload, Subject
from contracts.descriptions.xsd_writing import NAME, xsd

WSDL: Final = "http://schemas.xmlsoap.org/wsdl/"
SOAP: Final = "http://schemas.xmlsoap.org/wsdl/soap/"
SOAP_12: Final = "http://schemas.xmlsoap.org/wsdl/soap12/"
HTTP: Final = "http://schemas.xmlsoap.org/soap/http"
ACTION: Final = "request"
"""What the action of a request ends in, after the namespace."""
PORT_TYPE: Final = "Messages"
JAXWS: Final = "http://java.sun.com/xml/ns/jaxws"
XS: Final = "{http://www.w3.org/2001/XMLSchema}"
_W = Elements(WSDL, "wsdl")


def namespace(subject: Subject) -> str:
    """Of the WSDL, and of the XSD of a contract of JSON: the same for every version that fits the others."""
    return f"urn:lgsp:contract:{subject.name}:{subject.version.partition('.')[0]}"


def schemas(subject: Subject) -> tuple[list[etree._Element], tuple[str, ...]]:
    """The XSDs of all payloads: those of the contract, and for payloads of JSON one that is made of their JSON Schema;
    and what that one cannot say. Raises `SchemaInvalid`."""
    payloads = subject.payloads()
    found: list[etree._Element] = []
    losses: tuple[str, ...] = ()
    if any(each.format is Format.XML for each in payloads.values()):
        found += [unit.root for unit in subject.xsd().units]
    roots = [name for name, each in payloads.items() if each.format is Format.JSON]
    if roots:
        made, losses = xsd(bundled(subject, "#/$defs/"), roots, namespace(subject))
        _compiles(made, subject)
        found.append(made)
    return found, losses


def _compiles(made: etree._Element, subject: Subject) -> None:
    """A description that no tool can load helps nobody."""
    try:
        etree.XMLSchema(etree.fromstring(etree.tostring(made)))
    except etree.XMLSchemaParseError:
        raise SchemaInvalid(schema=subject.request.path, rule="no XML Schema can be made of it") from None


def wsdl(subject: Subject, url: str | None = None, soap: str = SOAP) -> bytes:
    """Without a `url`, without a service: which address it is called at, whoever uses it says. At the bus's own, only a
    request is answered. `soap` is the namespace of the binding. Raises `SchemaInvalid`."""
    own = namespace(subject)
    found, losses = schemas(subject)
    silent = {Exchange.EVENT} if url is None else {Exchange.EVENT, Exchange.DOCUMENT}
    answers = {} if subject.exchange in silent else subject.payloads()
    messages = {"request": subject.request, **answers}
    prefixes = _prefixes(messages.values(), own)
    root = etree.Element(
        f"{{{WSDL}}}definitions",
        {"name": _name(subject.name), "targetNamespace": own},
        nsmap={"wsdl": WSDL, "soap": soap, **{prefix: each for each, prefix in prefixes.items()}},
    )
    root.append(_W("documentation", _about(subject, losses)))
    root.append(_W("types"))
    root.append(_whole_for_java())
    for name, payload in messages.items():
        root.append(_message(name, payload, own, prefixes))
    root.append(_port_type(subject, answers))
    root.append(_binding(subject, answers, Elements(soap, "soap")))
    if url is not None:
        address = Elements(soap, "soap")("address", {"location": url})
        port = _W("port", {"name": "MessagesSoap", "binding": "tns:MessagesSoap"}, address)
        root.append(_W("service", {"name": "MessagesService"}, port))
    return _filled(root, found)


def published(subject: Subject, url: str, what: str, number: str) -> bytes:
    """What stands at an address of the bus behind ``?wsdl``, ``?wsdl12`` (SOAP 1.2) or ``?xsd=n``: its schemas one by
    one, from 0. Raises `PathUnknown`, `SchemaInvalid`."""
    if what in {"wsdl", "wsdl12"}:
        return wsdl(subject, url, SOAP if what == "wsdl" else SOAP_12)
    found, _ = schemas(subject)
    if not number.isdecimal() or len(number) > 4 or int(number) >= len(found):
        raise PathUnknown
    root = deepcopy(found[int(number)])
    for statement in root.iterfind(f"{XS}import"):
        there = statement.get("namespace")
        places = [place for place, each in enumerate(found) if each.get("targetNamespace") == there]
        statement.set("schemaLocation", f"{url}?xsd={places[0]}")
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)


def xsd_text(subject: Subject) -> bytes:
    """The XSD alone; where there are several, each within ``wsdl:types``. Raises `SchemaInvalid`."""
    found, _ = schemas(subject)
    if len(found) == 1:
        return etree.tostring(found[0], encoding="UTF-8", xml_declaration=True, pretty_print=True)
    root = etree.Element(f"{{{WSDL}}}definitions", nsmap={"wsdl": WSDL})
    root.append(_W("types"))
    return _filled(root, found)


def _filled(root: etree._Element, found: Iterable[etree._Element]) -> bytes:
    """With the schemas in ``wsdl:types``, as texts: moved into another tree, a schema loses the prefixes that only its
    values use."""
    whole = etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)
    inner = b"".join(etree.tostring(each, encoding="UTF-8", xml_declaration=False, pretty_print=True) for each in found)
    before, _, after = whole.partition(b"<wsdl:types/>")
    return b"".join([before, b"<wsdl:types>\n", inner, b"</wsdl:types>", after])


def _prefixes(payloads: Iterable[Payload], own: str) -> dict[str, str]:
    """Prefixes of the namespaces of root elements."""
    prefixes = {own: "tns"}
    for payload in payloads:
        there = _split(payload.root or "")[0]
        if there:
            prefixes.setdefault(there, f"m{len(prefixes)}")
    return prefixes


def _split(tag: str) -> tuple[str, str]:
    """Namespace, empty where there is none, and local name."""
    there, _, local = tag.rpartition("}")
    return there[1:], local


def _about(subject: Subject, losses: tuple[str, ...]) -> str:
    lines = [subject.heading, f"{subject.name} {subject.version}; đơn vị chủ quản | owner: {subject.owner}"]
    if losses:
        lines.append("Lược đồ này không nói được | What this schema cannot say:")
        lines += [f"- {each}" for each in losses]
    return "\n".join(lines)


def _whole_for_java() -> etree._Element:
    """Java's wsimport makes each child of the request and the reply a parameter, and gives up where both have one of
    one name and of different types: this has it leave them whole (JAX-WS 2.2 §8.7.1). Others pass over it."""
    java = Elements(JAXWS, "jaxws")
    return java("bindings", java("enableWrapperStyle", "false"))


def _message(name: str, payload: Payload, own: str, prefixes: Mapping[str, str]) -> etree._Element:
    there, local = _split(payload.root or f"{{{own}}}{name}")
    element = f"{prefixes[there]}:{local}" if there else local
    return _W("message", {"name": name}, _W("part", {"name": "parameters", "element": element}))


def _port_type(subject: Subject, answers: Mapping[str, Payload]) -> etree._Element:
    operation = _W("operation", {"name": _operation(subject)}, _W("input", {"message": "tns:request"}))
    if "reply" in answers:
        operation.append(_W("output", {"message": "tns:reply"}))
        for name in _faults(answers):
            operation.append(_W("fault", {"name": name, "message": f"tns:{name}"}))
    return _W("portType", {"name": PORT_TYPE}, operation)


def _binding(subject: Subject, answers: Mapping[str, Payload], soap: Elements) -> etree._Element:
    literal = {"use": "literal"}
    action = f"{namespace(subject)}:{ACTION}"
    operation = _W(
        "operation",
        {"name": _operation(subject)},
        soap("operation", {"soapAction": action, "style": "document"}),
        _W("input", soap("body", literal)),
    )
    if "reply" in answers:
        operation.append(_W("output", soap("body", literal)))
        for name in _faults(answers):
            operation.append(_W("fault", {"name": name}, soap("fault", {"name": name, **literal})))
    bound = soap("binding", {"style": "document", "transport": HTTP})
    return _W("binding", {"name": "MessagesSoap", "type": f"tns:{PORT_TYPE}"}, bound, operation)


def _faults(answers: Mapping[str, Payload]) -> list[str]:
    return [name for name in answers if name.startswith("fault-")]


def _operation(subject: Subject) -> str:
    """As the element of the request: so tools know that it only wraps the parameters (JAX-WS 2.2 §2.3.1.2)."""
    return _split(subject.request.root or f"{{{namespace(subject)}}}request")[1]


def _name(contract: str) -> str:
    return contract if NAME.fullmatch(contract) else f"_{contract}"
