"""The life of contract versions and grants: what the management plane does to them for a person.

Each change reads what there is, is written as one revision with its audit events, and is refused as `RegistryChanged`
where somebody else has written documents meanwhile; then it may simply be asked for again. `actor` is who does it, as
audit events name them: who has proposed something does not approve it.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256
from pathlib import Path

from yarl import URL

from bus.clock import Clock
from bus.errors import ContractUnknown, GrantUnknown, QueryInvalid, ResourceUnknown, SunsetAhead, VersionUnknown
from documents import kinds
from documents.check import check_bounded
from documents.compile import numbers
from documents.files import closure
from documents.kinds.base import values_of
from documents.kinds.values import Secret
from documents.model import Documents, Key, Written
from documents.plan import Plan, plan, result
from documents.problems import Problem, Severity
from documents.standing import ACTIVE, PAST, TRANSITIONS, UNSETTLED, Change, Standing, State, change
from documents.store import changes, read, writing
from identity.grants import civil_date
from journal.commands import Event, PutDocuments
from journal.queries import Queries

PLANNED = UNSETTLED - {State.PROPOSED, State.REQUESTED}
"""What a proposal cannot build on: drafts, and grants that were revoked."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What came of it: everything found, and the revision that was written; None where an error forbids it, or nothing
    was to be done. `plan` is what a proposal writes."""

    problems: tuple[Problem, ...] = ()
    revision: int | None = None
    plan: Plan | None = None

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(each for each in self.problems if each.severity is Severity.ERROR)


@dataclass(frozen=True, slots=True)
class Registry:
    """Changes states in one store; `write` commits at once and gives the revision. Everything here blocks.

    A contract version is named ``NAME@1.2.0``, a grant ``NAME@1/SYSTEM/send``. Every method may raise
    `ContractUnknown`, `VersionUnknown` or `GrantUnknown` for what is not there, `ChangeForbidden` for what its state
    does not allow, and `RegistryChanged`. `secrets` is the folder of secrets, of which a check says what is missing;
    `check` finds what is wrong with documents. `allowed` is given what there is and what is proposed, and may raise.
    """

    queries: Queries
    write: Callable[[PutDocuments], int]
    clock: Clock
    secrets: Path | None = None
    check: Callable[[Documents, date, Path | None], tuple[Problem, ...]] = check_bounded
    allowed: Callable[[Documents, Documents], None] = lambda *_: None

    def propose(
        self,
        actor: str,
        wanted: Documents,
        *,
        removed: frozenset[Key] = frozenset(),
        seen: Callable[[Documents], None] = lambda _: None,
    ) -> Decided:
        """Write documents, of which new contract versions, and drafts, are proposed, and new grants requested; all else
        is in force at once, routes as soon as their contract is. A system that comes to lie at another host is detached
        from its secrets. What is `removed` goes; nothing else does. `seen` is given what there is, and may raise.

        All is checked as if it were approved. A grant that exists is not changed: revoke it, then request it anew.
        """
        at, current = self._read()
        seen(current)
        planned = replace(plan(current, wanted), removed=tuple(sorted(removed)))
        after, events = result(current.less(removed), wanted), list[Event]()
        self.allowed(current, after)
        for key in (*planned.created, *planned.changed, *planned.unchanged):
            what = {"Contract": Change.PROPOSE, "Grant": Change.REQUEST}.get(key.kind)
            if what is not None and _waits(current, key, what):
                after, event = self._changed(current, after, key, what, actor)
                events.append(event)
        for key in moved(current, after, (*planned.created, *planned.changed)):
            after, event = self._changed(current, after, key, Change.DETACH, actor)
            events.append(event)
        command = writing(current, after, actor, at)
        if command is None:
            return Decided(plan=planned)
        others = {str(key) for key in current.by_key if key not in wanted.by_key}
        found = self._check(after.in_force(PLANNED), lambda warning: warning.file not in others)
        problems = (*_settled(current, planned), *planned.problems, *found)
        if any(each.severity is Severity.ERROR for each in problems):
            return Decided(problems, plan=planned)
        return Decided(problems, self.write(replace(command, besides=tuple(events))), planned)

    def approve(self, actor: str, version: str) -> Decided:
        """A proposed version becomes active, if the documents in force are right with it: it must not break senders of
        the version before it, nor the version after it its own. Raises `OwnProposal`."""
        at, current = self._read()
        return self._approve(at, current, version_of(current, version).key, actor)

    def reject(self, actor: str, version: str) -> Decided:
        """A proposed version becomes a draft, which may be changed and proposed again. Who proposed it may take it back
        so."""
        return self._decide(Change.REJECT, actor, version)

    def deprecate(self, actor: str, version: str, sunset: date) -> Decided:
        """An active version is to be used no more, and works until `sunset`, a day of civil time; again, for another
        day. Raises `QueryInvalid` for a day that is past."""
        if sunset < self._today:
            raise QueryInvalid(name="sunset", hint=f"{sunset} is past")
        return self._decide(Change.DEPRECATE, actor, version, sunset)

    def retire(self, actor: str, version: str) -> Decided:
        """Nothing more is accepted under a deprecated version; what was accepted is delivered. Raises `SunsetAhead`."""
        at, current = self._read()
        key = version_of(current, version).key
        standing = current.standing(key)
        if standing and standing.state is State.DEPRECATED and standing.sunset and standing.sunset > self._today:
            raise SunsetAhead(name=version, sunset=standing.sunset.isoformat())
        return self._write(at, current, key, Change.RETIRE, actor)

    def request_grant(self, actor: str, grant: kinds.Grant) -> Decided:
        """A grant that somebody else is to approve: new, or revoked before."""
        written = Written(grant)
        return self.propose(actor, Documents({written.key: written}))

    def approve_grant(self, actor: str, grant: str) -> Decided:
        """A requested grant holds from now on. Raises `OwnProposal`."""
        at, current = self._read()
        return self._approve(at, current, grant_of(current, grant), actor)

    def reject_grant(self, actor: str, grant: str) -> Decided:
        """A requested grant is refused, or taken back: it is revoked, and may be requested again."""
        at, current = self._read()
        return self._write(at, current, grant_of(current, grant), Change.REJECT, actor)

    def revoke_grant(self, actor: str, grant: str) -> Decided:
        """A grant holds no longer: no message is accepted by it from the next revision on."""
        at, current = self._read()
        return self._write(at, current, grant_of(current, grant), Change.REVOKE, actor)

    def confirm(self, actor: str, system: str) -> Decided:
        """A system that was moved to another host gets its secrets there. Raises `ResourceUnknown`."""
        at, current = self._read()
        key = Key("System", system)
        if key not in current.by_key:
            raise ResourceUnknown(kind=key.kind, name=system)
        return self._write(at, current, key, Change.CONFIRM, actor)

    @property
    def _today(self) -> date:
        return civil_date(self.clock.now())

    def _read(self) -> tuple[int, Documents]:
        """The revision first: what is written between the two is then found out when this is."""
        return self.queries.documents_at(), read(self.queries)

    def _check(self, documents: Documents, concerns: Callable[[Problem], bool]) -> tuple[Problem, ...]:
        """Every error, and the warnings that concern what is changed."""
        found = self.check(documents, self._today, self.secrets)
        return tuple(each for each in found if each.severity is Severity.ERROR or concerns(each))

    def _decide(self, what: Change, actor: str, version: str, sunset: date | None = None) -> Decided:
        at, current = self._read()
        return self._write(at, current, version_of(current, version).key, what, actor, sunset)

    def _approve(self, at: int, current: Documents, key: Key, actor: str) -> Decided:
        after, event = self._changed(current, current, key, Change.APPROVE, actor)
        problems = self._check(after.in_force(), lambda warning: warning.file == str(key))
        if any(each.severity is Severity.ERROR for each in problems):
            return Decided(problems)
        return Decided(problems, self.write(PutDocuments(changes(current, after), event, at)))

    def _write(
        self, at: int, current: Documents, key: Key, what: Change, actor: str, sunset: date | None = None
    ) -> Decided:
        after, event = self._changed(current, current, key, what, actor, sunset)
        return Decided((), self.write(PutDocuments(changes(current, after), event, at)))

    def _changed(
        self, current: Documents, after: Documents, key: Key, what: Change, actor: str, sunset: date | None = None
    ) -> tuple[Documents, Event]:
        """`after` with one standing changed from what it is in `current`, and the event that tells of it."""
        before = current.standing(key)
        standing = change(key.kind, named(key), before, what, actor, self.clock.now(), sunset)
        event = Event(f"{key.kind.lower()}.{PAST[what]}", actor, facts=_facts(key, before, standing))
        return replace(after, standings={**after.standings, key: standing}), event


def standings(documents: Documents, kind: str) -> list[tuple[Key, Standing]]:
    """Where everything of a kind stands, by name and version."""
    keys = (key for key in documents.by_key if key.kind == kind)
    ordered = sorted(keys, key=lambda key: (key.name, numbers(key.version or "0")))
    return [(key, documents.standings.get(key, ACTIVE)) for key in ordered]


def named(key: Key) -> str:
    """A contract version or a grant, as people name it."""
    return f"{key.name}@{key.version}" if key.version else key.name


def version_of(documents: Documents, version: str) -> Written:
    """The version that is named, in whatever state. Raises `ContractUnknown`, `VersionUnknown`."""
    name, _, number = version.partition("@")
    if not any(each.name == name for _, each in documents.of(kinds.Contract)):
        raise ContractUnknown
    written = documents.by_key.get(Key("Contract", name, number))
    if written is None:
        raise VersionUnknown(contract=name, version=number or "-")
    return written


def grant_of(documents: Documents, grant: str) -> Key:
    """The grant that is named, in whatever state. Raises `GrantUnknown`."""
    key = Key("Grant", grant)
    if key not in documents.by_key:
        raise GrantUnknown(name=grant)
    return key


def _waits(documents: Documents, key: Key, what: Change) -> bool:
    """Whether a document that is written now is to wait for another person."""
    standing = documents.standing(key)
    return (standing.state if standing else None, what) in TRANSITIONS[key.kind]


def moved(before: Documents, after: Documents, keys: Iterable[Key]) -> Iterator[Key]:
    """The systems among `keys` by which a secret would be sent to a place where it is not sent yet."""
    systems = ((written.key, each) for written, each in before.of(kinds.System))
    stand = (each for key, each in systems if before.standings.get(key, ACTIVE).state is not State.DETACHED)
    known = {sent for each in stand for sent in _sent(before, each)}
    for key in keys:
        document = after.by_key[key].document
        if isinstance(document, kinds.System) and not _sent(after, document) <= known:
            yield key


def _sent(documents: Documents, system: kinds.System) -> frozenset[tuple[str, str, str]]:
    """Whose secrets go where: agency, name, and the origin of the endpoint, or a digest of the WSDL that has it."""
    if system.endpoint is not None:
        place = str(URL(system.endpoint).origin())
    else:
        files = closure([system.wsdl] if system.wsdl else [], documents.files)
        place = sha256(b"".join(sha256(files[path]).digest() for path in sorted(files))).hexdigest()
    return frozenset((str(system.agency), str(secret), place) for _, secret in values_of(system, Secret))


def _settled(current: Documents, planned: Plan) -> Iterator[Problem]:
    """Grants that would be changed past whoever approves."""
    for key in planned.changed:
        if key.kind == "Grant" and not _waits(current, key, Change.REQUEST):
            message = "a grant is not changed: revoke it (or reject it, where it is requested), and request it anew."
            yield Problem(str(key), 0, "", message)


def _facts(key: Key, before: Standing | None, after: Standing) -> dict[str, str | int]:
    """What an audit event says of a change."""
    told: dict[str, str | int] = {"stateBefore": before.state if before else "-", "stateAfter": after.state}
    if after.sunset is not None:
        told["sunset"] = after.sunset.isoformat()
    if key.kind == "Contract":
        return told | {"contract": key.name, "version": key.version}
    if key.kind == "System":
        return told | {"system": key.name}
    contract, system, may = key.name.split("/")
    return told | {"contract": contract, "system": system, "may": may}
