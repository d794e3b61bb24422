"""What was made against what was expected."""

import pytest

from bus.envelope import Body, Format
from documents.differences import MOST, differences


def json(text: str) -> Body:
    return Body(Format.JSON, text.encode())


def xml(text: str) -> Body:
    return Body(Format.XML, text.encode())


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (json('{"a": 1, "b": [1.0]}'), json('{"b": [1], "a": 1}')),
        (xml('<a xmlns="urn:x"><b c="1" d="2"/></a>'), xml('<p:a xmlns:p="urn:x">\n  <p:b d="2" c="1"></p:b>\n</p:a>')),
        (json('{"data": "<a><b/></a>"}'), json('{"data": "<a> <b></b> </a>"}')),
    ],
)
def test_what_says_the_same_is_the_same(made: Body, expected: Body) -> None:
    """Order of names, prefixes and indentation make no difference."""
    assert differences(made, expected) == []


@pytest.mark.parametrize(
    ("made", "expected", "said"),
    [
        (json('{"a": 1}'), json('{"a": "1"}'), 'at /a: 1 was made, "1" is expected'),
        (json('{"a": true}'), json('{"a": 1}'), "at /a: true was made, 1 is expected"),
        (json("[1]"), json("[1, 2]"), "at /1: nothing was made, 2 is expected"),
        (json('{"a": null}'), json("{}"), "at /a: null was made, nothing is expected"),
        (xml("<a><b>1</b></a>"), xml("<a><b>2</b></a>"), 'at /a/b: "1" was made, "2" is expected'),
        (xml("<a b='1'/>"), xml("<a/>"), 'at /a/@b: "1" was made, nothing is expected'),
        (xml("<a/>"), xml("<a><b/></a>"), "at /a: nothing was made, <b> is expected"),
        (xml("<a/>"), xml("<a xmlns='urn:x'/>"), "at /a: <a> was made, <{urn:x}a> is expected"),
        (xml("<a> 1</a>"), xml("<a>1</a>"), 'at /a: " 1" was made, "1" is expected'),
        (json('{"d": "<a/>"}'), json('{"d": "<b/>"}'), "in /d, at /b: <a> was made, <b> is expected"),
        (json("{}"), xml("<a/>"), "JSON was made, and XML is expected"),
    ],
)
def test_a_difference_is_said_with_its_place(made: Body, expected: Body, said: str) -> None:
    """A reader sees where, what was made and what is expected."""
    assert differences(made, expected) == [said]


def test_a_long_list_of_differences_is_cut() -> None:
    """Five differences say enough, and long values are shortened."""
    found = differences(json("[" + ",".join(["1"] * 50) + "]"), json(f'["{"x" * 500}"]'))
    assert len(found) == MOST
    assert all(len(each) < 200 for each in found)


@pytest.mark.parametrize("expected", [json("{"), json("")])
def test_an_expectation_that_cannot_be_read_is_said(expected: Body) -> None:
    """A broken file of a test is a difference, not a traceback."""
    assert "not JSON" in differences(json("{}"), expected)[0]
