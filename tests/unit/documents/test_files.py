"""Which files lead to which."""

import pytest

from documents.files import beside, closure


def schema(inside: str = "", namespace: str = "") -> str:
    target = f'targetNamespace="{namespace}"' if namespace else ""
    return f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" {target}>{inside}</xs:schema>'


def test_references_are_followed_to_the_end() -> None:
    """JSON Schemas lead on by `$ref`, with or without a fragment, and circles end."""
    files = {
        "a/one.json": b'{"properties": {"x": {"$ref": "../b/two.json#/$defs/y"}}}',
        "b/two.json": b'{"allOf": [{"$ref": "two.json"}, {"$ref": "../a/one.json"}, {"$ref": "#/$defs/z"}]}',
        "c.json": b"{}",
    }
    assert list(closure(["a/one.json"], files)) == ["a/one.json", "b/two.json"]


def test_schemas_are_followed_by_location_and_else_by_namespace() -> None:
    """An import that names no file is met by the schema of its namespace."""
    texts = {
        "a.wsdl": "<types>" + schema('<xs:import namespace="urn:b" schemaLocation="x/b.xsd"/>') + "</types>",
        "x/b.xsd": schema('<xs:import namespace="urn:c"/>', "urn:b"),
        "y/c.xsd": schema('<xs:include schemaLocation="d.xsd"/>', "urn:c"),
        "y/d.xsd": schema(),
        "z.xsd": schema(namespace="urn:z"),
    }
    files = {path: text.encode() for path, text in texts.items()}
    assert list(closure(["a.wsdl"], files)) == ["a.wsdl", "x/b.xsd", "y/c.xsd", "y/d.xsd"]


@pytest.mark.parametrize(
    "data", [b"", b"{", b"<a", b"\xff", b"[1, 2", b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>"]
)
def test_a_file_that_cannot_be_parsed_leads_nowhere(data: bytes) -> None:
    """Who compiles the schema says what is wrong with it; here it is just a file."""
    for name in ("a.json", "a.xsd"):
        assert closure([name, "missing.json"], {name: data}) == {name: data}


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        ("b.json", "x/b.json"),
        ("./b.json#/a", "x/b.json"),
        ("../b.json", "b.json"),
        ("../../b.json", None),
        ("/b.json", None),
        ("#/a", None),
        ("https://a/b.json", None),
        ("urn:a", None),
        ("file:///etc/passwd", None),
    ],
)
def test_a_reference_stays_in_the_folder(reference: str, found: str | None) -> None:
    """A reference is relative to its file, and one that leaves the folder leads nowhere."""
    assert beside("x/a.json", reference) == found
