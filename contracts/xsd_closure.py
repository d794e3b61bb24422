"""From a province's files to a closed set of XSD documents.

Real schemas refer to one another in ways that two readers understand differently: one namespace in several documents,
imports without a location, documents without a namespace included into one. The set is therefore gathered once, here,
and each document rewritten so that nothing in it refers to a place: no includes, and an import of every namespace.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from urllib.parse import unquote

from lxml import etree

from bus.errors import CharsetUnsupported, Finding, SchemaInvalid, XmlForbidden, XmlMalformed
from contracts import well_known
from contracts.xml_body import parse_xml
from contracts.xsd_redefine import REDEFINE, redefined

XS = "{http://www.w3.org/2001/XMLSchema}"
WSDL = "{http://schemas.xmlsoap.org/wsdl/}"

# W3C's own schema of XML Signature begins with one, to no effect.
_DOCUMENT_TYPE = re.compile(rb"<!DOCTYPE[^\[>]*(?:\[[^\]]*\]\s*)?>")


DEEPEST = 100
"""Files that may lead to one another, each to the next."""

# Where a schema names a component: by one qualified name, or by several (XSD 1.0 part 1 §3.15.3).
_NAMES = ("ref", "type", "base", "itemType", "memberTypes", "substitutionGroup")


def locate(base: str, location: str | None, files: Mapping[str, bytes]) -> str | None:
    """Where the file at `base` leads by a location: to another file, or into the catalogue.

    A file that was fetched lies beside the one that names it by its old address.
    """
    if not location:
        return None
    path, folder = unquote(location.strip()).replace("\\", "/"), posixpath.dirname(base)
    places = (posixpath.normpath(posixpath.join(folder, each)) for each in (path, posixpath.basename(path)))
    return next((place for place in places if place in files), None) or well_known.at(location)


@dataclass(frozen=True, slots=True)
class Unit:
    """One document of the set: where it came from (of a WSDL, which of its schemas), and itself, rewritten."""

    location: str
    namespace: str
    root: etree._Element = field(repr=False)


def gather(files: Mapping[str, bytes], roots: Sequence[str]) -> list[Unit]:
    """The documents that `roots` (XSD or WSDL 1.1) need, themselves first; raises `SchemaInvalid`."""
    gatherer = _Gatherer(files)
    for location in roots:
        gatherer.add_file(location, None)
    gatherer.add_wanted()
    units = list(gatherer.units.values())
    if gatherer.missing:
        first = gatherer.missing[0]
        raise SchemaInvalid(
            schema=first.place.partition(",")[0], rule=first.rule, place=first.limit, findings=gatherer.missing
        )
    if not units:
        raise SchemaInvalid(schema=", ".join(roots), rule="no XML Schema in it", place="line 1")
    plain = redefined([(each.location, each.namespace, each.root) for each in units])
    units = [replace(unit, root=root) for unit, root in zip(units, plain, strict=True)]
    namespaces = dict.fromkeys(unit.namespace for unit in units)
    return [Unit(each.location, each.namespace, _rewritten(each, list(namespaces))) for each in units]


class _Gatherer:
    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = well_known.Catalogued(files)
        self.missing: list[Finding] = []  # what is included and is not there, a line of the document each
        self.units: dict[tuple[str, str], Unit] = {}
        self._documents: dict[str, etree._Element] = {}
        self._descriptions: set[str] = set()
        self._wanted: list[tuple[str, str]] = []
        self._depth = 0
        self._contents: set[tuple[str, bytes]] = set()

    def add_file(self, location: str, adopted: str | None) -> None:
        """Add the schemas of one file; one without a namespace of its own takes the `adopted` one."""
        if self._depth == DEEPEST:
            raise SchemaInvalid(schema=location, rule=f"files that lead to one another more than {DEEPEST} deep")
        self._depth += 1
        self._add_document(location, self._document(location), adopted)
        self._depth -= 1

    def _add_document(self, location: str, document: etree._Element, adopted: str | None) -> None:
        if document.tag == XS + "schema":
            self._add(location, location, document, adopted)
        elif document.tag == WSDL + "definitions":
            self._add_description(location, document)
        else:
            raise SchemaInvalid(schema=location, rule="neither an XML Schema nor a WSDL 1.1", place="line 1")

    def _add_description(self, location: str, document: etree._Element) -> None:
        """Add what a WSDL holds itself and what it imports, once: WSDLs do import one another in circles."""
        if location in self._descriptions:
            return
        self._descriptions.add(location)
        for number, schema in enumerate(document.iterfind(f"{WSDL}types/{XS}schema"), 1):
            self._add(f"{location}#{number}", location, schema, None)
        for statement in document.iterfind(f"{WSDL}import"):
            if found := locate(location, statement.get("location"), self.files):
                self.add_file(found, None)

    def _add(self, name: str, location: str, schema: etree._Element, adopted: str | None) -> None:
        namespace = schema.get("targetNamespace", adopted or "")
        # The same schema twice, as descriptions that were put together have it, would declare everything twice.
        content = (namespace, canonical(schema))
        if (name, namespace) in self.units or content in self._contents:
            return
        self._contents.add(content)
        self.units[name, namespace] = Unit(name, namespace, schema)
        for element in schema:
            if element.tag in {XS + "include", REDEFINE}:
                self._include(location, namespace, element)
            elif element.tag == XS + "import":
                self._import(location, element)
        known = {namespace, "", XS[1:-1]}
        self._wanted += [(each, "") for each in sorted(_named(schema) - known)]

    def _include(self, base: str, namespace: str, include: etree._Element) -> None:
        wanted = include.get("schemaLocation", "")
        if found := locate(base, wanted, self.files):
            self.add_file(found, namespace)
        else:
            rule = f"{etree.QName(include).localname}s a schema that is not there"
            self.missing.append(Finding(f"{base}, {_line(include)}", rule, wanted))

    def _import(self, base: str, statement: etree._Element) -> None:
        location = statement.get("schemaLocation", "")
        found = locate(base, location, self.files)
        if found is not None:
            self.add_file(found, None)
        else:
            self._wanted.append((statement.get("namespace", ""), posixpath.basename(location)))

    def add_wanted(self) -> None:
        """Add what was imported by namespace and came by no other way.

        What is found nowhere may never be used; if it is, compiling will say so.
        """
        while self._wanted:
            namespace, name = self._wanted.pop()
            if any(unit.namespace == namespace for unit in self.units.values()):
                continue
            candidates = sorted(self._by_namespace.get(namespace, ()), key=lambda path: (len(path), path))
            same_name = [path for path in candidates if posixpath.basename(path) == name]
            found = next(iter(same_name or candidates), None) or well_known.of(namespace)
            if found is not None:
                self.add_file(found, None)

    @cached_property
    def _by_namespace(self) -> dict[str, list[str]]:
        """Where the schemas of each namespace lie among the province's files."""
        found: dict[str, list[str]] = {}
        for location in self.files:
            with suppress(SchemaInvalid):  # a broken file matters only to those that name it
                if location.endswith(".xsd"):
                    found.setdefault(self._document(location).get("targetNamespace", ""), []).append(location)
        return found

    def _document(self, location: str) -> etree._Element:
        if location not in self._documents:
            if location not in self.files:
                raise SchemaInvalid(schema=location, rule="no such file among the documents")
            self._documents[location] = _parse(location, self.files[location])
        return self._documents[location]


