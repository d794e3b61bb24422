"""Mappings: what the forms make, and what comes of values that they cannot be made of."""

import json
from collections.abc import Mapping as Readable
from contextlib import suppress
from copy import deepcopy

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.errors import TransformFailed
from transforms.code_lists import Entries
from transforms.mapping import compile_mapping
from transforms.scope import DEPTH
from transforms.xml_view import XmlView

CODES: dict[str, Entries] = {
    "gender": {"male": "1", "female": "2"},
    "word": {"female": "Nữ"},
    "status": {"1": "open", "2": "open", "3": 7},
}
MARKER = "bí-mật"


class AsJson(XmlView):
    """A view that writes its documents as JSON, so that tests see what goes in and out."""

    def __init__(self) -> None: ...

    def decode(self, document: object) -> object:
        assert isinstance(document, bytes)
        try:
            return json.loads(document)
        except ValueError:
            raise TransformFailed(transform="view", rule="xml-malformed", place="line 1") from None

    def encode(self, view: object) -> bytes:
        if view == {"a": "unfit"}:
            raise TransformFailed(transform="view", rule="required", place="/A/b")
        return json.dumps(view, ensure_ascii=False).encode()


def run(fields: Readable[str, object], document: object, limit: int = 1_000_000) -> object:
    mapping = compile_mapping("m", fields, code_lists=CODES, views=lambda _schema, _element: AsJson(), limit=limit)
    return mapping(document)


def failure(fields: Readable[str, object], document: object, limit: int = 1_000_000) -> tuple[str, str]:
    with pytest.raises(TransformFailed) as caught:
        run(fields, document, limit)
    return caught.value.facts["place"], caught.value.facts["rule"]


def test_the_fields_stand_in_the_order_of_the_mapping() -> None:
    """A result reads like its mapping, whatever the order of the message."""
    assert json.dumps(run({"x": "b", "y": "a"}, {"a": 1, "b": 2})) == '{"x": 2, "y": 1}'


def test_what_is_not_there_is_left_out() -> None:
    """Null counts as not there; false, zero and an empty text are values."""
    fields = {name: name for name in "abcdef"}
    assert run(fields, {"a": None, "b": False, "c": 0, "d": "", "e": []}) == {"b": False, "c": 0, "d": "", "e": []}
    assert run(fields, {}) == {}
    assert run(fields, None) == {}


def test_a_default_stands_in_for_what_is_not_there() -> None:
    """Also null, which is how an author says that a receiver wants null."""
    assert run({"x": {"from": "a", "default": None}, "y": {"from": "a", "default": [1]}}, {}) == {"x": None, "y": [1]}


def test_a_default_that_is_a_list_is_made_anew() -> None:
    """A caller who changes one result does not change the next."""
    mapping = compile_mapping("m", {"x": {"value": {"a": []}}}, code_lists={}, views=lambda _a, _b: AsJson())
    first = mapping({})
    assert isinstance(first, dict)
    first["x"]["a"].append(1)
    assert mapping({}) == {"x": {"a": []}}


def test_a_required_field_without_value_is_an_error_at_its_place() -> None:
    """The place is the field's in the result, also within lists."""
    fields = {"list": {"each": "items", "fields": {"a/b": {"fields": {"c": {"from": "c", "required": True}}}}}}
    place, rule = failure(fields, {"items": [{"c": 1}, {}]})
    assert (place, rule) == ("/list/1/a~1b/c", "a required field has no value")


def test_an_object_without_fields_is_no_value() -> None:
    """So an absent address makes no empty element, and its default or requirement applies."""
    assert run({"x": {"fields": {"y": "a.b"}}, "z": {"fields": {"y": "a.b"}, "default": {}}}, {}) == {"z": {}}


def test_fields_may_begin_at_a_value() -> None:
    """`from` with `fields` steps into an object; ``../`` and ``/`` lead out of it."""
    fields = {"x": {"from": "a", "fields": {"b": "b", "c": "../c", "d": "/c"}}}
    assert run(fields, {"a": {"b": 1}, "c": 2}) == {"x": {"b": 1, "c": 2, "d": 2}}
    assert run(fields, {"c": 2}) == {}
    assert failure(fields, {"a": []}) == (
        "/x",
        "the source of the fields is a list; each would make an object of every member",
    )


