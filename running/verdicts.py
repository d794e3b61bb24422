"""What the command says of documents: what is wrong with them, what would change, and what came of it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING

from rich.console import Console

from bus.languages import Language
from documents.problems import Problem, Severity
from running.printing import plain, pretty, print_json

if TYPE_CHECKING:
    from documents.check import Report
    from documents.importers.run import Outcome
    from documents.plan import Plan
    from running.apply import Applied
    from running.rehearsal import Rehearsed


def problems(err: Console, found: Iterable[Problem]) -> None:
    """One line each: file, line, what to do."""
    for problem in found:
        err.print(plain(problem), style="red" if problem.severity is Severity.ERROR else "yellow")


def checked(out: Console, err: Console, report: "Report", *, json: bool) -> bool:
    """The report of a check; whether the documents can be applied."""
    if json:
        print_json(out, {"ok": report.ok, "problems": [asdict(problem) for problem in report.problems]})
        return report.ok
    problems(err, report.problems)
    kinds = Counter(written.key.kind for written in report.documents)
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    verdict = (
        "Everything is right."
        if not report.problems
        else f"{_counted(report.errors, 'error')}, {_counted(report.warnings, 'warning')}."
    )
    out.print(f"{counts or 'No document'}. {verdict}")
    return report.ok


def imported(
    out: Console,
    err: Console,
    outcome: "Outcome",
    language: Language,
    *,
    written: tuple[Path, Sequence[str]] | None = None,
    json: bool,
) -> None:
    """What came of an import: every loss and problem, and what was made; `written` are files beneath a folder."""
    if json:
        given = outcome.imported
        report = {
            "ok": outcome.ok,
            "documents": given.documents,
            "files": sorted(given.files),
            "notes": [note.as_json() for note in given.notes],
            "problems": [asdict(problem) for problem in outcome.problems],
        }
        print_json(out, report)
        return
    for note in outcome.imported.notes:
        err.print(plain(note.line(language)), style="red" if note.remark.severity is Severity.ERROR else "yellow")
    problems(err, outcome.problems)
    kinds = Counter(document["kind"] for document in outcome.imported.documents)
    out.print(", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())) or "No document.")
    if written and outcome.ok:
        folder, files = written
        out.print(plain(f"Written to {folder}: {', '.join(files)}."))


def rehearsed(out: Console, found: "Sequence[Rehearsed]", *, json: bool) -> bool:
    """What was sent by REST and what came back; the first in full. Whether all was answered as it should be."""
    if json:
        print_json(out, [asdict(each) for each in found])
        return all(each.ok for each in found)
    for number, each in enumerate(found):
        out.print(plain(f"{'✓' if each.ok else '✗'} POST /messages/{each.contract}"), style="" if number else "bold")
        if not number and each.request is not None:
            out.print(plain(indent(pretty(each.request), "    ")))
        out.print(plain(f"  → {each.status} in {each.milliseconds} ms"))
        if not number or not each.ok:
            out.print(plain(indent(pretty(each.answer), "    ")))
    right = sum(each.ok for each in found)
    out.print(f"{right} of {len(found)} operations answered by JSON over HTTP; the service was a stand-in.")
    return right == len(found)


def in_the_way(err: Console, folder: Path, files: Sequence[str]) -> None:
    """Files that an import would write over."""
    err.print(plain(f"{folder} holds other files of these names; --yes writes over them: {', '.join(files)}"))


def _counted(found: Sequence[Problem], what: str) -> str:
    return f"{len(found)} {what}" if len(found) == 1 else f"{len(found)} {what}s"


def plan(out: Console, planned: "Plan") -> bool:
    """What would change, line by line; True, so that it can stand for the consent of who asked for it."""
    for line in planned.lines():
        out.print(plain(line))
    return True


def applied(out: Console, err: Console, given: "Applied") -> bool:
    """What became of applying; whether the store is now as the documents say."""
    problems(err, given.problems)
    if given.done and given.plan is not None:
        if given.plan.is_empty:
            *kept, _ = given.plan.lines()
            for line in kept:
                out.print(plain(line))
        out.print("Nothing to change." if given.plan.is_empty else "Applied.")
    return given.done