def _parse(location: str, data: bytes) -> etree._Element:
    try:
        return parse_xml(_DOCUMENT_TYPE.sub(b"", data, count=1))
    except XmlMalformed as error:
        raise SchemaInvalid(
            schema=location, rule="not well-formed XML", place=f"line {error.facts.get('line', '-')}"
        ) from None
    except (XmlForbidden, CharsetUnsupported) as error:
        raise SchemaInvalid(schema=location, rule=error.code) from None


def _rewritten(unit: Unit, namespaces: Sequence[str]) -> etree._Element:
    """A document of its own, for the namespace that it has or adopted, open to every namespace of the set."""
    given: Any = unit.root
    nsmap, attributes = dict(given.nsmap), dict(given.attrib)
    if unit.namespace and "targetNamespace" not in attributes:
        nsmap.setdefault(None, unit.namespace)
        attributes["targetNamespace"] = unit.namespace
    for namespace in sorted(_named(unit.root)):
        if namespace not in {value for key, value in nsmap.items() if key}:
            nsmap[next(f"n{n}" for n in range(len(nsmap) + 1) if f"n{n}" not in nsmap)] = namespace
    root = etree.Element(unit.root.tag, attributes, nsmap=nsmap)
    for namespace in namespaces:
        if namespace != unit.namespace:
            etree.SubElement(root, f"{XS}import", {"namespace": namespace} if namespace else {})
    for child in unit.root:
        if child.tag not in {f"{XS}include", f"{XS}import"}:
            root.append(_plain_copy(child, root))
    return root


