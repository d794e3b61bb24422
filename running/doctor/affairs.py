"""What the bus is told to do, and how it fares: documents, processes, systems, dead letters."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from sqlalchemy import func, select

from bus.states import State
from documents.check import check
from documents.store import read
from identity.grants import civil_date
from journal.tables import conditions, deliveries, processes
from running.doctor.finding import Finding, failure, warning, well
from running.home import Home

MOST_TOLD: Final = 20
"""Problems of documents that are told one by one."""

LATE: Final = 15 * 60_000
"""Milliseconds after which a delivery that still waits is worth a look."""


def documents(home: Home) -> Iterator[Finding]:
    stored = read(home.queries)
    report = check(stored, civil_date(home.clock.now()), home.secrets)
    for problem in report.problems[:MOST_TOLD]:
        name = f"{problem.file}{problem.path}"
        make = warning if problem in report.warnings else failure
        yield make("documents", f"{name}: {problem.message}", "mend the document, then lgsp apply")
    if len(report.problems) > MOST_TOLD:
        more = len(report.problems) - MOST_TOLD
        yield warning("documents", f"{more} more problems", "lgsp check FOLDER lists all")
    if not report.problems:
        yield well("documents", f"{len(list(stored))}, nothing is wrong with them")


def live(home: Home) -> Iterator[Finding]:
    with home.engine.connect() as connection:
        rows = connection.execute(select(processes).where(processes.c.lease_until > home.clock.now())).all()
    roles = Counter(row.role for row in rows)
    for role, missing in (("gateway", "nothing can be sent"), ("worker", "nothing is delivered")):
        if not roles[role] and not roles["both"]:
            command = "lgsp serve" if role == "gateway" else "lgsp work"
            yield warning("processes", f"no {role} lives: {missing}", f"start `{command}`, or `lgsp up`")
    if len({row.version for row in rows}) > 1:
        yield warning("processes", "they are of different versions", "end the upgrade: restart the older ones")
    if rows:
        yield well("processes", ", ".join(f"{count} {role}" for role, count in sorted(roles.items())))


def systems(home: Home) -> Iterator[Finding]:
    now = home.clock.now()
    with home.engine.connect() as connection:
        rows = connection.execute(select(conditions).order_by(conditions.c.system)).all()
    for row in rows:
        if row.paused_at is not None:
            yield warning(row.system, f"paused by {row.paused_by}", f"lgsp system resume {row.system}")
        if row.opened_at is not None:
            mend = f"look at the system; what waits goes by itself once it answers, or: lgsp system resume {row.system}"
            yield warning(row.system, f"its circuit is open ({row.code}); {row.waiting} wait", mend)
        elif row.paused_at is None and row.waiting and row.oldest is not None and now - row.oldest > LATE:
            minutes = (now - row.oldest) // 60_000
            yield warning(row.system, f"{row.waiting} wait, the oldest for {minutes} minutes", "lgsp system list")


def dead_letters(home: Home) -> Iterator[Finding]:
    question = select(func.count()).where(deliveries.c.state == State.DEAD)
    with home.engine.connect() as connection:
        count = connection.execute(question).scalar_one()
    if count:
        yield warning("dead letters", f"{count} wait for a person", "lgsp dead list")
    else:
        yield well("dead letters", "none")
