from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.envelope import Body, Format
from bus.errors import Finding, JsonForbidden, SchemaInvalid
from contracts.json_schema import MAX_AT_ONCE, MAX_FINDINGS, JsonSchemaValidator
from contracts.json_schema_check import check_schema

COMMON = {"$defs": {"code": {"type": "string", "pattern": "^[A-Z]{3}$"}}}
PATIENT: dict[str, Any] = {
    "type": "object",
    "required": ["name", "code"],
    "properties": {
        "name": {"type": "string", "minLength": 1},
        "code": {"$ref": "../common.json#/$defs/code"},
        "age": {"type": "integer", "maximum": 150},
        "sex": {"enum": ["male", "female"]},
        "born": {"type": "string", "format": "date"},
        "phones": {"type": "array", "items": {"type": "string"}, "maxItems": 2},
        "extra": {"type": "object", "additionalProperties": {"type": "string"}},
        "identity": {
            "oneOf": [{"type": "string"}, {"required": ["number"], "properties": {"number": {"type": "string"}}}]
        },
    },
    "additionalProperties": False,
}


def validator() -> JsonSchemaValidator:
    return JsonSchemaValidator(PATIENT, {"common.json": COMMON}, path="health/patient.json")


def test_a_valid_body_has_no_findings() -> None:
    """A body that satisfies the schema yields its values and nothing else."""
    body = Body(Format.JSON, b'{"name": "A", "code": "ABC", "born": "2020-02-29"}')
    assert validator().check(body) == ({"name": "A", "code": "ABC", "born": "2020-02-29"}, [])


def test_a_body_that_cannot_be_read_is_refused() -> None:
    """What cannot be parsed safely raises instead of being found invalid."""
    with pytest.raises(JsonForbidden):
        validator().check(Body(Format.JSON, b'{"name": "A", "name": "B"}'))


@pytest.mark.parametrize(
    ("value", "findings"),
    [
        ({"name": "A"}, [Finding("", "required", "code")]),
        ({"name": "", "code": "ABC"}, [Finding("/name", "minLength", "1")]),
        ({"name": "A", "code": "x"}, [Finding("/code", "pattern", "^[A-Z]{3}$")]),
        ({"name": "A", "code": "ABC", "age": 151}, [Finding("/age", "maximum", "150")]),
        ({"name": "A", "code": "ABC", "age": "x"}, [Finding("/age", "type", "integer")]),
        ({"name": "A", "code": "ABC", "sex": "x"}, [Finding("/sex", "enum", '"male" | "female"')]),
        ({"name": "A", "code": "ABC", "born": "29/02/2020"}, [Finding("/born", "format", "date")]),
        ({"name": "A", "code": "ABC", "phones": [1]}, [Finding("/phones/0", "type", "string")]),
        ({"name": "A", "code": "ABC", "x": 1, "y": 2}, [Finding("", "additionalProperties", "2")]),
        ({"name": "A", "code": "ABC", "extra": {"a/b": 1}}, [Finding("/extra/*", "type", "string")]),
        (
            {"name": "A", "code": "ABC", "identity": {"number": 1}},
            [Finding("/identity", "oneOf", "2"), Finding("/identity/number", "oneOf/type", "string")],
        ),
    ],
)
def test_a_finding_says_where_and_what_is_asked(value: object, findings: list[Finding]) -> None:
    """Each finding names the place, the keyword and what the schema asks for there."""
    assert validator().findings(value) == findings


def test_findings_end_at_fifty() -> None:
    """However much is wrong, fifty findings are told."""
    assert len(JsonSchemaValidator({"items": {"type": "string"}}).findings([1] * 200)) == MAX_FINDINGS


def test_of_a_long_body_the_first_error_is_told() -> None:
    """A long body costs no more for holding a hundred thousand errors than for one."""
    body = Body(Format.JSON, b"[" + b"1," * MAX_AT_ONCE + b"1]")
    assert JsonSchemaValidator({"items": {"type": "string"}}).check(body)[1] == [Finding("/0", "type", "string")]


MARK = "Nguyễn-Văn-Dấu"
KEYS = st.sampled_from([*PATIENT["properties"], MARK, f"{MARK}/x", f"~{MARK}"])
MARKED = st.recursive(
    st.just(MARK) | st.integers() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=15,
)
STRICT: dict[str, Any] = {
    **PATIENT,
    "patternProperties": {"^~": {"type": "integer"}},
    "propertyNames": {"maxLength": 8},
    "unevaluatedProperties": False,
    "dependentRequired": {"age": ["born"]},
    "not": {"required": ["sex", "phones"]},
    "contains": {"const": 1},
    "uniqueItems": True,
}


@given(MARKED)
def test_no_finding_holds_anything_of_the_body(value: object) -> None:
    """A marker in every value and every foreign name never comes out again."""
    strict = JsonSchemaValidator(STRICT, {"common.json": COMMON}, path="health/patient.json")
    assert MARK not in repr(strict.findings(value))


def test_a_schema_is_found_by_its_id() -> None:
    """References follow the base that a schema gives itself, without any network."""
    schema = {"$id": "https://schemas.example.vn/a.json", "$ref": "b.json"}
    other = {"$id": "https://schemas.example.vn/b.json", "type": "integer"}
    assert JsonSchemaValidator(schema, {"elsewhere/b.json": other}, path="a.json").findings("x") == [
        Finding("", "type", "integer")
    ]


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "text"}, ["#/type: `text` is none of array, boolean, integer, null, number, object, string"]),
        (5, ["#: not JSON Schema 2020-12 (type)"]),
        (
            {"properties": {"a/b": {"$ref": "none.json"}}},
            ["#/properties/a~1b/$ref: no schema among the documents lies at none.json"],
        ),
        ({"$ref": "#/$defs/x"}, ["#/$ref: no schema among the documents lies at #/$defs/x"]),
        ({"$ref": "file:///etc/passwd"}, ["#/$ref: no schema among the documents lies at file:///etc/passwd"]),
        (
            {"pattern": "(a)\\1"},
            ["#/pattern: a pattern without look-around and back-references is needed here"],
        ),
        (
            {"$schema": "http://json-schema.org/draft-07/schema#"},
            ["#/$schema: only https://json-schema.org/draft/2020-12/schema is read here"],
        ),
        ({"examples": [{"$ref": "none.json", "pattern": "(?=a)"}]}, []),
        (PATIENT, []),
    ],
)
def test_checking_a_schema_says_where_it_is_wrong(schema: Any, said: list[str]) -> None:
    """At registration every obstacle is named with its place in the schema, and data in it is left alone."""
    assert check_schema(schema, {"common.json": COMMON}, path="health/patient.json") == said


@pytest.mark.parametrize("schema", [{"type": "text"}, {"$ref": "none.json"}, {"pattern": "(?=a)"}])
def test_a_wrong_schema_does_not_compile(schema: dict[str, Any]) -> None:
    """What `check_schema` objects to raises when it is compiled all the same."""
    with pytest.raises(SchemaInvalid):
        JsonSchemaValidator(schema)


def test_patterns_take_linear_time() -> None:
    """A pattern that ruins backtracking engines is answered at once."""
    schema = JsonSchemaValidator({"pattern": "^(a+)+$"})
    assert schema.findings("a" * 50_000 + "b") == [Finding("", "pattern", "^(a+)+$")]
