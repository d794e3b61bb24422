"""The contracts that come with the bus: what it tells of itself, to whom a province wants it told.

They are documents like any other, written in `documents/bus`, and in force in every province. A province writes routes
and grants to receive for them; it neither has nor changes the contracts themselves.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final

from documents import kinds
from documents.load import load
from documents.model import Documents
from documents.problems import Problem

FOLDER: Final = Path(__file__).parent / "bus"
PREFIX: Final = "bus."
"""How the names of the bus's own contracts begin."""

BUS: Final = "bus"
"""The system that sends them: the bus itself, which is called by nobody."""


@cache
def own() -> Documents:
    """The bus's documents and their files."""
    return load(FOLDER).documents


def with_own(documents: Documents) -> Documents:
    """A province's documents and those of the bus; where both have one, the bus's own is in force."""
    return replace(documents, by_key={**documents.by_key, **own().by_key}, files={**documents.files, **own().files})


def intrusions(documents: Documents) -> Iterator[Problem]:
    """Where a province writes what is the bus's alone."""
    (owner,) = own().named(kinds.Agency)
    for written in documents:
        match written.document:
            case kinds.Contract(name=name) if name.startswith(PREFIX):
                message = f"names that begin with {PREFIX} are of the bus's own contracts: choose another."
                yield written.problem(message, "name")
            case kinds.System(name=name) if name == BUS:
                yield written.problem("this is the bus's own name: choose another.", "name")
            case kinds.Agency(code=code) if code == owner:
                yield written.problem("this code stands for the bus itself: choose another.", "code")
            case kinds.Grant(contract=contract, may="send") if contract.startswith(PREFIX):
                yield written.problem("the bus alone sends what it tells of itself: grant to receive it.", "may")
            case kinds.Route(contract=contract, order_by=str()) if contract.startswith(PREFIX):
                yield written.problem("what the bus tells of itself has no order.", "orderBy")
