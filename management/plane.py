"""What the management plane works with: the bus's home, and the documents in force; and what a call of it is."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from bus.settings import Settings
from documents.certificates import proofs
from documents.model import Documents
from documents.store import read
from identity.keyring import keyed_hashes
from identity.passwords import Passwords
from identity.people import Person
from identity.roles import Action, require
from journal.commands import Command, PutDocuments
from journal.queries import Queries
from running.home import Home
from running.registry import Registry

R = TypeVar("R")


class Plane:
    """One for a process. Its methods block, and may be called from several threads."""

    def __init__(self, home: Home, passwords: Passwords | None = None) -> None:
        self.home = home
        self.passwords = passwords or Passwords()
        self._reading = threading.Lock()
        self._documents, self._at = Documents(), -1

    @property
    def queries(self) -> Queries:
        return self.home.queries

    @property
    def settings(self) -> Settings:
        return self.home.settings

    def now(self) -> int:
        return self.home.clock.now()

    def write(self, command: Command[R]) -> R:
        """Write one command; raises what it refuses."""
        return self.home.write(command)

    def documents(self) -> tuple[Documents, int]:
        """The documents in force, and at which revision they were written."""
        with self._reading:
            at = self.queries.documents_at()
            if at != self._at:
                self._documents, self._at = read(self.queries), at
            return self._documents, self._at

    def subjects(self, value: str) -> tuple[str, ...]:
        """The keyed hashes under which messages about somebody may be kept: one for each hash key."""
        return keyed_hashes(self.home.keys(), value.encode())


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the API: who makes it, and under which conditions (RFC 9110 §13.1)."""

    plane: Plane
    person: Person
    if_match: str | None = None
    if_none_match: str | None = None

    @property
    def actor(self) -> str:
        """As audit events name them."""
        return self.person.actor

    @property
    def registry(self) -> Registry:
        """Changes where documents stand."""
        home = self.plane.home
        return Registry(home.queries, home.write, home.clock, home.settings.secrets_folder, allowed=self._allowed)

    @property
    def planning(self) -> Registry:
        """As `registry`, writing nothing."""

        def write(command: PutDocuments) -> int:
            return command.expected or 0

        return replace(self.registry, write=write)

    def _allowed(self, current: Documents, proposed: Documents) -> None:
        """Who names a certificate may speak as its system, as if they had issued it a credential. Raises
        `RoleMissing`."""
        if not proofs(proposed) <= proofs(current):
            require(self.person.roles, Action.ISSUE_CREDENTIAL)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a handler gives back; `body` None: nothing (204)."""

    body: object = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = "application/json"
