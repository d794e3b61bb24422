"""Agencies and the two rules by which this country codes them.

Decision 20/2020/QĐ-TTg grows a code from left to right (``H57.05.01``); QCVN 102:2016/BTTTT grew it from right to left
in four groups (``000.01.05.H57``). Neither follows from the other: mergers and renumberings broke the symmetry, so the
two are joined by the table of agencies and never by reversing text.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from bus.errors import AgencyCodeInvalid

MAX_LENGTH = 35  # Decision 20/2020/QĐ-TTg, article 4
CODE = re.compile(r"[A-Z][0-9]{2}(?:\.[0-9A-Z]+)*")
LEGACY_CODE = re.compile(r"([0-9]{3})\.([0-9]{2})\.([0-9]{2})\.([A-Z][0-9]{2})")


def parse_code(text: str) -> tuple[str, ...]:
    """The groups of a code, level 1 first: ``H57.05.01`` is ``("H57", "05", "01")``.

    Decision 20/2020/QĐ-TTg: at most 35 characters out of 0-9, A-Z and the dot. Raises `AgencyCodeInvalid`.
    """
    if len(text) > MAX_LENGTH:
        raise AgencyCodeInvalid(hint=f"it has at most {MAX_LENGTH} characters")
    if CODE.fullmatch(text):
        return tuple(text.split("."))
    if LEGACY_CODE.fullmatch(text):
        raise AgencyCodeInvalid(
            hint="this is the older form; write the newer one, such as H57.05, and this one as legacyCode"
        )
    raise AgencyCodeInvalid(
        hint="write one capital letter and two digits, then groups of 0-9 and A-Z, such as H57.05.01"
    )


def parse_legacy_code(text: str) -> tuple[str, ...]:
    """The groups in use of an older code, level 1 first: ``000.01.05.H57`` is ``("H57", "05", "01")``.

    QCVN 102:2016/BTTTT: read from right to left, zeros at the far end are levels not used. Raises `AgencyCodeInvalid`.
    """
    match = LEGACY_CODE.fullmatch(text)
    if match is None:
        raise AgencyCodeInvalid(
            hint="write the older form as 3 digits, 2, 2, then a capital letter and 2: 000.01.05.H57"
        )
    levels = match.groups()[::-1]
    used = max(index for index, group in enumerate(levels, start=1) if group.strip("0"))
    return levels[:used]


@dataclass(frozen=True, slots=True)
class Agency:
    """An organisation. Dates are inclusive; `successor` is the agency into which it was merged."""

    code: str
    name: Mapping[str, str] = field(default_factory=dict)
    legacy_code: str | None = None
    parent: str | None = None
    valid_from: date | None = None
    valid_until: date | None = None
    successor: str | None = None

    def valid(self, on: date) -> bool:
        return (self.valid_from is None or self.valid_from <= on) and (
            self.valid_until is None or on <= self.valid_until
        )


class Agencies:
    """The table of agencies, by either code."""

    def __init__(self, agencies: Iterable[Agency]) -> None:
        self._by_code = {agency.code: agency for agency in agencies}
        self._by_legacy: dict[str, list[Agency]] = {}
        for agency in self._by_code.values():
            if agency.legacy_code is not None:
                self._by_legacy.setdefault(agency.legacy_code, []).append(agency)

    def __iter__(self) -> Iterator[Agency]:
        return iter(self._by_code.values())

    def get(self, code: str) -> Agency | None:
        return self._by_code.get(code)

    def by_legacy_code(self, code: str, on: date) -> Agency | None:
        """The agency that bears the older code on that day, else the one that bore it last: a merged province keeps
        the code of one of the old ones, so one older code may have had several bearers."""
        bearers = self._by_legacy.get(code, [])
        valid = [agency for agency in bearers if agency.valid(on)]
        return max(valid or bearers, key=lambda agency: agency.valid_from or date.min, default=None)

    def find(self, text: str, on: date) -> Agency | None:
        """By whichever of the two codes `text` is."""
        return self.by_legacy_code(text, on) if LEGACY_CODE.fullmatch(text) else self.get(text)

    def successor(self, code: str, on: date) -> Agency | None:
        """The agency that stands for `code` on that day: itself, or the first valid one along its successors."""
        seen: set[str] = set()
        agency = self.get(code)
        while agency is not None and not agency.valid(on):
            seen.add(agency.code)
            follows = agency.successor
            agency = self.get(follows) if follows is not None and follows not in seen else None
        return agency
