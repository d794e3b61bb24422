"""The tree of errors."""

from copy import copy

import pytest

from bus.errors import BodyInvalid, BusError, Finding, JournalUnavailable, every_error
from bus.languages import VIETNAMESE


@pytest.mark.parametrize(
    "error",
    [JournalUnavailable(), BodyInvalid(contract="a.b", count=2, findings=[Finding("/a", "type")], retry_after=3)],
)
def test_copy_is_the_same_error(error: BusError) -> None:
    """A copy says the same, with the same facts and findings, and is another object: each has its own reference."""
    other = copy(error)
    assert type(other) is type(error)
    assert str(other) == str(error)
    assert (other.facts, other.findings, other.retry_after) == (error.facts, error.findings, error.retry_after)
    other.reference = "writer-1"
    assert error.reference == ""


def test_each_error_has_a_code_of_its_own_and_both_languages() -> None:
    """No two errors share a code, and each is said in Vietnamese too, with the same facts or fewer."""
    errors = list(every_error())
    assert len({error.code for error in errors}) == len(errors)
    assert {error.code for error in errors} == set(VIETNAMESE)
