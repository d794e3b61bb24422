"""What is wrong with a mapping is found when it is compiled: all of it, each with its place and what to do."""

from typing import NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.errors import DocumentInvalid, Finding, SchemaInvalid
from transforms.code_lists import Entries
from transforms.forms import DEEPEST
from transforms.grammar import WORDS
from transforms.mapping import compile_mapping

CODES: dict[str, Entries] = {"gender-hospital": {"male": "1", "female": "2", "nam": "1"}, "broken": {"a": {}}}


def no_views(schema: str, element: str) -> NoReturn:
    if schema == "unfit.xsd":
        raise DocumentInvalid(findings=[Finding(place="", rule=f"{element} cannot be a root.")], count=1)
    if schema == "broken.xsd":
        raise SchemaInvalid(schema=schema, rule="it is no schema")
    raise KeyError(schema)


def problems(fields: object) -> list[tuple[str, str]]:
    with pytest.raises(DocumentInvalid) as caught:
        compile_mapping("m", fields, code_lists=CODES, views=no_views)  # type: ignore[arg-type]
    assert caught.value.facts["count"] == str(len(caught.value.findings))
    return [(finding.place, finding.rule) for finding in caught.value.findings]


@pytest.mark.parametrize(
    ("form", "place", "rule"),
    [
        (1, "", "{value: …}"),
        (None, "", "{value: …}"),
        (["a"], "", "a path or a form"),
        ("a b", "", "not a path"),
        ({}, "", "where the value comes from"),
        ({"required": True}, "", "where the value comes from"),
        ({"form": "a"}, "", "did you mean `from`"),
        ({"from": "a", "defualt": 1}, "", "did you mean `default`"),
        ({"from": "a", "value": 1}, "/from", "does not go with `value`"),
        ({"from": "a", "separator": ","}, "/separator", "does not go with `from`"),
        ({"from": 5}, "/from", "{value: …}"),
        ({"from": "a b"}, "/from", "not a path"),
        ({"from": "a", "date": "dd/mm/yyyy"}, "/date", "MM the month"),
        ({"from": "a", "date": {"from": "yyyy", "to": "date"}}, "/date", "does not have MM and dd"),
        ({"from": "a", "date": {"form": "yyyy"}}, "/date", "there are from and to"),
        ({"from": "a", "date": 2020}, "/date", "is to be a text"),
        ({"from": "a", "boolean": "Y"}, "/boolean", "two different values"),
        ({"from": "a", "boolean": ["Y", "Y"]}, "/boolean", "two different values"),
        ({"from": "a", "as": "int"}, "/as", "did you mean `integer`"),
        ({"from": "a", "namePart": "first"}, "/namePart", "family, given, middle"),
        ({"from": "a", "case": "title"}, "/case", "is not a case"),
        ({"from": "a", "split": ""}, "/split", "the text between the pieces"),
        ({"from": "a", "trim": "yes"}, "/trim", "is true or false"),
        ({"from": "a", "required": "yes"}, "/required", "is true or false"),
        ({"from": "a", "default": 1, "required": True}, "", "leave out `required`"),
        ({"value": 1, "default": 2}, "", "leave out `default` and `required`"),
        ({"value": {"a": object()}}, "/value/a", "is not a value of JSON"),
        ({"from": "a", "as": "string", "date": "yyyy"}, "", "converts once"),
        ({"from": "a", "codeList": "gender-his"}, "/codeList", "did you mean `gender-hospital`"),
        ({"from": "a", "codeList": "nothing-like-it"}, "/codeList", "there is broken, gender-hospital"),
        ({"from": "a", "codeList": "broken"}, "/codeList", "each code becomes one text"),
        ({"from": "a", "codeList": "gender-hospital", "reverse": True}, "/reverse", "male and nam become 1"),
        (
            {"from": "a", "codeList": "gender-hospital", "reverse": {"1": "female"}},
            "/reverse/1",
            "does not turn `female` into `1`",
        ),
        ({"from": "a", "codeList": "gender-hospital", "reverse": "yes"}, "/reverse", "`reverse` is true"),
        ({"from": "a", "reverse": True}, "/reverse", "for a `codeList`"),
        ({"concat": []}, "/concat", "is a list"),
        ({"concat": "a"}, "/concat", "is a list"),
        ({"concat": ["a", "Ông/Bà"]}, "/concat/1", "not a path"),
        ({"concat": ["a"], "separator": 1}, "/separator", "is to be a text"),
        ({"firstOf": {"a": "b"}}, "/firstOf", "is a list"),
        ({"then": "a"}, "", "need the condition"),
        ({"when": "a", "else": "b"}, "", "where the value comes from"),
        ({"when": "a =", "then": "b"}, "/when", "not a JMESPath condition"),
        ({"when": True, "then": "b"}, "/when", "is to be a text"),
        ({"each": "a", "fields": {"x": "b"}, "item": "c"}, "/item", "not both"),
        ({"each": "a", "fields": {"x": "b"}, "as": "string"}, "/as", "works on single values"),
        ({"each": "a", "fields": {}}, "/fields", "names each field"),
        ({"each": "a", "fields": {"x": "../../b"}}, "/fields/x", "at most 1 times"),
        ({"fields": "a"}, "/fields", "names each field"),
        ({"fields": {".": "a", "b": "c"}}, "/fields/.", "the only field"),
        ({"fields": {1: "a"}}, "/fields", "write `1` in quotes"),
        ({"xml": {"schema": "a.xsd", "element": "A"}}, "", "out of `fields`"),
        ({"xml": "a.xsd", "fields": {"x": "a"}}, "/xml", "a schema and an element"),
        ({"xml": {"schema": "a.xsd", "element": "A"}, "fields": {"x": "a"}}, "/xml", "no schema `a.xsd`"),
        ({"xml": {"schema": "broken.xsd", "element": "A"}, "fields": {"x": "a"}}, "/xml", "it is no schema"),
        ({"xml": {"schema": "unfit.xsd", "element": "A"}, "fields": {"x": "a"}}, "/xml", "cannot be a root"),
        ({"from": "t", "xml": {"schema": "a.xsd", "element": "A"}}, "/xml", "no schema"),
    ],
)
def test_a_problem_has_its_place_and_says_what_to_do(form: object, place: str, rule: str) -> None:
    """The place leads to the word that is wrong, or to the form where a word is missing."""
    found = problems({"x": form})
    assert any(where == f"/x{place}" and rule in what for where, what in found), found


