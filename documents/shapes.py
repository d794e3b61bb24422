"""Schemas, views of XML and services out of a province's files, each compiled once however often it is named."""

from collections.abc import Callable, Collection, Hashable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from typing import Any, TypeVar, cast

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

T = TypeVar("T")


class Kept:
    """What was compiled of former documents, for those that follow: a change of one contract compiles nothing of the
    others anew. What one set of documents has not asked for is forgotten with the next."""

    def __init__(self) -> None:
        self._before: dict[Hashable, object] = {}
        self._now: dict[Hashable, object] = {}

    def turn(self) -> None:
        """Another set of documents begins."""
        self._before, self._now = self._now, {}

    def get(self, key: Hashable, build: Callable[[], T]) -> T:
        """What was built under this key, which says all that it depends on."""
        found = self._now.get(key, self._before.get(key))
        self._now[key] = made = build() if found is None else cast("T", found)
        return made


class Shapes:
    """What the files of one set of documents say. Everything raises `DocumentInvalid` with what to do; without, for a
    file that is `unreadable`, which was said already. Of what is `kept` nothing is compiled again."""

    def __init__(self, files: Mapping[str, bytes], unreadable: Collection[str] = (), kept: Kept | None = None) -> None:
        self._files = files
        self._unreadable = unreadable
        self._kept = kept or Kept()
        self._kept.turn()
        self._json: dict[str, JsonSchemaValidator] = {}
        self._xsd: dict[str, XsdDocuments] = {}
        self._views: dict[tuple[str, str], XmlView] = {}
        self._prints: dict[str, bytes] = {}

    def json_validator(self, path: str) -> JsonSchemaValidator:
        if path not in self._json:
            self._json[path] = self._once("json", path, lambda: self._json_validator(path))
        return self._json[path]

    def _json_validator(self, path: str) -> JsonSchemaValidator:
        resources = self.json_resources(path)
        if found := check_schema(resources[path], resources, path=path):
            raise invalid(*(f"the schema {path} cannot be used: {each}" for each in found))
        return JsonSchemaValidator(resources[path], resources, path=path)

    def json_names(self, path: str) -> SchemaNames | None:
        """The names that a JSON Schema gives to members; None for one that has not compiled."""
        if path not in self._json:
            return None
        resources = self.json_resources(path)
        return SchemaNames(resources[path], resources, path=path)

    def xsd_validator(self, path: str, element: str) -> XsdValidator:
        """Also raises where the schema has no such element, which would refuse every body."""
        return self._once("xsd", path, lambda: self._xsd_validator(path, element), element)

    def _xsd_validator(self, path: str, element: str) -> XsdValidator:
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
            self._views[path, element] = self._once("view", path, lambda: _view(self.xsd(path), element), element)
        return self._views[path, element]

    def service(self, system: System) -> wsdl.Service:
        """What the WSDL of a SOAP system says of the port that is called."""
        path, called = str(system.wsdl), (system.service, system.port)
        return self._once("wsdl", path, lambda: self._service(path, *called), *called)

    def _service(self, path: str, service: str | None, port: str | None) -> wsdl.Service:
        self._require(path)
        with _explained():
            return wsdl.load(path, closure([path], self._files), service=service, port=port)

    def service_view(self, system: System, element: str) -> XmlView:
        """The JSON view of an element that a SOAP system's operations carry."""
        place = f"{system.wsdl}, {system.name}"
        if (place, element) not in self._views:
            build = partial(_view, self.service(system).documents, element)
            called = (system.service, system.port, element)
            self._views[place, element] = self._once("wsdl-view", str(system.wsdl), build, *called)
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

    def file(self, path: str) -> bytes:
        """The file itself. Raises `DocumentInvalid` where it is not there."""
        self._require(path)
        return self._files[path]

    def _once(self, what: str, path: str, build: Callable[[], T], *further: Hashable) -> T:
        """What is built of the file at `path` and all that it leads to."""
        return self._kept.get((what, path, *further, self._print(path)), build)

    def _print(self, path: str) -> bytes:
        """The same for the same files, at the same places."""
        if path not in self._prints:
            found = sha256()
            for name, data in closure([path], self._files).items():
                for part in (name.encode(), data):
                    found.update(len(part).to_bytes(8, "big") + part)
            self._prints[path] = found.digest()
        return self._prints[path]

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
