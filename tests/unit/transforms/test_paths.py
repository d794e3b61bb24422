"""Paths: where a value is."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.errors import DocumentInvalid
from transforms.paths import compile_path
from transforms.scope import MISSING, Broken, Budget, Scope

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "b", "@id", "$"]), inner),
    max_leaves=20,
)
STEP = st.sampled_from(["a", "b", "@id", "$", "[0]", "[-1]", "[*]"])

PATIENT = {
    "patient": {"name": "Lan", "full name": "Nguyễn Thị Lan", "a.b": 1, "nothing": None},
    "contacts": [{"phone": "1", "kinds": ["x"]}, {}, {"phone": "2", "kinds": ["y", "z"]}],
    "single": {"phone": "3"},
    "mã": {"@id": "7", "$": "chữ", "ns:x": True},
}


def read(path: str, document: object) -> object:
    return compile_path(path)(Scope(document, document, None, Budget(1000)))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("patient.name", "Lan"),
        ('patient."full name"', "Nguyễn Thị Lan"),
        ('"patient"."a.b"', 1),
        ("contacts[0].phone", "1"),
        ("contacts[-1].phone", "2"),
        ("contacts[*].phone", ["1", "2"]),
        ("contacts[*].kinds", [["x"], ["y", "z"]]),
        ("contacts[*].kinds[*]", ["x", "y", "z"]),
        ("contacts[*].kinds[0]", ["x", "y"]),
        ("mã.@id", "7"),
        ("mã.$", "chữ"),
        ("mã.ns:x", True),
        ("/patient.name", "Lan"),
        (".", PATIENT),
        ("/", PATIENT),
    ],
)
def test_a_path_leads_to_its_value(path: str, value: object) -> None:
    """Keys, quoted keys, indexes from either end, every member of a list, the whole."""
    assert read(path, PATIENT) == value


@pytest.mark.parametrize(
    "path",
    ["patient.age", "patient.name.first", "patient.nothing", "nobody.name", "contacts[9].phone", "contacts[1].phone"],
)
def test_what_is_not_there_is_missing(path: str) -> None:
    """Unknown keys, null, indexes past the end and keys of plain values are all no value."""
    assert read(path, PATIENT) is MISSING


def test_a_single_value_counts_as_a_list_of_one() -> None:
    """Systems that write a list of one as its member are read like the others."""
    assert read("single[*].phone", PATIENT) == ["3"]
    assert read("single[0].phone", PATIENT) == "3"
    assert read("single[1].phone", PATIENT) is MISSING


def test_a_list_that_the_path_does_not_expect_is_an_error() -> None:
    """A path that silently lost every contact would be found by nobody."""
    with pytest.raises(Broken, match=r"contacts\.phone meets a list"):
        read("contacts.phone", PATIENT)


def test_the_root_of_a_path_may_be_a_list() -> None:
    """A message that is a list is read by index."""
    assert read("[1].a", [{}, {"a": 5}]) == 5


def test_outer_scopes_are_reached_by_dots() -> None:
    """``../`` begins one scope further out, ``/`` at the message, whatever lies between."""
    root = Scope({"a": 1}, {"a": 1}, None, Budget(1000))
    inner = root.step({"a": 2}).step({"a": 3})
    assert [compile_path(path, 2)(inner) for path in ("a", "../a", "../../a", "/a")] == [3, 2, 1, 1]
    assert compile_path("..", 2)(inner) == {"a": 2}


@pytest.mark.parametrize("path", ["../a", "..", "../../a"])
def test_no_path_leads_out_of_the_message(path: str) -> None:
    """At the top there is nothing further out."""
    with pytest.raises(DocumentInvalid) as caught:
        compile_path(path)
    assert "leads out of the message" in caught.value.findings[0].rule


@pytest.mark.parametrize(
    "path", ["", " ", "a b", "a..b", "a.", ".a", "a[x]", "a[", "a.[0]", "[0]a", 'a."', r'a."\x"', "a/b", "//a"]
)
def test_a_text_that_is_no_path_is_refused_with_a_hint(path: str) -> None:
    """A constant written as a path is the commonest slip: the hint says how it is written."""
    with pytest.raises(DocumentInvalid) as caught:
        compile_path(path)
    assert "path" in caught.value.findings[0].rule


@given(st.dictionaries(st.text(), st.integers(), min_size=1))
def test_every_key_can_be_written(document: dict[str, int]) -> None:
    """A key in JSON's own quotes reaches its value, whatever characters it has."""
    for key, value in document.items():
        assert read(json.dumps(key), document) == value
        assert read(json.dumps(key, ensure_ascii=False), document) == value


@given(st.text(max_size=20))
def test_any_text_compiles_or_is_refused(text: str) -> None:
    """The parser of paths knows no third way."""
    with suppress(DocumentInvalid):
        compile_path(text, 3)


@given(st.lists(STEP, min_size=1, max_size=5), JSON)
def test_reading_is_total(steps: list[str], document: object) -> None:
    """Any path over any JSON value gives a value, or none, or says that it met a list."""
    path = "".join(step if step.startswith("[") else "." + step for step in steps).removeprefix(".")
    with suppress(Broken):
        read(path, document)
