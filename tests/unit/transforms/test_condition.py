"""Conditions over JSON views."""

from contextlib import suppress

import jmespath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.errors import DocumentInvalid
from transforms.condition import compile_condition, compile_select

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b"]), inner),
    max_leaves=10,
)
READING = {
    "aqi": 101,
    "zero": 0,
    "empty": "",
    "none": [],
    "levels": [5, 12, 150],
    "code": "0",
    "@id": "x",
    "low": 12.05,
}


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("aqi > 100", True),
        ("aqi > `100`", True),
        ("aqi>100", True),
        ("aqi == 101.0", True),
        ("low == 12.05", True),
        ("low < 12.1 && aqi >= 101", True),
        ("aqi > -5", True),
        ("100 < aqi", True),
        ("code != '0'", False),
        ("code == 0", False),
        ("levels[1] == 12", True),
        ("levels[-1] > 100", True),
        ("length(levels[0:2]) == 2", True),
        ("levels[?@ > 100] | [0] == 150", True),
        ("length(levels[? @ > 4 && @ < 13]) == 2", True),
        ("max([aqi, 200]) == 200", True),
        ("contains(levels, 150)", True),
        ("{x: 5}.x == 5", True),
        ("'5 > 6' == '5 > 6'", True),
        ("\"@id\" == 'x'", True),
        ("starts_with(code, '0') || nothing", True),
        ("aqi", True),
        ("zero", True),
        ("empty", False),
        ("none", False),
        ("nothing", False),
        ("!nothing", True),
        ("nothing > 1", False),
        ("code > 1", False),
        ("code > 1 || aqi > 100", True),
        ("length(aqi) > 1", False),
        ("sum(code)", False),
    ],
)
def test_a_condition_holds_or_not(condition: str, holds: bool) -> None:
    """JMESPath with bare numbers; what cannot be judged does not hold."""
    assert compile_condition(condition)(READING) is holds


@pytest.mark.parametrize(
    ("condition", "hint"),
    [
        ("", "not a JMESPath"),
        ("aqi >", "the end"),
        ("aqi = 100", "see `=`"),
        ("aqi > 100 and code", "see `and`"),
        ("aqi > 1.2.3", "see"),
        ("levels[1.5]", "see"),
        ("lenght(levels)", "did you mean `length`"),
        ("length()", "takes 1 argument"),
        ("contains(a)", "takes 2 argument"),
        ("length(a, b)", "takes 1 argument"),
        ("code == `abc`", "between backticks"),
        ("code == 'abc", "not closed"),
        ("(" * 3000, "at most 2000 characters"),
        ("(" * 1500 + "a" + ")" * 1500, "at most"),
        ("!" * 200 + "a", "nested"),
    ],
)
def test_what_is_no_condition_is_refused_with_a_hint(condition: str, hint: str) -> None:
    """Also a function that does not exist, which JMESPath itself would only find when a message comes."""
    with pytest.raises(DocumentInvalid) as caught:
        compile_condition(condition)
    assert hint in caught.value.findings[0].rule


def test_a_selection_gives_a_value_or_none() -> None:
    """The receiver's error code is selected the same way; a wrong type selects nothing."""
    assert compile_select("levels[0]")(READING) == 5
    assert compile_select("sum(code)")(READING) is None


@given(
    st.sampled_from(["a", "a.b", "a[0]", "a[*].b", "a == b", "a > b", "!a", "a[?b]", "length(a)", "keys(@)", "a || b"]),
    JSON,
)
def test_standard_jmespath_means_the_same(expression: str, document: object) -> None:
    """An expression without bare numbers selects what the library selects."""
    try:
        expected = jmespath.search(expression, document)
    except (jmespath.exceptions.JMESPathError, TypeError):
        expected = None
    assert compile_select(expression)(document) == expected


@given(st.text(alphabet="ab01.-'\"`[]{}()?:@*&|!<>= ,", max_size=20), JSON)
def test_any_text_is_a_condition_or_is_refused(text: str, document: object) -> None:
    """Compiling raises nothing but `DocumentInvalid`, and judging raises nothing."""
    with suppress(DocumentInvalid):
        assert compile_condition(text)(document) in {True, False}
