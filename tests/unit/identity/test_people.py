"""People, and what may be changed about them."""

from dataclasses import replace
from typing import Any

import pytest

from bus.errors import LastAdministrator, PersonExists, PersonInvalid, PersonUnknown
from identity.people import People, Person
from identity.roles import Role

HASH = "$argon2id$v=19$kept"
AN = Person("an.nguyen", "Nguyễn Văn An", frozenset({Role.ADMINISTRATOR}), "H57.12", HASH, 1, 1)
BINH = Person("binh", "", frozenset({Role.OPERATOR, Role.REGISTRAR}), None, HASH, 1, 1)
BOTH = People([AN, BINH], revision=7)


def test_a_person_is_the_same_after_the_journal() -> None:
    """Whatever is written as a row is read as it was."""
    for person in (AN, BINH, replace(AN, disabled_at=5)):
        assert Person.of_row(person.row()) == person


def test_the_hash_is_shown_nowhere() -> None:
    """Neither a person nor the command that writes one shows the hash, and no event has it."""
    for put in (
        BOTH.set_password("binh", HASH + "2", 2, "user:root"),
        BOTH.renew_hash("binh", HASH + "2", "bus"),
        People().add(AN, "user:root"),
    ):
        assert HASH not in repr(put)
        assert HASH not in repr(put.event)
        assert str(put.row["password_hash"]).startswith(HASH)
    assert HASH not in repr(AN)


def test_a_change_is_told_with_the_roles_before_and_after() -> None:
    """The event names the fields that changed, not what they were."""
    put = BOTH.change("binh", 9, "person:an.nguyen", roles=[Role.AUDITOR], title="Trần Thị Bình")
    assert put.event.name == "person.changed"
    assert put.event.actor == "person:an.nguyen"
    assert put.event.facts == {
        "person": "binh",
        "fields": "roles, title",
        "rolesBefore": "operator, registrar",
        "roles": "auditor",
    }
    assert Person.of_row(put.row) == replace(BINH, roles=frozenset({Role.AUDITOR}), title="Trần Thị Bình", changed_at=9)
    assert put.expected == 7


def test_an_agency_is_taken_away_by_an_empty_one() -> None:
    """None leaves the agency as it is; an empty text says that there is none."""
    assert BOTH.change("an.nguyen", 2, "a").row["agency"] == "H57.12"
    assert BOTH.change("an.nguyen", 2, "a", agency="").row["agency"] is None


def test_the_last_enabled_administrator_stays() -> None:
    """Neither disabled nor without the role, while every other administrator is disabled."""
    gone = replace(AN, name="cuong", disabled_at=1)
    people = People([AN, BINH, gone])
    with pytest.raises(LastAdministrator):
        people.disable("an.nguyen", 2, "a")
    with pytest.raises(LastAdministrator):
        people.change("an.nguyen", 2, "a", roles=[Role.OPERATOR])
    people.change("an.nguyen", 2, "a", roles=[Role.OPERATOR, Role.ADMINISTRATOR])
    people.disable("binh", 2, "a")
    people.disable("cuong", 2, "a")
    two = People([AN, replace(gone, disabled_at=None)])
    assert two.disable("an.nguyen", 2, "a").row["disabled_at"] == 2
    assert two.change("an.nguyen", 2, "a", roles=[Role.OPERATOR]).row["roles"] == "operator"


def test_disabling_again_keeps_when_it_was() -> None:
    """Somebody disabled stays so from the first time on, and is let in again whole."""
    gone = People([AN, replace(BINH, disabled_at=3)])
    assert gone.disable("binh", 9, "a").row["disabled_at"] == 3
    put = gone.enable("binh", 9, "a")
    assert put.event.name == "person.enabled"
    assert Person.of_row(put.row) == replace(BINH, changed_at=9)


def test_nobody_is_added_twice_and_nobody_unknown_is_changed() -> None:
    """A name is one person's for ever; a name that nobody has is refused, and quoted only where it could be one."""
    with pytest.raises(PersonExists):
        BOTH.add(replace(BINH, disabled_at=None), "a")
    with pytest.raises(PersonUnknown) as caught:
        BOTH.enable("nobody", 1, "a")
    assert caught.value.facts == {"name": "nobody"}
    with pytest.raises(PersonUnknown) as caught:
        BOTH.enable("<script>", 1, "a")
    assert caught.value.facts == {}


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "a"},
        {"name": "An"},
        {"name": "a" * 65},
        {"name": "a b"},
        {"name": "an\n"},
        {"roles": frozenset()},
        {"roles": frozenset({Role.AUDITOR, Role.OPERATOR})},
        {"title": "x" * 201},
        {"title": "two\nlines"},
        {"title": "\x1b[31m"},
        {"agency": "Sở Y tế"},
        {"agency": ""},
    ],
)
def test_a_person_who_is_not_right_is_not_added(wrong: dict[str, Any]) -> None:
    """A name that fits in a URL and a log, at least one role, an auditor's alone, and one line of full name."""
    with pytest.raises(PersonInvalid):
        People().add(replace(BINH, **wrong), "a")
    People().add(BINH, "a")
