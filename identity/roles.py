"""What may a person do who runs the bus? One table: the management API decides by it, and docs/roles.md is made of
it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from bus.errors import RoleMissing


class Role(StrEnum):
    """What somebody is trusted with. A person may have several; an auditor has no other (see `identity.people`)."""

    REGISTRAR = "registrar"
    OPERATOR = "operator"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"

    @property
    def meaning(self) -> str:
        return MEANINGS[self]


MEANINGS: Final[Mapping[Role, str]] = MappingProxyType(
    {
        Role.REGISTRAR: "describes: writes what the registry holds, and proposes what others must decide",
        Role.OPERATOR: "keeps it running: finds messages, tries dead letters again, pauses and resumes systems",
        Role.AUDITOR: "looks at everything and changes nothing",
        Role.ADMINISTRATOR: "decides: contracts, grants, credentials, people; and whatever a registrar may",
    }
)


class Action(StrEnum):
    """What a person may ask of the bus."""

    READ_REGISTRY = "read-registry"
    READ_STATUS = "read-status"
    CHANGE_AGENCIES = "change-agencies"
    CHANGE_SYSTEMS = "change-systems"
    CHANGE_ROUTES = "change-routes"
    CHANGE_CODE_LISTS = "change-code-lists"
    PROPOSE_CONTRACT = "propose-contract"
    APPROVE_CONTRACT = "approve-contract"
    DEPRECATE_CONTRACT = "deprecate-contract"
    RETIRE_CONTRACT = "retire-contract"
    REQUEST_GRANT = "request-grant"
    DECIDE_GRANT = "decide-grant"
    ISSUE_CREDENTIAL = "issue-credential"
    REVOKE_CREDENTIAL = "revoke-credential"
    CONFIRM_SECRET = "confirm-secret"  # noqa: S105 - the name of an action
    SEARCH_MESSAGES = "search-messages"
    READ_BODY = "read-body"
    REPLAY = "replay"
    PAUSE_SYSTEM = "pause-system"
    READ_AUDIT = "read-audit"
    VERIFY_AUDIT = "verify-audit"
    READ_PEOPLE = "read-people"
    MANAGE_PEOPLE = "manage-people"

    @property
    def meaning(self) -> str:
        return RULES[self].meaning

    @property
    def roles(self) -> frozenset[Role]:
        """Any of these is enough."""
        return RULES[self].roles


@dataclass(frozen=True, slots=True)
class Rule:
    """What an action is, and who may do it."""

    meaning: str
    roles: frozenset[Role]


_EVERYBODY = frozenset(Role)
_DESCRIBING = frozenset({Role.REGISTRAR, Role.ADMINISTRATOR})
_DECIDING = frozenset({Role.ADMINISTRATOR})
_RUNNING = frozenset({Role.OPERATOR})
_SEEING_MESSAGES = frozenset({Role.OPERATOR, Role.AUDITOR})
_SEEING_EVIDENCE = frozenset({Role.AUDITOR, Role.ADMINISTRATOR})

RULES: Final[Mapping[Action, Rule]] = MappingProxyType(
    {
        Action.READ_REGISTRY: Rule("read agencies, systems, contracts, routes, grants and code lists", _EVERYBODY),
        Action.READ_STATUS: Rule("see how systems and processes stand, and how much waits", _EVERYBODY),
        Action.CHANGE_AGENCIES: Rule("register agencies, close them, name their successors", _DESCRIBING),
        Action.CHANGE_SYSTEMS: Rule("register systems and change how they are spoken to", _DESCRIBING),
        Action.CHANGE_ROUTES: Rule("write routes and their transforms", _DESCRIBING),
        Action.CHANGE_CODE_LISTS: Rule("write code lists", _DESCRIBING),
        Action.PROPOSE_CONTRACT: Rule("propose a version of a contract", _DESCRIBING),
        Action.APPROVE_CONTRACT: Rule("approve or turn down a version that somebody else has proposed", _DECIDING),
        Action.DEPRECATE_CONTRACT: Rule("announce the end of a version, which stays usable", _DESCRIBING),
        Action.RETIRE_CONTRACT: Rule("end a version: nobody sends by it any more", _DECIDING),
        Action.REQUEST_GRANT: Rule("ask for a grant, with its purpose and legal basis", _DESCRIBING),
        Action.DECIDE_GRANT: Rule("give, turn down or end a grant", _DECIDING),
        Action.ISSUE_CREDENTIAL: Rule(
            "issue a credential of a system, and see its secret once; name a certificate that proves it", _DECIDING
        ),
        Action.REVOKE_CREDENTIAL: Rule("end a credential of a system", _DECIDING),
        Action.CONFIRM_SECRET: Rule("let a system whose host has changed have its secret again", _DECIDING),
        Action.SEARCH_MESSAGES: Rule(
            "find messages and dead letters, and follow what became of them", _SEEING_MESSAGES
        ),
        Action.READ_BODY: Rule("read what a message or a reply says; each reading is an audit event", _SEEING_MESSAGES),
        Action.REPLAY: Rule("try dead letters again", _RUNNING),
        Action.PAUSE_SYSTEM: Rule("pause and resume a system", _RUNNING),
        Action.READ_AUDIT: Rule("read audit events", _SEEING_EVIDENCE),
        Action.VERIFY_AUDIT: Rule("check that no audit event was changed or is missing", _SEEING_EVIDENCE),
        Action.READ_PEOPLE: Rule("see who runs the bus, and with which roles", _SEEING_EVIDENCE),
        Action.MANAGE_PEOPLE: Rule("add people, give and take roles, disable", _DECIDING),
    }
)


def may(roles: Collection[Role], action: Action) -> bool:
    """Whether any of these roles is enough."""
    return not action.roles.isdisjoint(roles)


def require(roles: Collection[Role], action: Action) -> None:
    """Raises `RoleMissing`."""
    if not may(roles, action):
        raise RoleMissing(action=action, roles=", ".join(sorted(action.roles)))
