"""Everything that can be known of documents before they are applied."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from documents.bench import Bench
from documents.compile import Compiled, compile_on
from documents.load import Loaded, load
from documents.model import Documents
from documents.problems import Problem, Severity
from documents.references import check_references
from documents.shapes import Shapes
from documents.trials import try_examples, try_routes
from identity.secrets import Secrets


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


def check(documents: Documents, today: date, secrets: Secrets | None = None) -> Report:
    """Check a set of documents: names, schemas, transforms, examples and tests.

    `today` is a day of civil time; with `secrets`, a secret that is not set is a warning.
    """
    return _check(Loaded(documents, ()), today, secrets)


def _check(loaded: Loaded, today: date, secrets: Secrets | None) -> Report:
    bench = Bench(loaded.documents, Shapes(loaded.documents.files), loaded.broken)
    check_references(bench, today, secrets)
    compiled = compile_on(bench)
    try_examples(bench, compiled)
    try_routes(bench, compiled)
    views = [Problem(place, 0, "", what, Severity.WARNING) for place, what in bench.shapes.inexpressible()]
    return Report(loaded.documents, _ordered([*loaded.problems, *bench.problems, *views]), compiled)


def _ordered(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    return tuple(sorted(dict.fromkeys(problems), key=lambda each: (each.file, each.line, each.path, each.message)))
