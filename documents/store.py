"""Documents in the journal: every revision of each, the files that they name, and where each stands, beside them."""

from collections.abc import Iterable, Mapping
from hashlib import sha256

import orjson

from documents.model import Documents, Key, Row, of_rows, unreadable
from documents.standing import Standing, read_standing
from journal.commands import Document, Event, PutDocuments
from journal.queries import Queries

FILE = "File"
"""The kind under which a file is kept; its name is its path from the province folder."""

LONGEST = 4000
"""Characters of a list in an audit event."""

STANDING = "Standing"
"""The kind under which it is kept where a document stands; its name is ``KIND/NAME``, its version the document's."""


Rows = Mapping[tuple[str, str, str], bytes]
"""What is kept, by kind, name and version."""


def read(queries: Queries) -> Documents:
    """The documents in force. Raises `DocumentInvalid` for rows that no version of the bus wrote."""
    found = queries.documents()
    files = {each.name: each.content or b"" for each in found if each.kind == FILE}
    standings = dict(_standing(each) for each in found if each.kind == STANDING)
    rows = (
        Row(each.kind, each.name, each.version, each.content or b"")
        for each in found
        if each.kind not in {FILE, STANDING}
    )
    return of_rows(rows, files, standings)


def _standing(row: Document) -> tuple[Key, Standing]:
    kind, _, name = row.name.partition("/")
    key = Key(kind, name, row.version)
    try:
        return key, read_standing(row.content or b"")
    except (KeyError, TypeError, ValueError):
        raise unreadable(Key(row.kind, row.name, row.version)) from None


def writing(current: Documents, wanted: Documents, actor: str, expected: int | None = None) -> PutDocuments | None:
    """What makes the store hold what is wanted, as one revision; None where it does already. `expected` is the revision
    at which `current` was written."""
    before = _kept(current)
    changed = _changed(before, _kept(wanted))
    if not changed:
        return None
    names = " ".join(_name(each) for each in changed if each.kind != FILE)
    facts: dict[str, str | int] = {
        "count": len(changed),
        "documents": names[:LONGEST],
        "changes": _told(before, changed),
    }
    return PutDocuments(changed, Event("documents.applied", actor, facts=facts), expected)


def changes(current: Documents, wanted: Documents) -> tuple[Document, ...]:
    """Every row that differs, as it is to be."""
    return _changed(_kept(current), _kept(wanted))


def _changed(before: Rows, after: Rows) -> tuple[Document, ...]:
    return tuple(
        Document(*key, after.get(key))
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    )


def _told(before: Rows, changed: Iterable[Document]) -> str:
    """Each change as ``KIND/NAME[/VERSION] BEFORE>AFTER [FIELD,…]``, separated by ``; ``: digests (the beginning of
    SHA-256, ``-`` for nothing) and names of fields, of what the store keeps of every revision. No value is told."""
    return "; ".join(_change(each, before.get((each.kind, each.name, each.version))) for each in changed)[:LONGEST]


def _change(row: Document, before: bytes | None) -> str:
    told = f"{_name(row)} {_digest(before)}>{_digest(row.content)}"
    if before is None or row.content is None or row.kind == FILE:
        return told
    one, other = orjson.loads(before), orjson.loads(row.content)
    return f"{told} {','.join(sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name)))}"


def _digest(content: bytes | None) -> str:
    return "-" if content is None else sha256(content).hexdigest()[:16]


def _name(row: Document) -> str:
    return "/".join(filter(None, (row.kind, row.name, row.version)))


def _kept(documents: Documents) -> Rows:
    """Every row, by kind, name and version."""
    rows = {(row.kind, row.name, row.version): row.content for row in documents.rows()}
    rows |= {
        (STANDING, f"{key.kind}/{key.name}", key.version): each.content for key, each in documents.standings.items()
    }
    return rows | {(FILE, path, ""): data for path, data in documents.files.items()}
