"""What is written of systems and processes: the same promises in every database."""

from dataclasses import replace

import orjson
import pytest

from bus.clock import ManualClock
from bus.states import Change, State
from journal.commands import Document, Event, PutDocuments
from journal.conditions import (
    FIRST_PROBE,
    LAST_PROBE,
    PROCESS_LEASE,
    Beat,
    Beaten,
    CloseCircuit,
    Condition,
    Leave,
    OpenCircuit,
    Pause,
    Process,
    Resume,
    TakeProbe,
    until_probe,
)
from journal.queries import Queries
from journal.store import Store
from tests.unit.journal.conformance.test_store import a_settle, accepted_and_claimed, an_accept, state_of, sweep, write

OPEN = OpenCircuit("his", "worker-1", "connection-refused")
PROBE = TakeProbe("his", "worker-1", 60_000)
MENDED = PutDocuments((Document("System", "his", "", b"1"),), Event("documents.applied", "registrar"))


def condition(queries: Queries) -> Condition:
    (found,) = queries.present().conditions
    return found


def events(queries: Queries) -> list[str]:
    return [orjson.loads(row.content)["event"] for row in queries.chain("writer-1")]


def opened_and_due(store: Store, clock: ManualClock) -> None:
    write(store, OPEN)
    clock.advance(FIRST_PROBE / 1000)


def test_circuit_is_opened_once(store: Store, clock: ManualClock, queries: Queries) -> None:
    """Of the processes that find a system silent one opens its circuit, and that is told once."""
    assert [write(store, replace(OPEN, process=f"worker-{each}")) for each in (1, 2)] == [True, False]
    found = condition(queries)
    assert (found.opened_at, found.code, found.trips) == (clock.now(), "connection-refused", 1)
    assert found.probe_at == clock.now() + FIRST_PROBE
    assert events(queries) == ["circuit.opened"]


def test_one_process_of_all_tries(store: Store, clock: ManualClock) -> None:
    """Nobody may try before the time has come, and then one alone."""
    write(store, OPEN)
    assert write(store, PROBE) is False
    clock.advance(FIRST_PROBE / 1000)
    assert [write(store, replace(PROBE, process=f"worker-{each}")) for each in (1, 2)] == [True, False]


def test_probe_of_the_dead_may_be_taken(store: Store, clock: ManualClock, queries: Queries) -> None:
    """Where whoever tries is not heard of again, another may try when its time is over; what comes late of the first
    changes nothing."""
    opened_and_due(store, clock)
    write(store, PROBE)
    clock.advance(PROBE.lease / 1000)
    assert write(store, replace(PROBE, process="worker-2")) is True
    assert write(store, CloseCircuit("his", "worker-1")) is False
    assert write(store, replace(OPEN, probe=True)) is False
    assert condition(queries).trips == 1


def test_answered_probe_closes(store: Store, clock: ManualClock, queries: Queries) -> None:
    """A try that was answered closes the circuit, tells so, and the next opening begins anew."""
    opened_and_due(store, clock)
    write(store, PROBE)
    assert write(store, CloseCircuit("his", "worker-1")) is True
    assert condition(queries) == Condition("his")
    assert events(queries) == ["circuit.opened", "circuit.closed"]


def test_failed_probe_waits_twice_as_long(store: Store, clock: ManualClock, queries: Queries) -> None:
    """Each try that failed doubles the time until the next; it is no new opening."""
    opened_and_due(store, clock)
    write(store, PROBE)
    assert write(store, replace(OPEN, probe=True)) is False
    found = condition(queries)
    assert (found.probe_at, found.probe_until, found.trips) == (clock.now() + 2 * FIRST_PROBE, None, 2)
    assert found.opened_at == clock.now() - FIRST_PROBE
    assert events(queries) == ["circuit.opened"]


def test_time_until_a_probe_is_bounded() -> None:
    """The time between tries grows to a minute and no further, and varies by a fifth."""
    assert [until_probe(trips, 0.0) for trips in (1, 2, 3)] == [5_000, 10_000, 20_000]
    assert until_probe(10_000, 0.0) == LAST_PROBE
    assert (until_probe(1, -1.0), until_probe(1, 1.0)) == (4_000, 6_000)


