"""Several documents at once, with their files: what `lgsp apply` sends, and what an importer made."""

import re
from base64 import b64decode
from collections.abc import Iterable, Mapping
from typing import Any

from bus.errors import DocumentInvalid, Finding, RequestInvalid
from documents.kinds.values import FilePath
from documents.model import Documents
from documents.problems import Problem, Severity
from identity.roles import Action, require
from management.changing import done, read_document, refused, told_problem
from management.plane import Answer, Call
from running.registry import Decided

NEEDED = {
    "Agency": Action.CHANGE_AGENCIES,
    "System": Action.CHANGE_SYSTEMS,
    "Contract": Action.PROPOSE_CONTRACT,
    "Route": Action.CHANGE_ROUTES,
    "Transform": Action.CHANGE_ROUTES,
    "CodeList": Action.CHANGE_CODE_LISTS,
    "Grant": Action.REQUEST_GRANT,
}
"""What somebody must be allowed to do who sends a document of a kind."""


def make(call: Call, *, body: Mapping[str, Any], dry_run: bool = False) -> Answer:
    """Plan it, and write it unless `dry_run`."""
    wanted = Documents(_documents(body["documents"]), _files(body.get("files", ())))
    for kind in {key.kind for key in wanted.by_key}:
        require(call.person.roles, NEEDED[kind])
    found = done((call.planning if dry_run else call.registry).propose(call.actor, wanted))
    return Answer(_told(found, written=not dry_run))


def _documents(sent: Iterable[Mapping[str, Any]]) -> dict[Any, Any]:
    """By key; raises `DocumentInvalid` with what is wrong with any of them."""
    by_key, problems = {}, list[Problem]()
    for number, each in enumerate(sent):
        try:
            written = read_document(each["kind"], each)
        except DocumentInvalid as invalid:
            problems += invalid.problems
            continue
        if written.key in by_key:
            problems.append(Problem(str(written.key), 0, f"/documents/{number}", "it is here twice: keep one of them."))
        by_key[written.key] = written
    if problems:
        raise refused(problems)
    return by_key


def _files(sent: Iterable[Mapping[str, str]]) -> dict[str, bytes]:
    found = {}
    for number, each in enumerate(sent):
        if not re.fullmatch(FilePath.PATTERN, each["path"]):
            raise RequestInvalid(findings=[Finding(f"/files/{number}/path", "path")])
        try:
            found[each["path"]] = b64decode(each["content"], validate=True)
        except ValueError:
            raise RequestInvalid(findings=[Finding(f"/files/{number}/content", "base64")]) from None
    return found


def _told(found: Decided, *, written: bool) -> dict[str, Any]:
    plan = found.plan
    told: dict[str, Any] = {
        "created": [str(key) for key in plan.created] if plan else [],
        "changed": [{"document": str(key), "fields": list(fields)} for key, fields in plan.changed.items()]
        if plan
        else [],
        "removed": [],
        "unchanged": len(plan.unchanged) if plan else 0,
        "done": written,
        "warnings": [told_problem(each) for each in found.problems if each.severity is Severity.WARNING],
    }
    return told | ({"revision": found.revision} if found.revision is not None else {})