def _plain_copy(element: etree._Element, root: etree._Element) -> etree._Element:
    """A copy whose names every reader understands: without space around them, by prefixes that the root declares.

    Not so libxml2 itself: a prefix that is declared further in for a namespace that has one already is lost by copying.
    """
    prefixes = {namespace: prefix for prefix, namespace in root.nsmap.items() if prefix}
    copy = deepcopy(element)
    for node, made in zip(element.iter(), copy.iter(), strict=True):
        if not isinstance(node.tag, str) or not node.tag.startswith(XS):
            continue
        if node.get("name"):
            made.set("name", (node.get("name") or "").strip())
        for attribute in _NAMES:
            if text := node.get(attribute):
                made.set(attribute, " ".join(_written(name, node, root, prefixes) for name in text.split()))
        if made.tag == f"{XS}element" and node.get("ref") and XS in _meant(node, "ref"):
            _admit_schema(made)
    return copy


def _written(name: str, node: etree._Element, root: etree._Element, prefixes: Mapping[str, str]) -> str:
    prefix, _, local = name.rpartition(":")
    here = node.nsmap.get(prefix or None)
    return name if here is None or root.nsmap.get(prefix or None) == here else f"{prefixes[here]}:{local}"


def _admit_schema(element: etree._Element) -> None:
    """``ref="xs:schema"``, by which .NET announces a schema inside a message (DataSet), as any element of XML Schema:
    its own declarations are not there, and it is not validated."""
    element.tag = f"{XS}any"
    for name in set(element.attrib) - {"minOccurs", "maxOccurs"}:
        del element.attrib[name]
    element.set("namespace", XS[1:-1])
    element.set("processContents", "skip")


def _named(schema: etree._Element) -> set[str]:
    """The namespaces of the components that a schema names: those too that it forgot to import."""
    nodes = schema.iter(f"{XS}*")
    return {name[1:].partition("}")[0] for node in nodes for each in _NAMES for name in _meant(node, each)} - {""}


def _meant(node: etree._Element, attribute: str) -> set[str]:
    """The namespaces, as ``{namespace}``, of the names in an attribute."""
    prefixes = (name.rpartition(":")[0] for name in (node.get(attribute) or "").split())
    return {f"{{{node.nsmap.get(prefix or None) or ''}}}" for prefix in prefixes}


def canonical(schema: etree._Element) -> bytes:
    """A schema in its canonical form, which is not defined for relative names of namespaces (C14N 1.0 §1.3): of those
    as it is."""
    try:
        return etree.tostring(schema, method="c14n", with_comments=False)
    except etree.C14NError:
        return etree.tostring(schema)


def _line(element: etree._Element) -> str:
    return f"line {element.sourceline}"


def documents(units: Sequence[Unit]) -> Iterator[tuple[str, bytes]]:
    """The set as libxml2 wants it, by file name: ``entry.xsd`` imports each namespace once, from a document that
    includes all of it. libxml2 skips a second import of a namespace, wherever it leads."""
    entry = etree.Element(f"{XS}schema", {"targetNamespace": "urn:lgsp:entry"}, nsmap={"xs": XS[1:-1]})
    for number, namespace in enumerate(dict.fromkeys(unit.namespace for unit in units)):
        named = {"namespace": namespace} if namespace else {}
        etree.SubElement(entry, f"{XS}import", {**named, "schemaLocation": f"namespace-{number}.xsd"})
        whole = etree.Element(f"{XS}schema", {"targetNamespace": namespace} if namespace else {})
        for place, unit in enumerate(units):
            if unit.namespace == namespace:
                etree.SubElement(whole, f"{XS}include", {"schemaLocation": f"unit-{place}.xsd"})
        yield f"namespace-{number}.xsd", etree.tostring(whole)
    for place, unit in enumerate(units):
        yield f"unit-{place}.xsd", etree.tostring(unit.root)
    yield "entry.xsd", etree.tostring(entry)
