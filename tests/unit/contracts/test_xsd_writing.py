"""XSDs made of JSON Schemas: what the one takes the other takes, and what cannot be said is told."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from bus.envelope import Body, Format
from contracts.descriptions.bundle import Bundle
from contracts.descriptions.xsd_writing import xsd
from contracts.xsd import XsdDocuments, XsdValidator
from transforms.xml_view import XmlView

ELEMENT = "{urn:made}request"
NAMES = ["số", "name", "a.b", "Code", "_x", "item", "from", "@kind"]

Made = tuple[dict[str, Any], Any]
"""A schema, and a value that it takes."""

scalars: st.SearchStrategy[Made] = st.one_of(
    st.text("abcÀđ 0<&>\"'", max_size=5).map(lambda text: ({"type": "string", "maxLength": 5}, text)),
    st.integers(-99, 99).map(lambda number: ({"type": "integer", "minimum": -99, "maximum": 99}, number)),
    st.floats(-1e6, 1e6).map(lambda number: ({"type": "number"}, number)),
    st.booleans().map(lambda truth: ({"type": "boolean"}, truth)),
    st.sampled_from(["x", "y z"]).map(lambda text: ({"enum": ["x", "y z"]}, text)),
    st.dates().map(lambda day: ({"type": "string", "format": "date"}, day.isoformat())),
    st.from_regex(r"[A-Z][0-9]{2}", fullmatch=True).map(
        lambda code: ({"type": "string", "pattern": "^[A-Z][0-9]{2}$"}, code)
    ),
    st.just(({"type": ["string", "null"]}, None)),
)


def object_of(members: dict[str, tuple[Made, bool]]) -> Made:
    """An object whose members are required or not; of those that are not, some are absent."""
    properties = {name: schema for name, ((schema, _), _) in members.items()}
    required = [name for name, (_, needed) in members.items() if needed]
    schema = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    return schema, {name: value for name, ((_, value), needed) in members.items() if needed or len(name) % 2}


def list_of(made: list[Made]) -> Made:
    schema, value = made[0]
    return {"type": "array", "items": schema}, [value] * len(made)


def objects(inner: st.SearchStrategy[Made]) -> st.SearchStrategy[Made]:
    members = inner | st.lists(inner, min_size=1, max_size=3).map(list_of)
    pairs = st.dictionaries(st.sampled_from(NAMES[:-1]), st.tuples(members, st.booleans()), max_size=4)
    attribute = st.dictionaries(st.just("@kind"), st.tuples(st.just(({"type": "string"}, "k")), st.just(True)))
    return st.builds(lambda some, more: object_of({**some, **more}), pairs, attribute)


def documents(schema: Any) -> XsdDocuments:
    made, _ = xsd({"request": schema}, ["request"], "urn:made")
    return XsdDocuments({"made.xsd": etree.tostring(made)}, ["made.xsd"])


@given(objects(st.recursive(scalars, objects, max_leaves=6)))
@settings(max_examples=60, deadline=None)
def test_there_and_back(made: Made) -> None:
    """A value that a JSON Schema takes is, as XML, taken by the XSD made of it, and as JSON again the same."""
    schema, value = made
    view, validator = XmlView(documents(schema), ELEMENT), XsdValidator(documents(schema), ELEMENT)
    document = view.encode(value)
    assert validator.check(Body(Format.XML, document))[1] == []
    assert without_empty(view.decode(document)) == without_empty(value)


def without_empty(value: Any) -> Any:
    """As XML has it: there an empty list and an absent one are the same."""
    if isinstance(value, dict):
        return {key: without_empty(each) for key, each in value.items() if each != []}
    return [without_empty(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"oneOf": [{"type": "string"}, {"type": "integer"}]}, "oneOf"),
        ({"type": "object", "properties": {"a b": {}}}, "a b"),
        ({"type": "string", "pattern": "a|b"}, "pattern"),
        ({"type": "integer", "multipleOf": 3}, "multipleOf"),
        ({"type": "boolean", "const": True}, "true and false"),
        ({"type": "string", "format": "email"}, "email"),
        ({"type": "array", "items": {"type": "array"}}, "item"),
        ({"$ref": "#/$defs/request"}, "any value"),
        ({}, "any value"),
        (True, "any value"),
    ],
)
def test_losses(schema: Any, told: str) -> None:
    """What XML Schema cannot say is told, and what is made all the same is an XSD."""
    made, losses = xsd({"request": schema}, ["request"], "urn:made")
    etree.XMLSchema(etree.fromstring(etree.tostring(made)))
    assert any(told in each for each in losses)


def test_all_of() -> None:
    """Objects put together by `allOf` are one type, and a name for a type is that type again."""
    base = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    more = {"allOf": [{"$ref": "#/$defs/base"}, {"properties": {"b": {"type": "integer"}}}]}
    schemas = {"request": more, "base": base, "reply": {"$ref": "#/$defs/request"}}
    made, _ = xsd(schemas, ["request", "reply"], "urn:made")
    found = XsdDocuments({"made.xsd": etree.tostring(made)}, ["made.xsd"])
    for root in ("request", "reply"):
        view = XmlView(found, f"{{urn:made}}{root}")
        assert view.decode(view.encode({"a": "x", "b": 1})) == {"a": "x", "b": 1}


def test_a_long_way() -> None:
    """References that lead on three thousand times are followed, and those in a circle end."""
    steps = {f"d{number}": {"$ref": f"#/$defs/d{number + 1}"} for number in range(3000)}
    files = {"a.json": {"$ref": "#/$defs/d0", "$defs": {**steps, "d3000": {"$ref": "#/$defs/d0"}}}}
    bundle = Bundle(files, "#/$defs/")
    bundle.add("request", "a.json")
    assert len(bundle.schemas) == 3002
