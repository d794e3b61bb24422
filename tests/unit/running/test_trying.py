"""`lgsp transform try`: what goes in and what comes out, side by side."""

from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner, Result

from bus.errors import QueryInvalid
from cli import app
from running.trying import paired

PROVINCE = Path(__file__).parents[3] / "provinces" / "model"
READING = PROVINCE / "environment" / "examples" / "reading-above-100.json"
JSONATA = """\
kind: Transform
name: shout
language: jsonata
expression: '{"a": $uppercase(a)}'
"""


def tried(*words: object) -> Result:
    return CliRunner().invoke(app, ["transform", "try", *map(str, words)])


def test_on_the_route_that_uses_it() -> None:
    """A transform is tried as its route uses it, against what a test of the route expects."""
    done = tried("air-quality-to-xml", READING, "--folder", PROVINCE, "--json")
    assert done.exit_code == 0
    told = orjson.loads(done.stdout)
    assert (told["ok"], told["use"]) == (True, "environment.air-quality@1/environment.department request")
    assert told["expected"].count("TramDo") == told["made"].count("TramDo") > 0


def test_what_differs(tmp_path: Path) -> None:
    """Lines that differ stand beside each other with a mark, each difference follows, and the exit status says so."""
    expected = tmp_path / "expected.xml"
    right = PROVINCE / "environment" / "tests" / "reading-above-100.xml"
    expected.write_text(right.read_text().replace("SH001", "SH002"))
    done = tried("air-quality-to-xml", READING, "--folder", PROVINCE, "--expect", expected)
    assert done.exit_code == 1
    assert "≠" in done.stdout
    assert '"SH001" was made, "SH002" is expected' in done.stdout


def test_without_a_route(tmp_path: Path) -> None:
    """What no route uses yet is tried by itself; what fails says why."""
    (tmp_path / "shout.yaml").write_text(JSONATA)
    (tmp_path / "in.json").write_text('{"a": "\\u001b[2J"}')
    done = tried("shout", tmp_path / "in.json", "--folder", tmp_path)
    assert (done.exit_code, "by itself" in done.stdout, "\x1b" in done.stdout) == (0, True, False)
    (tmp_path / "in.json").write_text('{"a": 1}')
    assert tried("shout", tmp_path / "in.json", "--folder", tmp_path).exit_code == 1


def test_unknown_names(tmp_path: Path) -> None:
    """A name that was mistyped is told with what was probably meant."""
    wrong = tried("air-quality", READING, "--folder", PROVINCE).exception
    assert isinstance(wrong, QueryInvalid)
    assert "air-quality-to-xml" in wrong.text
    assert tried("air-quality-to-xml", tmp_path / "none.json", "--folder", PROVINCE).exit_code == 2


@pytest.mark.parametrize(
    ("made", "expected", "rows"),
    [
        (["a", "b"], ["a", "b"], [("a", " ", "a"), ("b", " ", "b")]),
        (["a", "b", "d"], ["a", "c", "d"], [("a", " ", "a"), ("b", "≠", "c"), ("d", " ", "d")]),
        (["a", "b"], ["b"], [("a", "≠", ""), ("b", " ", "b")]),
    ],
)
def test_lines_beside_each_other(made: list[str], expected: list[str], rows: list[tuple[str, str, str]]) -> None:
    """Lines that are the same stand beside each other, whatever was put between them."""
    assert list(paired(made, expected)) == rows
