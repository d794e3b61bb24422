"""Paths and queries filled with values of the message."""

import json
from urllib.parse import parse_qsl, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from adapters.rest.target import Number, Target, Unfillable, take
from bus.errors import SettingInvalid

SCALARS = st.one_of(st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text())
TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("a/b", "/x/a%2Fb/y"),
        ("../../admin", "/x/..%2F..%2Fadmin/y"),
        ("a?b#c&d", "/x/a%3Fb%23c%26d/y"),
        ("%2e%2e", "/x/%252e%252e/y"),
        ("Hồ sơ", "/x/H%E1%BB%93%20s%C6%A1/y"),
        (Number("1.50"), "/x/1.50/y"),
        (True, "/x/true/y"),
    ],
)
def test_values_are_encoded_whole(value: object, path: str) -> None:
    """No value can leave its place in the path."""
    assert Target("/x/{id}/y", {}).fill({"id": value}) == path


@pytest.mark.parametrize("value", ["", ".", "..", None, [], {}, ["a"]])
def test_values_that_would_move_the_path_are_refused(value: object) -> None:
    """An empty value, a dot or two, or what is no scalar cannot fill a path."""
    with pytest.raises(Unfillable):
        Target("/x/{id}/y", {}).fill({"id": value})


@pytest.mark.parametrize("values", [{"a": ".", "b": "x"}, {"a": "x."}, {}])
def test_every_field_must_be_there(values: dict[str, object]) -> None:
    """A missing field is refused like an empty one."""
    with pytest.raises(Unfillable):
        Target("/{a}{b}", {}).fill(values)


def test_values_cannot_make_a_step_upwards_together() -> None:
    """A dot that the template ends with does not become two."""
    with pytest.raises(Unfillable):
        Target("/x/.{a}/y", {}).fill({"a": "."})


def test_queries_take_scalars_and_arrays() -> None:
    """A parameter is left out for null, repeated for an array, and added to what the path has."""
    target = Target("/x?v=1", {"q": "query", "page": "page", "tag": "tags"})
    assert target.fill({"query": "a&b=c", "tags": ["x", "y", None]}) == "/x?v=1&q=a%26b%3Dc&tag=x&tag=y"
    assert Target("/x", {"q": "query"}).fill({}) == "/x"
    with pytest.raises(Unfillable):
        target.fill({"query": {"a": 1}})


@pytest.mark.parametrize("path", ["x", "/{", "/}", "/{}", "/{a{b}}", "/a#b"])
def test_templates_are_checked(path: str) -> None:
    """A template that is not one is said when the adapter is made."""
    with pytest.raises(SettingInvalid):
        Target(path, {})


@given(TEXT, TEXT)
def test_what_is_filled_in_comes_out_again(path: str, query: str) -> None:
    """Whatever a value holds, the address has one segment and one parameter for it, and they decode to it."""
    try:
        filled = Target("/a/{id}/b", {"q": "q"}).fill({"id": path, "q": query})
    except Unfillable:
        assert path in {"", ".", ".."}
        return
    url = URL("http://host" + filled, encoded=True)
    _, _, segment, last = url.raw_path.split("/")
    assert (unquote(segment), last) == (path, "b")
    assert parse_qsl(url.raw_query_string, keep_blank_values=True) == [("q", query)]


@given(st.dictionaries(TEXT, SCALARS, max_size=5), st.sets(TEXT, max_size=3), st.sampled_from([None, 2]))
def test_taking_leaves_the_rest_as_it_was(values: dict[str, object], extra: set[str], indent: int | None) -> None:
    """Fields that are taken leave the body; of the others no value changes."""
    fields = frozenset(list(values)[::2]) | frozenset(extra)
    taken, rest = take(json.dumps(values, indent=indent).encode(), fields)
    assert set(taken) == set(values) & fields
    assert json.loads(rest) == {name: value for name, value in values.items() if name not in fields}


def test_numbers_keep_every_digit() -> None:
    """A number goes on as it was written, in the path and in what is left."""
    data = b' { "id" : 12345678901234567890123 , "sum" : 1.10e+2 , "last":0.1000000000000000055 } '
    taken, rest = take(data, frozenset({"id"}))
    assert taken == {"id": "12345678901234567890123"}
    assert rest == b'{"sum" : 1.10e+2,"last":0.1000000000000000055}'


@pytest.mark.parametrize("data", [b"[]", b"1", b"", b"{", b'{"a"', b'{"a":}', b'{"a":1,', b'{"a":1', b"\xff"])
def test_only_objects_have_fields(data: bytes) -> None:
    """What is not a JSON object has nothing to fill a path with."""
    with pytest.raises(Unfillable):
        take(data, frozenset({"a"}))
