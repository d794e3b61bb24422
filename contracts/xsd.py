"""Validation of XML bodies by XML Schema 1.0."""

import re
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import xmlschema
from lxml import etree
from xmlschema.loaders import SchemaLoader

from bus.envelope import Body
from bus.errors import Finding, SchemaInvalid
from contracts.xml_body import PIECE, parse_valid, parse_xml, parser
from contracts.xsd_closure import Unit, documents, gather
from contracts.xsd_findings import Vocabulary, findings, findings_near

MAX_FINDINGS = 50
# libxml2 names the place of each error by counting siblings, which takes minutes for a million errors in one document.
# Longer documents are validated piece by piece, and no further than the first piece that is wrong.
MAX_AT_ONCE = 16 * 1024


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

    def compile(self) -> etree.XMLSchema:
        """libxml2's own form: for one thread only, because its list of errors is shared by all who use it."""
        if len(self.units) == 1:
            return self._compiled(self.units[0].root)
        # Not by a resolver: lxml hangs those into one loader for the whole process, which any other thread that
        # happens to parse takes away. Files of our own making are found by whichever loader is there.
        with TemporaryDirectory(prefix="lgsp-") as folder:
            for name, data in documents(self.units):
                Path(folder, name).write_bytes(data)
            return self._compiled(etree.parse(Path(folder, "entry.xsd"), parser()).getroot())

    def _compiled(self, schema: etree._Element) -> etree.XMLSchema:
        try:
            return etree.XMLSchema(schema)
        except etree.XMLSchemaParseError as error:
            rule = f"not a valid XML Schema 1.0{_lacking(error)}"
            raise SchemaInvalid(schema=self.name, rule=rule, place=self._where(error)) from None

    def _where(self, error: etree.XMLSchemaParseError) -> str:
        """The document that libxml2 stumbled over; its lines are those of the rewritten one."""
        for entry in getattr(error, "error_log", ()):
            number = Path(str(entry.filename)).name.removeprefix("unit-").removesuffix(".xsd")
            if number.isdecimal():
                return self.units[int(number)].location
        return self.name

    @cached_property
    def model(self) -> xmlschema.XMLSchema10:
        """The component model (XSD 1.0 part 1), for whoever compiles something else out of the schema."""
        sources: list[Any] = [etree.tostring(unit.root).decode() for unit in self.units]
        try:
            return xmlschema.XMLSchema10(
                sources, loader_class=_NothingLoaded, use_fallback=False, allow="none", defuse="always"
            )
        except (xmlschema.XMLSchemaException, ValueError, TypeError, KeyError):
            raise SchemaInvalid(schema=self.name, rule="not a valid XML Schema 1.0", place=self.name) from None


_LACKING = re.compile(r"The QName value '([^']*)' does not resolve")


def _lacking(error: etree.XMLSchemaParseError) -> str:
    """The first names that lead nowhere: a schema's own words, which are no data."""
    found = dict.fromkeys(name for each in error.error_log for name in _LACKING.findall(each.message))
    return f": there is no {', '.join(list(found)[:5])}" if found else ""


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
        """The root element and at most 50 findings; raises as `parse_xml` does.

        `xsi:schemaLocation` is not followed.
        """
        schema, large = self._schema(), len(body.data) > MAX_AT_ONCE
        root = parse_valid(body.data, schema) if large else None
        valid = root is not None
        if root is None:
            root = parse_xml(body.data)
        if self._element is not None and root.tag != self._element:
            return root, [Finding(f"line {root.sourceline}", "root", self._element)]
        if valid:
            return root, []
        if large:
            return root, self._stream(body.data, schema)
        try:
            if schema.validate(root):
                return root, []
        except etree.XMLSchemaValidateError:  # libxml2 gives up on a pattern that asks too much for this text
            return root, [Finding(f"line {root.sourceline}", "schema")]
        errors: Any = schema.error_log
        return root, findings(errors, root, self._vocabulary, MAX_FINDINGS)

    def _stream(self, data: bytes, schema: etree.XMLSchema) -> list[Finding]:
        """What the first wrong piece of a document holds, which was found to be well-formed before: a reader that
        validates gives a root also to a document that is cut short."""
        reader = parser(schema)
        for start in range(0, len(data), PIECE):
            with suppress(etree.XMLSyntaxError):
                reader.feed(data[start : start + PIECE])
            if len(reader.feed_error_log):
                line = data.count(b"\n", 0, start) + 1
                return findings_near(line, reader.feed_error_log, self._vocabulary, MAX_FINDINGS)
        with suppress(etree.XMLSyntaxError):
            reader.close()
        line = data.count(b"\n") + 1
        return findings_near(line, reader.feed_error_log, self._vocabulary, MAX_FINDINGS)

    def _schema(self) -> etree.XMLSchema:
        own: etree.XMLSchema | None = getattr(self._schemas, "own", None)
        if own is None:
            own = self._schemas.own = self._documents.compile()
        return own
