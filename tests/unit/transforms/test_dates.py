"""Dates from one form into another."""

from contextlib import suppress
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.errors import DocumentInvalid
from transforms.dates import compile_date
from transforms.scope import MISSING, Broken

FORMS = {
    "date": "1990-02-28",
    "dateTime": "1990-02-28T23:05:09+07:00",
    "dd/MM/yyyy": "28/02/1990",
    "yyyyMMdd": "19900228",
    "yyyyMMddHHmmss": "19900228230509",
    "dd/MM/yyyy HH:mm:ss": "28/02/1990 23:05:09",
    "yyyy/MM/dd": "1990/02/28",
    "MM/yyyy": "02/1990",
    "yyyy": "1990",
}
WITH_TIME = ("dateTime", "yyyyMMddHHmmss", "dd/MM/yyyy HH:mm:ss")


@pytest.mark.parametrize("target", FORMS)
@pytest.mark.parametrize("source", WITH_TIME)
def test_every_form_with_a_time_becomes_every_form(source: str, target: str) -> None:
    """A moment can be written in each form of the country, with what that form has room for."""
    assert compile_date(target, source)(FORMS[source]) == FORMS[target]


@pytest.mark.parametrize("source", ["date", "dd/MM/yyyy", "yyyyMMdd", "yyyy/MM/dd"])
def test_a_day_without_a_time_is_its_midnight(source: str) -> None:
    """As XPath casts xs:date to xs:dateTime (XPath Functions 3.1 §19.1.5)."""
    assert compile_date("dd/MM/yyyy HH:mm:ss", source)(FORMS[source]) == "28/02/1990 00:00:00"
    assert compile_date("dateTime", source)(FORMS[source]) == "1990-02-28T00:00:00+07:00"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2026-11-21T20:30:00Z", "22/11/2026 03:30:00"),
        ("2026-11-21T20:30:00.123456789Z", "22/11/2026 03:30:00"),
        ("2026-11-22T03:30:00+07:00", "22/11/2026 03:30:00"),
        ("2026-11-21T18:00:00-02:30", "22/11/2026 03:30:00"),
        ("2026-11-22T03:30:00", "22/11/2026 03:30:00"),
        ("2026-11-22", "22/11/2026 00:00:00"),
        ("2026-11-22+07:00", "22/11/2026 00:00:00"),
        ("2026-11-22Z", "22/11/2026 00:00:00"),
    ],
)
def test_a_moment_is_told_in_the_countrys_time(text: str, written: str) -> None:
    """A moment with a zone becomes UTC+7; one without a zone, and a day, are the country's already."""
    assert compile_date("dd/MM/yyyy HH:mm:ss", None)(text) == written


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("dd/MM/yyyy", "31/02/1990"),
        ("dd/MM/yyyy", "1/2/1990"),
        ("dd/MM/yyyy", "01/02/90"),
        ("dd/MM/yyyy", "01/02/1990 "),
        ("dd/MM/yyyy", "01-02-1990"),
        ("dd/MM/yyyy", "٠١/٠٢/١٩٩٠"),
        ("dd/MM/yyyy", "01/02/0000"),
        ("yyyyMMdd", "1990228"),
        ("yyyyMMddHHmmss", "19900228240000"),
        ("date", "1990-02-28T00:00:00"),
        ("ISO 8601", "28/02/1990"),
        ("ISO 8601", "1990-02"),
        ("ISO 8601", "1990-02-28T00:00:60Z"),
        ("ISO 8601", "0001-01-01T00:00:00+14:00"),
        ("ISO 8601", "9999-12-31T23:00:00Z"),
        ("ISO 8601", "1990-02-28T00:00:00+15:00"),
    ],
)
def test_reading_is_strict(source: str, text: str) -> None:
    """What is not exactly a date of the form is an error that names the form and not the text."""
    with pytest.raises(Broken) as caught:
        compile_date("dateTime", source)(text)
    assert caught.value.rule == f"the text is not a date of the form {source}"


def test_a_form_of_digits_may_come_as_a_number() -> None:
    """JSON writers without care send 19900228 as a number; a date with separators cannot be one."""
    assert compile_date("dd/MM/yyyy", "yyyyMMdd")(19900228) == "28/02/1990"
    value: object
    for value in (-1, 10**5000, 1990.0, True, [], {}):
        with pytest.raises(Broken):
            compile_date("dd/MM/yyyy", "yyyyMMdd")(value)


def test_an_empty_text_is_no_date() -> None:
    """Systems write an unknown date as an empty text: the field is left out, not refused."""
    assert compile_date("dd/MM/yyyy", None)("") is MISSING


def test_a_form_that_is_not_named_is_iso() -> None:
    """`date: {from: …}` writes ISO 8601, with a time where the source has one."""
    assert compile_date(None, "dd/MM/yyyy")("28/02/1990") == "1990-02-28"
    assert compile_date(None, "yyyyMMddHHmmss")("19900228230509") == "1990-02-28T23:05:09+07:00"


@pytest.mark.parametrize("form", ["dd/mm/yyyy", "DD/MM/YYYY", "HH:mm", "MM-dd", "yyyy yyyy", "yy", "iso", "yyyy-'T'"])
def test_a_form_that_is_none_is_refused_with_the_letters_meaning(form: str) -> None:
    """dd/mm/yyyy, which says minutes, is refused when the document is checked and not when a message comes."""
    with pytest.raises(DocumentInvalid) as caught:
        compile_date("date", form)
    assert "MM the month" in caught.value.findings[0].rule


def test_a_target_cannot_know_more_than_its_source() -> None:
    """A year has no day to write."""
    with pytest.raises(DocumentInvalid) as caught:
        compile_date("dd/MM/yyyy", "yyyy")
    assert "does not have MM and dd" in caught.value.findings[0].rule


@given(st.datetimes().map(lambda moment: moment.replace(microsecond=0)), st.sampled_from(WITH_TIME))
def test_there_and_back_again(moment: datetime, form: str) -> None:
    """A moment in any form with a time survives the way into that form and back."""
    iso = moment.isoformat()
    there = compile_date(form, None)(iso)
    assert compile_date("yyyy-MM-ddTHH:mm:ss", form)(there) == iso


@given(st.text(max_size=25), st.sampled_from(sorted(FORMS)))
def test_any_text_is_a_date_or_is_refused(text: str, form: str) -> None:
    """Reading raises nothing but `Broken`."""
    with suppress(Broken):
        compile_date("yyyy", form)(text)
