"""Child processes that cannot take more than they are given."""

import os

import pytest

from documents.bounded import TooCostly, run_bounded

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


@pytest.mark.parametrize("function", [endless, greedy, dead])
def test_what_takes_too_much_is_ended(function: object) -> None:
    """Endless work, too much memory and a crash are one error, and the caller lives on."""
    with pytest.raises(TooCostly):
        run_bounded(function, seconds=1, size=GIB)  # type: ignore[arg-type]
