"""Where an import's documents go: beside those that are in force, or into a folder."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from documents.importers.report import Imported, Note
from documents.importers.target import AGENCY_UNNAMED, agency, mentioned
from documents.kinds import KINDS, Document
from documents.model import Documents, Key, Source, Written
from documents.problems import Problem, pointer
from documents.wording import problems_of
from documents.yaml_text import read_yaml
from documents.yaml_writing import write_yaml

ONCE: Final = ("Contract", "Transform", "CodeList")
"""Kinds that a version of an import has for itself; the others follow the newest version."""


def completed(imported: Imported, known: Iterable[str]) -> Imported:
    """With the agencies that the documents name and nobody has written yet; `known` are the codes of the others."""
    there = set(known)
    missing = [code for code in mentioned(list(imported.documents)) if code not in there]
    documents = (*(agency(code) for code in missing), *imported.documents)
    notes = (Note(AGENCY_UNNAMED, code, {"agency": code}) for code in missing)
    return replace(imported, documents=documents, notes=(*imported.notes, *notes))


def as_documents(imported: Imported, folder: str) -> tuple[Documents, tuple[Problem, ...]]:
    """The documents as they will be read from what is written; what a kind does not allow is a problem. `folder` is the
    import's own."""
    found: dict[Key, Written] = {}
    problems: list[Problem] = []
    for file, text in _texts(imported, folder).items():
        parsed, flaws = read_yaml(text)
        problems += [Problem(file, flaw.line, flaw.path, flaw.message) for flaw in flaws]
        for each in parsed:
            source, value = Source(file, each.lines), each.value
            kind = KINDS[str(value["kind"])] if isinstance(value, dict) else Document
            try:
                written = Written(kind.model_validate(value), source)
            except ValidationError as error:
                problems += [
                    Problem(file, source.line(place := pointer(steps)), place, message)
                    for steps, message in problems_of(kind, error)
                ]
            else:
                found[written.key] = written
    return Documents(found, imported.files), tuple(problems)


def written(imported: Imported, folder: str) -> Mapping[str, bytes]:
    """Every file of a province folder that holds the import, by path."""
    return {**_texts(imported, folder), **imported.files}


def differing(folder: Path, files: Mapping[str, bytes]) -> Iterator[str]:
    """Those of the files that are there already and say something else."""
    for path, data in files.items():
        there = folder / path
        if there.exists() and (not there.is_file() or there.read_bytes() != data):
            yield path


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Put the files beneath a folder, which is made where there is none. Raises `OSError`."""
    for path, data in files.items():
        there = folder / path
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_bytes(data)


def _texts(imported: Imported, folder: str) -> dict[str, bytes]:
    return {file: write_yaml(values).encode() for file, values in _by_file(imported, folder).items()}


def rewritten(folder: str) -> tuple[str, str]:
    """The files of documents that an import writes: those of its version, and those that follow the newest."""
    return f"{folder}/contracts.yaml", f"{folder.rpartition('/')[0] or folder}/system.yaml"


def _by_file(imported: Imported, folder: str) -> dict[str, list[dict[str, Any]]]:
    """The documents by the file they go into."""
    versioned, current = rewritten(folder)
    found: dict[str, list[dict[str, Any]]] = {}
    for document in imported.documents:
        file = versioned if document["kind"] in ONCE else current
        found.setdefault(file, []).append(document)
    return found
