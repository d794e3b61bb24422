"""Names of ours out of names of theirs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from documents.importers.naming import LONGEST, Names, is_name, line_of, name_of, path_of, words_of


@pytest.mark.parametrize(
    ("foreign", "name"),
    [
        ("TiepNhanChuyenTuyen", "tiep-nhan-chuyen-tuyen"),
        ("checkVATApprox", "check-vat-approx"),
        ("Đăng_ký.Khai sinh", "dang-ky-khai-sinh"),
        ("getHTTPServer2", "get-http-server2"),
        ("用户", "x"),
        ("", "x"),
    ],
)
def test_a_name_reads_as_theirs(foreign: str, name: str) -> None:
    """Humps, blanks and signs part words; Vietnamese letters lose their marks."""
    assert name_of(foreign) == name


@given(st.text(max_size=300))
def test_any_text_makes_a_name(foreign: str) -> None:
    """Whatever it is made of, a name is one that documents may have."""
    assert is_name(name_of(foreign))


@given(st.lists(st.text(max_size=200), max_size=8))
def test_names_all_differ(foreign: list[str]) -> None:
    """Names of one import are all different, and all are names."""
    names = Names()
    made = [names.new("his", name_of(each)) for each in foreign]
    assert len(set(made)) == len(made)
    assert all(is_name(each) and len(each) <= LONGEST for each in made)


@given(st.text(max_size=500))
def test_a_title_is_one_line(text: str) -> None:
    """Documentation of many lines becomes one that a document may hold, or nothing."""
    line = line_of(text)
    assert line is None or (len(line) <= 200 and line.isprintable() and line == " ".join(line.split()))


def test_a_title_out_of_a_name_is_words() -> None:
    """For want of a title, the name is read as words."""
    assert words_of("checkVatApprox") == "Check vat approx"


def test_paths_are_kept() -> None:
    """Others refer to a file by its path, which therefore stays below ours."""
    assert path_of("his/1.0.0", "xsd/a b.xsd") == "his/1.0.0/xsd/a b.xsd"
    assert path_of("his/1.0.0", "x" * 400) == "his/1.0.0/" + "x" * LONGEST
