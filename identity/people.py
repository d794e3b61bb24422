"""Who runs the bus: people, their roles, and what may be changed about them."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self

from bus.errors import AgencyCodeInvalid, LastAdministrator, PersonExists, PersonInvalid, PersonUnknown
from identity.agencies import parse_code
from identity.roles import Role
from journal.commands import Event, PutRow

NAME: Final = re.compile(r"[a-z0-9._-]{2,64}")
LONGEST_TITLE: Final = 200

Facts = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who signs in by `name`; `title` is the full name. Times are milliseconds since the epoch."""

    name: str
    title: str
    roles: frozenset[Role]
    agency: str | None
    password_hash: str = field(repr=False)
    created_at: int
    changed_at: int
    disabled_at: int | None = None

    @property
    def enabled(self) -> bool:
        return self.disabled_at is None

    @property
    def actor(self) -> str:
        """As audit events name what this person does."""
        return f"person:{self.name}"

    def with_password(self, password_hash: str, now: int) -> Self:
        return replace(self, password_hash=password_hash, changed_at=now)

    def require_valid(self) -> None:
        """Raises `PersonInvalid`."""
        if not NAME.fullmatch(self.name):
            raise PersonInvalid(hint="a sign-in name is 2 to 64 of a-z, 0-9, dot, - and _")
        if not self.roles:
            raise PersonInvalid(hint="nobody is without a role; whoever has none any more is disabled")
        if Role.AUDITOR in self.roles and len(self.roles) > 1:
            raise PersonInvalid(hint="an auditor has no other role: whoever judges changes nothing")
        if len(self.title) > LONGEST_TITLE or not self.title.isprintable():
            raise PersonInvalid(hint=f"a full name has at most {LONGEST_TITLE} characters, on one line")
        if self.agency is not None:
            try:
                parse_code(self.agency)
            except AgencyCodeInvalid as invalid:
                raise PersonInvalid(hint=f"agency: {invalid.facts['hint']}") from None

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> Self:
        roles = frozenset(Role(role) for role in row["roles"].split(",") if role)
        return cls(**{**row, "roles": roles})

    def row(self) -> dict[str, str | int | bytes | None]:
        return {
            "name": self.name,
            "title": self.title,
            "roles": ",".join(sorted(self.roles)),
            "agency": self.agency,
            "password_hash": self.password_hash,
            "created_at": self.created_at,
            "changed_at": self.changed_at,
            "disabled_at": self.disabled_at,
        }


class People:
    """Everybody, as of one revision. Each change is made into the command that writes it, if nothing has changed since:
    `actor` is who asks for it."""

    def __init__(self, people: Iterable[Person] = (), revision: int = 0) -> None:
        self._people = {person.name: person for person in people}
        self.revision = revision

    def __iter__(self) -> Iterator[Person]:
        return iter(self._people.values())

    def find(self, name: str) -> Person | None:
        return self._people.get(name)

    def get(self, name: str) -> Person:
        """Raises `PersonUnknown`."""
        found = self._people.get(name)
        if found is None:
            raise PersonUnknown(name=name if NAME.fullmatch(name) else None)
        return found

    def add(self, person: Person, actor: str) -> PutRow:
        """Somebody new. Raises `PersonExists`, `PersonInvalid`."""
        if person.name in self._people:
            raise PersonExists(name=person.name)
        facts = {"roles": _told(person.roles)} | ({"agency": person.agency} if person.agency else {})
        return self._put(person, "person.added", actor, facts)

    def change(
        self,
        name: str,
        now: int,
        actor: str,
        *,
        roles: Collection[Role] | None = None,
        title: str | None = None,
        agency: str | None = None,
        enabled: bool | None = None,
    ) -> PutRow:
        """Other roles, another full name, another agency (an empty text: none), whether they may sign in: all in one.
        None leaves as it is. Raises `PersonUnknown`, `PersonInvalid`, `LastAdministrator`."""
        before = self.get(name)
        disabled_at = {None: before.disabled_at, True: None, False: before.disabled_at or now}[enabled]
        after = replace(
            before,
            roles=before.roles if roles is None else frozenset(roles),
            title=before.title if title is None else title,
            agency=before.agency if agency is None else agency or None,
            changed_at=now,
            disabled_at=disabled_at,
        )
        fields = [
            each for each in ("agency", "enabled", "roles", "title") if getattr(before, each) != getattr(after, each)
        ]
        facts = {"fields": ", ".join(fields), "rolesBefore": _told(before.roles), "roles": _told(after.roles)}
        if fields == ["enabled"]:
            return self._put(after, "person.enabled" if after.enabled else "person.disabled", actor)
        return self._put(after, "person.changed", actor, facts)

    def set_password(self, name: str, password_hash: str, now: int, actor: str) -> PutRow:
        """Raises `PersonUnknown`."""
        person = self.get(name).with_password(password_hash, now)
        return self._put(person, "person.password-changed", actor)

    def renew_hash(self, name: str, password_hash: str, actor: str) -> PutRow:
        """The same password, kept by the parameters of now. Raises `PersonUnknown`."""
        return self._put(replace(self.get(name), password_hash=password_hash), "person.password-rehashed", actor)

    def disable(self, name: str, now: int, actor: str) -> PutRow:
        """Nobody signs in by this name any more. Raises `PersonUnknown`, `LastAdministrator`."""
        person = self.get(name)
        return self._put(
            replace(person, disabled_at=person.disabled_at or now, changed_at=now), "person.disabled", actor
        )

    def enable(self, name: str, now: int, actor: str) -> PutRow:
        """Raises `PersonUnknown`."""
        return self._put(replace(self.get(name), disabled_at=None, changed_at=now), "person.enabled", actor)

    def _put(self, person: Person, event: str, actor: str, facts: Facts | None = None) -> PutRow:
        person.require_valid()
        before = self._people.get(person.name)
        if before and _decides(before) and not _decides(person):
            others = (each for each in self if each.name != person.name)
            if not any(_decides(each) for each in others):
                raise LastAdministrator(name=person.name)
        told = Event(event, actor, facts={"person": person.name, **(facts or {})})
        return PutRow("people", person.row(), told, self.revision)


def _decides(person: Person) -> bool:
    """Whether this is an enabled administrator, without one of whom nobody could be added any more."""
    return person.enabled and Role.ADMINISTRATOR in person.roles


def _told(roles: Iterable[Role]) -> str:
    return ", ".join(sorted(roles))
