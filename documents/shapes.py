"""Schemas, views of XML and services out of a province's files, each compiled once however often it is named."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from adapters.soap import wsdl
from bus.errors import BusError, DocumentInvalid, Finding, JsonMalformed, SchemaInvalid
from contracts.json_body import parse_json
from contracts.json_schema import JsonSchemaValidator
from contracts.json_schema_check import check_schema
from contracts.json_schema_names import SchemaNames
from contracts.xsd import XsdDocuments, XsdValidator
from documents.files import XSD, closure
from documents.kinds import System
from documents.problems import meant
from transforms.xml_view import XmlView


class Shapes:
    """What the files of one set of documents say. Everything raises `DocumentInvalid` with what to do; without, for a
    file that is `unreadable`, which was said already."""

    def __init__(self, files: Mapping[str, bytes], unreadable: Collection[str] = ()) -> None:
        self._files = files
        self._unreadable = unreadable
        self._json: dict[str, JsonSchemaValidator] = {}
        self._xsd: dict[str, XsdDocuments] = {}
        self._views: dict[tuple[str, str], XmlView] = {}
        self._services: dict[str, wsdl.Service] = {}

    def json_validator(self, path: str) -> JsonSchemaValidator:
        if path not in self._json:
            resources = self.json_resources(path)
            if found := check_schema(resources[path], resources, path=path):
                raise invalid(*(f"the schema {path} cannot be used: {each}" for each in found))
            self._json[path] = JsonSchemaValidator(resources[path], resources, path=path)
        return self._json[path]

    def json_names(self, path: str) -> SchemaNames | None:
        """The names that a JSON Schema gives to members; None for one that has not compiled."""
        if path not in self._json:
            return None
        resources = self.json_resources(path)
        return SchemaNames(resources[path], resources, path=path)

    def xsd_validator(self, path: str, element: str) -> XsdValidator:
        """Also raises where the schema has no such element, which would refuse every body."""
        documents = self.xsd(path)
        there = set(declared(documents))
        if element not in there:
            raise invalid(f"the schema {path} declares no element {element}: {meant(element, there)}")
        with _explained():
            return XsdValidator(documents, element)

    def xsd(self, path: str) -> XsdDocuments:
        if path not in self._xsd:
            self._require(path)
            with _explained():
                self._xsd[path] = XsdDocuments(closure([path], self._files), [path])
        return self._xsd[path]

    def view(self, path: str, element: str) -> XmlView:
        """The JSON view of documents of the schema at `path` with the root `element`."""
        if (path, element) not in self._views:
            self._views[path, element] = _view(self.xsd(path), element)
        return self._views[path, element]

    def service(self, system: System) -> wsdl.Service:
        """What the WSDL of a SOAP system says of the port that is called."""
        if system.name not in self._services:
            path = str(system.wsdl)
            self._require(path)
            with _explained():
                self._services[system.name] = wsdl.load(
                    path, closure([path], self._files), service=system.service, port=system.port
                )
        return self._services[system.name]

    def service_view(self, system: System, element: str) -> XmlView:
        """The JSON view of an element that a SOAP system's operations carry."""
        place = f"{system.wsdl}, {system.name}"
        if (place, element) not in self._views:
            self._views[place, element] = _view(self.service(system).documents, element)
        return self._views[place, element]

    def inexpressible(self) -> Iterator[tuple[str, str]]:
        """What the JSON views in use cannot express: where, and what."""
        for (place, element), view in self._views.items():
            yield from ((place, f"{element}: {problem}") for problem in view.problems)

    def json_resources(self, path: str) -> dict[str, Any]:
        """A JSON Schema and those it refers to, by path."""
        self._require(path)
        resources = {}
        for each, data in closure([path], self._files).items():
            try:
                resources[each] = parse_json(data)
            except JsonMalformed as broken:
                where = f"see its line {broken.facts['line']}, column {broken.facts['column']}"
                raise invalid(f"the schema {each} is not JSON (RFC 8259): {where}.") from None
            except BusError as error:
                raise invalid(f"the schema {each} cannot be used: {error.text}") from None
        return resources

    def _require(self, path: str) -> None:
        if path in self._unreadable:
            raise invalid()
        if path not in self._files:
            raise invalid(f"there is no file {path}.")


def invalid(*rules: str) -> DocumentInvalid:
    """Problems with a place as a whole."""
    return DocumentInvalid(findings=[Finding(place="", rule=rule) for rule in rules], count=len(rules))


@contextmanager
def _explained() -> Iterator[None]:
    """What is wrong with a schema is wrong with the documents."""
    try:
        yield
    except SchemaInvalid as error:
        raise invalid(error.text) from None


def _view(documents: XsdDocuments, element: str) -> XmlView:
    with _explained():
        return XmlView(documents, element)


def declared(documents: XsdDocuments) -> Iterator[str]:
    """The elements that may be a document's root (XSD 1.0 part 1 §3.3)."""
    for unit in documents.units:
        prefix = f"{{{unit.namespace}}}" if unit.namespace else ""
        yield from (prefix + name for each in unit.root.findall(f"{XSD}element") if (name := each.get("name")))
