"""Bad bodies, over a real socket: each gets a clear answer, nothing is accepted, and the next good one is."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.hostile_bus import GOOD, GOOD_XML, XML, Served, refused, serving, surviving


@pytest.fixture(scope="module")
def bus(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(migrated, tmp_path_factory.mktemp("hostile")) as served:
        yield served


@pytest.fixture(autouse=True)
def survives(bus: Served) -> Iterator[None]:
    """After each test the bus still takes and delivers a good message."""
    yield from surviving(bus)


NESTED_JSON = b'{"extra":' * 10_000 + b"1" + b"}" * 10_000

NESTED_ARRAYS = b"[" * 10_000 + b"]" * 10_000


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "json-malformed"),
        (b" ", "json-malformed"),
        (b"{", "json-malformed"),
        (b'{"name":"An"', "json-malformed"),
        (b"{'name':'An'}", "json-malformed"),
        (b'{"name":"An"}}', "json-malformed"),
        (b'{"name":"An"}{"name":"An"}', "json-malformed"),
        (b'{"name":"An",}', "json-malformed"),
        (b'{"name":"A\nn"}', "json-malformed"),
        (b'{"age":NaN}', "json-malformed"),
        (b'{"age":Infinity}', "json-malformed"),
        (b'{"age":-Infinity}', "json-malformed"),
        (b'{"age":01}', "json-malformed"),
        (b'{"age":0x10}', "json-malformed"),
        (b'{"name":"An","name":"Binh"}', "json-forbidden"),
        (b'{"name":"An","n\\u0061me":"Binh"}', "json-forbidden"),
        (b'{"extra":{"a":1,"a":1}}', "json-forbidden"),
        (b'{"age":1e400}', "json-forbidden"),
        (b'{"age":-1e400}', "json-forbidden"),
        (b'{"age":' + b"1" * 1_000_000 + b"}", "json-forbidden"),
        (b'{"age":0.' + b"1" * 1_000_000 + b"}", "json-forbidden"),
        (b'{"age":1e' + b"9" * 1_000_000 + b"}", "json-forbidden"),
        (b'{"extra":18446744073709551616}', "json-forbidden"),
        (NESTED_JSON, "json-forbidden"),
        (NESTED_ARRAYS, "json-forbidden"),
        (b'{"name":"\\ud800"}', "json-forbidden"),
        (b'{"name":"\\udc00\\ud800"}', "json-forbidden"),
        (b'{"\\ud800":1}', "json-forbidden"),
        (b'{"name":"\\u0000"}', "json-forbidden"),
        (b'{"\\u0000":1}', "json-forbidden"),
        (b"\xef\xbb\xbf" + GOOD, "json-forbidden"),
        (b"null", "body-invalid"),
        (b'"An"', "body-invalid"),
        (b'{"nobody":"knows"}', "body-invalid"),
        (b'{"phones":[' + b",".join([b'"x"'] * 1000) + b"]}", "body-invalid"),
    ],
    ids=lambda value: value[:24].decode("latin-1") if isinstance(value, bytes) else value,
)
def test_bad_json_is_refused(bus: Served, body: bytes, code: str) -> None:
    """JSON that is broken, ambiguous, too deep or too long is refused with 400 and says which."""
    refused(bus, 400, code, body=body)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1"])
def test_undeclared_charset_is_refused(bus: Served, encoding: str) -> None:
    """A body in another character set is refused with 415 although nothing was declared."""
    refused(bus, 415, "charset-unsupported", body='{"name":"Ân é"}'.encode(encoding))


@pytest.mark.parametrize(
    ("content_type", "code"),
    [
        (None, "media-type-unsupported"),
        ("", "media-type-unsupported"),
        ("text/plain", "media-type-unsupported"),
        (XML, "media-type-unsupported"),
        ("multipart/form-data; boundary=x", "media-type-unsupported"),
        ("json", "media-type-unsupported"),
        (";;;===", "media-type-unsupported"),
        ("application/json" * 3000, "media-type-unsupported"),
        ("application/json; charset=utf-16", "charset-unsupported"),
        ("application/json; charset=iso-8859-1", "charset-unsupported"),
        ("application/json; charset=utf-8; charset=utf-16", "charset-unsupported"),
        ("application/json; charset*=unicode_escape''\\q", "charset-unsupported"),
        ("application/json; charset=\xff", "charset-unsupported"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_content_type_is_believed(bus: Served, content_type: str | None, code: str) -> None:
    """A body that is declared as something else than the contract's format in UTF-8 is refused with 415."""
    refused(bus, 415, code, Content_Type=content_type)