def test_each_makes_one_value_a_member() -> None:
    """Objects by `fields`, other values by `item`, the members themselves without either; `when` chooses members."""
    document: object = {"n": 9, "items": [{"c": "A", "v": 1}, {"c": "B", "v": 2}, None, {"v": 3}]}
    assert run({"x": {"each": "items", "fields": {"code": "c", "n": "../n"}}}, document) == {
        "x": [{"code": "A", "n": 9}, {"code": "B", "n": 9}, {"n": 9}]
    }
    assert run({"x": {"each": "items", "item": "c"}}, document) == {"x": ["A", "B"]}
    assert run({"x": {"each": "items", "when": "v > 2"}}, document) == {"x": [{"v": 3}]}
    assert run({"x": {"each": "items", "item": "c", "join": ","}}, document) == {"x": "A,B"}


def test_each_of_nothing_is_no_list_and_of_none_an_empty_one() -> None:
    """An absent list stays absent, an empty list empty; one object counts as a list of one."""
    fields = {"x": {"each": "items", "item": "c"}}
    documents: list[object] = [{}, {"items": []}, {"items": {"c": 1}}]
    assert [run(fields, document) for document in documents] == [
        {},
        {"x": []},
        {"x": [1]},
    ]


def test_lists_within_lists() -> None:
    """The inner list sees its own member, the outer member by ``../`` and the message by ``/``."""
    inner = {"each": "b", "item": {"concat": ["/id", "../id", "id"], "separator": "."}}
    document = {"id": 1, "a": [{"id": 2, "b": [{"id": 3}, {"id": 4}]}, {"id": 5, "b": [{"id": 6}]}]}
    assert run({"x": {"each": "a", "item": inner}}, document) == {"x": [["1.2.3", "1.2.4"], ["1.5.6"]]}


def test_concatenation_with_and_without_separator() -> None:
    """Without separator all parts are needed; with one, absent and empty parts are skipped with it."""
    whole, parted = {"concat": ["a", " - ", "b"]}, {"concat": ["a", "b", "c"], "separator": " "}
    assert run({"x": whole, "y": parted}, {"a": 1, "b": True}) == {"x": "1 - true", "y": "1 true"}
    assert run({"x": whole, "y": parted}, {"a": "p", "c": ""}) == {"y": "p"}
    assert run({"x": whole, "y": parted}, {}) == {}
    assert failure({"x": whole}, {"a": {}, "b": 1})[0] == "/x"


def test_a_choice_by_condition() -> None:
    """`then` where the condition holds, else `else`, else nothing."""
    fields = {
        "x": {"when": "a > 1", "then": "a", "else": {"value": "no"}},
        "y": {"when": "a > 1", "then": {"value": 1}},
    }
    assert [run(fields, {"a": a}) for a in (2, 1, "2")] == [{"x": 2, "y": 1}, {"x": "no"}, {"x": "no"}]


def test_any_form_may_have_a_condition() -> None:
    """Without `then`, the field is made only when the condition holds."""
    fields = {"x": {"when": "a == 'x'", "fields": {"b": "b"}}, "y": {"when": "a == 'y'", "from": "b", "default": 0}}
    assert run(fields, {"a": "x", "b": 1}) == {"x": {"b": 1}, "y": 0}


def test_the_first_that_is_there() -> None:
    """`firstOf` takes the first choice with a value."""
    fields = {"x": {"firstOf": ["mobile", "phones[0]", {"value": "none"}]}}
    assert [run(fields, document) for document in ({"phones": ["2"]}, {"mobile": "1"}, {})] == [
        {"x": "2"},
        {"x": "1"},
        {"x": "none"},
    ]


def test_codes_there_and_back_by_one_list() -> None:
    """The reply's mapping reads the request's list in reverse; an ambiguous way back is chosen by the author."""
    assert run({"x": {"from": "a", "codeList": "gender"}}, {"a": "female"}) == {"x": "2"}
    assert run({"x": {"from": "a", "codeList": "gender", "reverse": True}}, {"a": 2}) == {"x": "female"}
    assert run({"x": {"from": "a", "codeList": "status", "reverse": {"open": "2"}}}, {"a": "open"}) == {"x": "2"}
    assert run({"x": {"from": "a", "codeList": "status"}}, {"a": 3}) == {"x": 7}


def test_an_unknown_code_fails_unless_there_is_a_default() -> None:
    """The rule names the list and not the code; an empty code is none."""
    form = {"from": "a", "codeList": "gender"}
    assert failure({"x": form}, {"a": MARKER}) == ("/x", "the code is not in the code list gender")
    assert [run({"x": form | {"default": "9"}}, {"a": code}) for code in ("?", "", "male")] == [
        {"x": "9"},
        {"x": "9"},
        {"x": "1"},
    ]
    assert run({"x": form}, {"a": ""}) == {}


