"""The catalogue of well-known schemas."""

from contracts import well_known, xsd_closure
from contracts.xml_body import parse_xml
from contracts.xsd import XsdDocuments


def test_each_document_is_found_by_the_namespace_it_declares() -> None:
    """The index says of every document what the document says itself, and of none that is not there."""
    files = {path.relative_to(well_known.FOLDER).as_posix() for path in well_known.FOLDER.rglob("*.xsd")}
    files |= {path.relative_to(well_known.FOLDER).as_posix() for path in well_known.FOLDER.rglob("*.wsdl")}
    index = well_known._index()
    assert set(index["namespaces"].values()) == files
    assert set(index["locations"].values()) <= files
    catalogue = well_known.Catalogued({})
    for namespace, path in index["namespaces"].items():
        data = xsd_closure._DOCUMENT_TYPE.sub(b"", catalogue[well_known.PREFIX + path], count=1)
        assert parse_xml(data).get("targetNamespace") == namespace


def test_each_schema_is_whole() -> None:
    """Every schema of the catalogue compiles with what the catalogue has."""
    for path in sorted(well_known.FOLDER.rglob("*.xsd")):
        location = well_known.PREFIX + path.relative_to(well_known.FOLDER).as_posix()
        assert XsdDocuments({}, [location]).compile()


def test_an_address_leads_to_its_document() -> None:
    """A location is met with http and https, and with what an old copy was called."""
    assert well_known.at("https://www.w3.org/2001/xml.xsd") == well_known.at("http://www.w3.org/2001/03/xml.xsd")
    assert well_known.at("http://example.org/a.xsd") is None
