"""A change of documents, from what was sent to one revision: read, checked as a whole, and written if nobody else has
written meanwhile."""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

import orjson
from pydantic import ValidationError

from adapters.rest.conditional import names
from bus.errors import DocumentInvalid, PreconditionFailed, PreconditionMissing
from documents.kinds import KINDS, Document
from documents.model import Documents, Key, Source, Written
from documents.problems import Problem, pointer
from documents.wording import problems_of
from management.plane import Call
from running.anew import anew
from running.registry import Decided


def refused(problems: Iterable[Problem]) -> DocumentInvalid:
    """The error that says all of it."""
    found = tuple(problems)
    error = DocumentInvalid(count=len(found))
    error.problems = found
    return error


def read_document(kind: str, value: Mapping[str, Any]) -> Written:
    """A document as it was sent; `kind` need not be written. Raises `DocumentInvalid` with everything that is wrong."""
    model = KINDS[kind]
    file = f"{kind} {str(value.get('code' if kind == 'Agency' else 'name', ''))[:60]}".strip()
    try:
        return Written(model.model_validate({"kind": kind} | dict(value)), Source(file))
    except ValidationError as error:
        found = (Problem(file, 0, pointer(steps), words) for steps, words in problems_of(model, error))
        raise refused(found) from None


def change(call: Call, key: Key, written: Written | None) -> Decided:
    """Write one document, or remove it where nothing is `written`, under the conditions of the call.

    Raises `DocumentInvalid`, `PreconditionMissing`, `PreconditionFailed`, `RegistryChanged`, `RoleMissing`.
    """
    wanted = Documents({key: written} if written else {})

    def seen(current: Documents) -> None:
        hold(call, current.by_key.get(key), str(key))

    removed = frozenset[Key]() if written else frozenset({key})
    return done(anew(lambda: call.registry.propose(call.actor, wanted, removed=removed, seen=seen)))


def done(found: Decided) -> Decided:
    """Raises `DocumentInvalid` where an error forbids what was asked."""
    if found.errors:
        raise refused(found.errors)
    return found


def hold(call: Call, there: Written | None, name: str) -> None:
    """The conditions of a call against a document that there is, or is not."""
    hold_tag(call, etag(there.document) if there else None, name)


def hold_tag(call: Call, tag: str | None, name: str) -> None:
    """The conditions of a call (RFC 9110 §13.1) against the ETag of what there is; what exists is not changed without
    one. Raises `PreconditionMissing`, `PreconditionFailed`."""
    if call.if_match is not None:
        if tag is None or (call.if_match.strip() != "*" and tag not in _tags(call.if_match)):
            raise PreconditionFailed(name=name)
    elif call.if_none_match is not None:
        if tag is not None and names(call.if_none_match, tag):
            raise PreconditionFailed(name=name)
    elif tag is not None:
        raise PreconditionMissing(name=name)


def etag(document: Document, *more: bytes) -> str:
    """A strong validator (RFC 9110 §8.8.3) of what a document says."""
    return f'"{sha256(b"".join((document.content, *more))).hexdigest()[:32]}"'


def shown(document: Document) -> dict[str, Any]:
    """As an administrator would have written it."""
    value: dict[str, Any] = orjson.loads(document.content)
    return value


def has(document: Document, text: str) -> bool:
    """Whether a text is somewhere in a document, whatever the case of its letters."""
    return text.casefold() in document.content.decode().casefold()


def told_problem(problem: Problem) -> dict[str, str]:
    """As the API tells it."""
    return {"document": problem.file, "pointer": problem.path, "message": problem.message}


def _tags(header: str) -> set[str]:
    return {each.strip() for each in header.split(",")}
