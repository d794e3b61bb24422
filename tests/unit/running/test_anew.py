"""Deciding anew where somebody else was quicker."""

import pytest

from bus.errors import RegistryChanged
from running.anew import anew


@pytest.mark.parametrize("refusals", range(4))
def test_it_is_decided_until_nobody_is_quicker(refusals: int) -> None:
    """As often as it is allowed, and the last refusal is told."""
    made = []

    def attempt() -> int:
        made.append(1)
        if len(made) <= refusals:
            raise RegistryChanged(revision=len(made))
        return len(made)

    if refusals < 3:
        assert anew(attempt, 3) == refusals + 1
    else:
        with pytest.raises(RegistryChanged):
            anew(attempt, 3)
        assert len(made) == 3
