"""A call taken apart again: path, query and body into the message that they were made of."""

from urllib.parse import urlsplit

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.rest.paths import Kinds, Lead, Offer, Paths
from adapters.rest.source import message, query_of
from adapters.rest.target import Target, take
from bus.envelope import Format
from bus.errors import BodyInvalid, JsonForbidden, JsonMalformed, QueryInvalid

KINDS = {
    "id": Kinds(frozenset({"string"})),
    "n": Kinds(frozenset({"integer"})),
    "x": Kinds(frozenset({"number", "null"})),
    "done": Kinds(frozenset({"boolean"})),
    "tags": Kinds(frozenset({"array"}), frozenset({"string"})),
    "numbers": Kinds(frozenset({"array"}), frozenset({"integer"})),
}
LEAD = Lead("look-up", 1, Format.JSON, KINDS)
QUERY = {"x": "x", "xong": "done", "tag": "tags", "no[]": "numbers"}
PATHS = ("/{id}", "/a/{id}/b/{n}", "/a/{id}/v{n}.json", "/{n}-{id}", "/hồ sơ/{n}/{id}")
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))  # neither is ever accepted
STEP = TEXT.filter(lambda text: text not in {"", ".", ".."})
FIELDS = st.fixed_dictionaries(
    {"id": STEP, "n": st.integers(0, 2**63 - 1)},
    optional={
        "x": st.one_of(st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False)),
        "done": st.booleans(),
        "tags": st.lists(TEXT, min_size=1),
        "numbers": st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1),
    },
)
REST = st.dictionaries(
    TEXT.map(lambda name: f"_{name}"),
    st.recursive(st.one_of(st.none(), st.integers(0, 9), TEXT), st.lists, max_leaves=5),
)


def offer(path: str = "/{id}", method: str = "POST", **query: str) -> Offer:
    return Offer("o", method, path, query or QUERY, leads=(LEAD,))


def read(given_offer: Offer, url: str, body: bytes | None = None) -> object:
    path, _, query = url.partition("?")
    (place,) = Paths([given_offer]).at(path)
    return orjson.loads(message(given_offer, LEAD, place.values, query_of(query.encode()), body))


@given(st.sampled_from(PATHS), FIELDS, REST)
def test_outbound_and_inbound_are_each_others_reverse(
    path: str, fields: dict[str, object], rest: dict[str, object]
) -> None:
    """What the bus would call for a message, read as a call, is that message."""
    whole = {**rest, **fields}
    target = Target(path, QUERY)
    values, left = take(orjson.dumps(whole), target.fields)
    assert read(offer(path), target.fill(values), left) == whole


@given(FIELDS)
def test_read_without_a_body(fields: dict[str, object]) -> None:
    """Where a method has no body, the fields are the whole message."""
    target = Target("/{id}/{n}", QUERY)
    values, _ = take(orjson.dumps(fields), target.fields)
    assert read(offer("/{id}/{n}", "GET"), target.fill(values)) == fields


@given(st.text(), st.binary())
def test_any_address_is_read_or_refused(path: str, query: bytes) -> None:
    """No path and no query make the reading fail otherwise than by a refusal."""
    found = [*Paths([offer(each) for each in PATHS]).at("/" + path)]
    try:
        pairs = query_of(query)
    except QueryInvalid:
        return
    for place in found:
        for each in place.offers["POST"]:
            try:
                message(each, LEAD, place.values, pairs, b"{}")
            except QueryInvalid:
                continue


@pytest.mark.parametrize(
    ("text", "kinds", "value"),
    [
        ("007", "n", "007"),  # no number of JSON: the schema refuses the text
        ("1.50", "x", 1.5),
        ("True", "done", True),
        ("false", "done", False),
        ("1", "done", "1"),
        ("yes", "done", "yes"),
        ("", "n", ""),
        ("12", "tags", ["12"]),
        ("null", "x", "null"),
    ],
)
def test_text_becomes_what_the_schema_names(text: str, kinds: str, value: object) -> None:
    """A number and a truth value by their own spelling; whatever is none stays a text, for the schema to refuse."""
    assert read(offer("/a", "GET", q=kinds), f"/a?q={text}") == {kinds: value}


def test_number_keeps_its_digits() -> None:
    """A number is taken as it is written."""
    made = message(offer("/a", "GET", q="x"), LEAD, (), [("q", "1.500000000000000000001")], None)
    assert made == b'{"x":1.500000000000000000001}'


def test_body_keeps_its_bytes() -> None:
    """The members of a body stand in the message as they were written."""
    made = message(offer("/{id}"), LEAD, ("7",), [], b' { "a" : 1.50,"b":"\\u0111" } \n')
    assert made == b'{"id":"7", "a" : 1.50,"b":"\\u0111" }'
    plain = offer("/a")
    assert message(plain, LEAD, (), [], b"{}") == b"{}"


