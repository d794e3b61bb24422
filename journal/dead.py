"""Dead letters: which are meant, a page of them, and how many of each sort; read by key, never all at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select

from bus.clock import iso
from bus.states import State
from journal.tables import attempts, deliveries, messages


@dataclass(frozen=True, slots=True)
class DeadFilter:
    """Which dead letters are meant; None: whatever it is. `contract` is a name, or a name with all or the beginning of
    a version: ``a.b@1``. `code` is the last attempt's. `since` and `until` are times of death, both included; `without`
    leaves reasons out."""

    system: str | None = None
    contract: str | None = None
    reason: str | None = None
    code: str | None = None
    since: int | None = None
    until: int | None = None
    without: Sequence[str] = ()

    def facts(self) -> dict[str, str | int]:
        """What is asked for, as an audit event tells it."""
        told = {
            "system": self.system,
            "contract": self.contract,
            "reason": self.reason,
            "code": self.code,
            "since": None if self.since is None else iso(self.since),
            "until": None if self.until is None else iso(self.until),
            "without": " ".join(self.without) or None,
        }
        return {name: value for name, value in told.items() if value is not None}


ALL_DEAD: Final = DeadFilter()


@dataclass(frozen=True, slots=True)
class DeadCount:
    """How many dead letters are alike."""

    system: str
    contract: str
    reason: str
    count: int


def page(wanted: DeadFilter, *, limit: int, after: UUID | None = None, newest_first: bool = True) -> Select[Any]:
    """The question for at most `limit` of them, `after` that delivery in the order asked for."""
    columns = (deliveries, messages.c.contract, messages.c.version, messages.c.sender, attempts.c.code)
    question = _wanted(select(*columns), wanted).limit(limit)
    key = deliveries.c.id
    if after is not None:
        question = question.where(key < after if newest_first else key > after)
    return question.order_by(key.desc() if newest_first else key)


def counts(wanted: DeadFilter) -> Select[Any]:
    """The question how many there are, by system, contract and reason."""
    alike = (deliveries.c.system, messages.c.contract, deliveries.c.reason)
    return _wanted(select(*alike, func.count().label("many")), wanted).group_by(*alike).order_by(*alike)


def counted(rows: Sequence[Row[Any]]) -> Iterator[DeadCount]:
    return (DeadCount(row.system, row.contract, row.reason, row.many) for row in rows)


def _wanted(question: Select[Any], wanted: DeadFilter) -> Select[Any]:
    last = and_(
        attempts.c.delivery == deliveries.c.id,
        attempts.c.number == deliveries.c.attempt,
        attempts.c.late.is_(False),
    )
    question = (
        question.select_from(deliveries)
        .join(messages, messages.c.id == deliveries.c.message)
        .outerjoin(attempts, last)
        .where(deliveries.c.state == State.DEAD)
    )
    return question.where(*_conditions(wanted))


def _conditions(wanted: DeadFilter) -> Iterator[ColumnElement[bool]]:
    same = {deliveries.c.system: wanted.system, deliveries.c.reason: wanted.reason, attempts.c.code: wanted.code}
    yield from (column == value for column, value in same.items() if value is not None)
    if wanted.since is not None:
        yield deliveries.c.changed_at >= wanted.since
    if wanted.until is not None:
        yield deliveries.c.changed_at <= wanted.until
    if wanted.without:
        yield deliveries.c.reason.not_in(wanted.without)
    if wanted.contract is not None:
        yield from of_contract(wanted.contract)


def of_contract(named: str) -> Iterator[ColumnElement[bool]]:
    """Messages of a contract, named with all, the beginning, or nothing of its version."""
    name, _, version = named.partition("@")
    yield messages.c.contract == name
    if version:
        begins = messages.c.version.startswith(f"{version}.", autoescape=True)
        yield or_(messages.c.version == version, begins)
