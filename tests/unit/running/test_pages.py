"""The documentation tells the truth."""

import re
from pathlib import Path

import pytest
import typer

from cli import app
from routes.outcome import REASONS
from running.pages import DOCS, made, renewed

ROOT = DOCS.parent


@pytest.mark.parametrize("name", sorted(made()))
def test_made_parts_are_up_to_date(name: str) -> None:
    """What a page has from the code is what the code says; `python -m running.pages` makes it anew."""
    text = (DOCS / name).read_text(encoding="utf-8")
    assert text == renewed(text, made()[name])


def test_each_link_leads_somewhere() -> None:
    """Every relative link of every page leads to a file that exists."""
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.glob("*.md"), ROOT / "provinces/model/README.md"):
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), (page.name, target)


def test_each_command_is_documented() -> None:
    """Every command of `lgsp` stands in README or docs."""
    pages = "\n".join(page.read_text(encoding="utf-8") for page in (ROOT / "README.md", *DOCS.glob("*.md")))
    group = typer.main.get_command(app)
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        for line in [f"{name} {inner}" for inner in getattr(command, "commands", {})] or [name]:
            assert f"lgsp {line}" in pages or f"make {line}" in pages, line


def test_each_dead_reason_is_documented() -> None:
    """Every reason for which the code lets a delivery die is in the table that the page is made from."""
    source = "\n".join(path.read_text() for folder in ("routes", "journal") for path in (ROOT / folder).rglob("*.py"))
    given = set(re.findall(r'Change\.KILL, "([a-z-]+)"', source)) | set(re.findall(r'reason = "([a-z-]+)"', source))
    assert given <= set(REASONS)


def test_each_audit_event_is_documented() -> None:
    """Every audit event that the code records stands in docs/audit.md."""
    folders = ("adapters", "documents", "identity", "journal", "routes", "running")
    source = "\n".join(path.read_text() for folder in folders for path in (ROOT / folder).rglob("*.py"))
    events = set(
        re.findall(
            r'"((?:message|caller|attempt|delivery|reply|documents|credential|secret|key|circuit|system|person)\.[a-z-]+ed|key\.made)"',
            source,
        )
    )
    page = Path(DOCS / "audit.md").read_text(encoding="utf-8")
    assert events
    assert not [event for event in sorted(events) if f"`{event}`" not in page]
