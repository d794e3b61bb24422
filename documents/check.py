"""Everything that can be known of documents before they are applied."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final

from documents.bench import Bench
from documents.bounded import TooCostly, run_bounded
from documents.compile import Compiled, compile_on
from documents.evolution import check_steps
from documents.load import Loaded, load
from documents.model import Documents
from documents.of_the_bus import intrusions, with_own
from documents.problems import Problem, Severity
from documents.references import check_references
from documents.shapes import Kept, Shapes
from documents.trials import try_examples, try_migrations, try_routes
from identity.secrets import Secrets
from transforms.apart.pool import Pool

SECONDS = 60  # of processor time: a province of a thousand documents takes a few
MEMORY = 3 * 1024**3  # bytes of address space, of which libraries reserve much and use little

TOO_COSTLY = f"checking took more than {SECONDS} s or {MEMORY >> 20} MiB: look for a schema that grows."


@dataclass(frozen=True, slots=True)
class Report:
    """What was found, in the order of files and lines, and the documents it is about."""

    documents: Documents = field(default_factory=Documents)
    problems: tuple[Problem, ...] = ()
    compiled: Compiled = field(default_factory=Compiled, repr=False)

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity is Severity.ERROR)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity is Severity.WARNING)

    @property
    def ok(self) -> bool:
        """Whether the documents can be applied."""
        return not self.errors


def check_folder(folder: Path, today: date, secrets: Secrets | None = None) -> Report:
    """Read a province folder and check all of it, in spite of what cannot be read. Never raises for what is in it."""
    return _check(load(folder), today, secrets)


def check_folder_bounded(folder: Path, today: date, secrets: Path | None = None) -> Report:
    """As `check_folder`, with everything compiled in a child process of bounded time and memory; nothing compiled comes
    back. `secrets` is the folder of secrets."""
    try:
        problems = run_bounded(_problems, folder, today, secrets, seconds=SECONDS, size=MEMORY)
    except TooCostly:
        problems = (Problem(folder.name, 0, "", TOO_COSTLY),)
    return Report(load(folder).documents, problems)


def _problems(folder: Path, today: date, secrets: Path | None) -> tuple[Problem, ...]:
    return check_folder(folder, today, Secrets(secrets) if secrets else None).problems


def check(documents: Documents, today: date, secrets: Secrets | None = None) -> Report:
    """Check a set of documents: names, schemas, transforms, examples and tests.

    `today` is a day of civil time; with `secrets`, a secret that is not set is a warning.
    """
    return _check(Loaded(documents, ()), today, secrets)


def check_bounded(documents: Documents, today: date, secrets: Path | None = None) -> tuple[Problem, ...]:
    """As `check`, in a child process of bounded time and memory. `secrets` is the folder of secrets."""
    try:
        return run_bounded(_problems_of, documents, today, secrets, seconds=SECONDS, size=MEMORY)
    except TooCostly:
        return (Problem("documents", 0, "", TOO_COSTLY),)


_kept: Final = Kept()
"""Of the child that checks one set of documents after the other."""


def _problems_of(documents: Documents, today: date, secrets: Path | None) -> tuple[Problem, ...]:
    return _check(Loaded(documents, ()), today, Secrets(secrets) if secrets else None, _kept).problems


def _check(loaded: Loaded, today: date, secrets: Secrets | None, kept: Kept | None = None) -> Report:
    documents = with_own(loaded.documents)
    with Pool() as pool:
        bench = Bench(documents, Shapes(documents.files, loaded.unreadable, kept), pool, loaded.broken, proving=True)
        bench.problems.extend(intrusions(loaded.documents))
        check_references(bench, today, secrets)
        compiled = compile_on(bench)
        bench.problems.extend(check_steps(documents, bench.shapes))
        try_examples(bench, compiled)
        try_routes(bench, compiled)
        try_migrations(bench, compiled)
    views = [Problem(place, 0, "", what, Severity.WARNING) for place, what in bench.shapes.inexpressible()]
    return Report(loaded.documents, _ordered([*loaded.problems, *bench.problems, *views]), compiled)


def _ordered(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    return tuple(sorted(dict.fromkeys(problems), key=lambda each: (each.file, each.line, each.path, each.message)))
