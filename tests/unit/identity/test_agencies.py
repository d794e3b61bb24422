"""Agency codes and the table that joins the two kinds."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.errors import AgencyCodeInvalid
from identity.agencies import Agencies, Agency, parse_code, parse_legacy_code

ON = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ("H57", ("H57",)),
        ("G12.18", ("G12", "18")),
        ("H55.242", ("H55", "242")),
        ("H37.DN.001", ("H37", "DN", "001")),
        ("H57" + ".1234567" * 4, ("H57", *["1234567"] * 4)),
    ],
)
def test_a_code_grows_from_left_to_right(text: str, groups: tuple[str, ...]) -> None:
    """Decision 20/2020: the leftmost group is level 1, and groups have any width up to 35 characters in all."""
    assert parse_code(text) == groups


@pytest.mark.parametrize(
    "text", ["", "h57", "H5", "H57.", "H57..05", "57.H", "H57.05\n", "H57.0a", "H57.Đ1", "H٥٧", "28.22.H17"]
)
def test_what_is_no_code_is_refused_with_an_example(text: str) -> None:
    """A refusal of a code shows what a right one looks like."""
    with pytest.raises(AgencyCodeInvalid, match=r"H57\.05\.01"):
        parse_code(text)


def test_a_code_of_36_characters_is_refused() -> None:
    """Thirty-five characters are the most that a code may have."""
    with pytest.raises(AgencyCodeInvalid, match="at most 35"):
        parse_code("H57" + ".12345678901" * 3)


def test_an_older_code_in_the_place_of_a_newer_one_is_named_so() -> None:
    """Whoever writes the older form as a code is told where it belongs."""
    with pytest.raises(AgencyCodeInvalid, match="legacyCode"):
        parse_code("000.00.05.H57")


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ("000.00.00.H57", ("H57",)),
        ("000.00.05.H57", ("H57", "05")),
        ("000.01.05.H57", ("H57", "05", "01")),
        ("023.01.05.H57", ("H57", "05", "01", "023")),
        ("001.00.20.H57", ("H57", "20", "00", "001")),
    ],
)
def test_an_older_code_is_read_from_right_to_left(text: str, groups: tuple[str, ...]) -> None:
    """QCVN 102:2016: the rightmost group is level 1 and zeros at the left are levels not used."""
    assert parse_legacy_code(text) == groups


@pytest.mark.parametrize("text", ["H57.05", "00.22.W00", "999.010.01.H22", "01.02.G22", "001.00.20.JB2", "a"])
def test_what_is_no_older_code_is_refused(text: str) -> None:
    """Mixed forms are seen in the wild and are neither of the two."""
    with pytest.raises(AgencyCodeInvalid, match=r"000\.01\.05\.H57"):
        parse_legacy_code(text)


@given(st.text(max_size=40))
def test_no_text_is_read_as_both_kinds(text: str) -> None:
    """The two forms exclude each other, so `find` never guesses."""
    read = 0
    for parse in (parse_code, parse_legacy_code):
        try:
            parse(text)
            read += 1
        except AgencyCodeInvalid:
            pass
    assert read < 2


AGENCIES = Agencies(
    [
        Agency("H57", legacy_code="000.00.00.H57"),
        Agency("H57.13", legacy_code="000.00.13.H57", valid_until=date(2025, 2, 28), successor="H57.12"),
        Agency("H57.12", legacy_code="000.00.99.H57", valid_from=date(2025, 3, 1)),
        Agency("H46", legacy_code="000.00.00.H46", valid_until=date(2025, 6, 30), successor="H45"),
        Agency("H45", legacy_code="000.00.00.H46", valid_from=date(2025, 7, 1)),
        Agency("A01", valid_until=date(2020, 1, 1), successor="A02"),
        Agency("A02", valid_until=date(2020, 1, 1), successor="A01"),
        Agency("A03", valid_until=date(2020, 1, 1), successor="A99"),
    ]
)


def test_the_two_codes_are_joined_by_the_table() -> None:
    """An older code is looked up: reversing H57.12 would have given another one."""
    found = AGENCIES.find("000.00.99.H57", ON)
    assert found is not None
    assert found.code == "H57.12"
    assert AGENCIES.find("H57.12", ON) is found
    assert AGENCIES.find("000.00.12.H57", ON) is None


def test_an_older_code_with_two_bearers_is_the_one_of_that_day() -> None:
    """A merged province keeps the code of one of the old ones; the day tells whose it was."""
    before, after = AGENCIES.find("000.00.00.H46", date(2025, 6, 30)), AGENCIES.find("000.00.00.H46", ON)
    assert before is not None
    assert after is not None
    assert (before.code, after.code) == ("H46", "H45")


def test_a_closed_agency_leads_to_its_successor() -> None:
    """What a closed agency once signed is answered for by the agency it was merged into."""
    successor = AGENCIES.successor("H57.13", ON)
    assert successor is not None
    assert successor.code == "H57.12"
    itself = AGENCIES.successor("H57.13", date(2025, 2, 28))
    assert itself is not None
    assert itself.code == "H57.13"


@pytest.mark.parametrize("code", ["A01", "A03", "A98"])
def test_successors_that_lead_nowhere_end(code: str) -> None:
    """A circle of successors, or one to an agency that is not in the table, yields nobody."""
    assert AGENCIES.successor(code, ON) is None
