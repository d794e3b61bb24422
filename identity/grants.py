"""Grants: which system may send or receive which contract, why, and from when to when."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta, timezone
from enum import StrEnum

CIVIL_TIME = timezone(timedelta(hours=7))  # Decision 134/2002/QĐ-TTg; the country has no summer time
AHEAD = 7 * 3_600_000  # the same in milliseconds
DAY = 24 * 3_600_000
EPOCH = date(1970, 1, 1).toordinal()


class May(StrEnum):
    """What a grant permits."""

    SEND = "send"
    RECEIVE = "receive"


@dataclass(frozen=True, slots=True)
class Grant:
    """One permission. Dates are days of civil time, both inclusive; None is open."""

    contract: str
    major: int
    system: str
    may: May
    purpose: str = ""
    legal_basis: str = ""
    valid_from: date | None = None
    valid_until: date | None = None

    @property
    def reference(self) -> str:
        """``name@major``."""
        return f"{self.contract}@{self.major}"

    def valid(self, on: date) -> bool:
        return (self.valid_from is None or self.valid_from <= on) and (
            self.valid_until is None or on <= self.valid_until
        )


class Grants:
    """Every grant, found by system and contract without a search."""

    def __init__(self, grants: Iterable[Grant] = ()) -> None:
        self._by_system: dict[tuple[str, str, May], list[Grant]] = {}
        self._by_contract: dict[tuple[str, May], list[Grant]] = {}
        for grant in grants:
            for name in (grant.contract, grant.reference):
                self._by_system.setdefault((grant.system, name, grant.may), []).append(grant)
            self._by_contract.setdefault((grant.reference, grant.may), []).append(grant)

    def __iter__(self) -> Iterator[Grant]:
        return (grant for grants in self._by_contract.values() for grant in grants)

    def find(self, system: str, reference: str, may: May, on: date) -> Grant | None:
        """The grant that permits it on that day; `reference` is ``name@major``."""
        for grant in self._by_system.get((system, reference, may), ()):
            if grant.valid(on):
                return grant
        return None

    def allows(self, system: str, reference: str, may: May, on: date) -> bool:
        return self.find(system, reference, may, on) is not None

    def majors(self, system: str, contract: str, may: May, on: date) -> tuple[int, ...]:
        """The majors of a contract that the system may use on that day, newest first."""
        grants = self._by_system.get((system, contract, may), ())
        return tuple(sorted({grant.major for grant in grants if grant.valid(on)}, reverse=True))

    def senders_of(self, reference: str, on: date) -> tuple[str, ...]:
        return self._systems(reference, May.SEND, on)

    def receivers_of(self, reference: str, on: date) -> tuple[str, ...]:
        return self._systems(reference, May.RECEIVE, on)

    def _systems(self, reference: str, may: May, on: date) -> tuple[str, ...]:
        grants = self._by_contract.get((reference, may), ())
        return tuple(sorted({grant.system for grant in grants if grant.valid(on)}))


def civil_date(now: int) -> date:
    """The day it is in this country at `now`, milliseconds since the epoch: what the dates in grants mean."""
    return date.fromordinal(EPOCH + (now + AHEAD) // DAY)
