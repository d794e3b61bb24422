"""What the bus is told to do, and how it fares: documents, processes, systems, dead letters."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from bus.states import State
from documents.check import check
from documents.store import read
from identity.grants import civil_date
from journal.conditions import Condition, Process
from running.doctor.finding import Finding, failure, warning, well
from running.home import Home

MOST_TOLD: Final = 20
"""Problems of documents that are told one by one."""

LATE: Final = 15 * 60_000
"""Milliseconds after which a delivery that still waits is worth a look."""


def examined(home: Home) -> Iterator[Finding]:
    """Documents, processes, systems, dead letters."""
    now = home.clock.now()
    yield from _documents(home)
    present = home.queries.present()
    yield from _processes([each for each in present.processes if each.lease_until > now])
    for condition in present.conditions:
        yield from _system(condition, now)
    yield _dead_letters(sum(of.get(State.DEAD, 0) for of in home.queries.counts().values()))


def _documents(home: Home) -> Iterator[Finding]:
    report = check(read(home.queries).in_force(), civil_date(home.clock.now()), home.secrets)
    for problem in report.problems[:MOST_TOLD]:
        make = warning if problem in report.warnings else failure
        yield make(
            "documents", f"{problem.file}{problem.path}: {problem.message}", "do as it says; documents by `lgsp apply`"
        )
    if len(report.problems) > MOST_TOLD:
        more = len(report.problems) - MOST_TOLD
        yield warning("documents", f"{more} more problems", "`lgsp check FOLDER` lists all")
    if not report.problems:
        yield well("documents", "nothing is wrong with them")


def _processes(living: list[Process]) -> Iterator[Finding]:
    roles = Counter(process.role for process in living)
    for role, missing, command in (
        ("gateway", "nothing can be sent", "lgsp serve"),
        ("worker", "nothing is delivered", "lgsp work"),
    ):
        if not roles[role] and not roles["both"]:
            yield warning("processes", f"no {role} lives: {missing}", f"start `{command}`, or `lgsp up`")
    if len({process.version for process in living}) > 1:
        yield warning("processes", "they are of different versions", "end the upgrade: restart the older ones")
    if living:
        yield well("processes", ", ".join(f"{count} {role}" for role, count in sorted(roles.items())))


def _system(condition: Condition, now: int) -> Iterator[Finding]:
    name = condition.system
    if condition.paused_at is not None:
        yield warning(name, f"paused by {condition.paused_by}", f"`lgsp system resume {name}` once it may be called")
    elif condition.opened_at is not None:
        seen = f"its circuit is open ({condition.code}); {condition.waiting} wait"
        yield warning(name, seen, f"mend it; what waits goes once it answers, at once by `lgsp system resume {name}`")
    elif condition.waiting and condition.oldest is not None and now - condition.oldest > LATE:
        minutes = (now - condition.oldest) // 60_000
        yield warning(name, f"{condition.waiting} wait, the oldest for {minutes} minutes", "see `lgsp system list`")


def _dead_letters(count: int) -> Finding:
    if count:
        return warning("dead letters", f"{count} wait for a person", "see `lgsp dead list`")
    return well("dead letters", "none")
