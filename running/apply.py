"""Applying a folder of documents: checked, planned, and then one revision."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from documents.check import Report, check_folder_bounded
from documents.evolution import check_steps_bounded
from documents.plan import Plan, plan, result
from documents.problems import Problem, Severity
from documents.store import read, writing
from identity.grants import civil_date
from running.anew import anew
from running.home import Home

TRIES: Final = 6
"""How often a plan is made before it is told that others are quicker each time."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What came of it: every problem found, the plan where nothing is wrong, and whether the store is now so."""

    problems: tuple[Problem, ...]
    plan: Plan | None = None
    done: bool = False


def check_here(home: Home, folder: Path) -> Report:
    """Everything wrong with a folder's documents, and which secrets of this data folder they lack."""
    return check_folder_bounded(folder, civil_date(home.clock.now()), home.settings.secrets_folder)


def apply_folder(
    home: Home, folder: Path, agreed: Callable[[Plan], bool] | None = None, *, prune: bool = False
) -> Applied:
    """Make the store hold what a folder says, if nothing is wrong with it and who is asked agrees to the plan."""
    return apply_documents(home, check_here(home, folder), agreed, prune=prune)


def apply_documents(
    home: Home, report: Report, agreed: Callable[[Plan], bool] | None = None, *, prune: bool = False
) -> Applied:
    """As `apply_folder`, of documents that were checked already. What somebody else writes while this is planned, or
    while somebody thinks about the plan, is planned with; who had agreed to the very same plan is not asked again."""
    seen: object = None

    def still(planned: Plan) -> bool:
        nonlocal seen
        if planned.effect != seen and agreed and not agreed(planned):
            return False
        seen = planned.effect
        return True

    return anew(lambda: _apply(home, report, still, prune=prune), TRIES)


def _apply(home: Home, report: Report, agreed: Callable[[Plan], bool], *, prune: bool) -> Applied:
    """Raises `RegistryChanged` where somebody else has written documents meanwhile."""
    at = home.queries.documents_at()
    current = read(home.queries)
    planned = plan(current, report.documents, prune=prune)
    after = result(current, report.documents, prune=prune)
    # What follows a version that only the store has; the others were compared when the folder was checked.
    steps = check_steps_bounded(after.in_force(), frozenset(planned.created)) if report.ok else ()
    problems = tuple(dict.fromkeys((*report.problems, *planned.problems, *steps)))
    if any(problem.severity is Severity.ERROR for problem in problems):
        return Applied(problems)
    if not planned.is_empty:
        if not agreed(planned):
            return Applied(problems, planned)
        command = writing(current, after, home.actor, at)
        if command:
            home.write(command)
    return Applied(problems, planned, done=True)
