"""Passwords, and what is kept of them."""

import unicodedata

import pytest
from argon2 import extract_parameters
from hypothesis import given, settings
from hypothesis import strategies as st

from bus.errors import PasswordUnfit
from identity.passwords import LONGEST, Passwords, require_fit

CHEAP = Passwords(time_cost=1, memory_cost=8, parallelism=1)
GOOD = "ba con vịt bơi"


def test_parameters_are_those_that_are_recommended() -> None:
    """What is kept by default is argon2id with 64 MiB, three passes, four lanes: RFC 9106 §4, second choice."""
    found = extract_parameters(Passwords().nobodys())
    assert (found.type.name, found.memory_cost, found.time_cost, found.parallelism) == ("ID", 65_536, 3, 4)


def test_a_password_matches_its_own_hash_alone() -> None:
    """Each hash has a salt of its own, and another password matches none."""
    one, other = CHEAP.hash(GOOD), CHEAP.hash(GOOD)
    assert one != other
    assert CHEAP.matches(one, GOOD)
    assert CHEAP.matches(other, GOOD)
    assert not CHEAP.matches(one, GOOD + " ")
    assert GOOD not in one


def test_a_letter_with_marks_is_one_letter() -> None:
    """A password typed on a keyboard that decomposes letters, or that writes another space, is the same one."""
    kept = CHEAP.hash(unicodedata.normalize("NFC", GOOD))
    assert CHEAP.matches(kept, unicodedata.normalize("NFD", GOOD))
    assert CHEAP.matches(kept, GOOD.replace(" ", "\u00a0"))


@settings(deadline=None)
@given(st.text(st.characters(codec=None)), st.text())
def test_nothing_that_is_given_or_kept_raises(given_text: str, kept: str) -> None:
    """Whatever is sent as a password, and whatever lies in the journal, the answer is yes or no."""
    assert not CHEAP.matches(CHEAP.nobodys(), given_text)
    assert not CHEAP.matches(kept, given_text)


def test_nobodys_hash_costs_as_much_as_any() -> None:
    """What is checked for somebody who is not there has the parameters, and the lengths, of a real hash."""
    assert extract_parameters(CHEAP.nobodys()) == extract_parameters(CHEAP.hash(GOOD))
    assert CHEAP.nobodys() != CHEAP.nobodys()


def test_a_hash_by_other_parameters_is_outdated() -> None:
    """It still matches, and is to be made anew."""
    kept = CHEAP.hash(GOOD)
    dearer = Passwords(time_cost=2, memory_cost=8, parallelism=1)
    assert not CHEAP.outdated(kept)
    assert dearer.outdated(kept)
    assert dearer.matches(kept, GOOD)


@pytest.mark.parametrize(
    "password",
    [
        "",
        "eleven char",
        "a.long.enough.name",
        "A.Long.Enough.Name",
        "a" * 40,
        "x\x00" * 10,
        "\ud800" + GOOD,
        "ế" * 600 + "a",
    ],
)
def test_a_password_that_is_no_use_is_refused(password: str) -> None:
    """Too short, the name itself, one character again and again, what no form takes, or endless; never quoted."""
    with pytest.raises(PasswordUnfit) as caught:
        require_fit(password, "a.long.enough.name")
    assert not password or password not in caught.value.text


def test_a_long_sentence_is_a_password() -> None:
    """Twelve characters of any kind are enough, and a whole sentence is not too much."""
    for password in ("twelve chars", GOOD, "mot hai ba bon nam " * 50):
        require_fit(password, "an")
    assert not CHEAP.matches(CHEAP.hash(GOOD), "x" * (LONGEST + 1))
