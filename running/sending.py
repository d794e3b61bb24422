"""Sending a folder of documents to a bus that runs elsewhere, as somebody who signs in at its management plane."""

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import Request

import orjson

from bus.errors import QueryInvalid
from documents.load import load
from documents.model import Documents
from documents.problems import Problem, Severity
from running.client import ask

PATIENCE: Final = 300.0
"""Seconds: everything is checked there once more, with all that is in force."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the bus said of a change: `refused` is why it is not made, or what it would be, as the API has it."""

    plan: Mapping[str, Any] = field(default_factory=dict)
    refused: str = ""
    problems: tuple[Problem, ...] = ()

    def lines(self) -> Iterator[str]:
        """The plan for a person to read, one line a document."""
        for name in self.plan.get("created", ()):
            yield f"+ {name}"
        for each in self.plan.get("changed", ()):
            yield f"~ {each['document']}: {', '.join(each['fields'])}"
        counts = (len(self.plan.get("created", ())), len(self.plan.get("changed", ())), self.plan.get("unchanged", 0))
        yield "{} to create, {} to change, {} as they are.".format(*counts)

    @property
    def is_empty(self) -> bool:
        return not (self.plan.get("created") or self.plan.get("changed"))


@dataclass(frozen=True, slots=True)
class Manager:
    """The management plane at `url`, for one person. Raises `QueryInvalid` for an address that a password must not be
    sent to."""

    url: str
    name: str
    password: str = field(repr=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
            raise QueryInvalid(name="to", hint="write https://HOST:PORT, where the management plane answers")
        if parts.scheme == "http" and not _is_here(parts.hostname):
            raise QueryInvalid(name="to", hint="a password goes over https, or to this machine itself")

    def change(self, documents: Documents, *, dry: bool) -> Told:
        """Plan a change, or make it. Raises `GatewayUnreachable`."""
        body = {
            "documents": [orjson.loads(each.document.content) for each in documents],
            "files": [
                {"path": path, "content": b64encode(data).decode()} for path, data in sorted(documents.files.items())
            ],
        }
        proof = b64encode(f"{self.name}:{self.password}".encode()).decode()
        fields = {"Authorization": f"Basic {proof}", "Content-Type": "application/json", "Accept-Language": "en"}
        address = f"{self.url.rstrip('/')}/v1/changes?dryRun={'true' if dry else 'false'}"
        request = Request(address, orjson.dumps(body), fields, method="POST")  # noqa: S310 - checked above
        answer = ask(self.url, request, PATIENCE)
        told = answer.json()
        if answer.status == 200:
            return Told(told, problems=tuple(_problems(told.get("warnings", ()), Severity.WARNING)))
        refused = str(told.get("detail") or f"the bus answered {answer.status}")
        return Told(refused=refused, problems=tuple(_problems(told.get("problems", ()), Severity.ERROR)))


def send_folder(manager: Manager, folder: Path, agreed: Callable[[Told], bool]) -> Told:
    """Read a folder, have it checked and planned there with all that is in force, and sent if whoever is asked agrees.
    `Told.plan["done"]` says whether it was written."""
    loaded = load(folder)
    if loaded.problems:
        return Told(refused="nothing was sent", problems=loaded.problems)
    planned = manager.change(loaded.documents, dry=True)
    if planned.refused or planned.is_empty or not agreed(planned):
        return planned
    return manager.change(loaded.documents, dry=False)


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _problems(told: Any, severity: Severity) -> Iterator[Problem]:
    for each in told:
        yield Problem(str(each.get("document", "")), 0, str(each.get("pointer", "")), str(each["message"]), severity)