@pytest.mark.parametrize(
    "content_type",
    ["application/json", 'APPLICATION/JSON; Charset="UTF-8"', "application/problem+json", "text/json;a=b"],
)
def test_content_types_of_json_are_taken(bus: Served, content_type: str) -> None:
    """JSON may be declared in every usual way."""
    assert bus.call(Content_Type=content_type).status == 202


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "identity, gzip", "x-marker", "gzip" * 1000])
def test_compressed_body_is_refused(bus: Served, encoding: str) -> None:
    """A compressed body is refused with 415 before it is read."""
    refused(bus, 415, "encoding-unsupported", Content_Encoding=encoding)


BILLION_LAUGHS = (
    b'<!DOCTYPE a [<!ENTITY l0 "ha">'
    + b"".join(b'<!ENTITY l%d "%b">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 10))
    + b']><Person xmlns="urn:t"><Name>&l9;</Name></Person>'
)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "xml-malformed"),
        (b"An", 400, "xml-malformed"),
        (GOOD, 400, "xml-malformed"),
        (GOOD_XML[:-3], 400, "xml-malformed"),
        (GOOD_XML + GOOD_XML, 400, "xml-malformed"),
        (b'<Person xmlns="urn:t"><Name>&#0;</Name></Person>', 400, "xml-malformed"),
        (b'<Person xmlns="urn:t"><Name>\0</Name></Person>', 400, "xml-malformed"),
        (b'<Person xmlns="urn:t"><Name>&undeclared;</Name></Person>', 400, "xml-malformed"),
        (b"<a:Person><Name>An</Name></a:Person>", 400, "xml-malformed"),
        (b"<!DOCTYPE Person>" + GOOD_XML, 400, "xml-forbidden"),
        (b'<!DOCTYPE Person SYSTEM "file:///etc/passwd">' + GOOD_XML, 400, "xml-forbidden"),
        (b'<!DOCTYPE a [<!ENTITY e "x">]><Person xmlns="urn:t"><Name>&e;</Name></Person>', 400, "xml-forbidden"),
        (
            (
                b'<?xml version="1.0"?><!-- a --><!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/hostname">]>'
                b'<Person xmlns="urn:t"><Name>&e;</Name></Person>'
            ),
            400,
            "xml-forbidden",
        ),
        (BILLION_LAUGHS, 400, "xml-forbidden"),
        (b"<a>" * 10_000 + b"</a>" * 10_000, 400, "xml-forbidden"),
        (b'<Person xmlns="urn:t"><Name>' + b"<a>" * 150 + b"</a>" * 150 + b"</Name></Person>", 400, "xml-forbidden"),
        (
            (
                b'<Person xmlns="urn:t"><Name><i:include xmlns:i="http://www.w3.org/2001/XInclude"'
                b' href="/etc/hostname" parse="text"/></Name></Person>'
            ),
            400,
            "xml-forbidden",
        ),
        (GOOD_XML.decode().encode("utf-16"), 415, "charset-unsupported"),
        (b'<?xml version="1.0" encoding="UTF-16"?>' + GOOD_XML, 415, "charset-unsupported"),
        (b'<?xml version="1.0" encoding="windows-1258"?>' + GOOD_XML, 415, "charset-unsupported"),
        (b'<Person xmlns="urn:t"><Name>\xe9</Name></Person>', 415, "charset-unsupported"),
        (b'<Other xmlns="urn:t"/>', 400, "body-invalid"),
        (b'<Person xmlns="urn:t"><Age>x</Age></Person>', 400, "body-invalid"),
        (
            (
                b'<Person xmlns="urn:t" xmlns:x="http://www.w3.org/2001/XMLSchema-instance"'
                b' x:schemaLocation="urn:u http://127.0.0.1:9/u.xsd"><Other xmlns="urn:u"/></Person>'
            ),
            400,
            "body-invalid",
        ),
    ],
    ids=lambda value: value[:40].decode("latin-1") if isinstance(value, bytes) else str(value),
)
def test_bad_xml_is_refused(bus: Served, body: bytes, status: int, code: str) -> None:
    """XML that is broken, reaches beyond itself, lies about its encoding or breaks the schema is refused."""
    refused(bus, status, code, path="/messages/tell-xml", body=body, Content_Type=XML)


def test_good_xml_is_taken(bus: Served) -> None:
    """A good XML document is accepted, a schema location in it not followed."""
    located = GOOD_XML.replace(
        b'xmlns="urn:t"',
        b'xmlns="urn:t" xmlns:x="http://www.w3.org/2001/XMLSchema-instance" x:schemaLocation="urn:t http://127.0.0.1:9/"',
    )
    for body in (GOOD_XML, located):
        assert bus.call(path="/messages/tell-xml", body=body, Content_Type=XML).status == 202
