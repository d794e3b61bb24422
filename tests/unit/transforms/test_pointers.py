"""JSON Pointers with ``*``."""

from contextlib import suppress
from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.errors import DocumentInvalid
from transforms.pointers import compile_pointer, extract, masking

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "b", "0", "*"]), inner),
    max_leaves=20,
)
POINTER = st.lists(st.sampled_from(["a", "b", "0", "1", "*"]), max_size=4).map(
    lambda tokens: "".join("/" + one for one in tokens)
)
RFC = {"foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5, 'k"l': 6, " ": 7, "m~n": 8}
REFERRAL = {"patient": {"name": "Lan"}, "contacts": [{"phone": "1"}, {"mail": "x"}, {"phone": "2"}]}


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("", RFC),
        ("/foo", ["bar", "baz"]),
        ("/foo/0", "bar"),
        ("/", 0),
        ("/a~1b", 1),
        ("/c%d", 2),
        ("/e^f", 3),
        ("/g|h", 4),
        ("/i\\j", 5),
        ('/k"l', 6),
        ("/ ", 7),
        ("/m~0n", 8),
    ],
)
def test_the_examples_of_the_rfc(pointer: str, value: object) -> None:
    """RFC 6901 §5."""
    assert compile_pointer(pointer)(RFC) == [value]


@pytest.mark.parametrize(
    "pointer", ["/nothing", "/foo/2", "/foo/-", "/foo/00", "/foo/-1", "/foo/" + "9" * 30, "/foo/bar", "/a~1b/c"]
)
def test_what_is_not_there_selects_nothing(pointer: str) -> None:
    """Optional fields have no subject and nothing to mask; that is no error."""
    assert compile_pointer(pointer)(RFC) == []


@pytest.mark.parametrize("pointer", ["patient", "patient/name", "/a~", "/a~2", "#/a"])
def test_a_text_that_is_no_pointer_is_refused(pointer: str) -> None:
    """Found when the contract is checked."""
    with pytest.raises(DocumentInvalid):
        compile_pointer(pointer)


def test_a_star_stands_for_every_member() -> None:
    """Of a list or of an object, in the document's order."""
    assert extract(["/contacts/*/phone", "/patient/*"])(REFERRAL) == ["1", "2", "Lan"]


def test_masking_leaves_the_original_alone() -> None:
    """What is masked is a copy; the message that is delivered stays as it was."""
    masked = masking(["/contacts/*/phone", "/patient"], lambda _value: "***")(REFERRAL)
    assert masked == {"patient": "***", "contacts": [{"phone": "***"}, {"mail": "x"}, {"phone": "***"}]}
    assert REFERRAL["patient"] == {"name": "Lan"}


@given(JSON, POINTER)
def test_masking_replaces_exactly_what_is_selected(document: object, pointer: str) -> None:
    """As many values as the pointer selects are masked, and none of them is left."""
    original, seen = deepcopy(document), []
    compiled = compile_pointer(pointer)
    masked = compiled.replaced(document, lambda value: seen.append(value) or "masked")  # type: ignore[func-returns-value]
    assert seen == compiled(document)
    assert compiled(masked) == ["masked"] * len(seen)
    assert document == original


@given(st.text(max_size=12), JSON)
def test_any_text_is_a_pointer_or_is_refused(text: str, document: object) -> None:
    """Compiling raises nothing but `DocumentInvalid`, and selecting raises nothing."""
    with suppress(DocumentInvalid):
        assert isinstance(compile_pointer(text)(document), list)