def test_a_code_is_the_same_however_its_marks_are_encoded() -> None:
    """Nữ with its marks apart (Unicode NFD) is the Nữ of the list."""
    reply = {"x": {"from": "a", "codeList": "word", "reverse": True}}
    assert [run(reply, {"a": code}) for code in ("Nữ", "Nu\u031b\u0303")] == [{"x": "female"}] * 2


def test_a_default_for_a_list_is_not_a_code() -> None:
    """It stands in for the list that is missing; an unknown code in the list is still an error."""
    form = {"from": "a[*]", "codeList": "gender", "default": []}
    assert [run({"x": form}, document) for document in ({}, {"a": ["male"]})] == [{"x": []}, {"x": ["1"]}]
    assert failure({"x": form}, {"a": ["?"]})[1] == "the code is not in the code list gender"


def test_a_conversion_of_a_list_converts_its_members() -> None:
    """Every member that is there; a member that becomes no value is left out."""
    fields = {"x": {"from": "a[*].g", "codeList": "gender"}, "y": {"from": "d", "date": "yyyy", "join": "; "}}
    document = {"a": [{"g": "male"}, {}, {"g": ""}, {"g": "female"}], "d": ["1990-01-02", None, "2001-01-02"]}
    assert run(fields, document) == {"x": ["1", "2"], "y": "1990; 2001"}


def test_trimming_comes_before_and_case_after_the_conversion() -> None:
    """Their order is fixed, whatever the order in which they are written."""
    assert run({"x": {"case": "upper", "namePart": "given", "trim": True, "from": "a"}}, {"a": " lê thị lan "}) == {
        "x": "LAN"
    }
    assert run({"x": {"from": "a", "trim": True, "date": "yyyy"}}, {"a": "  "}) == {}


def test_forms_within_forms_convert_more_than_once() -> None:
    """One conversion a form; a form in `from` is another."""
    assert run({"x": {"from": {"from": "d", "date": "yyyy"}, "as": "integer"}}, {"d": "1990-05-06"}) == {"x": 1990}


def test_the_whole_result_may_be_made_by_one_form() -> None:
    """The field ``.`` is the result itself: a list, or one value."""
    assert run({".": {"each": "items", "fields": {"x": "a"}}}, {"items": [{"a": 1}]}) == [{"x": 1}]
    assert run({".": "a"}, {}) == {}
    assert failure({".": {"from": "a", "required": True}}, {})[0] == ""


def test_a_document_inside_a_text_is_written_and_read() -> None:
    """`xml` with fields writes a document into a text; with `from` it reads one, and paths begin in it."""
    named = {"schema": "a.xsd", "element": "{urn:a}A"}
    assert run({"x": {"xml": named, "fields": {"b": "a"}}}, {"a": "é"}) == {"x": '{"b": "é"}'}
    assert run({"x": {"xml": named, "fields": {"b": "a"}}}, {}) == {}
    fields = {"x": {"from": "t", "xml": named, "fields": {"c": "b", "d": "../e"}}, "y": {"from": "t", "xml": named}}
    assert run(fields, {"t": '{"b": 1}', "e": 2}) == {"x": {"c": 1, "d": 2}, "y": {"b": 1}}
    assert run(fields, {"t": ""}) == {}


def test_a_document_that_cannot_be_written_or_read_is_an_error_without_its_text() -> None:
    """The view's own rule and place are told; both are in the words of the schema."""
    named = {"schema": "a.xsd", "element": "{urn:a}A"}
    reading = {"x": {"from": "t", "xml": named}}
    assert failure(reading, {"t": MARKER}) == (
        "/x",
        "the text is not the XML document that its schema asks for (xml-malformed at line 1)",
    )
    assert failure(reading, {"t": 5})[1] == "an XML document written in one text is expected"
    assert failure({"x": {"xml": named, "fields": {"a": "t"}}}, {"t": "unfit"}) == (
        "/x",
        "the fields do not make the XML document that its schema asks for (required at /A/b)",
    )


def test_the_size_of_a_result_is_bounded() -> None:
    """A small message cannot become a huge one, not even through lists within lists that make nothing."""
    document = {"text": "x" * 900, "items": [{}] * 90}
    assert (
        failure({"a": {"each": "items", "item": "/text"}}, document, 10_000)[1]
        == "the result is larger than 10000 characters"
    )
    copies = dict.fromkeys("abcdefghijkl", "text")
    assert failure(copies, document, 10_000) == ("/l", "the result is larger than 10000 characters")
    nothing = {"each": "/items", "item": {"each": "/items", "item": "absent"}}
    assert failure({"a": nothing}, document, 10_000)[1] == "the result is larger than 10000 characters"


