"""Whether one JSON Schema allows what another allows, and the values that show the contrary."""

from copy import deepcopy
from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema_rs.canonical import Satisfiability

from contracts.compatibility import Verdict, covers
from contracts.json_schema import JsonSchemaValidator, canonicalize
from contracts.samples import FORMATS, Samples

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "maxLength": 10},
        "sex": {"enum": ["male", "female"]},
        "pages": {"type": "integer", "minimum": 0},
        "visits": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["on"],
                "properties": {"on": {"type": "string", "format": "date"}},
                "additionalProperties": False,
            },
        },
    },
    "additionalProperties": False,
}


def edited(**changes: Any) -> dict[str, Any]:
    """The schema with members of it replaced: ``properties__name`` is ``/properties/name``; None removes."""
    made = deepcopy(SCHEMA)
    for path, value in changes.items():
        *steps, last = path.split("__")
        inner: Any = made
        for step in steps:
            inner = inner[step]
        if value is None:
            del inner[last]
        else:
            inner[last] = value
    return made


def held(new: Any, old: Any) -> tuple[Verdict, Any]:
    found = covers(JsonSchemaValidator(new), JsonSchemaValidator(old))
    return found.verdict, None if found.example is None else orjson.loads(found.example)


@pytest.mark.parametrize(
    "new",
    [
        edited(properties__name__maxLength=20),
        edited(properties__sex__enum=["male", "female", "unknown"]),
        edited(required=[]),
        edited(properties__pages={"type": "number"}),
        edited(additionalProperties=None),
        edited(properties__note={"type": "string"}),
        {"$ref": "#/$defs/it", "$defs": {"it": SCHEMA}, "title": "another way to say it"},
        True,
    ],
)
def test_what_widens_is_compatible(new: Any) -> None:
    """What allows more, or says the same otherwise, is proved to allow everything that was allowed."""
    assert held(new, SCHEMA) == (Verdict.COMPATIBLE, None)


@pytest.mark.parametrize(
    "new",
    [
        edited(properties__name__maxLength=5),
        edited(properties__name__pattern="^[A-Z]+$"),
        edited(properties__sex__enum=["male"]),
        edited(required=["name", "sex"]),
        edited(properties__pages={"type": "string"}),
        edited(properties__pages__minimum=1),
        edited(properties__sex=None),
        edited(properties__visits__maxItems=2),
        edited(properties__visits__items__properties__on__format="date-time"),
        edited(properties__visits__items__required=["on", "by"]),
        {"type": "array"},
    ],
)
def test_what_narrows_is_shown_by_an_example(new: Any) -> None:
    """A break comes with a value that was right and is wrong now."""
    verdict, example = held(new, SCHEMA)
    assert verdict is Verdict.BREAKING
    assert JsonSchemaValidator(SCHEMA).is_valid(example)
    assert not JsonSchemaValidator(new).is_valid(example)


def test_a_new_member_of_an_open_object_breaks_nobody_who_kept_to_the_names() -> None:
    """Where anything may be added, a new optional member is compatible for whoever sends only members that are named,
    and the proof says that it is of that kind."""
    old = {"type": "object", "properties": {"a": {"type": "string"}}}
    new = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}
    found = covers(JsonSchemaValidator(new), JsonSchemaValidator(old))
    assert (found.verdict, found.declared) == (Verdict.COMPATIBLE, True)


def test_a_real_message_is_tried_first() -> None:
    """What an example shows that somebody wrote needs no made one, if it is the shorter."""
    old = {"type": "string", "pattern": "^[a-zộ ]+$", "maxLength": 40}
    new = {**old, "not": {"pattern": "nội"}}
    found = covers(JsonSchemaValidator(new), JsonSchemaValidator(old), ["nội"])
    assert (found.verdict, found.example) == (Verdict.BREAKING, '"nội"'.encode())


def test_neither_proof_nor_example_is_unknown() -> None:
    """Where nothing is proved and nothing shown, nobody is told that all is well."""
    old = {"type": "string", "pattern": "^(?:a|b)*abb$"}
    new = {"type": "string", "pattern": "^[ab]*abb$"}
    assert held(new, old) == (Verdict.UNKNOWN, None)


def test_the_same_question_has_the_same_answer() -> None:
    """An example does not change from one run to the next."""
    new = edited(properties__name__maxLength=3)
    assert held(new, SCHEMA) == held(new, SCHEMA)


LEAVES: st.SearchStrategy[Any] = st.one_of(
    st.just(True),
    st.builds(
        lambda low, more: {"type": "integer", "minimum": low, "maximum": low + more},
        st.integers(-9, 9),
        st.integers(0, 9),
    ),
    st.builds(
        lambda low, more: {"type": "string", "minLength": low, "maxLength": low + more},
        st.integers(0, 9),
        st.integers(0, 9),
    ),
    st.sampled_from([{"type": "string", "format": each} for each in FORMATS]),
    st.sampled_from([{"enum": ["a", 1, None]}, {"const": {"b": 2}}, {"type": ["boolean", "null"]}]),
    st.just({"type": "string", "pattern": "^[A-Z]{2}[0-9]{1,3}$"}),
)
SCHEMAS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(
            lambda members, required, closed: {
                "type": "object",
                "properties": members,
                "required": sorted(set(required) & set(members)),
                "additionalProperties": not closed,
            },
            st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
            st.lists(st.sampled_from("abc"), max_size=2),
            st.booleans(),
        ),
        st.builds(lambda items, least: {"type": "array", "items": items, "minItems": least}, inner, st.integers(0, 3)),
        st.builds(lambda one, other: {"anyOf": [one, other]}, inner, inner),
        st.builds(lambda one, other: {"allOf": [one, other]}, inner, inner),
    ),
    max_leaves=6,
)


@given(SCHEMAS, SCHEMAS)
@settings(max_examples=60, deadline=None)
def test_no_verdict_is_false(one: Any, other: Any) -> None:
    """Nothing made of a schema that is said to be covered is refused, and what is said to break is shown."""
    wide, narrow = JsonSchemaValidator(one), JsonSchemaValidator(other)
    found = covers(wide, narrow)
    if found.verdict is Verdict.BREAKING and found.example is not None:
        value = orjson.loads(found.example)
        assert narrow.is_valid(value)
        assert not wide.is_valid(value)
        assert found.findings
    if found.verdict is Verdict.COMPATIBLE and not found.declared:
        for value in Samples(narrow.canonical.to_json_schema(), Random(2)).attempts(30):  # type: ignore[arg-type]
            assert wide.is_valid(value) or not narrow.is_valid(value)


@given(SCHEMAS, st.integers(0, 9))
@settings(max_examples=60, deadline=None)
def test_samples_are_found(schema: Any, seed: int) -> None:
    """Of a schema that allows anything at all a valid value is among the first that are made, unless several schemas
    are to hold at once: what a date and an expression have in common, or an address of six letters, is not sought."""
    canonical = canonicalize(schema)
    if canonical.satisfiability() != Satisfiability.YES or "allOf" in str(schema):
        return
    validator, form = JsonSchemaValidator(schema), canonical.to_json_schema()
    assert any(validator.is_valid(value) for value in Samples(form, Random(seed)).attempts(100))  # type: ignore[arg-type]


def test_a_schema_that_demands_itself_ends() -> None:
    """Recursion without end costs attempts, not the process."""
    form = {
        "$ref": "#/$defs/a",
        "$defs": {"a": {"type": "object", "required": ["a"], "properties": {"a": {"$ref": "#/$defs/a"}}}},
    }
    assert list(Samples(form, Random(1)).attempts(5)) == []
