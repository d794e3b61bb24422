"""XML as these applications read and write it: no DTD, no entities, no network; checked by their own XSD."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from lxml import etree

FOLDER = Path(__file__).parent.parent

Element: TypeAlias = etree._Element  # noqa: SLF001 - lxml has no public name for it


Make = Callable[..., Element]
"""``make(name, *children)``: a child is an element or a text."""


class Unreadable(ValueError):
    """The bytes are no XML that we read."""


def parse(data: bytes) -> Element:
    """Raises `Unreadable`."""
    if b"<!DOCTYPE" in data:
        raise Unreadable
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        return etree.fromstring(data, parser)
    except etree.XMLSyntaxError:
        raise Unreadable from None


def write(root: Element) -> bytes:
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def maker(namespace: str = "", **prefixes: str) -> Make:
    """A way to make elements of one namespace; without `prefixes` it is the default one."""
    names: Any = prefixes or ({None: namespace} if namespace else {})

    def make(name: str, *children: Element | str) -> Element:
        element = etree.Element(f"{{{namespace}}}{name}" if namespace else name, nsmap=names)
        for child in children:
            if isinstance(child, str):
                element.text = child
            else:
                element.append(child)
        return element

    return make


class Schema:
    """The XSD of one application; `name` is its path in the province's folder."""

    def __init__(self, name: str) -> None:
        self._schema = etree.XMLSchema(etree.parse(str(FOLDER / name)))

    def complaint(self, root: Element) -> str:
        """The first thing wrong with a document, or nothing. It may quote the document: it goes back to its sender."""
        if self._schema.validate(root):
            return ""
        entries: Any = self._schema.error_log
        return str(entries[0].message)


def text(root: Element, path: str) -> str:
    """The text at a path of local names (``HoVaTen/Ho``) in the root's own namespace; empty where there is none."""
    namespace = etree.QName(root).namespace
    prefix = f"{{{namespace}}}" if namespace else ""
    return root.findtext("/".join(prefix + name for name in path.split("/"))) or ""
