"""The files of a province folder: which there are, which others they lead to, and none outside."""

import os
import posixpath
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path

import orjson
from lxml import etree

from contracts.xml_body import parser
from contracts.xsd_closure import locate
from documents.problems import meant

MAX_FILE = 64 * 1024 * 1024  # the hard limit of a body, which an example may reach
MAX_FILES = 10_000
XML_SUFFIXES = frozenset({".xsd", ".wsdl"})
XSLT_SUFFIXES = frozenset({".xsl", ".xslt"})
REFERRING = {
    **{f"{{http://www.w3.org/2001/XMLSchema}}{each}": "schemaLocation" for each in ("include", "import", "redefine")},
    "{http://schemas.xmlsoap.org/wsdl/}import": "location",
}
LOCATIONS = ("schemaLocation", "location")
XSL = "{http://www.w3.org/1999/XSL/Transform}"
XSD = "{http://www.w3.org/2001/XMLSchema}"


class Unreadable(Exception):
    """A file cannot be used; the message says why and what to do."""


class Folder(Mapping[str, bytes]):
    """The files below a folder, by path. Nothing outside of it is ever read, whatever links there are."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """Every file, in order; hidden ones and Python's are left out."""
        found = []
        for folder, folders, files in os.walk(self._folder):
            folders[:] = sorted(name for name in folders if not name.startswith((".", "__")))
            found += [Path(folder, name).relative_to(self._folder).as_posix() for name in files if name[0] != "."]
        return tuple(sorted(found))

    def __iter__(self) -> Iterator[str]:
        return iter(self.paths)

    def __len__(self) -> int:
        return len(self.paths)

    def __contains__(self, path: object) -> bool:
        return path in self._known

    def __getitem__(self, path: str) -> bytes:
        try:
            return self.read(path)
        except Unreadable:
            raise KeyError(path) from None

    def read(self, path: str) -> bytes:
        """Raises `Unreadable`."""
        if path not in self:
            alike = [each for each in self.paths if posixpath.splitext(each)[1] == posixpath.splitext(path)[1]]
            raise Unreadable(f"there is no file {path}: {meant(path, alike)}")
        full = self._folder / path
        try:
            if not full.resolve(strict=True).is_relative_to(self._folder):
                raise Unreadable("the link leads out of the province folder: put the file itself there.")
            if not full.is_file():
                raise Unreadable("this is not a file.")
            if full.stat().st_size > MAX_FILE:
                raise Unreadable(f"the file is larger than {MAX_FILE} bytes.")
            return full.read_bytes()
        except (OSError, RuntimeError):
            raise Unreadable("the file cannot be read: look at its permissions.") from None

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.paths)


def closure(paths: Iterable[str], files: Mapping[str, bytes]) -> dict[str, bytes]:
    """These files and all that they lead to among `files`, in order.

    What is not there is left out: whoever compiles the schema says so.
    """
    found: dict[str, bytes] = {}
    by_namespace = _ByNamespace(files)
    waiting = sorted(set(paths))
    while waiting and len(found) < MAX_FILES:
        path = waiting.pop()
        data = files.get(path) if path not in found else None
        if data is not None:
            found[path] = data
            waiting += _leads_to(path, data, files, by_namespace)
    return dict(sorted(found.items()))


class _ByNamespace:
    """The XSDs that declare a namespace, for imports that name no file; read when first asked."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    @cached_property
    def _found(self) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in self._files:
            if path.endswith(".xsd") and (root := _xml(self._files.get(path, b""))) is not None:
                found.setdefault(root.get("targetNamespace", ""), []).append(path)
        return found

    def __getitem__(self, namespace: str) -> list[str]:
        return self._found.get(namespace, [])


def _leads_to(path: str, data: bytes, files: Mapping[str, bytes], by_namespace: _ByNamespace) -> list[str]:
    """The files that a JSON Schema, an XSD, a WSDL or a stylesheet refers to, by location, else by namespace."""
    suffix = posixpath.splitext(path)[1]
    if suffix == ".json":
        return [found for reference in _json_references(data) if (found := beside(path, reference))]
    is_xml = suffix in XML_SUFFIXES or "?" in posixpath.basename(path)  # as a service gives it: service?wsdl
    if is_xml and (root := _xml(data)) is not None:
        return [found for element in root.iter() for found in _xml_references(path, element, files, by_namespace)]
    if suffix in XSLT_SUFFIXES and (root := _xml(data)) is not None:
        included = root.iter(f"{XSL}include", f"{XSL}import")
        return [found for element in included if (found := beside(path, element.get("href", "")))]
    return []


def references(data: bytes) -> Iterator[str]:
    """What a schema, a WSDL or a JSON document refers to, as it is written there."""
    if not data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        yield from _json_references(data)
    elif (root := _xml(data)) is not None:
        for tag, attribute in REFERRING.items():
            yield from (location for each in root.iter(tag) if (location := each.get(attribute)))


def beside(path: str, reference: str) -> str | None:
    """A relative reference as a path from the province folder; None for one that leads elsewhere."""
    target = reference.partition("#")[0]
    if not target or "://" in target or target.startswith(("/", "urn:")):
        return None
    found = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    return None if found.startswith("..") else found


def _json_references(data: bytes) -> Iterator[str]:
    try:
        waiting: list[object] = [orjson.loads(data)]
    except ValueError:
        return
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            reference = value.get("$ref")
            if isinstance(reference, str):
                yield reference
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def _xml_references(
    path: str, element: etree._Element, files: Mapping[str, bytes], by_namespace: _ByNamespace
) -> Iterator[str]:
    if not isinstance(element.tag, str):
        return
    located = [locate(path, reference, files) for name in LOCATIONS if (reference := element.get(name))]
    found = [each for each in located if each is not None and each in files]
    yield from found
    if not found and element.tag == f"{XSD}import":
        yield from by_namespace[element.get("namespace", "")]


def _xml(data: bytes) -> etree._Element | None:
    try:
        return etree.fromstring(data, parser())
    except (etree.XMLSyntaxError, ValueError):
        return None
