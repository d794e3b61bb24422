"""A service's own WSDL with our address in it, and in whatever it refers to."""

from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from lxml import etree

from adapters.payload import Undecodable, to_utf8
from adapters.soap.sources import WSDL, XSD
from bus.errors import PathUnknown, SenderFault
from contracts.well_known import Catalogued, of
from contracts.xml_body import parse_xml
from contracts.xsd_closure import locate

Address: TypeAlias = tuple[str, str]
"""Service and port."""

BINDINGS: Final = (
    "http://schemas.xmlsoap.org/wsdl/soap/",
    "http://schemas.xmlsoap.org/wsdl/soap12/",
    "http://schemas.xmlsoap.org/wsdl/http/",
)
_REFERENCES: Final[Mapping[str, str]] = {
    f"{WSDL}import": "location",
    **{f"{XSD}{name}": "schemaLocation" for name in ("import", "include", "redefine")},
}
_ENDPOINT: Final = "{http://www.w3.org/2005/08/addressing}EndpointReference"


def with_catalogue(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files, and the well-known schemas that they lead to: whoever loads the WSDL may reach us and nobody else."""
    found, catalogued = dict(files), Catalogued(files)
    waiting = list(files)
    while waiting:
        path = waiting.pop()
        root = parsed(found[path])
        for node in root.iter(*_REFERENCES) if root is not None else ():
            led_to = _led_to(path, node, catalogued)
            if led_to in catalogued and led_to not in found:
                found[led_to] = catalogued[led_to]
                waiting.append(led_to)
    return found


def described(
    path: str, files: Mapping[str, bytes], addresses: Mapping[Address, str], url: str, what: str, number: str
) -> bytes:
    """The WSDL at `path`, or the document of that number among its `files`; each leads to the others at `url`.

    Behind every port stands our address, that of the system which `addresses` names, else this one's: none of theirs is
    told. Raises `PathUnknown`.
    """
    if number == "" and what == "wsdl":
        wanted = path
    elif number.isdecimal() and len(number) < 5 and int(number) < len(files):
        wanted = list(files)[int(number)]
    else:
        raise PathUnknown
    root = parsed(files[wanted])
    if root is None:
        raise PathUnknown
    kinds = {place: _what(data) for place, data in files.items()}
    for node in root.iter(*_REFERENCES):
        found = _led_to(wanted, node, files)
        if found in kinds:
            node.set(_REFERENCES[str(node.tag)], f"{url}?{kinds[found]}={list(files).index(found)}")
    for service in root.iterfind(f"{WSDL}service"):
        for port in service.iterfind(f"{WSDL}port"):
            name = addresses.get((service.get("name", ""), port.get("name", "")))
            _readdress(port, url if name is None else f"{url.rpartition('/')[0]}/{name}")
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def _led_to(path: str, node: etree._Element, files: Mapping[str, bytes]) -> str:
    """Where a reference leads: by its location, else by its namespace to a well-known schema; empty: nowhere."""
    location = node.get(_REFERENCES[str(node.tag)])
    found = locate(path, location, files)
    if found is None and location and node.tag == f"{XSD}import":
        found = of(node.get("namespace", ""))
    return found or ""


def _readdress(port: etree._Element, url: str) -> None:
    for binding in BINDINGS:
        for address in port.iterfind(f"{{{binding}}}address"):
            address.set("location", url)
    for reference in port.findall(_ENDPOINT):  # .NET says the address there once more, and who it is
        port.remove(reference)


def actions(files: Mapping[str, bytes]) -> Mapping[str, str]:
    """The action that each operation's answer bears, by the operation's name: as the WSDL says, else by the default
    pattern (WS-Addressing 1.0 Metadata §4.4.4)."""
    found: dict[str, str] = {}
    for data in files.values():
        root = parsed(data)
        for port_type in root.iterfind(f"{WSDL}portType") if root is not None else ():
            for name, output in _outputs(port_type):
                found.setdefault(name, _action(port_type, name, output))
    return found


def _outputs(port_type: etree._Element) -> Iterator[tuple[str, etree._Element]]:
    for operation in port_type.iterfind(f"{WSDL}operation"):
        output = operation.find(f"{WSDL}output")
        if output is not None:
            yield operation.get("name", ""), output


def _action(port_type: etree._Element, name: str, output: etree._Element) -> str:
    said = next((str(value) for key, value in output.items() if str(key).endswith("}Action")), None)
    if said is not None:
        return said
    parent = port_type.getparent()
    namespace = parent.get("targetNamespace", "") if parent is not None else ""
    delimiter = ":" if namespace.startswith("urn:") else "/"
    local = output.get("name") or f"{name}Response"
    return delimiter.join([namespace.rstrip(delimiter), port_type.get("name", ""), local])


def parsed(data: bytes) -> etree._Element | None:
    """A document; None where it cannot be read."""
    try:
        return parse_xml(to_utf8("", data))
    except (SenderFault, Undecodable):
        return None


def _what(data: bytes) -> str:
    root = parsed(data)
    return "wsdl" if root is not None and root.tag == f"{WSDL}definitions" else "xsd"
