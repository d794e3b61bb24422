"""The table of stacks and cases, as it is printed and as it stands in docs/interoperability.md."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from tests.interop.conversations import CLIENT_CASES, SERVER_CASES, sides
from tests.interop.stacks import STACKS
from tests.interop.toolkits import ODDITIES, TOOLKITS

PAGE: Final = Path(__file__).parents[2] / "docs" / "interoperability.md"
FROM, TO = "<!-- made by python -m tests.interop, from here -->", "<!-- to here -->"
CASES: Final = {"client": CLIENT_CASES, "server": SERVER_CASES}
HEADINGS: Final = {"client": "As clients of the front door", "server": "As servers behind the SOAP adapter"}

Found = Mapping[tuple[str, str, str], bool]
"""Whether a case holds, by side, stack and case."""


def rows(side: str, found: Found) -> Iterator[str]:
    """The rows of one table; a stack that was not heard has none."""
    for stack in STACKS:
        if not any(key[:2] == (side, stack.name) for key in found):
            continue
        able = sides(stack)[side]
        marks = [
            ("yes" if found.get((side, stack.name, case)) else "**NO**") if case in able else "–"
            for case in CASES[side]
        ]
        yield f"| {stack.title} | {' | '.join(marks)} |"


def tables(found: Found) -> str:
    parts = []
    for side, cases in CASES.items():
        head = [f"| stack | {' | '.join(cases)} |", f"|---{'|---' * len(cases)}|"]
        parts.append("\n".join([f"### {HEADINGS[side]}", "", *head, *rows(side, found)]))
    return "\n\n".join(parts)


def _requests() -> Iterator[str]:
    yield "| request | what of it is special | taken |"
    yield "|---|---|---|"
    for name, each in (TOOLKITS | ODDITIES).items():
        yield f"| {name} | {each.says} | {f'no: `{each.refused}`' if each.refused else 'yes'} |"


def page(found: Found) -> str:
    """The page with these tables."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(FROM)
    after = rest.partition(TO)[2]
    requests = "\n".join(["### Requests as old toolkits write them", "", *_requests()])
    return f"{before}{FROM}\n\n{tables(found)}\n\n{requests}\n\n{TO}{after}"
