"""Documents in the journal: every revision of each, and the files that they name beside them."""

from collections.abc import Mapping

from documents.model import Documents, Row, of_rows
from journal.commands import Document, Event, PutDocuments
from journal.queries import Queries

FILE = "File"
"""The kind under which a file is kept; its name is its path from the province folder."""


def read(queries: Queries) -> Documents:
    """The documents in force. Raises `DocumentInvalid` for rows that no version of the bus wrote."""
    found = queries.documents()
    files = {each.name: each.content or b"" for each in found if each.kind == FILE}
    rows = (Row(each.kind, each.name, each.version, each.content or b"") for each in found if each.kind != FILE)
    return of_rows(rows, files)


def writing(current: Documents, wanted: Documents, actor: str, expected: int | None = None) -> PutDocuments | None:
    """What makes the store hold what is wanted, as one revision; None where it does already. `expected` is the revision
    at which `current` was written."""
    before, after = _kept(current), _kept(wanted)
    changed = [
        Document(*key, after.get(key))
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    ]
    if not changed:
        return None
    names = " ".join(
        "/".join(filter(None, (each.kind, each.name, each.version))) for each in changed if each.kind != FILE
    )
    facts: dict[str, str | int] = {"count": len(changed), "documents": names[:4000]}
    return PutDocuments(tuple(changed), Event("documents.applied", actor, facts=facts), expected)


def _kept(documents: Documents) -> Mapping[tuple[str, str, str], bytes]:
    """Every row, by kind, name and version."""
    rows = {(row.kind, row.name, row.version): row.content for row in documents.rows()}
    return rows | {(FILE, path, ""): data for path, data in documents.files.items()}
