"""Where documents are compiled: the set, what its files say, and what turned out wrong."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from bus.errors import DocumentInvalid, Finding
from documents.model import Documents, Written
from documents.problems import Problem, Severity, meant, pointer
from documents.shapes import Shapes
from transforms.apart.pool import Pool

KIND_WORDS = {
    "Agency": "agency",
    "System": "system",
    "Contract": "contract",
    "Route": "route",
    "Transform": "transform",
    "CodeList": "code list",
    "Grant": "grant",
}
T = TypeVar("T")
Step = str | int


@dataclass(slots=True)
class Bench:
    """A compiler goes on after a problem, so that a writer sees every one at once."""

    documents: Documents
    shapes: Shapes
    pool: Pool
    broken: frozenset[tuple[str, str]] = frozenset()  # kind and name of documents that could not be read
    proving: bool = False  # whether what runs apart is compiled at once, and not when it is needed
    problems: list[Problem] = field(default_factory=list)

    def say(self, written: Written, message: str, *steps: Step, severity: Severity = Severity.ERROR) -> None:
        self.problems.append(written.problem(message, *steps, severity=severity))

    def warn(self, written: Written, message: str, *steps: Step) -> None:
        self.say(written, message, *steps, severity=Severity.WARNING)

    def lacks(self, written: Written, kind: str, name: str, there: Iterable[str], *steps: Step) -> bool:
        """Whether `name` is not `there`; said at this place, unless it is written but wrong, which was said already."""
        names = set(there)
        if name in names:
            return False
        if (kind, name.partition("@")[0]) not in self.broken:
            self.say(written, f"there is no {KIND_WORDS[kind]} {name}: {meant(name, names)}", *steps)
        return True

    def lost(self, kind: str) -> bool:
        """Whether a document of this kind could not be read: what then seems to lack it may not."""
        return any(kind == broken for broken, _ in self.broken)

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
