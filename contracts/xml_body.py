"""XML from outside: well-formed, in UTF-8, without anything that reaches beyond the document or differs by reader.

No document type, hence no entities; no XInclude; comments and processing instructions are gone before anything reads
the text, because a check and a transform read ``1<!-- -->2`` differently.
"""

import re
from typing import Final
from xml.parsers import expat

from lxml import etree

from bus.errors import CharsetUnsupported, XmlForbidden, XmlMalformed

PIECE: Final = 8 * 1024
"""Bytes that are validated at a time: a wrong document is read no further than its first wrong piece."""

MAX_DEPTH = 100
# libxml2's own bounds, with huge_tree off: 10 MB a text or attribute, 256 levels.

# XML 1.0 §2.8: a document type stands before the root, after nothing but space, comments and instructions. lxml would
# open the file that one names, even with load_dtd=False, so it is looked for first.
_DOCUMENT_TYPE = re.compile(rb"(?:\xef\xbb\xbf)?+(?:[ \t\r\n]|<\?.*?\?>|<!--.*?-->)*+<!DOCTYPE", re.DOTALL)
_DECLARED = re.compile(rb"(?:\xef\xbb\xbf)?<\?xml\s[^>]*?encoding\s*=\s*[\"']([^\"'>]*)[\"']")
_OTHER_CHARSETS = (b"\xff\xfe", b"\xfe\xff")
_BAD_BYTES = etree.ErrorTypes.ERR_INVALID_ENCODING
_TOO_MUCH = etree.ErrorTypes.ERR_RESOURCE_LIMIT
_XINCLUDE = "{http://www.w3.org/2001/XInclude}*"


def parse_xml(data: bytes) -> etree._Element:
    """The root element of `data`, with text where comments and instructions stood joined.

    Raises `XmlMalformed` for what is not well-formed (Namespaces in XML 1.0 included), `XmlForbidden` for what may not
    be passed on, `CharsetUnsupported` for anything but UTF-8.
    """
    _check_beginning(data)
    try:
        root = etree.fromstring(data, parser())
    except etree.XMLSyntaxError as error:
        code = getattr(error, "code", 0)
        if code == _BAD_BYTES:
            raise CharsetUnsupported from None
        if code == _TOO_MUCH:
            raise XmlForbidden(hint=f"it is nested too deep or holds an endless text, line {error.lineno}") from None
        raise XmlMalformed(line=error.lineno) from None
    _check_tree(root, data)
    return root


def parse_valid(data: bytes, schema: etree.XMLSchema) -> etree._Element | None:
    """The root element of a document that is well-formed and that the schema allows, read once; None for any other, of
    which `parse_xml` and the schema say what is wrong. Raises as `parse_xml` does."""
    _check_beginning(data)
    reader = parser(schema)
    try:
        for start in range(0, len(data), PIECE):
            reader.feed(data[start : start + PIECE])
            if len(reader.feed_error_log):
                return None
        root = reader.close()
        # A reader that validates gives a root also to a document that is cut short.
        expat.ParserCreate().Parse(data, True)
    except (etree.XMLSyntaxError, expat.ExpatError):
        return None
    if len(reader.feed_error_log):
        return None
    _check_tree(root, data)
    return root


def parser(schema: etree.XMLSchema | None = None) -> etree.XMLParser:
    """A parser that reads nothing but the bytes it is given; one per call, for they are not shared among threads.

    With a `schema`, it validates what it reads.
    """
    return etree.XMLParser(
        schema=schema,
        encoding="utf-8",  # over whatever is declared
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
    )


def _check_beginning(data: bytes) -> None:
    _check_charset(data)
    if b"<!DOCTYPE" in data and _DOCUMENT_TYPE.match(data):
        raise XmlForbidden(hint="it has a document type (DTD)")


def _check_tree(root: etree._Element, data: bytes) -> None:
    if data.count(b"</") >= MAX_DEPTH and root.xpath(f"boolean({'/*' * (MAX_DEPTH + 1)})"):
        raise XmlForbidden(hint=f"it is nested more than {MAX_DEPTH} deep")
    if next(root.iter(_XINCLUDE), None) is not None:
        raise XmlForbidden(hint="it asks for other documents by XInclude")


def _check_charset(data: bytes) -> None:
    if data.startswith(_OTHER_CHARSETS) or b"\0" in data[:4]:
        raise CharsetUnsupported
    declared = _DECLARED.match(data)
    if declared and declared[1].upper() not in {b"UTF-8", b"UTF8"}:
        raise CharsetUnsupported
