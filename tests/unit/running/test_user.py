"""`lgsp user`: people at the command line."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

import cli
from bus.errors import RegistryChanged
from bus.settings import read_settings
from identity.passwords import Passwords
from identity.people import People
from identity.roles import Role
from journal.commands import PutRow
from running.home import Home
from running.people import change_people, read_people

GOOD = "ba con vịt bơi"


class Terminal(io.StringIO):
    """What somebody sits at."""

    def isatty(self) -> bool:
        return True


class Lgsp:
    """The command on one data folder, in this process."""

    def __init__(self, data: Path, patch: pytest.MonkeyPatch, said: pytest.CaptureFixture[str]) -> None:
        self.data, self._patch, self._said = data, patch, said
        cheap = Passwords(time_cost=1, memory_cost=8, parallelism=1)
        patch.setattr("identity.passwords.Passwords", lambda: cheap)

    def __call__(self, *arguments: str, given: str | None = None, at: io.StringIO | None = None) -> tuple[int, str]:
        """How `lgsp user …` ended, and what it said."""
        more = () if given is None else ("--password-stdin",)
        self._patch.setattr(sys, "argv", ["lgsp", "user", *arguments, *more, "--data", str(self.data)])
        self._patch.setattr(sys, "stdin", at or io.StringIO(given or ""))
        status = 0
        try:
            cli.main()
        except SystemExit as ended:
            status = int(ended.code or 0)
        said = self._said.readouterr()
        return status, said.out + said.err

    def people(self) -> People:
        home = Home(read_settings({}, data=self.data), "test")
        try:
            return read_people(home.queries)
        finally:
            home.close()

    def events(self) -> list[dict[str, Any]]:
        lines = (self.data / "log" / "lgsp.jsonl").read_text(encoding="utf-8").splitlines()
        return [event for line in lines if (event := json.loads(line))["event"].startswith("person.")]


@pytest.fixture
def lgsp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Lgsp:
    return Lgsp(tmp_path / "data", monkeypatch, capsys)


def test_people_are_added_changed_and_disabled(lgsp: Lgsp) -> None:
    """Each command does what it says, on a folder that it makes if need be, and leaves an event without a password."""
    added = ("add", "an", "--role", "administrator", "--title", "Nguyễn Văn An", "--agency", "H57.12")
    assert lgsp(*added, given=f"{GOOD}\n")[0] == 0
    assert lgsp("add", "binh", "--role", "operator", given=f"{GOOD}\r\nnot this")[0] == 0
    assert lgsp("set-roles", "binh", "--role", "operator", "--role", "registrar")[0] == 0
    before = lgsp.people().get("binh").password_hash
    assert lgsp("password", "binh", given=GOOD + " lội")[0] == 0
    assert lgsp("disable", "binh")[0] == 0
    an, binh = lgsp.people()
    assert (an.title, an.agency, sorted(an.roles), an.enabled) == ("Nguyễn Văn An", "H57.12", ["administrator"], True)
    assert (sorted(binh.roles), binh.enabled) == (["operator", "registrar"], False)
    assert Passwords().matches(an.password_hash, GOOD)
    assert Passwords().matches(before, GOOD)
    assert Passwords().matches(binh.password_hash, GOOD + " lội")
    assert lgsp("enable", "binh")[0] == 0
    assert lgsp.people().get("binh").enabled
    events = lgsp.events()
    assert [event["event"].removeprefix("person.") for event in events] == [
        "added",
        "added",
        "changed",
        "password-changed",
        "disabled",
        "enabled",
    ]
    assert (events[2]["rolesBefore"], events[2]["roles"]) == ("operator", "operator, registrar")
    assert not [event for event in events if GOOD in str(event) or "argon2" in str(event)]


def test_a_full_name_and_an_agency_are_corrected(lgsp: Lgsp) -> None:
    """What is not given stays, an empty agency is none, and an agency that there is not is told of."""
    lgsp("add", "an", "--role", "operator", "--agency", "H57.12", given=GOOD)
    status, said = lgsp("change", "an", "--title", "Nguyễn Văn An", "--agency", "H57.05")
    assert (status, "no agency H57.05" in said) == (0, True)
    assert [(each.title, each.agency) for each in lgsp.people()] == [("Nguyễn Văn An", "H57.05")]
    assert lgsp("change", "an", "--agency", "")[0] == 0
    assert [(each.title, each.agency) for each in lgsp.people()] == [("Nguyễn Văn An", None)]
    assert lgsp("change", "an", "--agency", "health")[0] == 2


def test_a_change_is_decided_anew_where_others_write_meanwhile(lgsp: Lgsp, tmp_path: Path) -> None:
    """A role that somebody else gives between looking and writing is not lost, and a change that never gets its turn is
    refused."""
    lgsp("add", "an", "--role", "operator", given=GOOD)
    home, other = (Home(read_settings({}, data=lgsp.data), f"user:{name}") for name in ("one", "other"))
    given: list[Role] = []

    def decide(people: People) -> PutRow:
        if not given:
            given.append(Role.REGISTRAR)
            change_people(other, lambda found: found.change("an", 1, other.actor, roles=[Role.REGISTRAR]))
        return people.change("an", 2, home.actor, title="An")

    def never(people: People) -> PutRow:
        other.set_secret("H57", "password", "x")
        return people.change("an", 3, home.actor, title="Bình")

    change_people(home, decide)
    with pytest.raises(RegistryChanged):
        change_people(home, never)
    (an,) = read_people(home.queries)
    home.close()
    other.close()
    assert (an.title, sorted(an.roles)) == ("An", [Role.REGISTRAR])


def test_people_are_listed(lgsp: Lgsp) -> None:
    """A table for people and JSON for programs, neither with a hash."""
    lgsp("add", "an", "--role", "administrator", "--title", "Nguyễn Văn An", given=GOOD)
    status, table = lgsp("list")
    assert status == 0
    assert "Nguyễn Văn An" in table
    _, text = lgsp("list", "--json")
    (an,) = json.loads(text)
    assert (an["name"], an["roles"], an["agency"], an["enabled"]) == ("an", ["administrator"], None, True)
    assert "argon2" not in table + text


def test_the_last_administrator_stays(lgsp: Lgsp) -> None:
    """Neither command takes away the last one who could add others; with a second one both go."""
    lgsp("add", "an", "--role", "administrator", given=GOOD)
    for command in (("disable", "an"), ("set-roles", "an", "--role", "operator")):
        assert lgsp(*command)[0] == 1
    assert [sorted(person.roles) for person in lgsp.people() if person.enabled] == [["administrator"]]
    lgsp("add", "binh", "--role", "administrator", given=GOOD)
    assert lgsp("set-roles", "an", "--role", "operator")[0] == 0
    assert lgsp("disable", "an")[0] == 0
    assert lgsp("disable", "binh")[0] == 1


@pytest.mark.parametrize("password", ["", "too short", "a.long.enough.name", "\n" + GOOD])
def test_a_password_that_is_no_use_makes_nothing(lgsp: Lgsp, password: str) -> None:
    """Whoever types one too short, or the name, is told so as wrong use, and no folder is made for it."""
    assert lgsp("add", "a.long.enough.name", "--role", "operator", given=password)[0] == 2
    assert not lgsp.data.exists()


def test_without_a_terminal_nobody_is_asked(lgsp: Lgsp) -> None:
    """A script that forgets --password-stdin is told of it; nothing waits for an answer."""
    status, said = lgsp("add", "an", "--role", "operator")
    assert status == 2
    assert "--password-stdin" in said


def test_a_password_is_asked_for_twice(lgsp: Lgsp, monkeypatch: pytest.MonkeyPatch) -> None:
    """At a terminal it is typed hidden, and again where the two differ."""
    answers = [GOOD, "something else", GOOD, GOOD]
    monkeypatch.setattr(f"{typer.prompt.__module__}.hidden_prompt_func", lambda _: answers.pop(0))
    status, said = lgsp("add", "an", "--role", "operator", at=Terminal())
    assert (status, answers) == (0, [])
    assert GOOD not in said
    assert Passwords().matches(lgsp.people().get("an").password_hash, GOOD)


def test_what_is_typed_wrongly_is_wrong_use(lgsp: Lgsp) -> None:
    """An unknown name, a role that there is not, a name that cannot be one, an auditor with another role: each ends
    with 2; a name that is taken with 1."""
    lgsp("add", "an", "--role", "administrator", given=GOOD)
    assert lgsp("disable", "nobody")[0] == 2
    assert lgsp("password", "nobody", given=GOOD)[0] == 2
    assert lgsp("set-roles", "an", "--role", "king")[0] == 2
    assert lgsp("add", "An", "--role", "operator", given=GOOD)[0] == 2
    assert lgsp("add", "binh", "--role", "auditor", "--role", "operator", given=GOOD)[0] == 2
    assert lgsp("add", "an", "--role", "operator", given=GOOD)[0] == 1
    assert [person.name for person in lgsp.people()] == ["an"]
