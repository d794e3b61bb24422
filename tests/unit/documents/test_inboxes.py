"""Systems that fetch their messages, as they are written."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from documents.check import check_folder
from documents.compile import compile_documents
from documents.load import load
from transforms.apart.pool import Pool

Build = Callable[..., Path]
TODAY = date(2026, 11, 22)
REGISTER = """\
kind: System
name: shop
agency: H98
adapter: rest
---
kind: System
name: register
agency: H98.01
adapter: inbox
"""
NO_OPERATION = ("operation: ask\n", "")


def test_a_request_may_go_to_an_inbox(province: Build) -> None:
    """A system that fetches is written without an address, its routes without an operation, and nothing is said."""
    report = check_folder(
        province({"systems.yaml": f"{REGISTER}visibility: PT5M\n", "civil/exchange.yaml": NO_OPERATION}), TODAY
    )
    assert report.problems == ()


@pytest.mark.parametrize(("said", "repeatable"), [("", True), ("repeatable: false\n", False)])
def test_repeatable_where_nothing_is_said(province: Build, said: str, repeatable: bool) -> None:
    """What is fetched may be fetched again, unless its route says otherwise."""
    folder = province({"systems.yaml": REGISTER, "civil/exchange.yaml": (NO_OPERATION[0], said)})
    with Pool(1) as pool:
        compiled, problems = compile_documents(load(folder).documents, pool)
    assert problems == ()
    ((route,),) = (routes for reference, routes in compiled.routes.items() if reference == "civil.question@1")
    assert route.repeatable is repeatable


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("endpoint: https://register.example.internal/api", "leave `endpoint` away"),
        ("auth: {scheme: none}", "leave `auth` away"),
        ("tls: {}\nheaders: {X-A: b}", "leave `tls`, `headers` away"),
        ("limits: {ratePerSecond: 5}", "leave `ratePerSecond` away"),
        ("operations: {ask: {path: /ask}}", "`operations` belong to `adapter: rest`"),
    ],
)
def test_what_an_inbox_cannot_have(province: Build, more: str, words: str) -> None:
    """What only a call needs is refused with a word on what to do."""
    problems = load(province({"systems.yaml": f"{REGISTER}{more}\n"})).problems
    assert [words in each.message for each in problems] == [True]


def test_a_call_has_no_visibility(province: Build) -> None:
    """What belongs to inboxes is refused of systems that are called."""
    problems = load(province({"systems.yaml": ("adapter: rest\n", "adapter: rest\nvisibility: PT5M\n")})).problems
    assert ["`visibility` belongs to `adapter: inbox`" in each.message for each in problems] == [True]


def test_a_route_without_operation(province: Build) -> None:
    """A route to an inbox that names an operation is told to leave it away."""
    problems = check_folder(province({"systems.yaml": REGISTER}), TODAY).problems
    assert ["has no operations: leave it away" in each.message for each in problems] == [True]
