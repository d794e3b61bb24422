"""What applying a set of documents would change, known before anything is."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from documents import kinds
from documents.files import closure
from documents.model import Documents, Key, Written
from documents.problems import Problem
from documents.standing import ACTIVE, State


@dataclass(frozen=True, slots=True)
class Plan:
    """Documents by what would happen to them, and what must not happen.

    `changed` names for each document the fields that would change; a file is told of the documents that name it.
    """

    created: tuple[Key, ...] = ()
    changed: Mapping[Key, tuple[str, ...]] = field(default_factory=dict)
    removed: tuple[Key, ...] = ()
    unchanged: tuple[Key, ...] = ()
    kept: tuple[Key, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.created or self.changed or self.removed)

    @property
    def effect(self) -> tuple[tuple[Key, ...], Mapping[Key, tuple[str, ...]], tuple[Key, ...]]:
        """What would be done, whatever is there besides."""
        return self.created, self.changed, self.removed

    def lines(self) -> Iterator[str]:
        """The plan for a person to read, one line a document."""
        for key in self.created:
            yield f"+ {key}"
        for key, fields in self.changed.items():
            yield f"~ {key}: {', '.join(fields)}"
        for key in self.removed:
            yield f"- {key}"
        for key in self.kept:
            yield f"  {key} is no longer written; --prune would remove it"
        counts = (len(self.created), len(self.changed), len(self.removed), len(self.unchanged))
        yield "{} to create, {} to change, {} to remove, {} as they are.".format(*counts)


def plan(current: Documents, wanted: Documents, *, prune: bool = False) -> Plan:
    """What makes `current` into `wanted`. What is no longer written is removed only with `prune`.

    A version of a contract never changes, unless it is a draft: where it would, the plan has a problem that says which
    version to write. What nobody may use, a folder cannot tell of, and so does not remove.
    """
    there, after = current.by_key, wanted.by_key
    gone = tuple(sorted(key for key in current.in_force().by_key if key not in after))
    # What is no longer written leads to the same files as what is.
    left = {} if prune else {key: there[key] for key in there if key not in after}
    files = {**current.files, **wanted.files}
    changed = {
        key: fields
        for key, written in sorted({**left, **after}.items())
        if key in there and (fields := tuple(_changes(there[key], written, current.files, files)))
    }
    return Plan(
        created=tuple(sorted(key for key in after if key not in there)),
        changed=changed,
        removed=gone if prune else (),
        unchanged=tuple(sorted(key for key in after if key in there and key not in changed)),
        kept=() if prune else tuple(key for key in gone if key not in changed),
        problems=tuple(
            _immutable(after[key], fields, wanted) if key in after else _overwritten(there[key], fields)
            for key, fields in changed.items()
            if key.version and (current.standing(key) or ACTIVE).state is not State.DRAFT
        ),
    )


def result(current: Documents, wanted: Documents, *, prune: bool = False) -> Documents:
    """The set that is in force once the plan was carried out."""
    goes = current.in_force().by_key.keys() if prune else frozenset[Key]()
    by_key = {**{key: written for key, written in current.by_key.items() if key not in goes}, **wanted.by_key}
    named = (path for written in by_key.values() for _, path in written.document.file_paths())
    standings = {key: standing for key, standing in current.standings.items() if key in by_key}
    return Documents(by_key, closure(named, {**current.files, **wanted.files}), standings)


def _changes(before: Written, after: Written, old: Mapping[str, bytes], new: Mapping[str, bytes]) -> Iterator[str]:
    """The fields that differ, by their written names, and the files that a document leads to and that differ."""
    for name, described in type(after.document).model_fields.items():
        if getattr(before.document, name) != getattr(after.document, name):
            yield described.alias or name
    for path in sorted(_leads_to(before, old) | _leads_to(after, new)):
        if _digest(old.get(path)) != _digest(new.get(path)):
            yield path


def _leads_to(written: Written, files: Mapping[str, bytes]) -> set[str]:
    return set(closure((path for _, path in written.document.file_paths()), files))


def _digest(data: bytes | None) -> bytes:
    return b"" if data is None else sha256(data).digest()


def _immutable(written: Written, fields: tuple[str, ...], wanted: Documents) -> Problem:
    """A change to a version that exists. Examples are changed by it as well: they are what was promised to senders."""
    contract = written.document
    if not isinstance(contract, kinds.Contract):
        raise TypeError(contract.kind)
    major, minor, _ = (int(number) for number in contract.version.split("."))
    patches = [
        int(each.version.split(".")[2])
        for _, each in wanted.of(kinds.Contract)
        if each.name == contract.name and each.version.startswith(f"{major}.{minor}.")
    ]
    message = (
        f"{contract.name} {contract.version} exists and is never changed ({', '.join(fields)} would be): "
        f"leave it, and make version {major}.{minor}.{max(patches) + 1}."
    )
    return written.problem(message, "version")


def _overwritten(written: Written, files: tuple[str, ...]) -> Problem:
    """A version that is not written here, and leads to files that are."""
    message = (
        f"{written.key.name} {written.key.version} exists and is never changed, and it has {', '.join(files)} as well:"
        " leave what it has, and give other versions files of their own."
    )
    return written.problem(message)
