"""Applying a folder while somebody else does."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bus.settings import read_settings
from documents.plan import Plan
from documents.store import read
from running.apply import apply_folder
from running.home import Home

AGENCY = """kind: Agency
code: {code}
name: {{vi: Sở, en: {name}}}
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(read_settings(data=tmp_path / "data"), "user:test")
    made.prepare()
    yield made
    made.close()


def folder(of: Path, code: str, name: str = "Department") -> Path:
    of.mkdir(exist_ok=True)
    (of / "documents.yaml").write_text(AGENCY.format(code=code, name=name), encoding="utf-8")
    return of


def test_what_others_write_meanwhile_is_planned_with(home: Home, tmp_path: Path) -> None:
    """Who agreed to a plan which another's writing does not change is not asked again; both are in force afterwards."""
    asked = []

    def agreed(plan: Plan) -> bool:
        asked.append(plan.created)
        if len(asked) == 1:
            assert apply_folder(home, folder(tmp_path / "other", "H57.02")).done
        return True

    assert apply_folder(home, folder(tmp_path / "mine", "H57.01"), agreed).done
    assert len(asked) == 1
    assert [key.name for key in read(home.queries).by_key] == ["H57.01", "H57.02"]


def test_a_plan_that_another_changed_is_shown_again(home: Home, tmp_path: Path) -> None:
    """Who agreed to make what another has made by then agrees anew, to a change of it, or nothing is written."""
    asked = []

    def agreed(plan: Plan) -> bool:
        asked.append((plan.created, tuple(plan.changed)))
        if len(asked) == 1:
            assert apply_folder(home, folder(tmp_path / "other", "H57.01", "Another")).done
        return len(asked) == 1

    assert not apply_folder(home, folder(tmp_path / "mine", "H57.01"), agreed).done
    ((key,), _), (_, changed) = asked
    assert changed == (key,)
    (written,) = read(home.queries).by_key.values()
    assert "Another" in str(written.document)
