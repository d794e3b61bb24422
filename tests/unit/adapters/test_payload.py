"""What an answer's bytes are."""

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.payload import Undecodable, is_page, payload, to_utf8, undeclared
from bus.envelope import Format

TEXT = "<a>Nguyễn</a>"


@pytest.mark.parametrize(
    ("content_type", "data"),
    [
        ("", TEXT.encode()),
        ("text/xml", TEXT.encode()),
        ("text/xml; charset=UTF-8", TEXT.encode()),
        ('text/xml; x=1; charset="utf-8"', TEXT.encode()),
        ("text/xml; charset=us-ascii", TEXT.encode()),
        ("text/xml; charset=iso-8859-1", codecs.BOM_UTF8 + TEXT.encode()),
        ("text/xml; charset=utf-16", TEXT.encode("utf-16")),
        ("text/xml; charset=utf-16", TEXT.encode("utf-16-be")),
        ("text/xml; charset=utf-16", TEXT.encode("utf-16-le")),
        ("text/xml; charset=utf-16", TEXT.encode()),
        ("", TEXT.encode("utf-32")),
        ("", b'<?xml version="1.0" encoding="utf-16"?>' + TEXT.encode()),
        ("text/xml; charset=utf-8", b"<?xml version='1.0' encoding='iso-8859-1'?>\n" + TEXT.encode()),
    ],
)
def test_text_becomes_utf8(content_type: str, data: bytes) -> None:
    """A byte order mark outweighs the parameter, the parameter the declaration, and the bytes a false UTF-16."""
    assert to_utf8(content_type, data) == TEXT.encode()


def test_a_declared_encoding_is_converted_and_dropped() -> None:
    """An XML declaration that would be false afterwards is taken away."""
    data = '<?xml version="1.0" encoding="windows-1252"?><a>é</a>'.encode("cp1252")
    assert to_utf8("text/xml", data) == "<a>é</a>".encode()
    for content_type in ("text/xml", "text/xml; charset=us-ascii"):
        assert to_utf8(content_type, b"<?xml version='1.0' encoding='US-ASCII'?><a>&#233;</a>") == b"<a>&#233;</a>"


def test_letters_of_windows_1258_are_composed() -> None:
    """That character set has tones apart from their letters; names compare equal only when they are one."""
    assert to_utf8("text/xml; charset=windows-1258", b"<a>Nguy\xea\xden</a>") == "<a>Nguyễn</a>".encode()


def test_utf8_stays_byte_for_byte() -> None:
    """What is in UTF-8 already is not touched, not even its declaration."""
    data = b'<?xml version="1.0" encoding="UTF-8"?>\n<a/>'
    assert to_utf8("text/xml", data) == data


@pytest.mark.parametrize("charset", ["punycode", "idna", "unicode_escape", "rot13", "zlib", "utf-7", "x" * 40])
def test_other_codecs_are_out_of_reach(charset: str) -> None:
    """A system cannot choose among all that Python could decode with."""
    with pytest.raises(Undecodable):
        to_utf8(f"text/xml; charset={charset}", b"<a/>")


@pytest.mark.parametrize(
    ("content_type", "data", "format_"),
    [
        ("application/json", b'{"a":1}', Format.JSON),
        ("application/problem+json", b"[1]", Format.JSON),
        ("text/html", b' \n{"a":1}', Format.JSON),
        ("", b'"text"', Format.JSON),
        ("text/xml", b"<a/>", Format.XML),
        ("application/atom+xml", b"  <a/>", Format.XML),
        ("text/plain", b"<a/>", Format.XML),
        ("", b"<a/>", Format.XML),
        ("application/json", b"OK", Format.JSON),
    ],
)
def test_the_first_character_tells_the_format(content_type: str, data: bytes, format_: Format) -> None:
    """JSON never begins with ``<`` and XML always does, whatever the system declares."""
    assert payload(content_type, data).format is format_


@pytest.mark.parametrize(
    ("data", "page"),
    [
        (b"<!DOCTYPE html><html>", True),
        (b"\n<HTML lang='vi'>", True),
        (b"<!-- made by x --><html>", True),
        (b"<htmlReport/>", False),
        (b"<a>html</a>", False),
        (b"{}", False),
    ],
)
def test_pages_are_known(data: bytes, page: bool) -> None:
    """An HTML page is known by its first tag."""
    assert is_page(data) is page


@given(st.binary(max_size=200), st.text(max_size=40))
def test_reading_is_total(data: bytes, charset: str) -> None:
    """Any bytes under any declared type become UTF-8 or are said to be undecodable."""
    try:
        body = payload(f"text/xml; charset={charset}", data)
    except Undecodable:
        return
    body.data.decode()


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufeff\0"), min_size=1))
def test_every_encoding_of_a_text_reads_the_same(text: str) -> None:
    """The same text in any of the Unicode encodings is the same body."""
    text = "<" + text
    for charset in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"):
        name = charset.removesuffix("-sig")
        assert to_utf8(f"text/xml; charset={name}", text.encode(charset)) == undeclared(text.encode())


@pytest.mark.parametrize("before", ["", "\ufeff", "\ufeff<?xml version='1.0'?>", f"<?xml version='1.0'{' ' * 300}?>\n"])
def test_what_stands_before_a_document_goes(before: str) -> None:
    """However long a declaration is, and whether a byte order mark stands before it or not, none of it comes to stand
    inside another document."""
    assert undeclared(f"{before}<?xml-stylesheet href='a'?><a/>".encode()) == b"<?xml-stylesheet href='a'?><a/>"
