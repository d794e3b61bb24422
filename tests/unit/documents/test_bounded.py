"""Child processes that cannot take more than they are given."""

import os
import signal
from collections.abc import Iterator

import pytest

from documents.bounded import TooCostly, keeping_a_child, run_bounded

GIB = 1024**3


def doubled(value: int) -> int:
    return value * 2


def endless() -> None:
    while True:
        pass


def greedy() -> int:
    return len(bytearray(8 * GIB))


def dead() -> None:
    os.abort()


def test_a_result_comes_back() -> None:
    """What the function returns is what the caller gets."""
    assert run_bounded(doubled, 21, seconds=5, size=GIB) == 42


def hoarded() -> int:
    """Keeps most of a gibibyte, in the process that runs it."""
    _hoard.append(bytearray(GIB // 2 + GIB // 4))
    return os.getpid()


_hoard: list[bytearray] = []


@pytest.fixture
def _kept() -> Iterator[None]:
    with keeping_a_child():
        yield


@pytest.mark.parametrize("function", [endless, greedy, dead])
def test_what_takes_too_much_is_ended(function: object) -> None:
    """Endless work, too much memory and a crash are one error, and the caller lives on."""
    with pytest.raises(TooCostly):
        run_bounded(function, seconds=1, size=GIB)  # type: ignore[arg-type]


def test_no_child_is_kept_otherwise() -> None:
    """Each task has a process of its own."""
    assert run_bounded(os.getpid, seconds=5, size=GIB) != run_bounded(os.getpid, seconds=5, size=GIB)


@pytest.mark.usefixtures("_kept")
def test_a_kept_child_does_one_task_after_the_other() -> None:
    """While one is kept, it does the next task."""
    assert run_bounded(os.getpid, seconds=5, size=GIB) == run_bounded(os.getpid, seconds=5, size=GIB)


def test_a_kept_child_goes_in_the_end() -> None:
    """Whoever kept it ends it."""
    with keeping_a_child():
        kept = run_bounded(os.getpid, seconds=5, size=GIB)
    with pytest.raises(ProcessLookupError):
        os.kill(kept, 0)


@pytest.mark.usefixtures("_kept")
def test_a_kept_child_that_died_costs_no_task() -> None:
    """One that is gone when the next task comes is replaced."""
    kept = run_bounded(os.getpid, seconds=5, size=GIB)
    os.kill(kept, signal.SIGKILL)
    assert run_bounded(os.getpid, seconds=5, size=GIB) != kept


@pytest.mark.usefixtures("_kept")
def test_what_a_kept_child_holds_costs_no_task() -> None:
    """A task that finds no room beside what former ones left gets a child of its own."""
    first = run_bounded(hoarded, seconds=5, size=GIB)
    assert run_bounded(hoarded, seconds=5, size=GIB) != first


@pytest.mark.usefixtures("_kept")
@pytest.mark.parametrize("function", [endless, greedy, dead])
def test_a_kept_child_is_bounded_too(function: object) -> None:
    """The bounds hold for each task by itself."""
    run_bounded(doubled, 21, seconds=5, size=GIB)
    with pytest.raises(TooCostly):
        run_bounded(function, seconds=1, size=GIB)  # type: ignore[arg-type]
    assert run_bounded(doubled, 21, seconds=5, size=GIB) == 42
