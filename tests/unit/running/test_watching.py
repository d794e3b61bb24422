"""What a process shows of itself and of the bus."""

from pathlib import Path

from bus.measures import Measures
from bus.settings import read_settings
from journal.conditions import Condition, Process
from journal.queries import Present
from running.watching import free, show, written_to

NOW = 1_000_000


def value(measures: Measures, name: str, **labels: str) -> float | None:
    return measures.registry.get_sample_value(name, labels)


def test_systems_are_shown() -> None:
    """How much waits for each system, since when, and whether it is held back; of one that has gone nothing waits."""
    measures = Measures()
    condition = Condition("his", paused_at=NOW, waiting=7, queued=3, oldest=NOW - 5_000)
    show(measures, Present((condition,)), NOW)
    assert value(measures, "lgsp_system_waiting", system="his") == 7
    assert value(measures, "lgsp_system_in_broker", system="his") == 3
    assert value(measures, "lgsp_system_oldest_seconds", system="his") == 5
    assert value(measures, "lgsp_system_paused", system="his") == 1
    assert value(measures, "lgsp_system_circuit_open", system="his") == 0
    show(measures, Present(), NOW, former={"his"})
    assert value(measures, "lgsp_system_waiting", system="his") == 0


def test_only_the_living_are_counted() -> None:
    """A process whose lease has ended does not count."""
    measures = Measures()
    living = Process("gateway-1", "gateway", "0.1.0", 0, NOW + 1)
    gone = Process("gateway-2", "gateway", "0.1.0", 0, NOW)
    show(measures, Present((), (living, gone)), NOW)
    assert value(measures, "lgsp_processes", role="gateway") == 1
    assert value(measures, "lgsp_processes", role="worker") == 0


def test_which_disks_must_not_fill(tmp_path: Path) -> None:
    """The embedded journal's and the log's; with a journal in PostgreSQL the log's alone, if it is a file."""
    log = tmp_path / "log" / "bus.jsonl"
    embedded = read_settings({}, data=tmp_path)
    elsewhere = read_settings({}, data=tmp_path, database_url="postgresql://db", log=str(log))
    told = read_settings({}, data=tmp_path, database_url="postgresql://db", log="-")
    assert written_to(embedded) == [tmp_path, tmp_path / "log"]
    assert written_to(elsewhere) == [log.parent]
    assert written_to(told) == []
    assert free([tmp_path]) > 0
