"""Where documents are compiled: the set, what its files say, and what turned out wrong."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from bus.errors import DocumentInvalid, Finding
from documents.model import Documents, Written
from documents.problems import Problem, Severity, pointer
from documents.shapes import Shapes

T = TypeVar("T")
Step = str | int


@dataclass(slots=True)
class Bench:
    """A compiler goes on after a problem, so that a writer sees every one at once."""

    documents: Documents
    shapes: Shapes
    problems: list[Problem] = field(default_factory=list)

    def say(self, written: Written, message: str, *steps: Step, severity: Severity = Severity.ERROR) -> None:
        self.problems.append(written.problem(message, *steps, severity=severity))

    def warn(self, written: Written, message: str, *steps: Step) -> None:
        self.say(written, message, *steps, severity=Severity.WARNING)

    def attempt(self, written: Written, steps: tuple[Step, ...], build: Callable[[], T]) -> T | None:
        """What `build` makes; None where it found the documents wrong, which is then said at this place."""
        try:
            return build()
        except DocumentInvalid as error:
            for finding in error.findings:
                inside = finding.place if finding.place.startswith("/") else ""
                self.problems.append(written.problem_at(pointer(steps) + inside, _words(finding)))
            return None


def _words(finding: Finding) -> str:
    """A finding whose place is no JSON Pointer names its file itself."""
    words = f"{finding.rule}: {finding.limit}" if finding.limit else finding.rule
    return words if not finding.place or finding.place.startswith("/") else f"{finding.place}: {words}"
