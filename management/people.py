"""People over the API: who may sign in, in which roles, and one's own password."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import orjson

from identity.passwords import require_fit
from identity.people import People, Person
from identity.roles import Action, Role, may
from journal.commands import PutRow
from management.changing import hold_tag
from management.paging import page
from management.plane import Answer, Call
from running.people import change_people, read_people


def me(call: Call) -> Answer:
    return Answer(_told(call.person) | {"actions": sorted(each for each in Action if may(call.person.roles, each))})


def list_(call: Call, *, limit: int, cursor: str | None = None) -> Answer:
    found = sorted(read_people(call.plane.queries), key=lambda each: each.name)
    return page([(each.name, _told(each)) for each in found], limit, cursor)


def get(call: Call, *, person: str) -> Answer:
    found = read_people(call.plane.queries).get(person)
    return Answer(_told(found), headers={"ETag": _tag(found)})


def add(call: Call, *, body: Mapping[str, Any]) -> Answer:
    now = call.plane.now()
    person = Person(
        body["name"],
        body.get("title", ""),
        frozenset(Role(each) for each in body["roles"]),
        body.get("agency"),
        "",
        now,
        now,
    )
    person.require_valid()
    person = person.with_password(_hashed(call, person.name, body["password"]), now)
    change_people(call.plane.home, lambda people: people.add(person, call.actor))
    return Answer(_told(person), 201)


def change(call: Call, *, person: str, body: Mapping[str, Any]) -> Answer:
    """What is named is changed, all of it or nothing, of the person as the caller has seen them; all else stays."""
    now = call.plane.now()
    roles = frozenset(Role(each) for each in body["roles"]) if "roles" in body else None
    enabled = not body["disabled"] if "disabled" in body else None

    def decide(people: People) -> PutRow:
        hold_tag(call, _tag(people.get(person)), person)
        return people.change(
            person,
            now,
            call.actor,
            roles=roles,
            title=body.get("title"),
            agency=body.get("agency"),
            enabled=enabled,
        )

    change_people(call.plane.home, decide)
    return get(call, person=person)


def set_password(call: Call, *, person: str, body: Mapping[str, Any]) -> Answer:
    read_people(call.plane.queries).get(person)
    kept = _hashed(call, person, body["password"])
    change_people(call.plane.home, lambda people: people.set_password(person, kept, call.plane.now(), call.actor))
    return Answer()


def set_own_password(call: Call, *, body: Mapping[str, Any]) -> Answer:
    return set_password(call, person=call.person.name, body=body)


def _hashed(call: Call, name: str, password: str) -> str:
    """Raises `PasswordUnfit`."""
    require_fit(password, name)
    return call.plane.passwords.hash(password)


def _told(person: Person) -> dict[str, Any]:
    told: dict[str, Any] = {
        "name": person.name,
        "title": person.title,
        "roles": sorted(person.roles),
        "disabled": not person.enabled,
    }
    return told | ({"agency": person.agency} if person.agency else {})


def _tag(person: Person) -> str:
    told = orjson.dumps([*sorted(person.roles), person.title, person.agency, person.changed_at, person.disabled_at])
    return f'"{sha256(told).hexdigest()[:32]}"'
