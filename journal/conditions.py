"""The present condition of each system, and the processes that live: what is written of them, and what follows.

A circuit is open while a system answers nobody. Then nobody claims its deliveries; once in a while one process of all
may try one. Every change is a compare-and-set on the system's row, made under its lock; the same in every database.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from bus.states import State
from journal.commands import Accept, Command, Event
from journal.counting import KeepCounts, keep_counts
from journal.rows import Rows

FIRST_PROBE: Final = 5_000
"""Milliseconds until the first try after a circuit has opened; twice as long after each try that failed."""

LAST_PROBE: Final = 60_000
"""No longer: a call a minute costs a silent system nothing, and whoever waits for it wants it back soon."""

JITTER: Final = 0.2
"""Share of that time by which it is varied either way."""

PROCESS_LEASE: Final = 8_000
"""Milliseconds for which a process counts as living after it has said so."""

REMEMBERED: Final = 3_600_000
"""Milliseconds for which a process that has gone without a word stays on the list."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One system's row of `conditions`."""

    system: str
    paused_at: int | None = None
    paused_by: str = ""
    opened_at: int | None = None
    code: str = ""
    trips: int = 0
    probe_at: int | None = None
    probe_by: str = ""
    probe_until: int | None = None
    waiting: int = 0
    queued: int = 0
    oldest: int | None = None
    counted_at: int = 0

    @property
    def blocked(self) -> bool:
        """Whether its deliveries wait, whatever their time."""
        return self.paused_at is not None or self.opened_at is not None

    def probe_due(self, now: int) -> bool:
        """Whether the time has come to try one delivery; perhaps somebody does already."""
        return self.paused_at is None and self.probe_at is not None and self.probe_at <= now

    def probe_free(self, now: int) -> bool:
        """Whether it has come, and nobody is trying."""
        return self.probe_due(now) and (self.probe_until or 0) <= now


@dataclass(frozen=True, slots=True)
class Process:
    """One row of `processes`. `role`: gateway, worker, or both."""

    name: str
    role: str
    version: str
    joined_at: int
    lease_until: int


@dataclass(frozen=True, slots=True)
class Beaten:
    """The database's time, and since when the process lives without a gap."""

    now: int
    joined_at: int


@dataclass(frozen=True, slots=True)
class Beat(Command[Beaten]):
    """A process says that it lives."""

    process: str
    role: str
    version: str
    lease: int = PROCESS_LEASE


@dataclass(frozen=True, slots=True)
class Leave(Command[None]):
    """A process has ended in peace: its share is free at once."""

    process: str


@dataclass(frozen=True, slots=True)
class OpenCircuit(Command[bool]):
    """A system answers nobody; True where it was thought to be well until now. `probe`: this was the one try of an open
    circuit, and it counts only while it is this process's. `chance` lies in [-1, 1]. `notice` is accepted along with
    it where the circuit opens."""

    system: str
    process: str
    code: str
    chance: float = 0.0
    probe: bool = False
    notice: Accept | None = None


@dataclass(frozen=True, slots=True)
class CloseCircuit(Command[bool]):
    """The one try was answered; False where it was no longer this process's to make."""

    system: str
    process: str


@dataclass(frozen=True, slots=True)
class TakeProbe(Command[bool]):
    """Ask for the one try of an open circuit, for `lease` milliseconds."""

    system: str
    process: str
    lease: int


@dataclass(frozen=True, slots=True)
class Pause(Command[bool]):
    """A person stops deliveries to a system; False where they were stopped already."""

    system: str
    actor: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Resume(Command[bool]):
    """A person lets deliveries go on, or has an open circuit tried at once; what waits for a later try is due now.
    False where nothing held them."""

    system: str
    actor: str


Run: TypeAlias = Callable[[str, Sequence[Any]], Sequence[tuple[Any, ...]]]
"""Runs a statement with ``?`` for each value, and fetches what it returns."""

COLUMNS: Final = (
    "system, paused_at, paused_by, opened_at, code, trips, probe_at, probe_by, probe_until, waiting, queued, oldest,"
    " counted_at"
)
# A row that is there is written over with itself: so it is locked.
LOCK: Final = (
    "INSERT INTO conditions (system, paused_by, code, trips, probe_by, waiting, queued, counted_at)"
    " VALUES (?, '', '', 0, '', 0, 0, 0) ON CONFLICT (system) DO UPDATE SET system = excluded.system"
    f" RETURNING {COLUMNS}"
)
WRITE: Final = (
    "UPDATE conditions SET paused_at = ?, paused_by = ?, opened_at = ?, code = ?, trips = ?, probe_at = ?,"
    " probe_by = ?, probe_until = ? WHERE system = ?"
)
BLOCKED: Final = f"SELECT {COLUMNS} FROM conditions WHERE paused_at IS NOT NULL OR opened_at IS NOT NULL"
MENDED: Final = "UPDATE conditions SET probe_at = ?, trips = 0 WHERE opened_at IS NOT NULL"
HURRY: Final = f"UPDATE deliveries SET wake_at = ? WHERE state = '{State.PENDING}' AND wake_at > ?"
MISCONFIGURED: Final = "misconfigured"
BEAT: Final = (
    "INSERT INTO processes (name, role, version, joined_at, lease_until) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (name) DO UPDATE SET lease_until = excluded.lease_until, joined_at = CASE"
    " WHEN processes.lease_until < excluded.joined_at THEN excluded.joined_at ELSE processes.joined_at END"
    " RETURNING joined_at"
)