def test_every_problem_is_found() -> None:
    """A writer of documents mends all at once."""
    found = problems({"a": "b c", "d": {"fields": {"e": {"from": "f", "as": "int"}}}, "g": {"each": "h i", "item": 5}})
    assert [place for place, _rule in found] == ["/a", "/d/fields/e/as", "/g/each", "/g/item"]


@pytest.mark.parametrize("fields", [None, [], {}, "a", 5])
def test_a_mapping_has_fields(fields: object) -> None:
    """A transform without fields would make nothing of every message."""
    assert "names each field" in problems(fields)[0][1]


def test_forms_have_a_depth() -> None:
    """A document that nests forms without end is refused and overflows nothing."""
    form: object = "a"
    for _ in range(100 * DEEPEST):
        form = {"from": form}
    assert "split the transform" in problems({"x": form})[-1][1]


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["a", "a b", "dd/MM/yyyy", "gender-hospital", "a > 1"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*sorted(WORDS), "schema", "element", "to", "."]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@given(st.dictionaries(st.sampled_from(["x", "y", "."]), ANYTHING, max_size=3))
def test_any_document_compiles_or_is_refused(fields: dict[str, object]) -> None:
    """Whatever stands in a document, its compiler raises nothing but `DocumentInvalid`, and never without a finding."""
    try:
        compile_mapping("m", fields, code_lists=CODES, views=no_views)
    except DocumentInvalid as wrong:
        assert wrong.findings  # noqa: PT017  # not every document is wrong
