"""No folder, however broken, breaks the reading and checking of it."""

from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from documents.check import check_folder

PIECES = [
    "",
    "null",
    "[]",
    "{}",
    "5",
    "true",
    '"',
    "'",
    ": ",
    "\n- ",
    "&x ",
    "*x",
    "!!a ",
    "\x00",
    "../x",
    "{{",
    "x@1",
    "$ref",
]


@settings(max_examples=60, deadline=None)
@given(
    st.integers(min_value=0),
    st.integers(min_value=0, max_value=2000),
    st.integers(min_value=0, max_value=40),
    st.sampled_from(PIECES) | st.text(max_size=5),
)
def test_a_mutilated_province_is_checked_all_the_same(
    files: dict[str, str], which: int, start: int, length: int, piece: str
) -> None:
    """Whatever is cut out of a file or put into it, checking ends in a report, and each problem names its file."""
    path = sorted(files)[which % len(files)]
    with TemporaryDirectory() as name:
        for each, text in files.items():
            file = Path(name, each)
            file.parent.mkdir(parents=True, exist_ok=True)
            changed = text[:start] + piece + text[start + length :] if each == path else text
            file.write_text(changed, encoding="utf-8", errors="surrogatepass")
        report = check_folder(Path(name), date(2026, 11, 22))
    assert all(problem.file and problem.message for problem in report.problems)
