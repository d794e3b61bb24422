"""Conditions and selections over XML."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from bus.errors import DocumentInvalid
from transforms.xpath import compile_xpath_condition, compile_xpath_texts

NAMESPACES = {"q": "urn:quan-trac"}
READING = etree.fromstring(
    '<QuanTrac xmlns="urn:quan-trac" tram="T1"><AQI>101</AQI><Ten>Phần <b>một</b></Ten><AQI>7</AQI></QuanTrac>'
)


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("q:AQI > 100", True),
        ("/q:QuanTrac/@tram = 'T1'", True),
        ("count(q:AQI) = 3", False),
        ("q:AQI", True),
        ("q:Khac", False),
        ("string(q:Khac)", False),
        ("number('x')", False),
        ("0", False),
        ("1", True),
        ("not(q:Khac)", True),
    ],
)
def test_a_condition_is_the_boolean_of_its_expression(condition: str, holds: bool) -> None:
    """XPath 1.0 §4.3: a non-empty node-set or text, a number that is neither zero nor NaN."""
    assert compile_xpath_condition(condition, NAMESPACES)(READING) is holds


@pytest.mark.parametrize(
    "condition",
    ["", "q:AQI >", "x:AQI", "$limit > 1", "foo()", "re:test('a', '(a+)+')", "document('a.xml')", "AQI AQI"],
)
def test_what_is_no_condition_is_refused_with_the_known_prefixes(condition: str) -> None:
    """Also unknown prefixes, variables and functions, which lxml itself finds only when it evaluates."""
    with pytest.raises(DocumentInvalid) as caught:
        compile_xpath_condition(condition, NAMESPACES)
    assert "prefixes known here: q" in caught.value.findings[0].rule


def test_what_is_not_xml_fulfils_no_condition() -> None:
    """A condition given a JSON value does not hold and does not fail."""
    assert compile_xpath_condition("true()", {})({"a": 1}) is False
    assert compile_xpath_texts("//q:AQI", NAMESPACES)({"a": 1}) == []


def test_the_texts_of_a_selection() -> None:
    """Elements give all their text, attributes their value, a computed value itself."""
    texts = [
        compile_xpath_texts(path, NAMESPACES)(READING)
        for path in ("q:AQI", "@tram", "q:Ten", "string(q:AQI)", "q:Khac")
    ]
    assert texts == [["101", "7"], ["T1"], ["Phần một"], ["101"], []]


@given(st.text(alphabet="q:AI/@[]()'=*.|<> 01", max_size=15))
def test_any_text_is_a_condition_or_is_refused(text: str) -> None:
    """Compiling raises nothing but `DocumentInvalid`, and judging raises nothing."""
    with suppress(DocumentInvalid):
        assert compile_xpath_condition(text, NAMESPACES)(READING) in {True, False}
