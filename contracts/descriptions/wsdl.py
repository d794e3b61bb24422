"""A contract as WSDL 1.1, document/literal: one operation, its schemas within."""

from collections.abc import Iterable, Mapping
from typing import Final

from lxml import etree

from bus.envelope import Exchange, Format
from bus.errors import SchemaInvalid
from contracts.descriptions.elements import Elements
from contracts.descriptions.json_schema import bundled
from contracts.descriptions.model import Payload, Subject
from contracts.descriptions.xsd_writing import NAME, xsd

WSDL: Final = "http://schemas.xmlsoap.org/wsdl/"
SOAP: Final = "http://schemas.xmlsoap.org/wsdl/soap/"
HTTP: Final = "http://schemas.xmlsoap.org/soap/http"
_W = Elements(WSDL, "wsdl")
_S = Elements(SOAP, "soap")


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


def wsdl(subject: Subject) -> bytes:
    """Without a service: which address it is called at, whoever uses it says. Raises `SchemaInvalid`."""
    own = namespace(subject)
    found, losses = schemas(subject)
    answers = {} if subject.exchange is Exchange.EVENT else subject.payloads()
    messages = {"request": subject.request, **answers}
    prefixes = _prefixes(messages.values(), own)
    root = etree.Element(
        f"{{{WSDL}}}definitions",
        {"name": _name(subject.name), "targetNamespace": own},
        nsmap={"wsdl": WSDL, "soap": SOAP, **{prefix: each for each, prefix in prefixes.items()}},
    )
    root.append(_W("documentation", _about(subject, losses)))
    root.append(_W("types"))
    for name, payload in messages.items():
        root.append(_message(name, payload, own, prefixes))
    root.append(_port_type(subject, answers))
    root.append(_binding(subject, answers))
    return _filled(root, found)


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


def _message(name: str, payload: Payload, own: str, prefixes: Mapping[str, str]) -> etree._Element:
    there, local = _split(payload.root or f"{{{own}}}{name}")
    element = f"{prefixes[there]}:{local}" if there else local
    return _W("message", {"name": name}, _W("part", {"name": "body", "element": element}))


def _port_type(subject: Subject, answers: Mapping[str, Payload]) -> etree._Element:
    operation = _W("operation", {"name": _name(subject.name)}, _W("input", {"message": "tns:request"}))
    if "reply" in answers:
        operation.append(_W("output", {"message": "tns:reply"}))
        for name in _faults(answers):
            operation.append(_W("fault", {"name": name, "message": f"tns:{name}"}))
    return _W("portType", {"name": "Messages"}, operation)


def _binding(subject: Subject, answers: Mapping[str, Payload]) -> etree._Element:
    literal = {"use": "literal"}
    action = f"{namespace(subject)}:request"
    operation = _W(
        "operation",
        {"name": _name(subject.name)},
        _S("operation", {"soapAction": action, "style": "document"}),
        _W("input", _S("body", literal)),
    )
    if "reply" in answers:
        operation.append(_W("output", _S("body", literal)))
        for name in _faults(answers):
            operation.append(_W("fault", {"name": name}, _S("fault", {"name": name, **literal})))
    bound = _S("binding", {"style": "document", "transport": HTTP})
    return _W("binding", {"name": "MessagesSoap", "type": "tns:Messages"}, bound, operation)


def _faults(answers: Mapping[str, Payload]) -> list[str]:
    return [name for name in answers if name.startswith("fault-")]


def _name(contract: str) -> str:
    return contract if NAME.fullmatch(contract) else f"_{contract}"