def test_late_failure_of_an_open_circuit_changes_nothing(store: Store, clock: ManualClock, queries: Queries) -> None:
    """Calls that were under way when a circuit opened do not put off its try."""
    write(store, OPEN)
    before = condition(queries)
    clock.advance(1)
    write(store, replace(OPEN, process="worker-2", code="timeout"))
    assert condition(queries) == before


def test_person_pauses_and_resumes(store: Store, clock: ManualClock, queries: Queries) -> None:
    """A pause has a time and a name, and both ends of it are told; a second pause or resumption is none."""
    assert [write(store, Pause("his", "user:an", "maintenance")) for _ in range(2)] == [True, False]
    assert (condition(queries).paused_at, condition(queries).paused_by) == (clock.now(), "user:an")
    assert [write(store, Resume("his", "user:binh")) for _ in range(2)] == [True, False]
    assert condition(queries) == Condition("his")
    assert events(queries) == ["system.paused", "system.resumed"]


def test_pause_holds_back_the_probe(store: Store, clock: ManualClock) -> None:
    """A system that a person has paused is not tried, until it is resumed: then at once."""
    opened_and_due(store, clock)
    write(store, Pause("his", "user:an"))
    assert write(store, PROBE) is False
    write(store, Resume("his", "user:an"))
    assert write(store, PROBE) is True


def test_resumption_of_an_open_circuit_tries_at_once(store: Store, clock: ManualClock, queries: Queries) -> None:
    """A person who resumes a system that answers nobody has it tried at once, as if it had just opened."""
    write(store, OPEN)
    assert write(store, Resume("his", "user:an")) is True
    assert write(store, PROBE) is True
    assert condition(queries).trips == 0


def test_changed_documents_have_it_tried_at_once(store: Store, clock: ManualClock) -> None:
    """Whatever is applied, or a secret that is set, may be what the system waited for."""
    write(store, OPEN)
    write(store, MENDED)
    assert write(store, PROBE) is True


@pytest.mark.parametrize("how", ["documents", "closed", "resumed"])
def test_what_people_had_to_mend_is_due(store: Store, clock: ManualClock, queries: Queries, how: str) -> None:
    """What waits for credentials or documents is due at once when they change, or the system answers again."""
    claimed = accepted_and_claimed(store, clock)
    write(store, a_settle(claimed, Change.RETRY, delay=30_000, reason="misconfigured"))
    opened_and_due(store, clock)
    if how == "closed":
        write(store, PROBE)
        write(store, CloseCircuit("his", "worker-1"))
    else:
        write(store, MENDED if how == "documents" else Resume("his", "user:an"))
    assert [rung.delivery for rung in sweep(store).rung] == [claimed.delivery]


def test_retry_keeps_its_time(store: Store, clock: ManualClock) -> None:
    """What waits for anything else is not hurried by changed documents."""
    write(store, a_settle(accepted_and_claimed(store, clock), Change.RETRY, delay=30_000, reason="http-500"))
    opened_and_due(store, clock)
    write(store, MENDED)
    assert sweep(store).rung == ()


def test_nothing_is_rung_while_paused(store: Store, clock: ManualClock, queries: Queries) -> None:
    """What is due for a paused system waits, in the journal or in the broker; other systems are not held back."""
    pending, queued = an_accept(clock, state=State.PENDING), an_accept(clock)
    write(store, Pause("his", "user:an"))
    for accept in (pending, queued, an_accept(clock, state=State.PENDING, to="other")):
        write(store, accept)
    for _ in range(3):
        clock.advance(15)
        assert {rung.system for rung in sweep(store).rung} <= {"other"}
    write(store, Resume("his", "user:an"))
    assert pending.deliveries[0].id in {rung.delivery for rung in sweep(store).rung}


def test_expiry_goes_on_while_paused(store: Store, clock: ManualClock, queries: Queries) -> None:
    """The life of what waits for a paused system ends at its time."""
    accepts = [an_accept(clock, state=state) for state in (State.PENDING, State.QUEUED, State.HELD)]
    for accept in accepts:
        write(store, accept)
    write(store, Pause("his", "user:an"))
    for _ in range(4):
        clock.advance(15)
        sweep(store)
    assert {state_of(queries, each.deliveries[0].id) for each in accepts} == {State.EXPIRED}


