"""Reading a province folder: every document in it, the files they name, and every problem at once."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from documents.files import Folder, Unreadable, closure
from documents.kinds import KINDS
from documents.model import Documents, Key, Source, Written
from documents.problems import Problem, meant, pointer
from documents.wording import problems_of
from documents.yaml_text import Parsed, read_yaml

SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Loaded:
    """What could be read, and everything that could not; `broken` is kind and name of documents that are wrong, and
    `unreadable` the files that documents name and that are told of as problems."""

    documents: Documents
    problems: tuple[Problem, ...]
    broken: frozenset[tuple[str, str]] = frozenset()
    unreadable: frozenset[str] = frozenset()


def load(folder: Path) -> Loaded:
    """Read every ``*.yaml`` and ``*.yml`` below a folder, and the files that their documents name.

    Never raises for what is in the folder: whatever is wrong is a `Problem`.
    """
    if not folder.is_dir():
        return Loaded(Documents(), (Problem(folder.name, 0, "", "there is no such folder."),))
    reading = _Reading(Folder(folder))
    for path in reading.folder.paths:
        if path.endswith(SUFFIXES):
            reading.file(path)
    if not reading.by_key and not reading.problems:
        reading.problems.append(Problem(folder.name, 0, "", "there is no document here: no file ends in .yaml."))
    files = closure(reading.named_files(), reading.folder)
    return Loaded(
        Documents(reading.by_key, files),
        tuple(reading.problems),
        frozenset(reading.broken),
        frozenset(reading.unreadable),
    )


@dataclass(slots=True)
class _Reading:
    folder: Folder
    by_key: dict[Key, Written] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    broken: set[tuple[str, str]] = field(default_factory=set)
    unreadable: set[str] = field(default_factory=set)

    def file(self, path: str) -> None:
        try:
            parsed, flaws = read_yaml(self.folder.read(path))
        except Unreadable as error:
            self.problems.append(Problem(path, 0, "", str(error)))
            return
        self.problems += [Problem(path, flaw.line, flaw.path, flaw.message) for flaw in flaws]
        for each in parsed:
            self._document(each, Source(path, each.lines))

    def _document(self, parsed: Parsed, source: Source) -> None:
        value = parsed.value if isinstance(parsed.value, dict) else {}
        kind = value.get("kind")
        if not isinstance(kind, str) or kind not in KINDS:
            problem = "`kind` is missing: " if kind is None else f"unknown kind `{str(kind)[:60]}`: "
            self._say(source, "/kind", problem + meant(str(kind), KINDS))
            return
        try:
            self._add(Written(KINDS[kind].model_validate(value), source))
        except ValidationError as error:
            for steps, message in problems_of(KINDS[kind], error):
                self._say(source, pointer(steps), message)
            self.broken.add((kind, str(value.get("code" if kind == "Agency" else "name", ""))))

    def _add(self, written: Written) -> None:
        before = self.by_key.setdefault(written.key, written)
        if before is not written:
            place = f"{before.source.file}:{before.source.line('')}"
            self._say(written.source, "", f"{written.key} was already given in {place}: keep one of them.")

    def named_files(self) -> Iterator[str]:
        """The files that documents name and that can be read; the others are problems."""
        for written in self.by_key.values():
            for steps, path in written.document.file_paths():
                try:
                    self.folder.read(path)
                    yield path
                except Unreadable as error:
                    self.unreadable.add(path)
                    self._say(written.source, pointer(steps), str(error))

    def _say(self, source: Source, place: str, message: str) -> None:
        self.problems.append(Problem(source.file, source.line(place), place, message))
