"""Reading YAML without surprises."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from documents.yaml_text import MAX_DEPTH, Plain, read_yaml, typed


def test_scalars_stay_what_was_written() -> None:
    """Codes, times, days and the word no are texts; only an empty value, ~ and null are nothing."""
    (parsed,), flaws = read_yaml(
        b"a: 0123\nb: 12:30\nc: no\nd: 2027-12-31\ne: 1.0\nf: ~\ng:\nh: null\ni: ''\nj: 'null'"
    )
    assert parsed.value == {
        "a": "0123",
        "b": "12:30",
        "c": "no",
        "d": "2027-12-31",
        "e": "1.0",
        "f": None,
        "g": None,
        "h": None,
        "i": "",
        "j": "null",
    }
    assert flaws == []


@pytest.mark.parametrize(
    ("text", "value"),
    [("5", 5), ("-5", -5), ("0.5", 0.5), ("0", 0), ("true", True), ("false", False)],
)
def test_a_plain_number_or_boolean_becomes_one_where_the_field_wants_it(text: str, value: object) -> None:
    """What JSON would read as a number or a boolean is one."""
    assert typed(Plain(text)) == value
    assert type(typed(Plain(text))) is type(value)


@pytest.mark.parametrize(
    "text", ["0123", "1e5", "+1", ".5", "5.", "0x1F", "1_000", "yes", "True", "NaN", "9" * 40, "1.0.0"]
)
def test_what_is_rather_a_code_stays_a_text(text: str) -> None:
    """Leading zeros, exponents and the many YAML spellings are not numbers."""
    assert typed(Plain(text)) == text


def test_quotes_make_a_text() -> None:
    """A number in quotes is a text, wherever it stands."""
    (parsed,), _ = read_yaml(b"a: '5'\nb: [5, \"5\"]")
    assert typed(parsed.value) == {"a": "5", "b": [5, "5"]}


def test_every_place_has_its_line() -> None:
    """Lines are counted from 1 through all documents of the file."""
    (first, second), _ = read_yaml(b"# comment\na: 1\n---\nb:\n  - c: 1\n  - {d/e: 2}\n")
    assert first.lines["/a"] == 2
    assert (second.lines["/b"], second.lines["/b/0/c"], second.lines["/b/1/d~1e"]) == (4, 5, 6)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 1\nb: 2\na: 3", 3, "`a` was already given in line 1"),
        ("a:\n  b: 1\n  b: {c: 1}", 3, "`b` was already given in line 2"),
        ("a: b: c", 1, "must stand in quotes"),
        ("a:\n\t- b", 2, "not tabs"),
        ("a: [b", 1, "not closed"),
        ("a: 'b", 1, "not closed"),
        ("a: !!python/object:os.system b", 1, "tags"),
        ("a: !!binary aGVsbG8=", 1, "tags"),
        ("a: *b", 1, "names nothing"),
        ("a: &b [*b]", 1, "names nothing"),
        ("? [a]\n: b", 1, "a field's name is a text"),
        ("[" * 1000, 1, f"more than {MAX_DEPTH} levels"),
        ("a: " + "{a: " * 1000, 1, f"more than {MAX_DEPTH} levels"),
        ("a: \x01", 0, "cannot be read as YAML"),
        ("%YAML 9.9\n---\na: 1", 1, "cannot be read as YAML"),
    ],
)
def test_a_flaw_names_its_line_and_what_to_do(text: str, line: int, words: str) -> None:
    """Whatever is wrong with the text is said once, with its line."""
    _, flaws = read_yaml(text.encode())
    assert [(flaw.line, words in flaw.message) for flaw in flaws] == [(line, True)]


def test_what_stands_before_a_flaw_is_still_read() -> None:
    """One broken document does not hide the problems of those before it."""
    parsed, flaws = read_yaml(b"a: 1\n---\nb: [")
    assert parsed[0].value == {"a": "1"}
    assert flaws


def test_the_first_of_two_equal_fields_is_kept() -> None:
    """A field that is given twice is an error, and does not change what was read before it."""
    (parsed,), _ = read_yaml(b"a: 1\na: {b: 2}\nc: 3")
    assert parsed.value == {"a": "1", "c": "3"}


def test_an_alias_repeats_what_its_anchor_named() -> None:
    """Anchors are allowed for what people use them for."""
    (parsed,), flaws = read_yaml(b"a: &x {b: [1, 2]}\nc: *x")
    assert typed(parsed.value) == {"a": {"b": [1, 2]}, "c": {"b": [1, 2]}}
    assert flaws == []


def test_aliases_cannot_grow_without_end() -> None:
    """Nine levels of ten aliases would be a billion values; the file is refused at a bound."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    _, flaws = read_yaml("\n".join(lines).encode())
    assert ["split it" in flaw.message for flaw in flaws] == [True]


@pytest.mark.parametrize(("data", "words"), [(b"a: \xff", "not in UTF-8"), (b"a: " + b"x" * 5_000_000, "larger than")])
def test_a_file_in_another_character_set_or_too_large_is_refused(data: bytes, words: str) -> None:
    """Files are UTF-8, with or without a byte order mark, and of a size that people write."""
    assert words in read_yaml(data)[1][0].message
    assert read_yaml(b"\xef\xbb\xbfa: 1")[0][0].value == {"a": "1"}


@given(st.text(alphabet="ab:-[]{}&*!?|>'\"#%@,\n\t 01~", max_size=60))
def test_no_text_breaks_the_reader(text: str) -> None:
    """Every text is read or has a flaw, and never raises."""
    read_yaml(text.encode())


@given(st.binary(max_size=60))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    """Bytes of any kind are read or have a flaw."""
    read_yaml(data)