def test_one_delivery_is_rung_to_try_with(store: Store, clock: ManualClock) -> None:
    """For an open circuit whose time has come one delivery is rung, and no other while that one is in the broker."""
    for _ in range(3):
        write(store, an_accept(clock, state=State.PENDING))
    write(store, OPEN)
    assert sweep(store).rung == ()
    clock.advance(FIRST_PROBE / 1000)
    assert [len(sweep(store).rung) for _ in range(3)] == [1, 0, 0]


@pytest.mark.parametrize("full", [{"room": 0}, {"closed": frozenset({"his"})}])
def test_what_to_try_with_waits_for_room(
    store: Store, clock: ManualClock, queries: Queries, full: dict[str, object]
) -> None:
    """While the broker has no room for it, what an open circuit is to be tried with stays in the journal, and is rung
    as soon as there is."""
    accept = an_accept(clock, state=State.PENDING)
    write(store, accept)
    opened_and_due(store, clock)
    assert sweep(store, **full).rung == ()
    assert state_of(queries, accept.deliveries[0].id) is State.PENDING
    assert [rung.delivery for rung in sweep(store).rung] == [accept.deliveries[0].id]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_restart_takes_back_what_is_paused(store: Store, clock: ManualClock, queries: Queries) -> None:
    """Where a restart has lost what the broker held, a paused system's deliveries are due when it is resumed."""
    accept = an_accept(clock)
    write(store, accept)
    write(store, Pause("his", "user:an"))
    assert sweep(store, restart=True).rung == ()
    write(store, Resume("his", "user:an"))
    assert [rung.delivery for rung in sweep(store).rung] == [accept.deliveries[0].id]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_restart_ends_every_other_process(store: Store, queries: Queries) -> None:
    """Where one process has the journal alone, its restart leaves nobody else on the list, whatever their leases."""
    write(store, Beat("up-1", "both", "1"))
    write(store, Beat("sweeper", "both", "1"))
    sweep(store, restart=True)
    assert [each.name for each in queries.present().processes] == ["sweeper"]


def test_process_lives_as_long_as_it_says_so(store: Store, clock: ManualClock, queries: Queries) -> None:
    """A process is on the list with the end of its lease, and keeps the time at which it came while it goes on."""
    came = clock.now()
    assert write(store, Beat("worker-1", "worker", "1")) == Beaten(came, came)
    clock.advance(2)
    assert write(store, Beat("worker-1", "worker", "1")) == Beaten(clock.now(), came)
    assert queries.present().processes == (Process("worker-1", "worker", "1", came, clock.now() + PROCESS_LEASE),)


def test_process_whose_lease_ended_comes_anew(store: Store, clock: ManualClock) -> None:
    """A process that was silent for longer than its lease is a newcomer: others have shared what was its."""
    write(store, Beat("worker-1", "worker", "1"))
    clock.advance(PROCESS_LEASE / 1000 + 1)
    assert write(store, Beat("worker-1", "worker", "1")) == Beaten(clock.now(), clock.now())


def test_process_that_leaves_is_gone_at_once(store: Store, clock: ManualClock, queries: Queries) -> None:
    """A process that ends in peace leaves the list; one that was killed leaves it an hour later."""
    write(store, Beat("worker-1", "worker", "1"))
    write(store, Beat("worker-2", "worker", "1"))
    write(store, Leave("worker-1"))
    assert [each.name for each in queries.present().processes] == ["worker-2"]
    clock.advance(2 * 3600)
    write(store, Beat("worker-3", "worker", "1"))
    assert [each.name for each in queries.present().processes] == ["worker-3"]


def test_calls_under_way_are_counted(store: Store, clock: ManualClock, queries: Queries) -> None:
    """The journal knows how many calls to a system each worker has begun and not ended."""
    for _ in range(2):
        accepted_and_claimed(store, clock)
    write(store, a_settle(accepted_and_claimed(store, clock), Change.SUCCEED))
    assert queries.in_flight(["his", "other"]) == {"his": {"worker": 2}}
