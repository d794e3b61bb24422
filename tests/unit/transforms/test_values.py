"""Single values into other single values."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.errors import DocumentInvalid
from transforms.scope import MISSING, Broken, Convert
from transforms.values import (
    compile_boolean,
    compile_case,
    compile_name_part,
    compile_split,
    compile_type,
    text_of,
    trim,
)

SCALARS = st.booleans() | st.integers() | st.floats() | st.text()
CONVERSIONS: list[Convert] = [
    *(compile_type(name) for name in ("string", "number", "integer", "boolean")),
    *(compile_name_part(part) for part in ("family", "middle", "given")),
    compile_boolean(["Y", "N"], None),
    compile_boolean(None, ["Y", "N"]),
    compile_case("upper"),
    compile_split(";"),
    trim,
]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "a"),
        (12, "12"),
        (True, "true"),
        (False, "false"),
        (1.5, "1.5"),
        (1e21, "1" + "0" * 21),
        (1e-7, "0.0000001"),
    ],
)
def test_a_value_as_text(value: object, text: str) -> None:
    """Numbers are written in plain decimals, as XSD's decimal wants them, truth as true and false."""
    assert text_of(value) == text


@pytest.mark.parametrize("value", [{}, [], None, float("inf"), float("nan"), 2**63])
def test_what_is_no_single_value_has_no_text(value: object) -> None:
    """Objects, lists and numbers that JSON does not have are refused."""
    with pytest.raises(Broken):
        text_of(value)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("12", 12),
        ("-7", -7),
        ("007", 7),
        ("12.50", 12.5),
        ("1e3", 1000.0),
        (3, 3),
        (2.5, 2.5),
        ("9223372036854775807", 2**63 - 1),
    ],
)
def test_a_text_as_number(value: object, number: float) -> None:
    """Whole numbers stay whole; decimals become JSON's number."""
    result = compile_type("number")(value)
    assert (result, type(result)) == (number, type(number))


@pytest.mark.parametrize(
    "value", ["1,5", "1.234.567", "NaN", "Infinity", "1e400", "0x1", "१२", " 1", "12345678901234567.89", True, [], {}]
)
def test_a_number_is_not_guessed(value: object) -> None:
    """Decimal commas, other digits, and more digits than a double holds are refused rather than changed."""
    with pytest.raises(Broken):
        compile_type("number")(value)


def test_a_whole_number() -> None:
    """A decimal without fraction is whole; anything else, and more than 64 bits, is not."""
    integer = compile_type("integer")
    assert [integer(value) for value in ("5", 5, 5.0, "+5", "-0")] == [5, 5, 5, 5, 0]
    value: object
    for value in ("5.0", 5.5, "five", True, 2**63, "9999999999999999999", float("nan"), float("inf"), []):
        with pytest.raises(Broken):
            integer(value)


@pytest.mark.parametrize("value", [True, "True", "TRUE", "1", 1, 1.0, "yes", "Có", "Co\u0301", "đúng", "Y"])
def test_yes_in_every_spelling(value: object) -> None:
    """Truth is read as the country's systems write it, in any case and Unicode form."""
    assert compile_type("boolean")(value) is True


@pytest.mark.parametrize("value", [False, "False", "0", 0, "no", "Không", "sai", "n"])
def test_no_in_every_spelling(value: object) -> None:
    """Likewise its opposite."""
    assert compile_type("boolean")(value) is False


@pytest.mark.parametrize("value", ["maybe", 2, -1, 0.5, "null", [], {}])
def test_perhaps_is_refused(value: object) -> None:
    """What is neither yes nor no is an error, not a no."""
    with pytest.raises(Broken):
        compile_type("boolean")(value)


def test_truth_is_written_as_a_pair() -> None:
    """`boolean: [Y, N]` writes the first for true; a source pair is read exactly."""
    write = compile_boolean(["True", "False"], None)
    assert [write(value) for value in (True, "0", "Có")] == ["True", "False", "True"]
    read = compile_boolean(None, ["Y", 0])
    assert [read(value) for value in ("Y", "0", 0, "")] == [True, False, False, MISSING]
    with pytest.raises(Broken, match="neither Y nor 0"):
        read("y")


@pytest.mark.parametrize(
    ("name", "family", "middle", "given_name"),
    [
        ("Nguyễn Thị Minh Khai", "Nguyễn", "Thị Minh", "Khai"),
        ("  Lê   Lợi ", "Lê", MISSING, "Lợi"),
        ("Lan", MISSING, MISSING, "Lan"),
        ("", MISSING, MISSING, MISSING),
    ],
)
def test_the_parts_of_a_vietnamese_name(name: str, family: object, middle: object, given_name: object) -> None:
    """The first word is the family's, the last the person's own, what lies between the middle name."""
    parts = [compile_name_part(part)(name) for part in ("family", "middle", "given")]
    assert parts == [family, middle, given_name]


def test_pieces_are_trimmed_and_empty_ones_dropped() -> None:
    """`12; 13;` is two pieces."""
    assert compile_split(";")("12; 13;") == ["12", "13"]


def test_case_and_trim_leave_other_values_alone() -> None:
    """They are about texts; a number passes."""
    assert [compile_case("upper")(value) for value in ("Trần Thị B", 5)] == ["TRẦN THỊ B", 5]
    assert [trim(value) for value in (" VDXP ", 5)] == ["VDXP", 5]


def test_an_unknown_choice_names_the_nearest() -> None:
    """A slip in a word is answered with the word that was meant."""
    with pytest.raises(DocumentInvalid) as caught:
        compile_type("integr")
    assert caught.value.findings[0].rule == "`integr` is not a type: did you mean `integer`?"


@given(SCALARS | st.just([]) | st.just({}))
def test_conversions_are_total(value: object) -> None:
    """Any value is converted, or is none, or is refused with a rule."""
    for convert in CONVERSIONS:
        with suppress(Broken):
            convert(value)


@given(st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_survives_as_text(number: float) -> None:
    """Written as text and read as a number it is the same double, or the same whole number."""
    again = compile_type("number")(text_of(number))
    assert again == number or float(str(again)) == number
