"""What the bus says in two languages."""

import re

import pytest

import identity.credentials  # noqa: F401 - loads whatever defines errors beside bus.errors
from bus.errors import BusError, Finding, every_error
from bus.languages import FINDINGS, VIETNAMESE, Language, negotiate, say, say_finding


def test_each_error_has_a_code_of_its_own() -> None:
    """No two errors share a code."""
    codes = [error.code for error in every_error()]
    assert len(codes) == len(set(codes))


def test_each_error_speaks_vietnamese() -> None:
    """Each error has a Vietnamese text that names the same facts as the English, and no text is without its error."""
    english = {error.code: error.__doc__ or "" for error in every_error()}
    assert english.keys() == VIETNAMESE.keys()
    for code, text in english.items():
        assert set(re.findall(r"{\w+}", text)) == set(re.findall(r"{\w+}", VIETNAMESE[code])), code


@pytest.mark.parametrize("error", list(every_error()), ids=lambda error: error.code)
def test_message_without_facts_can_be_said(error: type[BusError]) -> None:
    """An error that was raised without its facts still reads as a sentence."""
    for language in Language:
        assert "{" not in say(error(), language)


@pytest.mark.parametrize("rule", list(FINDINGS))
def test_findings_are_said_in_both_languages(rule: str) -> None:
    """Each rule that has sentences has one in each language, and they name the limit alike."""
    finding = Finding("/a", rule, "LIMIT")
    english, vietnamese = (say_finding(finding, language) for language in (Language.EN, Language.VI))
    assert english != vietnamese
    assert ("LIMIT" in english) == ("LIMIT" in vietnamese)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, Language.VI),
        ("en", Language.EN),
        ("en-GB,vi;q=0.9", Language.EN),
        ("vi-VN,en;q=0.9", Language.VI),
        ("fr", Language.VI),
        ("en;q=0", Language.VI),
        ("vi;q=broken, en;q=0.1", Language.EN),
        ("*", Language.VI),
    ],
)
def test_language_is_negotiated(header: str | None, expected: Language) -> None:
    """The better liked of the two languages is spoken; Vietnamese where neither is asked for."""
    assert negotiate(header) is expected
