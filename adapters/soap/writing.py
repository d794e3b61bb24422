"""XML written as an old server reads it: by the prefixes that it compares as text, in the character set that it knows.

What is written is the same document: names, attributes and texts stay, and so do the prefixes of the source, which
contents may use (``xsi:type="t:Person"``).
"""

from collections.abc import Mapping
from typing import Final
from unicodedata import normalize
from xml.sax.saxutils import escape

from lxml import etree

XML: Final = "http://www.w3.org/XML/1998/namespace"

TONES: Final = frozenset("\u0300\u0301\u0303\u0309\u0323")
"""The marks that windows-1258 has as characters of their own; letters with others are whole in it."""

_IN_TEXT: Final = {"\r": "&#13;"}
_IN_ATTRIBUTE: Final = {'"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}


class Inexpressible(ValueError):
    """A name has characters that the character set has not; of texts every character can be written."""


def prefixed(root: etree._Element, wanted: Mapping[str, str]) -> bytes:
    """The document in UTF-8, the elements and attributes of a namespace with the prefix that is `wanted` for it; the
    empty one is the default namespace. Where the source uses that prefix for another namespace, it keeps its own."""
    writer = _Writer(wanted)
    writer.element(root, {"xml": XML})
    return "".join(writer.out).encode()


class _Writer:
    def __init__(self, wanted: Mapping[str, str]) -> None:
        self.out: list[str] = []
        self._wanted = wanted

    def element(self, node: etree._Element, scope: Mapping[str, str]) -> None:
        """`scope`: the namespaces of the prefixes that were declared further out."""
        own = {"": "", **{prefix or "": namespace or "" for prefix, namespace in node.nsmap.items()}}
        namespace, local = _split(str(node.tag))
        prefix = self._prefix(namespace, own, node.prefix or "")
        declared = {**own, prefix: namespace}
        attributes = dict[str, str]()
        for key, value in node.items():
            namespace, name = _split(str(key))
            if namespace:
                other = self._attribute_prefix(namespace, own)
                declared[other], name = namespace, f"{other}:{name}"
            attributes[name] = str(value)
        new = {each: declared[each] for each in declared if scope.get(each, "") != declared[each]}
        written = {f"xmlns:{each}" if each else "xmlns": new[each] for each in new} | attributes
        inside = "".join(f' {key}="{escape(value, _IN_ATTRIBUTE)}"' for key, value in written.items())
        tag = f"{prefix}:{local}" if prefix else local
        self.out += ["<", tag, inside, ">", escape(node.text or "", _IN_TEXT)]
        for child in node:
            self.element(child, {**scope, **new})
            self.out.append(escape(child.tail or "", _IN_TEXT))
        self.out.append(f"</{tag}>")

    def _prefix(self, namespace: str, own: Mapping[str, str], given: str) -> str:
        wanted = self._wanted.get(namespace)
        return given if wanted is None or own.get(wanted, "") not in {"", namespace} else wanted

    def _attribute_prefix(self, namespace: str, own: Mapping[str, str]) -> str:
        """The default namespace is not that of attributes (Namespaces in XML 1.0 §6.2)."""
        given = next((each for each in own if each and own[each] == namespace), "xml")
        return self._prefix(namespace, own, given) or given


def _split(name: str) -> tuple[str, str]:
    namespace, _, local = name.rpartition("}")
    return namespace[1:], local


def fit(root: etree._Element, charset: str) -> None:
    """Write what windows-1258 has as letter and tone so, and see that every name can be written at all.

    Raises `Inexpressible`.
    """
    for node in root.iter():
        names = (str(node.tag), *map(str, node.keys()), *(prefix or "" for prefix in node.nsmap))
        try:
            "".join(_split(name)[1] for name in names).encode(charset)
        except UnicodeEncodeError:
            raise Inexpressible from None
        if charset == "cp1258":
            node.text, node.tail = _toned(node.text), _toned(node.tail)
            for key, value in node.items():
                node.set(key, _toned(str(value)) or "")


def encoded(envelope: bytes, charset: str, name: str) -> bytes:
    """A document in another character set, by its `name` in the declaration; characters that it has not are references
    (XML 1.0 §4.1)."""
    return f'<?xml version="1.0" encoding="{name}"?>{envelope.decode()}'.encode(charset, "xmlcharrefreplace")


def _toned(text: str | None) -> str | None:
    return text if text is None or text.isascii() else "".join(map(_letter, text))


def _letter(letter: str) -> str:
    apart = normalize("NFD", letter)
    tones = "".join(each for each in apart if each in TONES)
    if not tones or letter in TONES:
        return letter
    made = normalize("NFC", "".join(each for each in apart if each not in TONES)) + tones
    try:
        letter.encode("cp1258")
    except UnicodeEncodeError:
        return made
    return letter
