"""The people who run the bus, as the journal has them."""

from collections.abc import Callable, Iterable
from typing import Final

from rich.console import Console

from bus.clock import iso
from identity.people import People, Person
from identity.roles import Role
from journal.commands import PutRow
from journal.queries import Queries
from running.anew import anew
from running.home import Home
from running.printing import Lgsp, print_json, table

TRIES: Final = 10
"""How often a change is decided anew where something else was written meanwhile."""


def read_people(queries: Queries) -> People:
    """Everybody, no older than the revision that stands beside them; blocks. Raises `JournalUnavailable`."""
    revision = queries.revision()
    return People((Person.of_row(row._asdict()) for row in queries.people_rows()), revision)


def change_people(home: Home, decide: Callable[[People], PutRow]) -> None:
    """Write what is decided by the newest state, so that of two who each disable the other one fails. Raises what
    `decide` does."""
    anew(lambda: home.write(decide(read_people(home.queries))), TRIES)


def show(out: Console, people: People, lgsp: Lgsp, *, json: bool) -> None:
    if json:
        print_json(
            out,
            [
                {
                    "name": each.name,
                    "title": each.title,
                    "roles": sorted(each.roles),
                    "agency": each.agency,
                    "enabled": each.enabled,
                    "created": iso(each.created_at),
                    "changed": iso(each.changed_at),
                }
                for each in people
            ],
        )
        return
    rows = [(each.name, each.title, _said(each.roles), each.agency or "", each.enabled) for each in people]
    nobody = f"nobody yet; {lgsp('user', 'add', 'NAME', '--role', Role.ADMINISTRATOR)}"
    table(out, ["name", "title", "roles", "agency", "enabled"], rows, nobody)


def _said(roles: Iterable[Role]) -> str:
    return ", ".join(sorted(roles))
