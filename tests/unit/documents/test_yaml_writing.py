"""Documents as YAML that reads back as it was."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from documents.yaml_text import read_yaml, typed
from documents.yaml_writing import write_yaml

# What a document may hold: a mapping's keys too are texts that people write.
TEXT = st.one_of(
    st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=30),
    st.sampled_from(["no", "0123", "1e5", "12:30", "5", "null", "~", "- a", "a: b", "# x", "'", '"', "2027-12-31", ""]),
)
VALUES = st.recursive(
    st.one_of(TEXT, st.booleans(), st.integers(-(10**9), 10**9)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXT, inner, max_size=4)),
    max_leaves=12,
)


@given(st.lists(st.dictionaries(TEXT.filter(bool), VALUES, min_size=1, max_size=5), min_size=1, max_size=3))
def test_what_is_written_reads_back(documents: list[dict[str, Any]]) -> None:
    """Every document reads back to the same values: texts as texts, numbers and truths as such."""
    parsed, flaws = read_yaml(write_yaml(documents).encode())
    assert not flaws
    assert [typed(each.value) for each in parsed] == documents


def test_it_reads_well() -> None:
    """Small fields stand in one line, documents are divided, and Vietnamese stays Vietnamese."""
    text = write_yaml([{"kind": "System", "title": {"vi": "Hệ thống"}, "code": "01"}, {"kind": "Agency"}])
    assert text == "kind: System\ntitle: {vi: Hệ thống}\ncode: '01'\n---\nkind: Agency\n"
