import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from bus.errors import BusError, CharsetUnsupported, XmlForbidden, XmlMalformed
from contracts.xml_body import MAX_DEPTH, parse_xml

TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=20)


@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_joins_text_around_comments_and_instructions(texts: list[str]) -> None:
    """A text reads the same whether or not comments and processing instructions stand in it."""
    escaped = [text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") for text in texts]
    root = parse_xml(f"<a>{'<!-- 9 --><?x 9?>'.join(escaped)}</a>".encode())
    assert (root.text or "") == "".join(texts)
    assert len(root) == 0


@given(st.binary(max_size=60) | st.text(st.sampled_from("<>/?!-[]&;#x\"'= abcDOCTYPE:"), max_size=60).map(str.encode))
def test_refuses_rubbish_with_an_error_of_the_bus(data: bytes) -> None:
    """Whatever bytes come, they are read or refused; no foreign exception passes."""
    try:
        root = parse_xml(data)
    except BusError:
        return
    assert isinstance(root, etree._Element)


def test_takes_cdata_and_a_byte_order_mark() -> None:
    """CDATA is text like any other, even if it looks like a document type, and XML 1.0 allows a mark."""
    assert parse_xml(b"\xef\xbb\xbf<a><![CDATA[<!DOCTYPE x>]]></a>").text == "<!DOCTYPE x>"


@pytest.mark.parametrize(
    "data",
    [
        b"<!DOCTYPE a><a/>",
        b'<?xml version="1.0"?>\n<!-- <?x --><?x <!-- ?>\n<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>',
        b'\xef\xbb\xbf<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd"><a/>',
        b'<!DOCTYPE a [<!ENTITY % p SYSTEM "file:///etc/passwd">%p;]><a/>',
        b'<a xmlns:i="http://www.w3.org/2001/XInclude"><i:include href="/etc/passwd"/></a>',
        b'<a xmlns:i="http://www.w3.org/2001/&#88;Include"><b><i:fallback/></b></a>',
        b"<a>" + b"x" * 11_000_000 + b"</a>",
        b"<a>" * 10_000 + b"</a>" * 10_000,
    ],
)
def test_refuses_what_reaches_beyond_the_document(data: bytes) -> None:
    """Document types, XInclude however it is spelled, and what has no bounds are forbidden."""
    with pytest.raises(XmlForbidden):
        parse_xml(data)


def test_opens_no_file_for_a_document_type(tmp_path: Path) -> None:
    """The file that a document type names is not even tried: this one would hang whoever opens it."""
    path = tmp_path / "a.dtd"
    os.mkfifo(path)
    with pytest.raises(XmlForbidden):
        parse_xml(f'<!DOCTYPE a SYSTEM "{path.as_uri()}"><a/>'.encode())


def test_bounds_depth() -> None:
    """A hundred levels are read, one more is not."""
    parse_xml(b"<a>" * MAX_DEPTH + b"</a>" * MAX_DEPTH)
    with pytest.raises(XmlForbidden):
        parse_xml(b"<a>" * MAX_DEPTH + b"<a/>" + b"</a>" * MAX_DEPTH)


@pytest.mark.parametrize("data", [b"", b"<a>", b"<a/><b/>", b"<a b='1' b='2'/>", b"<x:a/>", b"<a>&e;</a>", b"{}"])
def test_refuses_what_is_not_well_formed(data: bytes) -> None:
    """What is not well-formed, namespaces included, is malformed."""
    with pytest.raises(XmlMalformed):
        parse_xml(data)


@given(st.sampled_from([b"", b"</a>", b"<a>", b"</a></a>", b"&x;", b"<a b='", b"\xff"]))
def test_no_error_quotes_the_body(tail: bytes) -> None:
    """A marker in every name and value of a broken document is in no error."""
    with pytest.raises(BusError) as caught:
        parse_xml(b"<a MARK='MARK'><MARK>MARK</MARK><MARK " + tail)
    assert "MARK" not in f"{caught.value} {caught.value.facts}"


def test_names_the_line_of_malformed_xml() -> None:
    """The line of the first error is told."""
    with pytest.raises(XmlMalformed) as caught:
        parse_xml(b"<a>\n<b>\n</a>")
    assert caught.value.facts == {"line": "3"}


@pytest.mark.parametrize(
    "data",
    [
        b'<?xml version="1.0" encoding="ISO-8859-1"?><a>\xe9</a>',
        b"<?xml version='1.0' encoding='us-ascii'?><a/>",
        b'<?xml version="1.0" encoding="UTF-7"?>+ADw-a/+AD4-',
        '<?xml version="1.0" encoding="utf-16"?><a/>'.encode("utf-16"),
        "<a/>".encode("utf-16-le"),
        "<a/>".encode("utf-32-be"),
        b"<a>\xe9</a>",
    ],
)
def test_reads_utf_8_only(data: bytes) -> None:
    """Any other character set, declared or not, is refused."""
    with pytest.raises(CharsetUnsupported):
        parse_xml(data)