def test_the_depth_of_a_result_is_bounded() -> None:
    """What is deeper than a JSON writer goes is refused and does not overflow anything."""
    deep: object = 1
    for _ in range(DEPTH + 1):
        deep = [deep]
    assert failure({"a": "d"}, {"d": deep}) == ("/a", f"the result is deeper than {DEPTH} levels")


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, float("inf"), float("nan")])
def test_a_number_that_cannot_be_written_is_refused(number: float) -> None:
    """More than 64 bits, and what JSON does not have."""
    assert failure({"a": "n"}, {"n": {MARKER: number}})[0] == "/a"


# --- total, pure, silent about data --------------------------------------------------------------------------------

KEYS = st.sampled_from(["a", "b", "c"])
TEXTS = st.sampled_from(
    ["", "1990-02-31", "2001-02-03", "true", "Có", "12", "-1.5", "male", "1;2", "a b c", '{"a": 1}', MARKER]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.just(MARKER), inner, max_size=3),
    max_leaves=12,
)
PATHS = st.sampled_from(["a", "b", "a.b", "a[0]", "a[*].b", "b[*]", ".", "/", "/a", '"c"'])
CONDITIONS = st.sampled_from(["a", "a > 1", "b == 'male'", "length(a) > 1", "!c"])
CONVERSIONS = st.sampled_from(
    [
        {},
        {"date": "dd/MM/yyyy"},
        {"date": {"from": "yyyyMMdd", "to": "dateTime"}},
        {"as": "number"},
        {"as": "integer"},
        {"as": "string"},
        {"as": "boolean"},
        {"boolean": ["Y", "N"]},
        {"boolean": {"from": ["Y", "N"]}},
        {"codeList": "gender"},
        {"codeList": "gender", "reverse": True, "default": "?"},
        {"namePart": "family"},
        {"split": ";"},
        {"split": ";", "join": ","},
        {"trim": True, "case": "upper"},
        {"required": True},
        {"default": {"x": [None]}},
    ]
)
XML = {"xml": {"schema": "a.xsd", "element": "{urn:a}A"}}


def _larger(form: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    fields = st.dictionaries(KEYS, form, min_size=1, max_size=3)
    return st.one_of(
        st.builds(lambda inner: {"fields": inner}, fields),
        st.builds(lambda path, inner: {"from": path, "fields": inner}, PATHS, fields),
        st.builds(lambda inner: {**XML, "fields": inner}, fields),
        st.builds(lambda path, inner: {"from": path, **XML, "fields": inner}, PATHS, fields),
        st.builds(lambda path, inner: {"each": path, "fields": inner}, PATHS, fields),
        st.builds(lambda path, when, item: {"each": path, "when": when, "item": item}, PATHS, CONDITIONS, form),
        st.builds(lambda inner, how: {"from": inner, **how}, form, CONVERSIONS),
        st.builds(lambda inner, how: {"firstOf": inner, **how}, st.lists(form, min_size=1, max_size=3), CONVERSIONS),
        st.builds(lambda inner, how: {"concat": inner, **how}, st.lists(form, min_size=1, max_size=3), CONVERSIONS),
        st.builds(lambda inner: {"concat": inner, "separator": " "}, st.lists(form, min_size=1, max_size=3)),
        st.builds(lambda when, then, other: {"when": when, "then": then, "else": other}, CONDITIONS, form, form),
    )


FORMS: st.SearchStrategy[object] = st.recursive(
    PATHS | st.builds(lambda value: {"value": value}, st.integers(0, 9) | st.text(max_size=3)), _larger, max_leaves=8
)
FIELDS = st.dictionaries(KEYS, FORMS, min_size=1, max_size=3)


@given(FIELDS, JSON)
def test_a_mapping_is_total_and_pure(fields: dict[str, object], document: object) -> None:
    """Any mapping over any JSON value gives a result that can be written, or `TransformFailed`; the message and the
    next result are untouched by it."""
    before = repr(document)
    with suppress(TransformFailed):
        first = run(fields, document)
        kept = deepcopy(first)
        orjson.dumps(first)
        assert repr(run(fields, document)) == repr(kept) == repr(first)
    assert repr(document) == before


@given(FIELDS, JSON)
def test_a_failure_says_nothing_of_the_message(fields: dict[str, object], document: object) -> None:
    """The marker stands in every part of the message, and in no error."""
    try:
        run(fields, document)
    except TransformFailed as failed:
        said = [failed.text, *failed.facts.values(), repr(failed.args), repr(failed.__cause__)]
        assert not any(MARKER in text for text in said)  # not every mapping fails
