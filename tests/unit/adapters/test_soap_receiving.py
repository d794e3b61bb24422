"""What is overlooked in an envelope that comes in, and what is not."""

import pytest
from lxml import etree

from adapters.soap.receiving import receive, unadorned
from bus.errors import XmlMalformed

V11 = "http://schemas.xmlsoap.org/soap/envelope/"
ENC = "http://schemas.xmlsoap.org/soap/encoding/"
GOOD = f'<?xml version="1.0"?><s:Envelope xmlns:s="{V11}"><s:Body><a/></s:Body></s:Envelope>'


@pytest.mark.parametrize(
    ("written", "left"),
    [
        ('s:encodingStyle="x" id="1"', {"id": "1"}),
        ('c:root="1" id="o0" own="2"', {"own": "2"}),
        ('n:root="1" id="o0"', {"{urn:n}root": "1", "id": "o0"}),
    ],
)
def test_what_encoding_leaves_on_an_operation_is_overlooked(written: str, left: dict[str, str]) -> None:
    """Attributes of SOAP's own namespaces go, and an id with the root; what a schema may have stays."""
    element = etree.fromstring(f'<a xmlns:s="{V11}" xmlns:c="{ENC}" xmlns:n="urn:n" {written}><b s:root="1"/></a>')
    unadorned(element)
    assert {str(name): str(value) for name, value in element.items()} == left
    assert element[0].get(f"{{{V11}}}root") == "1"


@pytest.mark.parametrize("charset", ["utf-8", "utf-16", "utf-16-le", "utf-16-be"])
def test_white_space_before_the_envelope(charset: str) -> None:
    """It is overlooked before a declaration in UTF-8; in UTF-16, where a space is two bytes, nothing is taken away."""
    data = f"\r\n {GOOD}".encode(charset)
    if charset == "utf-8":
        assert receive(data, "text/xml").child is not None
    else:
        with pytest.raises(XmlMalformed):
            receive(data, f"text/xml; charset={charset}")