def test_operation_without_fields_takes_any_body() -> None:
    """A body that nothing is put into goes on as it is."""
    plain = Offer("o", "POST", "/a", leads=(LEAD,))
    assert message(plain, LEAD, (), [], b"[1 ]") == b"[1 ]"
    assert message(plain, LEAD, (), [], None) == b"{}"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"[]", BodyInvalid),
        (b'{"id":"8"}', BodyInvalid),
        (b'{"\\u0069d":"8"}', BodyInvalid),
        (b'{"tags":[]}', BodyInvalid),
        (b'{"a":1,"a":2}', JsonForbidden),
        (b'{"a":1}}', JsonMalformed),
    ],
)
def test_body_cannot_say_what_the_path_says(body: bytes, error: type[Exception]) -> None:
    """A field of path or query in the body, or a body that nothing can be put into, is refused."""
    with pytest.raises(error):
        message(offer("/{id}"), LEAD, ("7",), [], body)


@pytest.mark.parametrize("query", ["y=1", "x=1&X=2", "tag", "tag=%ff", "x=%zz&q=1"])
def test_unknown_parameters_are_refused(query: str) -> None:
    """What would not reach the provider is not dropped in silence, and what is not UTF-8 is not guessed."""
    known = "tag" if query == "tag" else ""
    if known:
        assert read(offer("/a"), f"/a?{query}") == {"tags": [""]}
        return
    with pytest.raises(QueryInvalid) as refused:
        read(offer("/a"), f"/a?{query}")
    assert "y" not in refused.value.facts["hint"].split()


def test_field_in_two_places_is_the_same_in_both() -> None:
    """One field that stands in path and query is refused where they differ."""
    both = offer("/{id}", "GET", id="id")
    assert read(both, "/7?id=7") == {"id": "7"}
    with pytest.raises(QueryInvalid):
        read(both, "/7?id=8")


def found(paths: Paths, path: str, method: str = "GET") -> tuple[str, tuple[str, ...]] | None:
    """The name and the values of the operation that a call finds."""
    return next(((each.offers[method][0].name, each.values) for each in paths.at(path) if method in each.offers), None)


def table(*paths: str) -> Paths:
    return Paths([Offer(path, "GET", path, leads=(LEAD,)) for path in paths])


@pytest.mark.parametrize(
    ("path", "name", "values"),
    [
        ("/a/b", "/a/b", ()),
        ("/a/%62", "/a/b", ()),
        ("/a/b%2Fc", "/a/{x}", ("b/c",)),
        ("/a/%2562", "/a/{x}", ("%62",)),
        ("/a/b.json", "/a/{x}.json", ("b",)),
        ("/a/b%2Ejson", "/a/{x}.json", ("b",)),
        ("/a/.json", "/a/{x}", (".json",)),
        ("/a/v1-b.json", "/a/v{x}-{y}.json", ("1", "b")),
        ("/a/b/c", "/a/{x}/c", ("b",)),
        ("/c/b/d", "/{x}/b/d", ("c",)),
        ("/a/c/d", "/a/{x}/{y}", ("c", "d")),
        ("/hồ-sơ", "/hồ-sơ", ()),
        ("/h%E1%BB%93-s%C6%A1", "/hồ-sơ", ()),
        ("", "", ()),
        ("/", "/", ()),
    ],
)
def test_most_exact_path_wins(path: str, name: str, values: tuple[str, ...]) -> None:
    """What a template writes out wins over what it leaves open, and each segment is decoded once."""
    paths = table(
        "/{x}/b/d", "/a/{x}/{y}", "/a/{x}", "/a/{x}.json", "/a/v{x}-{y}.json", "/a/b", "/a/{x}/c", "/hồ-sơ", "", "/"
    )
    assert found(paths, path) == (name, values)


@pytest.mark.parametrize(
    "path", ["/b", "/a", "/a/", "/a/.", "/a/..", "/a/%2e%2e", "/a/b/", "/a//b", "/a/%zz", "/a/%", "/a/%ff", "/A/b/c/d"]
)
def test_nothing_moves_a_path(path: str) -> None:
    """No step upwards, no empty value, no broken encoding finds an operation."""
    assert found(table("/a/{x}", "/a/{x}/{y}/z"), path) is None


def test_other_template_may_have_the_method() -> None:
    """Where the most exact path has no such method, a less exact one that has it is called."""
    paths = Paths([Offer("search", "POST", "/a/search", leads=(LEAD,)), Offer("one", "GET", "/a/{x}", leads=(LEAD,))])
    assert found(paths, "/a/search", "POST") == ("search", ())
    assert found(paths, "/a/search") == ("one", ("search",))


def test_fields_side_by_side_are_not_offered() -> None:
    """Nobody could tell where one ends and the next begins."""
    assert table("/{x}{y}").offers == ()


def test_long_segment_is_matched_in_one_pass() -> None:
    """A segment with many separators is looked at once for each of a template's, not for each way to divide it."""
    path = "/" + "-".join(f"{{f{n}}}" for n in range(12)) + "!"
    assert found(table(path), "/" + "-" * 50_000) is None
    assert urlsplit(path).path == path
