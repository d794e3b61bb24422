"""The definitions that a WSDL consists of, gathered out of a province's files and from nowhere else."""

from collections.abc import Mapping

from lxml import etree

from adapters.payload import Undecodable, to_utf8
from bus.errors import DocumentInvalid, Finding, SenderFault
from contracts.well_known import Catalogued
from contracts.xml_body import parse_xml
from contracts.xsd_closure import locate

WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
XSD = "{http://www.w3.org/2001/XMLSchema}"
SOAP_NAMESPACES = ("http://schemas.xmlsoap.org/wsdl/soap/", "http://schemas.xmlsoap.org/wsdl/soap12/")

MOST = 100
"""WSDLs that one may be made of."""


def gather(path: str, files: Mapping[str, bytes]) -> dict[str, etree._Element]:
    """The WSDL at `path` and every WSDL that it imports, by location; each import names its location among them.

    Schemas are left out, also those that a wsdl:import names, which WS-I Basic Profile 1.1 (R2001) forbids and tools
    write. Raises `DocumentInvalid`.
    """
    gathering = _Gathering(files)
    gathering.add(path)
    if not gathering.findings and path not in gathering.definitions:
        gathering.findings.append(Finding(path, "not-wsdl", "name the WSDL itself, not one of its schemas"))
    if gathering.findings:
        raise DocumentInvalid(findings=gathering.findings, count=len(gathering.findings))
    return gathering.definitions


def place(path: str, element: etree._Element) -> str:
    """Where an element stands in its file."""
    return f"{path}, line {element.sourceline}"


class _Gathering:
    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = Catalogued(files)
        self.definitions: dict[str, etree._Element] = {}
        self.findings: list[Finding] = []

    def add(self, path: str) -> None:
        if len(self.definitions) == MOST:
            self.findings.append(Finding(path, "import-missing", f"import fewer than {MOST} WSDLs"))
            return
        root = self._parsed(path)
        if root is None or root.tag == f"{XSD}schema":
            return
        if root.tag != f"{WSDL}definitions":
            limit = "give the WSDL 1.1 document itself, whose root is definitions; WSDL 2.0 is not read"
            self.findings.append(Finding(place(path, root), "not-wsdl", limit))
            return
        self.definitions[path] = root
        for node in root.findall(f"{WSDL}import"):
            self._import(path, node)

    def _import(self, base: str, node: etree._Element) -> None:
        location = locate(base, node.get("location"), self.files)
        if location is None:
            limit = f"put the document {node.get('location') or node.get('namespace')} beside the WSDL"
            self.findings.append(Finding(place(base, node), "import-missing", limit))
            return
        node.set("location", location)
        if location not in self.definitions:
            self.add(location)

    def _parsed(self, path: str) -> etree._Element | None:
        if path not in self.files:
            self.findings.append(Finding(path, "file-missing", "put this file into the province folder"))
            return None
        try:
            return parse_xml(to_utf8("", self.files[path]))
        except SenderFault as error:
            where = f"mend line {error.facts['line']}" if "line" in error.facts else error.facts.get("hint", "")
            self.findings.append(Finding(path, error.code, where))
        except Undecodable:
            self.findings.append(Finding(path, "charset-unsupported", "save this file in UTF-8"))
        return None
