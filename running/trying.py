"""What `lgsp transform try` shows: a document and what it becomes, side by side, and likewise what was expected."""

import json
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest

import orjson
from lxml import etree
from rich.console import Console
from rich.table import Table

from bus.envelope import Body, Format
from bus.errors import BusError
from contracts.xml_body import parse_xml
from documents.trying import Trial
from running.printing import plain, print_json

LARGEST = 512 * 1024
"""Bytes that are shown in full: more is read in a file."""

SAME, OTHER = " ", "≠"


def show(out: Console, err: Console, trial: Trial, *, as_json: bool = False) -> bool:
    """Whether something was made, and nothing else was expected."""
    if as_json:
        print_json(out, _document(trial))
        return trial.ok
    if trial.use:
        out.print(plain(f"on {trial.use}\n"))
    if trial.made is None:
        err.print(plain(trial.error), style="red")
        return False
    left, right = lines(trial.given), lines(trial.made)
    _beside(out, ("given", "made"), [(one or "", "", other or "") for one, other in zip_longest(left, right)])
    if trial.expected is not None:
        _expected(out, trial, right)
    return trial.ok


def _expected(out: Console, trial: Trial, made: Sequence[str]) -> None:
    if trial.expected is None or not trial.differences:
        out.print("\nIt is what was expected.")
        return
    out.print()
    _beside(out, ("made", "expected"), list(paired(made, lines(trial.expected))))
    out.print()
    for difference in trial.differences:
        out.print(plain(difference), style="yellow")


def lines(body: Body) -> list[str]:
    """A body as a person would write it."""
    text = body.data[:LARGEST].decode(errors="replace")
    if len(body.data) <= LARGEST:
        try:
            text = _indented(body)
        except (BusError, ValueError):
            return text.splitlines()
        return text.splitlines()
    return [*text.splitlines(), "…"]


def _indented(body: Body) -> str:
    if body.format is Format.JSON:
        return orjson.dumps(orjson.loads(body.data), option=orjson.OPT_INDENT_2).decode()
    root = parse_xml(body.data)
    etree.indent(root)
    return etree.tostring(root, encoding="unicode")


def paired(made: Sequence[str], expected: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """The lines of both, those that belong together beside each other, with a mark between those that differ."""
    for tag, a, b, c, d in SequenceMatcher(None, made, expected, autojunk=False).get_opcodes():
        mark = SAME if tag == "equal" else OTHER
        yield from ((one, mark, other) for one, other in zip_longest(made[a:b], expected[c:d], fillvalue=""))


def _beside(out: Console, names: tuple[str, str], rows: Sequence[tuple[str, str, str]]) -> None:
    wide = [max((len(row[column]) for row in rows), default=0) for column in (0, 2)]
    table = Table(box=None, pad_edge=False, header_style="bold")
    half = max(20, (out.width - 6) // 2)
    for name, width in zip((names[0], "", names[1]), (min(half, wide[0]), 1, min(half, wide[1])), strict=True):
        table.add_column(name, width=max(width, len(name)), overflow="fold")
    for row in rows:
        table.add_row(*map(plain, row), style="yellow" if row[1] == OTHER else "")
    out.print(table)


def _document(trial: Trial) -> dict[str, object]:
    return {
        "ok": trial.ok,
        "use": trial.use,
        "made": _value(trial.made),
        "expected": _value(trial.expected),
        "differences": trial.differences,
        "error": trial.error,
    }


def _value(body: Body | None) -> object:
    """JSON as JSON, XML as a text."""
    if body is None:
        return None
    return json.loads(body.data) if body.format is Format.JSON else body.data.decode(errors="replace")
