"""XSD into contracts: one for each element that may stand alone.

A schema says what a message is, not who exchanges it. The system is taken for one that sends; where its messages go is
for an administrator to write.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from lxml import etree

from bus.errors import SchemaInvalid
from contracts.xsd import XsdDocuments
from contracts.xsd_closure import XS, Unit
from documents.files import closure
from documents.importers.naming import Names, is_element, line_of, path_of, words_of
from documents.importers.report import Imported, Note, Remark, Severity
from documents.importers.source import SEVERAL, InUtf8, Refused, Source, shown
from documents.importers.target import Document, Target, consumer, xml_payload

NO_SCHEMA = Remark(
    "no-schema",
    Severity.ERROR,
    "there is no XML Schema in it: no file ends in .xsd.",
    "không có lược đồ XML: không tệp nào có đuôi .xsd.",
)
BROKEN = Remark(
    "schema-unusable",
    Severity.ERROR,
    "{rule} ({where}).",
    "không dùng được lược đồ: {rule} ({where}).",
)
NO_ELEMENT = Remark(
    "no-element",
    Severity.ERROR,
    "the schema declares types but no element, so no message can be of it: import the schema that declares the root.",
    "lược đồ chỉ khai báo kiểu, không khai báo phần tử gốc: hãy nhập lược đồ có phần tử gốc.",
)
NOT_A_NAME = Remark(
    "element-name",
    Severity.WARNING,
    "the element {name} has a name or namespace that documents cannot hold: it is left out.",
    "phần tử {name} có tên hoặc không gian tên mà tài liệu không ghi được: bỏ qua.",
)
SENDS = Remark(
    "route-open",
    Severity.WARNING,
    "a schema does not say where messages go: {system} is taken to send them; write a route for each contract.",
    "lược đồ không cho biết thông điệp đi đâu: coi {system} là bên gửi; hãy ghi tuyến cho từng hợp đồng.",
)
SUFFIX: Final = ".xsd"


def import_xsd(source: Source, target: Target) -> Imported:
    """A contract of kind `document` in XML for each root element, and the system that sends them. Raises `Refused`."""
    source = replace(source, files=InUtf8(source.files))
    path = _entry(source)
    files = closure([path], source.files)
    units = _units(path, files)
    elements = list(_roots([unit for unit in units if unit.location in files]))
    if not elements:
        raise Refused(Note(NO_ELEMENT, path))
    notes = [Note(SENDS, path, {"system": target.system})]
    documents: list[Document] = [consumer(target.system, target.agency)]
    names = Names()
    for element, documentation in elements:
        if not is_element(element):
            notes.append(Note(NOT_A_NAME, path, {"name": element}))
            continue
        local = element.rpartition("}")[2]
        name = names.new(target.contract_name(local))
        title = line_of(documentation) or words_of(local)
        documents.append(target.contract(name, title, "document", xml_payload(path_of(target.folder, path), element)))
        documents.append(target.grant(name, target.system, "send", title))
    placed = {path_of(target.folder, each): data for each, data in files.items()}
    return Imported(tuple(documents), placed, (*notes, *target.notes(documents)))


def _entry(source: Source) -> str:
    """The file that was named, or the one schema that no other includes or imports."""
    paths = source.entries(SUFFIX)
    if not paths:
        raise Refused(Note(NO_SCHEMA, source.name))
    led_to = {other for path in paths for other in closure([path], source.files) if other != path}
    roots = [path for path in paths if path not in led_to] or list(paths)
    if len(roots) > 1:
        raise Refused(Note(SEVERAL, source.name, {"there": shown(tuple(roots))}))
    return roots[0]


def _units(path: str, files: dict[str, bytes]) -> tuple[Unit, ...]:
    try:
        documents = XsdDocuments(files, [path])
        documents.compile()
    except SchemaInvalid as error:
        where = f"{error.facts['schema']}, {error.facts.get('place', '-')}"
        raise Refused(Note(BROKEN, path, {"rule": error.facts["rule"], "where": where})) from None
    return documents.units


def _roots(units: list[Unit]) -> Iterator[tuple[str, str]]:
    """The global elements that no other refers to, with what is written of each; all of them where each is referred to.

    Abstract ones stand for others and never in a document (XSD 1.0 part 1 §3.3.1).
    """
    declared = {
        f"{{{unit.namespace}}}{name}" if unit.namespace else name: each
        for unit in units
        for each in unit.root.findall(f"{XS}element")
        if (name := each.get("name")) and each.get("abstract") not in {"true", "1"}
    }
    used = {_meant(each.get("ref", ""), each, unit) for unit in units for each in unit.root.iter(f"{XS}element")}
    wanted = {name: each for name, each in declared.items() if name not in used} or declared
    for name, each in wanted.items():
        yield name, each.findtext(f"{XS}annotation/{XS}documentation") or ""


def _meant(reference: str, element: etree._Element, unit: Unit) -> str:
    prefix, _, local = reference.rpartition(":")
    namespace = element.nsmap.get(prefix or None) or unit.namespace
    return f"{{{namespace}}}{local}" if namespace else local
