"""What the command shows."""

import io
import shlex
from pathlib import Path

import pytest
from rich.console import Console

from running.printing import Lgsp, status, table

DELIVERY = "01a3185c-53e8-77b6-86d1-928bad1852a0"
SINCE = "2026-11-20T12:34:56.789Z"
COLUMNS = ["delivery", "system", "reason", "attempts", "since"]
ROW = [DELIVERY, "his.provincial-hospital", "outcome-unknown", 3, SINCE]


def shown(width: int) -> str:
    out = io.StringIO()
    table(
        Console(file=out, width=width, soft_wrap=True),
        COLUMNS,
        [ROW],
        "nothing",
    )
    return out.getvalue()


@pytest.mark.parametrize("width", [40, 80, 110, 120, 160])
def test_ids_and_times_are_never_folded(width: int) -> None:
    """An id or a time can be copied whole, however narrow the paper; so can every name."""
    assert {DELIVERY, SINCE, "his.provincial-hospital", "outcome-unknown"} <= set(shown(width).split())


@pytest.mark.parametrize("width", [120, 160, 10_000])
def test_table_keeps_to_the_paper(width: int) -> None:
    """A table is a line for each row and no wider than the paper."""
    lines = shown(width).splitlines()
    assert len(lines) == 2
    assert max(map(len, lines)) <= width


def test_narrow_paper_has_a_field_a_line() -> None:
    """Where columns have no room, each field has a line of its own."""
    assert len(shown(60).splitlines()) == len(COLUMNS)


def test_nothing_is_said() -> None:
    """Where there are no rows, a sentence says so."""
    out = io.StringIO()
    table(Console(file=out), COLUMNS, [], "no dead letters")
    assert out.getvalue() == "no dead letters\n"


def test_suggested_command_can_be_pasted() -> None:
    """A command that is suggested names the program and the data folder as they must be typed here."""
    typed = Lgsp(".venv/bin/lgsp", Path("var/my data"))("audit", "show", DELIVERY)
    assert shlex.split(typed) == [".venv/bin/lgsp", "audit", "show", DELIVERY, "--data", "var/my data"]
    assert Lgsp()("status") == "lgsp status"


@pytest.mark.parametrize(
    ("living", "expected"), [({"gateway": 2, "worker": 1}, "2 gateways and 1 worker live"), ({}, "not serving")]
)
def test_status_says_who_lives(living: dict[str, int], expected: str) -> None:
    """Where no data folder is served, the processes that live are told by their role."""
    out = io.StringIO()
    status(Console(file=out), None, 7, {}, {}, living, json=False)
    assert out.getvalue().splitlines()[:2] == [expected, "documents at revision 7"]
