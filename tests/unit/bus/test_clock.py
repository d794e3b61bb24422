"""Times as they are written."""

from datetime import UTC, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.clock import instant, iso


@given(st.integers(0, 250_000_000_000_000))
def test_what_is_written_is_read_back(milliseconds: int) -> None:
    """Every time that the bus writes is read as the same millisecond."""
    assert instant(iso(milliseconds)) == milliseconds


def test_a_time_without_a_zone_is_of_the_one_that_is_meant() -> None:
    """It is refused where none is."""
    hanoi = timezone(timedelta(hours=7))
    assert instant("2026-11-22T09:55:00", hanoi) == instant("2026-11-22T02:55:00Z") == instant("2026-11-22T02:55", UTC)
    with pytest.raises(ValueError, match="zone"):
        instant("2026-11-22T09:55:00")


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01T00:00:00Z", "2026-11-22T25:00:00Z"])
def test_what_is_no_time_is_refused(text: str) -> None:
    """With or without a zone."""
    with pytest.raises(ValueError, match=r"."):
        instant(text, UTC)
