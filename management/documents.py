"""Documents over the API: agencies, systems, routes, transforms, code lists. What is sent and what is read is what an
administrator would write into a file."""

from collections.abc import Callable, Mapping
from typing import Any

from adapters.rest.conditional import names
from bus.errors import Finding, RequestInvalid, ResourceUnknown
from documents.model import Key, Written
from management.changing import change, etag, has, read_document, shown
from management.paging import page
from management.plane import Answer, Call


class Kind:
    """The operations on one kind of document. `named` makes its name of the parameters in the path."""

    def __init__(self, kind: str, named: Callable[..., str]) -> None:
        self._kind, self._named = kind, named

    def list(self, call: Call, *, limit: int, cursor: str | None = None, q: str | None = None) -> Answer:
        """In the order of names; `q`: what the name or a title has in it."""
        documents, _ = call.plane.documents()
        found = [
            (key.name, shown(written.document))
            for key, written in sorted(documents.by_key.items())
            if key.kind == self._kind and (q is None or has(written.document, q))
        ]
        return page(found, limit, cursor)

    def get(self, call: Call, **name: str) -> Answer:
        written = self._written(call, self._named(**name))
        tag = etag(written.document)
        if call.if_none_match and names(call.if_none_match, tag):
            return Answer(None, 304, {"ETag": tag})
        return Answer(shown(written.document), headers={"ETag": tag})

    def put(self, call: Call, *, body: Mapping[str, Any], **name: str) -> Answer:
        """Write it, or write it anew: 201 or 200."""
        written = read_document(self._kind, body)
        if written.key.name != self._named(**name):
            raise RequestInvalid(findings=[Finding("", "name", self._named(**name))])
        found = change(call, written.key, written)
        created = found.plan is not None and written.key in found.plan.created
        answer = {"document": shown(written.document), "warnings": [each.message for each in found.problems]}
        return Answer(answer, 201 if created else 200, {"ETag": etag(written.document)})

    def delete(self, call: Call, **name: str) -> Answer:
        """What others name stays: the check says who does."""
        written = self._written(call, self._named(**name))
        change(call, written.key, None)
        return Answer()

    def _written(self, call: Call, name: str) -> Written:
        documents, _ = call.plane.documents()
        found = documents.by_key.get(Key(self._kind, name))
        if found is None:
            raise ResourceUnknown(kind=self._kind, name=name)
        return found
