"""Where a contract version or a grant stands in its life, as tables.

Every change is a row of `TRANSITIONS`; the diagrams in docs/lifecycle.md are printed from it. What has no standing of
its own is active: that is what `lgsp apply` makes of a folder. Who proposes does not approve.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import orjson

from bus.errors import ChangeForbidden, OwnProposal


class State(StrEnum):
    """Where it stands."""

    DRAFT = "draft"  # a version that was sent back, and may be changed
    PROPOSED = "proposed"  # a version that waits for another person's consent, and is not changed
    REQUESTED = "requested"  # a grant that waits likewise
    ACTIVE = "active"
    DEPRECATED = "deprecated"  # it works, and says until when
    RETIRED = "retired"  # nothing is accepted under it any more
    REVOKED = "revoked"  # a grant that permits nothing, any more or at all
    DETACHED = "detached"  # a system whose secrets would go to another host than before, and go nowhere


class Change(StrEnum):
    """What may happen to it."""

    PROPOSE = "propose"
    REQUEST = "request"
    APPROVE = "approve"
    REJECT = "reject"
    DEPRECATE = "deprecate"
    RETIRE = "retire"
    REVOKE = "revoke"
    DETACH = "detach"
    CONFIRM = "confirm"


PAST: Final[Mapping[Change, str]] = MappingProxyType(
    {
        Change.PROPOSE: "proposed",
        Change.REQUEST: "requested",
        Change.APPROVE: "approved",
        Change.REJECT: "rejected",
        Change.DEPRECATE: "deprecated",
        Change.RETIRE: "retired",
        Change.REVOKE: "revoked",
        Change.DETACH: "detached",
        Change.CONFIRM: "confirmed",
    }
)
"""How audit events call a change that has happened."""

TRANSITIONS: Mapping[str, Mapping[tuple[State | None, Change], State]] = MappingProxyType(
    {
        "Contract": {
            (None, Change.PROPOSE): State.PROPOSED,
            (State.DRAFT, Change.PROPOSE): State.PROPOSED,
            (State.PROPOSED, Change.APPROVE): State.ACTIVE,
            (State.PROPOSED, Change.REJECT): State.DRAFT,
            (State.ACTIVE, Change.DEPRECATE): State.DEPRECATED,
            (State.DEPRECATED, Change.DEPRECATE): State.DEPRECATED,
            (State.DEPRECATED, Change.RETIRE): State.RETIRED,
        },
        "Grant": {
            (None, Change.REQUEST): State.REQUESTED,
            (State.REVOKED, Change.REQUEST): State.REQUESTED,
            (State.REQUESTED, Change.APPROVE): State.ACTIVE,
            (State.REQUESTED, Change.REJECT): State.REVOKED,
            (State.ACTIVE, Change.REVOKE): State.REVOKED,
        },
        "System": {
            (None, Change.DETACH): State.DETACHED,
            (State.ACTIVE, Change.DETACH): State.DETACHED,
            (State.DETACHED, Change.DETACH): State.DETACHED,
            (State.DETACHED, Change.CONFIRM): State.ACTIVE,
        },
    }
)
"""By kind of document; None: nothing of that name has been written yet."""

UNSETTLED = frozenset({State.DRAFT, State.PROPOSED, State.REQUESTED, State.REVOKED})
"""What nobody may use. A retired version is not among them: what was accepted under it is still delivered."""

WAITING = {"Contract": State.PROPOSED, "Grant": State.REQUESTED}
"""The state in which a kind waits for another person."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one document stands. `since` when, in milliseconds; `sunset` the day from which a deprecated version may be
    retired, of civil time; `proposed_by` and `decided_by` are actors, as audit events name them."""

    state: State = State.ACTIVE
    since: int = 0
    sunset: date | None = None
    proposed_by: str = ""
    decided_by: str = ""

    @property
    def content(self) -> bytes:
        """As the store keeps it: JSON with sorted keys."""
        told: dict[str, str | int] = {
            "state": self.state,
            "since": self.since,
            "proposedBy": self.proposed_by,
            "decidedBy": self.decided_by,
        }
        if self.sunset is not None:
            told["sunset"] = self.sunset.isoformat()
        return orjson.dumps(told, option=orjson.OPT_SORT_KEYS)


ACTIVE: Final = Standing()
"""The standing of what has no other."""


def read_standing(content: bytes) -> Standing:
    """What was kept. Raises `ValueError`, `KeyError` or `TypeError` for what no version of the bus wrote."""
    told = orjson.loads(content)
    sunset = told.get("sunset")
    return Standing(
        State(told["state"]),
        int(told["since"]),
        date.fromisoformat(sunset) if sunset is not None else None,
        str(told["proposedBy"]),
        str(told["decidedBy"]),
    )


def change(
    kind: str, name: str, standing: Standing | None, what: Change, actor: str, now: int, sunset: date | None = None
) -> Standing:
    """The standing of `name` after `actor` did `what`; `sunset` goes with `deprecate`.

    Raises `ChangeForbidden` where the table has no such row, and `OwnProposal`.
    """
    before = standing.state if standing else None
    after = TRANSITIONS[kind].get((before, what))
    if after is None:
        raise ChangeForbidden(name=name, state=before or "unknown", change=what)
    if what in {Change.PROPOSE, Change.REQUEST}:
        return Standing(after, now, proposed_by=actor)
    former = standing or ACTIVE
    if what is Change.APPROVE and former.proposed_by == actor:
        raise OwnProposal(name=name)
    since = former.since if after is before else now
    return Standing(after, since, sunset or former.sunset, former.proposed_by, actor)


def diagram(kind: str) -> str:
    """The table of one kind as a Mermaid state diagram."""
    rows = [f"    {before or '[*]'} --> {after}: {what}" for (before, what), after in TRANSITIONS[kind].items()]
    return "\n".join(["stateDiagram-v2", "    [*] --> active: apply", *rows])
