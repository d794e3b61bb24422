"""Validation of XML bodies by XML Schema 1.0."""

import threading
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import xmlschema
from lxml import etree
from xmlschema.loaders import SchemaLoader

from bus.envelope import Body
from bus.errors import Finding, SchemaInvalid
from contracts.xml_body import parse_xml
from contracts.xsd_closure import Unit, documents, gather
from contracts.xsd_findings import Vocabulary, findings

MAX_FINDINGS = 50


class XsdDocuments:
    """A closed set of XSD documents out of a province's `files`, entered at `roots` (XSD or WSDL 1.1).

    What they include and import is looked for by location among `files`, then by namespace among them, then in the
    catalogue of well-known schemas; never on disk or in the network. Raises `SchemaInvalid`.
    """

    def __init__(self, files: Mapping[str, bytes], roots: Sequence[str]) -> None:
        self.roots = tuple(roots)
        self.units: tuple[Unit, ...] = tuple(gather(files, roots))

    @property
    def name(self) -> str:
        return ", ".join(self.roots)

    @cached_property
    def _addressed(self) -> dict[str, bytes]:
        return dict(documents(self.units))

    def compile(self) -> etree.XMLSchema:
        """libxml2's own form: for one thread only, because its list of errors is shared by all who use it."""
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
        parser.resolvers.add(_Closed(self._addressed))
        entry = etree.fromstring(self._addressed["lgsp:entry"], parser, base_url="lgsp:entry")
        try:
            return etree.XMLSchema(entry)
        except etree.XMLSchemaParseError as error:
            raise SchemaInvalid(schema=self.name, rule="not a valid XML Schema 1.0", place=self._where(error)) from None

    def _where(self, error: etree.XMLSchemaParseError) -> str:
        """The document that libxml2 stumbled over; its lines are those of the rewritten one."""
        for entry in getattr(error, "error_log", ()):
            number = str(entry.filename).rpartition("lgsp:unit/")[2]
            if number.isdecimal():
                return self.units[int(number)].location
        return self.name

    def model(self) -> xmlschema.XMLSchema10:
        """The component model (XSD 1.0 part 1), for whoever compiles something else out of the schema."""
        sources: list[Any] = [etree.tostring(unit.root).decode() for unit in self.units]
        try:
            return xmlschema.XMLSchema10(
                sources, loader_class=_NothingLoaded, use_fallback=False, allow="none", defuse="always"
            )
        except (xmlschema.XMLSchemaException, ValueError, TypeError, KeyError):
            raise SchemaInvalid(schema=self.name, rule="not a valid XML Schema 1.0", place=self.name) from None


class _Closed(etree.Resolver):
    """Answers with documents of the set, and refuses everything else."""

    def __init__(self, documents: Mapping[str, bytes]) -> None:
        self._documents = documents

    def resolve(self, system_url: str, *args: Any) -> Any:
        found = self._documents.get(system_url)
        if found is None:
            raise OSError
        context = args[-1]
        return self.resolve_string(found, context, base_url=system_url)


class _NothingLoaded(SchemaLoader):
    """All documents of the set are handed over at once; an import only opens a namespace."""

    def import_namespace(self, schema: Any, namespace: str, location: str | None = None) -> None:
        pass


class XsdValidator:
    """A compiled schema; a `contracts.model.Validator`.

    The root must be `element`, written ``{namespace}Local``; with None, any element that the schema declares globally.
    """

    def __init__(self, documents: XsdDocuments, element: str | None) -> None:
        self._documents = documents
        self._element = element
        self._vocabulary = Vocabulary.of(documents.units)
        self._schemas = threading.local()
        self._schemas.own = documents.compile()  # an error is an error now

    def check(self, body: Body) -> tuple[etree._Element, list[Finding]]:
        """The root element and at most 50 findings; raises as `parse_xml` does."""
        root = parse_xml(body.data)
        return root, self.findings(root)

    def findings(self, root: etree._Element) -> list[Finding]:
        """What is wrong with a document that was parsed already; at most 50. `xsi:schemaLocation` is not followed."""
        if self._element is not None and root.tag != self._element:
            return [Finding("line 1", "root", self._element)]
        schema = self._schema()
        if schema.validate(root):
            return []
        return findings(tuple(iter(schema.error_log)), root, self._vocabulary, MAX_FINDINGS)

    def _schema(self) -> etree.XMLSchema:
        own: etree.XMLSchema | None = getattr(self._schemas, "own", None)
        if own is None:
            own = self._schemas.own = self._documents.compile()
        return own
