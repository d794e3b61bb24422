import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.errors import BusError, CharsetUnsupported, JsonForbidden, JsonMalformed
from contracts.json_body import MAX_DEPTH, parse_json

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(VALUES, st.booleans(), st.sampled_from([None, 1]))
def test_reads_what_others_write(value: object, ascii_only: bool, indent: int | None) -> None:
    """Every value that JSON can hold comes back as it was written, escaped or not."""
    assert parse_json(json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()) == value


@given(
    st.binary(max_size=60)
    | st.text(st.sampled_from('{}[]",:0123456789eE+-.\\untrfalse \ufeff'), max_size=40).map(str.encode)
)
def test_never_disagrees_with_another_reader(data: bytes) -> None:
    """What is accepted, the standard library reads as the same value; what is not, raises an error of the bus."""
    try:
        value = parse_json(data)
    except BusError:
        return
    assert repr(value).replace("-0", "0") == repr(json.loads(data)).replace("-0", "0")


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        (b'{"a": 1, "b": {"c": 1, "c": 2}}', "an object names a member twice, line 1, column 28"),
        (b"[1e400]", "a number is beyond the range of a double"),
        (b"[-1E+999]", "a number is beyond the range of a double"),
        (b"1" + b"0" * 400 + b".0", "a number is beyond the range of a double"),
        (b"18446744073709551616", "an integer does not fit 64 bits; send it as a text"),
        (b"-9223372036854775809", "an integer does not fit 64 bits; send it as a text"),
        (b"0." + b"1" * 500, "a number has more than 400 characters"),
        (b'["\\u0000"]', "a text holds the character U+0000"),
        (b'{"\\u0000": 1}', "a text holds the character U+0000"),
        (b'"\\ud800"', "half of a surrogate pair stands alone, line 1, column 8"),
        (b'"\\ud800\\u0041"', "half of a surrogate pair stands alone, line 1, column 13"),
        (b"\xef\xbb\xbf{}", "it begins with a byte order mark (RFC 8259 §8.1)"),
    ],
)
def test_refuses_what_readers_read_differently(data: bytes, hint: str) -> None:
    """Whatever two readers may take for different values is refused with its reason."""
    with pytest.raises(JsonForbidden) as caught:
        parse_json(data)
    assert caught.value.facts == {"hint": hint}


@pytest.mark.parametrize(
    "data", [b"NaN", b"[Infinity]", b"-Infinity", b"", b"  ", b"{'a': 1}", b"[1,]", b"01", b'"\t"']
)
def test_refuses_what_is_not_json(data: bytes) -> None:
    """What RFC 8259 does not allow is malformed, the numbers of other dialects included."""
    with pytest.raises(JsonMalformed):
        parse_json(data)


@pytest.mark.parametrize(
    "tail", [b"", b"]", b', "MARK": 1}', b", MARK", b', "x": 1e999}', b', "\\ud800MARK": 1}', b"\xff"]
)
def test_no_error_quotes_the_body(tail: bytes) -> None:
    """A marker in every name and value of a broken body is in no error."""
    with pytest.raises(BusError) as caught:
        parse_json(b'{"MARK": "MARK", "": ["MARK"' + (b"]" if tail else b"") + tail)
    assert "MARK" not in f"{caught.value} {caught.value.facts}"


def test_names_the_place_of_malformed_json() -> None:
    """The line and column of the first error are told."""
    with pytest.raises(JsonMalformed) as caught:
        parse_json(b'{\n  "a": 1,\n  "b": ?\n}')
    assert caught.value.facts == {"line": "3", "column": "8"}


@pytest.mark.parametrize(
    "data", ['{"a":1}'.encode("utf-16"), '{"a":1}'.encode("utf-16-be"), b'"\xe9"', b'"\xed\xa0\x80"']
)
def test_reads_utf_8_only(data: bytes) -> None:
    """UTF-16 with and without its mark, Latin-1 and encoded surrogates are refused as another character set."""
    with pytest.raises(CharsetUnsupported):
        parse_json(data)


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_bounds_depth(opening: str) -> None:
    """A hundred levels are read, one more is not."""
    closing = "]" if opening == "[" else "}"
    parse_json((opening * MAX_DEPTH + "1" + closing * MAX_DEPTH).encode())
    with pytest.raises(JsonForbidden):
        parse_json((opening * (MAX_DEPTH + 1) + "1" + closing * (MAX_DEPTH + 1)).encode())


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 10_000 + b"]" * 10_000,
        b"[" * 10_000_000,
        b"9" * 1_000_000,
        b"0." + b"9" * 1_000_000,
        b"1e" + b"9" * 1_000_000,
    ],
)
def test_refuses_monsters_in_bounded_memory(data: bytes) -> None:
    """Endless nesting and endless numbers cost no more memory than a few copies of the body."""
    tracemalloc.start()
    try:
        with pytest.raises(BusError):
            parse_json(data)
        assert tracemalloc.get_traced_memory()[1] < 4 * len(data) + 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("number", ["9223372036854775808", "18446744073709551615", "1e308", "5e-324", "0.1", "-0.0"])
def test_keeps_every_number_within_bounds(number: str) -> None:
    """The largest and the smallest numbers of 64 bits and of a double are read exactly."""
    value: Any = json.loads(number)
    assert repr(parse_json(number.encode())) == repr(value)
