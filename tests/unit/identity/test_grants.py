"""Grants."""

from datetime import date

import pytest

from identity.grants import Grant, Grants, May, civil_date

ON = date(2026, 11, 22)
SEND = Grant("health.patient-referral", 1, "one-stop.province", May.SEND, valid_until=ON)
GRANTS = Grants(
    [
        SEND,
        Grant("health.patient-referral", 2, "one-stop.province", May.SEND, valid_from=ON),
        Grant("health.patient-referral", 1, "his.hospital", May.RECEIVE),
        Grant("health.patient-referral", 1, "station.commune", May.SEND, valid_from=date(2020, 1, 1)),
    ]
)
FIRST = "health.patient-referral@1"


def test_a_grant_permits_one_system_one_contract_one_direction() -> None:
    """Without its very own grant, nothing is allowed."""
    assert GRANTS.find("one-stop.province", FIRST, May.SEND, ON) is SEND
    assert GRANTS.allows("one-stop.province", FIRST, May.SEND, ON)
    assert not GRANTS.allows("one-stop.province", FIRST, May.RECEIVE, ON)
    assert not GRANTS.allows("his.hospital", FIRST, May.SEND, ON)
    assert not GRANTS.allows("one-stop.province", "health.patient-referral@3", May.SEND, ON)


def test_the_days_of_a_grant_are_inclusive() -> None:
    """A grant holds on its first day and on its last."""
    assert GRANTS.allows("one-stop.province", FIRST, May.SEND, ON)
    assert not GRANTS.allows("one-stop.province", FIRST, May.SEND, date(2026, 11, 23))
    assert GRANTS.majors("one-stop.province", "health.patient-referral", May.SEND, date(2026, 11, 21)) == (1,)
    assert GRANTS.majors("one-stop.province", "health.patient-referral", May.SEND, ON) == (2, 1)


def test_who_sends_and_who_receives_can_be_listed() -> None:
    """Every system with a valid grant is named once, in order."""
    assert GRANTS.senders_of(FIRST, ON) == ("one-stop.province", "station.commune")
    assert GRANTS.receivers_of(FIRST, ON) == ("his.hospital",)
    assert len(list(GRANTS)) == 4


@pytest.mark.parametrize(
    ("now", "day"),
    [(1_795_366_800_000 - 1, date(2026, 11, 22)), (1_795_366_800_000, date(2026, 11, 23)), (0, date(1970, 1, 1))],
)
def test_a_day_begins_at_midnight_of_this_country(now: int, day: date) -> None:
    """Civil time is seven hours ahead of UTC."""
    assert civil_date(now) == day
