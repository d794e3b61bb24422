"""The documents that a WSDL consists of, gathered out of a province's files and from nowhere else."""

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from lxml import etree

from adapters.payload import Undecodable, to_utf8
from adapters.soap.envelope import alone
from bus.errors import DocumentInvalid, Finding, SenderFault
from contracts.xml_body import parse_xml

WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
SOAP_NAMESPACES = ("http://schemas.xmlsoap.org/wsdl/soap/", "http://schemas.xmlsoap.org/wsdl/soap12/")
XSD = "{http://www.w3.org/2001/XMLSchema}"
REFERENCES = (f"{XSD}import", f"{XSD}include", f"{XSD}redefine")


@dataclass(slots=True)
class Sources:
    """The WSDL documents by location, and the schemas by location: `roots` are those that a WSDL embeds or imports.

    An embedded schema has a location of its own beside its WSDL, so that what it includes is found from there.
    """

    definitions: dict[str, etree._Element] = field(default_factory=dict)
    schemas: dict[str, bytes] = field(default_factory=dict)
    roots: list[str] = field(default_factory=list)


def gather(path: str, files: Mapping[str, bytes]) -> Sources:
    """Read a WSDL and all that it imports. What schemas import and no file holds is left to whoever compiles them.

    Raises `DocumentInvalid`.
    """
    gathering = _Gathering(files)
    gathering.definitions(path)
    if gathering.findings:
        raise DocumentInvalid(findings=gathering.findings, count=len(gathering.findings))
    return gathering.sources


def invalid(place: str, rule: str, limit: str) -> DocumentInvalid:
    """One thing wrong with a WSDL: where, what, and what to do."""
    return DocumentInvalid(findings=[Finding(place, rule, limit)], count=1)


def place(path: str, element: etree._Element) -> str:
    """Where an element stands in its file."""
    return f"{path}, line {element.sourceline}"


class _Gathering:
    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = files
        self.sources = Sources()
        self.findings: list[Finding] = []

    def definitions(self, path: str) -> None:
        """Take in a WSDL document and what it imports; `wsdl:import` may name a schema (WS-I BP 1.1, R2001 forbids)."""
        root = self._parsed(path)
        if root is None:
            return
        if root.tag == f"{XSD}schema":
            self.sources.roots.append(path)
            self._schema(path, root)
        elif root.tag != f"{WSDL}definitions":
            limit = "give the WSDL 1.1 document itself: its root is definitions; WSDL 2.0 is not read"
            self.findings.append(Finding(place(path, root), "not-wsdl", limit))
        else:
            self.sources.definitions[path] = root
            self._imports(path, root)
            self._types(path, root)

    def _imports(self, path: str, root: etree._Element) -> None:
        for node in root.findall(f"{WSDL}import"):
            location = self._resolve(path, node.get("location"), node.get("namespace"))
            if location is None:
                limit = f"put the document {node.get('location') or node.get('namespace')} beside the WSDL"
                self.findings.append(Finding(place(path, node), "import-missing", limit))
            elif location not in self.sources.definitions:
                node.set("location", location)
                self.definitions(location)
            else:
                node.set("location", location)

    def _types(self, path: str, root: etree._Element) -> None:
        for number, schema in enumerate(root.findall(f"{WSDL}types/{XSD}schema"), start=1):
            location = f"{path}.schema-{number}.xsd"
            self.sources.schemas[location] = alone(schema)
            self.sources.roots.append(location)
            self._references(path, schema)

    def _schema(self, path: str, root: etree._Element) -> None:
        self.sources.schemas[path] = self.files[path]
        self._references(path, root)

    def _references(self, path: str, schema: etree._Element) -> None:
        for node in schema.iterchildren(*REFERENCES):
            location = self._resolve(path, node.get("schemaLocation"), node.get("namespace"))
            if location is not None and location not in self.sources.schemas:
                root = self._parsed(location)
                if root is not None:
                    self._schema(location, root)

    def _parsed(self, path: str) -> etree._Element | None:
        if path not in self.files:
            self.findings.append(Finding(path, "file-missing", "put this file into the province folder"))
            return None
        try:
            return parse_xml(to_utf8("", self.files[path]))
        except SenderFault as error:
            self.findings.append(Finding(path, error.code, error.text))
        except Undecodable:
            self.findings.append(Finding(path, "charset-unsupported", "save this file in UTF-8"))
        return None

    def _resolve(self, base: str, location: str | None, namespace: str | None) -> str | None:
        """By location relative to the document that names it, else by namespace among the files, nearest first."""
        beside = posixpath.normpath(posixpath.join(posixpath.dirname(base), location or ""))
        if location and beside in self.files:
            return beside
        found = self._by_namespace.get(namespace or "", ()) if namespace else ()
        return min((one for one in found if one != base), key=lambda one: _distance(base, one), default=None)

    @cached_property
    def _by_namespace(self) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path, root in self._every_document():
            found.setdefault(root.get("targetNamespace", ""), []).append(path)
        return found

    def _every_document(self) -> Iterator[tuple[str, etree._Element]]:
        for path in sorted(self.files):
            if path.endswith((".xsd", ".wsdl")):
                try:
                    yield path, parse_xml(to_utf8("", self.files[path]))
                except (SenderFault, Undecodable):
                    continue


def _distance(base: str, path: str) -> tuple[bool, str]:
    return posixpath.dirname(base) != posixpath.dirname(path), path
