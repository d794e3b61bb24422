"""The contracts that come with the bus: always there, routed to by a province, and never its own."""

from datetime import date
from pathlib import Path

import pytest

from bus.clock import ManualClock
from documents.check import check, check_folder
from documents.compile import compile_documents
from documents.model import Documents
from documents.of_the_bus import PREFIX, own, with_own
from documents.plan import plan
from routes.notices import DEAD, OPENED
from routes.notices import PREFIX as TOLD
from transforms.apart.pool import Pool

TODAY = date(2026, 11, 25)

LISTENER = """
kind: Agency
code: H99
name: {vi: Tỉnh, en: Province}
---
kind: System
name: centre
agency: H99
adapter: rest
endpoint: https://centre.example.internal
operations: {tell: {method: POST, path: /dead}}
---
kind: Grant
contract: bus.delivery-dead@1
system: centre
may: receive
purpose: Vận hành trục
legalBasis: QĐ 1
---
kind: Route
contract: bus.delivery-dead@1
to: centre
operation: tell
when: "sender == 'one-stop.province' && state == 'dead'"
"""

MINE = """kind: Contract
name: bus.mine
version: 1.0.0
title: {vi: A, en: B}
owner: H99
exchange: event
request: {format: json, schema: mine.json}"""


def written(folder: Path, text: str) -> Path:
    (folder / "all.yaml").write_text(text, encoding="utf-8")
    return folder


def test_they_are_right() -> None:
    """The bus's own documents have nothing wrong with them, not even a warning, in a province that has none."""
    report = check(Documents(), TODAY)
    assert report.problems == ()
    assert {name for name in report.compiled.contracts if name.startswith(PREFIX)} == {DEAD, OPENED}
    assert PREFIX == TOLD


def test_province_routes_them(tmp_path: Path) -> None:
    """A province writes a route, with a condition over the body, and a grant; they are in force, and its plan has the
    province's documents alone."""
    report = check_folder(written(tmp_path, LISTENER), TODAY)
    assert report.problems == ()
    assert not [key for key in report.documents.by_key if key.name.startswith(PREFIX) and key.kind == "Contract"]
    planned = plan(Documents(), report.documents, prune=True)
    assert sorted(key.kind for key in planned.created) == ["Agency", "Grant", "Route", "System"]
    assert plan(report.documents, report.documents, prune=True).is_empty
    compiled, problems = compile_documents(report.documents, Pool())
    assert problems == ()
    (route,) = compiled.routes["bus.delivery-dead@1"]
    assert route.condition
    assert route.condition({"sender": "one-stop.province", "state": "dead"})
    assert not route.condition({"sender": "other", "state": "dead"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kind: System\nname: bus\nagency: H99\nadapter: rest", "the bus's own name"),
        ("kind: Agency\ncode: Z00.LGSP\nname: {vi: A, en: B}", "stands for the bus itself"),
        (
            "kind: Grant\ncontract: bus.delivery-dead@1\nsystem: centre\nmay: send\npurpose: a\nlegalBasis: b",
            "the bus alone sends",
        ),
        (
            MINE,
            "of the bus's own contracts",
        ),
    ],
)
def test_province_writes_none(tmp_path: Path, text: str, message: str) -> None:
    """What is the bus's alone is refused in a province, with what to do."""
    report = check_folder(written(tmp_path, f"{LISTENER}---\n{text}\n"), TODAY)
    assert any(message in problem.message for problem in report.errors), report.problems


def test_notices_keep_no_order(tmp_path: Path) -> None:
    """A route that would keep an order of them is refused."""
    report = check_folder(written(tmp_path, f"{LISTENER}orderBy: /system\n"), TODAY)
    assert any("no order" in problem.message for problem in report.errors)


def test_bus_own_are_in_force(clock: ManualClock) -> None:
    """Where both have a document, the bus's own is in force, with its files."""
    both = with_own(own())
    assert both == own()
    assert all(path in both.files for path in own().files)