def until_probe(trips: int, chance: float) -> int:
    """Milliseconds until the next try, after so many that failed in a row."""
    return round(min(FIRST_PROBE << min(trips - 1, 10), LAST_PROBE) * (1 + JITTER * chance))


def blocked(run: Run) -> dict[str, Condition]:
    """Every system that is paused or whose circuit is open."""
    return {row[0]: Condition(*row) for row in run(BLOCKED, ())}


def mended(run: Run, now: int) -> None:
    """Documents or a secret have changed: whatever waited for that is tried at once."""
    run(MENDED, (now,))
    run(f"{HURRY} AND reason = ? AND system IN (SELECT system FROM conditions)", (now, now, MISCONFIGURED))


def beat(run: Run, rows: Rows, command: Beat) -> Beaten:
    now = rows.now
    run("DELETE FROM processes WHERE lease_until < ?", (now - REMEMBERED,))
    ((joined_at,),) = run(BEAT, (command.process, command.role, command.version, now, now + command.lease))
    return Beaten(now, joined_at)


def leave(run: Run, _: Rows, command: Leave) -> None:
    run("DELETE FROM processes WHERE name = ?", (command.process,))


def open_circuit(run: Run, rows: Rows, command: OpenCircuit) -> bool:
    before = _locked(run, command.system)
    was_closed = before.opened_at is None
    if was_closed == command.probe or (command.probe and before.probe_by != command.process):
        return False
    trips = before.trips + 1
    probe_at = rows.now + until_probe(trips, command.chance)
    opened_at = before.opened_at or rows.now
    _write(run, _unprobed(before, opened_at=opened_at, code=command.code, trips=trips, probe_at=probe_at))
    if was_closed:
        rows.record(Event("circuit.opened", command.process, facts={"code": command.code, "system": command.system}))
        if command.notice:
            rows.accept(command.notice)
    return was_closed


def close_circuit(run: Run, rows: Rows, command: CloseCircuit) -> bool:
    before = _locked(run, command.system)
    if before.opened_at is None or before.probe_by != command.process:
        return False
    _write(run, _unprobed(before, opened_at=None, code="", trips=0, probe_at=None))
    run(f"{HURRY} AND reason = ? AND system = ?", (rows.now, rows.now, MISCONFIGURED, command.system))
    facts: dict[str, str | int] = {"openMs": rows.now - before.opened_at, "system": command.system}
    rows.record(Event("circuit.closed", command.process, facts=facts))
    return True


def take_probe(run: Run, rows: Rows, command: TakeProbe) -> bool:
    before, now = _locked(run, command.system), rows.now
    if not before.probe_free(now):
        return False
    _write(run, replace(before, probe_by=command.process, probe_until=now + command.lease))
    return True


def pause(run: Run, rows: Rows, command: Pause) -> bool:
    before = _locked(run, command.system)
    if before.paused_at is not None:
        return False
    _write(run, replace(before, paused_at=rows.now, paused_by=command.actor))
    reason: dict[str, str | int] = {"reason": command.reason} if command.reason else {}
    rows.record(Event("system.paused", command.actor, facts=reason | {"system": command.system}))
    return True


def resume(run: Run, rows: Rows, command: Resume) -> bool:
    before, now = _locked(run, command.system), rows.now
    if not before.blocked:
        return False
    # A try under way counts no more: it may have begun before whatever made a person ask for another.
    _write(
        run,
        _unprobed(before, paused_at=None, paused_by="", probe_at=None if before.opened_at is None else now, trips=0),
    )
    run(f"{HURRY} AND system = ?", (now, now, command.system))
    rows.record(Event("system.resumed", command.actor, facts={"system": command.system}))
    return True


HANDLERS: Mapping[type[Command[Any]], Callable[[Run, Rows, Any], object]] = MappingProxyType(
    {
        Beat: beat,
        Leave: leave,
        OpenCircuit: open_circuit,
        CloseCircuit: close_circuit,
        TakeProbe: take_probe,
        Pause: pause,
        Resume: resume,
        KeepCounts: keep_counts,
    }
)


def _locked(run: Run, system: str) -> Condition:
    (row,) = run(LOCK, (system,))
    return Condition(*row)


def _unprobed(before: Condition, **changes: Any) -> Condition:
    return replace(before, probe_by="", probe_until=None, **changes)


def _write(run: Run, after: Condition) -> None:
    run(
        WRITE,
        (
            after.paused_at,
            after.paused_by,
            after.opened_at,
            after.code,
            after.trips,
            after.probe_at,
            after.probe_by,
            after.probe_until,
            after.system,
        ),
    )
