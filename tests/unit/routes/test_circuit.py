"""The circuit breaker of one process: what it counts, when it opens, how it tries."""

from uuid import UUID

import pytest

from adapters.call import Outcome, Result
from bus.clock import ManualClock
from bus.errors import JournalUnavailable
from journal.commands import Command
from journal.committer import Committer
from journal.conditions import CloseCircuit, Condition, OpenCircuit, TakeProbe
from routes.circuit import MOST_FAILURES, Circuits, Sign, sign
from routes.conditions import Conditions
from tests.unit.routes.conftest import Memory, an_only_process, see

ALIVE = Outcome(Result.ANSWERED, "http-200", 200)
SILENT = Outcome(Result.NOT_SENT, "connection-refused")
ONE, OTHER = UUID(int=1), UUID(int=2)


@pytest.fixture
def conditions(clock: ManualClock) -> Conditions:
    return an_only_process(clock, "worker-1")


@pytest.fixture
def opened() -> list[tuple[str, str]]:
    """Of what a notice was made."""
    return []


@pytest.fixture
def circuits(
    conditions: Conditions, committer: Committer, clock: ManualClock, store: Memory, opened: list[tuple[str, str]]
) -> Circuits:
    store.answer = lambda command: True
    return Circuits(
        conditions, committer, clock, "worker-1", lambda system, code: opened.append((system, code)), lambda: 0.5
    )


@pytest.mark.parametrize(
    ("outcome", "what"),
    [
        (ALIVE, Sign.ALIVE),
        (Outcome(Result.FAULT, "declared-fault", 422), Sign.ALIVE),
        (Outcome(Result.REFUSED, "http-400", 400), Sign.ALIVE),
        (Outcome(Result.REPLY_INVALID, "reply-not-json", 200), Sign.ALIVE),
        (SILENT, Sign.FAILED),
        (Outcome(Result.NOT_SENT, "http-503", 503), Sign.FAILED),
        (Outcome(Result.TROUBLE, "http-500", 500), Sign.FAILED),
        (Outcome(Result.UNKNOWN, "timeout"), Sign.FAILED),
        (Outcome(Result.MISCONFIGURED, "http-401", 401), Sign.FAILED),
        (Outcome(Result.REFUSED, "path-value"), Sign.NOTHING),
    ],
)
def test_every_outcome_says_something(outcome: Outcome, what: Sign) -> None:
    """Any answer shows that a system lives, also a refusal of data; what never reached it shows nothing."""
    assert sign(outcome) is what


async def test_opens_after_failures_in_a_row(circuits: Circuits, store: Memory, opened: list[tuple[str, str]]) -> None:
    """Five failures without an answer in between open the circuit, once, and a notice of it goes along."""
    for outcome in [SILENT] * (MOST_FAILURES - 1) + [ALIVE] + [SILENT] * (MOST_FAILURES - 1):
        circuits.note("his", ONE, outcome)
    assert circuits.closed("his")
    for _ in range(3):
        circuits.note("his", ONE, SILENT)
    assert not circuits.closed("his")
    assert circuits.closed("other")
    await circuits.settle()
    assert store.of(OpenCircuit) == [OpenCircuit("his", "worker-1", "connection-refused", 0.5)]
    assert opened == [("his", "connection-refused")]


async def test_second_refused_password_opens(circuits: Circuits, store: Memory) -> None:
    """Refused credentials open the circuit sooner than failures: systems lock accounts."""
    for _ in range(2):
        assert circuits.closed("his")
        circuits.note("his", ONE, Outcome(Result.MISCONFIGURED, "http-401", 401))
    assert not circuits.closed("his")
    await circuits.settle()


async def test_own_word_holds_until_the_journal_shows_it(
    circuits: Circuits, conditions: Conditions, clock: ManualClock
) -> None:
    """Between opening a circuit and seeing it in the journal a process claims nothing; then the journal decides."""
    for _ in range(MOST_FAILURES):
        circuits.note("his", ONE, SILENT)
    see(conditions, clock, "worker-1")
    assert not circuits.closed("his")
    await circuits.settle()
    assert not circuits.closed("his")
    clock.advance(1)
    see(conditions, clock, "worker-1")
    assert circuits.closed("his")


async def test_what_cannot_be_written_is_counted_anew(circuits: Circuits, store: Memory) -> None:
    """Where the journal is away no circuit opens; nothing is claimed without it either."""
    store.failure = JournalUnavailable()
    for _ in range(MOST_FAILURES):
        circuits.note("his", ONE, SILENT)
    await circuits.settle()
    assert circuits.closed("his")


@pytest.mark.parametrize(("outcome", "kind"), [(ALIVE, CloseCircuit), (SILENT, OpenCircuit)])
async def test_one_try_decides(circuits: Circuits, store: Memory, outcome: Outcome, kind: type[Command[bool]]) -> None:
    """An answered try closes the circuit, a failed one opens it for longer; either is one call."""
    assert await circuits.take("his", 60_000)
    assert store.of(TakeProbe) == [TakeProbe("his", "worker-1", 60_000)]
    assert circuits.trying("his", ONE)
    circuits.note("his", ONE, outcome)
    assert not circuits.trying("his")
    await circuits.settle()
    (written,) = store.of(kind)
    assert isinstance(written, CloseCircuit) or written.probe


async def test_call_of_before_decides_nothing(
    circuits: Circuits, conditions: Conditions, clock: ManualClock, store: Memory
) -> None:
    """A call that was under way when the circuit opened and fails during the try is not the try."""
    see(conditions, clock, "worker-1", his=Condition("his", opened_at=1))
    await circuits.take("his", 60_000)
    circuits.trying("his", ONE)
    circuits.note("his", OTHER, SILENT)
    assert circuits.trying("his")
    await circuits.settle()
    assert store.of(OpenCircuit) == []


async def test_what_says_nothing_needs_another(circuits: Circuits) -> None:
    """A delivery that could not even be sent decides nothing: the next one is tried."""
    await circuits.take("his", 60_000)
    circuits.trying("his", ONE)
    circuits.note("his", ONE, Outcome(Result.REFUSED, "path-value"))
    assert circuits.trying("his", OTHER)
