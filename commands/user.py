"""`lgsp user`: the people who run the bus, and what they may do."""

from typing import Annotated

import typer

from bus.settings import read_settings
from commands.terminal import Data, Json, err, lgsp, opened, out, password
from identity.roles import Role
from running.home import Home
from running.printing import plain

app = typer.Typer(no_args_is_help=True, help="The people who run the bus: their roles and passwords.")

Roles = Annotated[
    list[Role], typer.Option("--role", help="What they may do (docs/roles.md); may be given several times.")
]
FromInput = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]


@app.command("add")
def user_add(
    name: str,
    role: Roles,
    title: Annotated[str, typer.Option(help="Full name.")] = "",
    agency: Annotated[str | None, typer.Option(help="Code of the agency that they work for.")] = None,
    password_stdin: FromInput = False,
    data: Data = None,
) -> None:
    """Somebody new, who signs in by NAME; the password is asked for twice."""
    from identity.passwords import Passwords
    from identity.people import Person
    from running.people import change_people

    with opened(read_settings(data=data)) as home:
        now = home.clock.now()
        person = Person(name, title, frozenset(role), agency, "", now, now)
        person.require_valid()
        person = person.with_password(Passwords().hash(_password(name, from_input=password_stdin)), now)
        home.prepare()
        change_people(home, lambda people: people.add(person, home.actor))
        out.print(plain(f"{name} may sign in, as {', '.join(sorted(person.roles))}."))
        _tell_of_unknown(home, agency)


@app.command("list")
def user_list(data: Data = None, json: Json = False) -> None:
    """Everybody, with their roles."""
    from running.people import read_people, show

    with opened(read_settings(data=data)) as home:
        show(out, read_people(home.queries), lgsp(home.settings.data), json=json)


@app.command("set-roles")
def user_set_roles(name: str, role: Roles, data: Data = None) -> None:
    """Give these roles in place of those before; in force within two seconds."""
    from running.people import change_people

    with opened(read_settings(data=data)) as home:
        change_people(home, lambda people: people.change(name, home.clock.now(), home.actor, roles=role))
        out.print(plain(f"{name} is {', '.join(sorted(set(role)))}."))


@app.command("change")
def user_change(
    name: str,
    title: Annotated[str | None, typer.Option(help="Full name.")] = None,
    agency: Annotated[str | None, typer.Option(help="Code of an agency; empty: none.")] = None,
    data: Data = None,
) -> None:
    """Correct somebody's full name, or the agency that they work for."""
    from running.people import change_people

    with opened(read_settings(data=data)) as home:
        change_people(
            home, lambda people: people.change(name, home.clock.now(), home.actor, title=title, agency=agency)
        )
        _tell_of_unknown(home, agency)
        out.print(plain(f"{name} is changed."))


@app.command("password")
def user_password(name: str, password_stdin: FromInput = False, data: Data = None) -> None:
    """Set another password; the one before opens nothing within two seconds."""
    from identity.passwords import Passwords
    from running.people import change_people, read_people

    with opened(read_settings(data=data)) as home:
        read_people(home.queries).get(name)
        kept = Passwords().hash(_password(name, from_input=password_stdin))
        change_people(home, lambda people: people.set_password(name, kept, home.clock.now(), home.actor))
        out.print(plain(f"The password of {name} is changed."))


@app.command("disable")
def user_disable(name: str, data: Data = None) -> None:
    """Let somebody in no more, within two seconds; what they did stays told."""
    from running.people import change_people

    with opened(read_settings(data=data)) as home:
        change_people(home, lambda people: people.disable(name, home.clock.now(), home.actor))
        out.print(plain(f"{name} is disabled."))


@app.command("enable")
def user_enable(name: str, data: Data = None) -> None:
    """Let somebody in again, with the password and roles of before."""
    from running.people import change_people

    with opened(read_settings(data=data)) as home:
        change_people(home, lambda people: people.enable(name, home.clock.now(), home.actor))
        out.print(plain(f"{name} is enabled."))


def _tell_of_unknown(home: Home, agency: str | None) -> None:
    """People may be there before the documents are."""
    from documents.store import read

    if agency and agency not in {each.key.name for each in read(home.queries) if each.key.kind == "Agency"}:
        err.print(plain(f"But there is no agency {agency} among the documents."), style="yellow")


def _password(name: str, *, from_input: bool) -> str:
    """Raises `PasswordUnfit`."""
    from identity.passwords import require_fit

    given = password(name, from_input=from_input, twice=True)
    require_fit(given, name)
    return given
