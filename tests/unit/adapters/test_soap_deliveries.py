"""Deliveries as they stand in the answer of an inbox over SOAP."""

from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from adapters.soap.deliveries import FIELDS, NAMESPACE, as_element, described, fetched
from bus.envelope import Body, Envelope, Exchange, Format
from bus.errors import PathUnknown
from contracts.xml_body import parse_xml
from journal.fetching import Fetched
from routes.inbox import Item

N = f"{{{NAMESPACE}}}"
XS = "{http://www.w3.org/2001/XMLSchema}"
JSON = st.recursive(st.text() | st.integers(-(2**53), 2**53) | st.none(), lambda inner: st.lists(inner, max_size=3))


def an_item(body: Body) -> Item:
    envelope = Envelope(
        UUID(int=1), "a.b", "1.0.0", Exchange.EVENT, "his", 0, 1000, f"00-{1:032x}-{1:016x}-01", body.format
    )
    return Item(Fetched(UUID(int=2), envelope, 1, True, 0, 500), body, envelope.traceparent)


def answered(body: Body, element: bytes | None = None) -> etree._Element:
    (delivery,) = parse_xml(fetched([(an_item(body), element)]))
    return delivery


@given(JSON)
def test_any_json_survives_as_a_text(value: object) -> None:
    """Whatever characters JSON holds, who reads the text reads the same values."""
    text = answered(Body(Format.JSON, orjson.dumps(value))).findtext(f"{N}text")
    assert orjson.loads(text or "") == value


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]) | st.sampled_from("\t\n<&>]")))
def test_any_xml_survives(text: str) -> None:
    """A document is read as it was written, be it as a text or as an element, with its declaration or without."""
    root = etree.Element("a", {"b": text})
    root.text = text
    written = etree.tostring(root, encoding="utf-8", xml_declaration=True)
    for data in (written, b"\xef\xbb\xbf" + written, etree.tostring(root, encoding="utf-8").replace(b"\n", b"\r\n")):
        body = Body(Format.XML, data)
        as_text = answered(body).findtext(f"{N}text") or ""
        inside = answered(body, as_element(body)).find(f"{N}body/*")
        assert as_text.encode() == data
        assert inside is not None
        for each in (parse_xml(data), inside):
            assert etree.tostring(each, method="c14n", exclusive=True, with_tail=False) == etree.tostring(
                root, method="c14n", exclusive=True
            )


def test_wsdl_names_what_is_read_and_written() -> None:
    """Each operation takes the elements that the WSDL gives it, and a delivery has no other than the WSDL's, in their
    order; its schema is one."""
    root = etree.fromstring(described('http://bus/"&', "wsdl"))
    schema = root.find(f".//{XS}schema")
    assert schema is not None
    for operation, fields in FIELDS.items():
        sequence = schema.find(f"{XS}element[@name='{operation}']//{XS}sequence")
        assert sequence is not None
        assert tuple(str(each.get("name")) for each in sequence) == fields
    valid = etree.XMLSchema(etree.fromstring(etree.tostring(schema)))
    element = Body(Format.XML, b"<a/>")
    for each in (fetched([]), fetched([(an_item(element), b"<a/>"), (an_item(element), None)])):
        assert valid.validate(etree.fromstring(each)), valid.error_log
    assert root.find(".//{*}address").get("location") == 'http://bus/"&'  # type: ignore[union-attr]


def test_only_the_wsdl_is_there() -> None:
    """There is a document for SOAP 1.1 and one for SOAP 1.2, and no other."""
    assert b"wsdl/soap12/" in described("http://bus/", "wsdl12")
    with pytest.raises(PathUnknown):
        described("http://bus/", "xsd")
