"""`lgsp message`: find messages."""

import sys
from typing import Annotated

import typer

from bus.settings import read_settings
from bus.states import MessageState
from commands.terminal import Data, Json, Most, Since, Until, busy, joined, opened, out
from identity.keyring import keyed_hashes
from journal.searching import MessageFilter
from running import printing

app = typer.Typer(no_args_is_help=True, help="Messages that the bus has accepted.")


@app.command("list")
def message_list(
    data: Data = None,
    contract: Annotated[str | None, typer.Option(help="Only of this contract: NAME, NAME@1, NAME@1.2.0.")] = None,
    sender: Annotated[str | None, typer.Option(help="Only from this system.")] = None,
    system: Annotated[str | None, typer.Option(help="Only to this system.")] = None,
    state: Annotated[MessageState | None, typer.Option(help="Only in this state.")] = None,
    subject: Annotated[
        bool, typer.Option("--subject", help="Only about whom the terminal or standard input then names.")
    ] = False,
    since: Since = None,
    until: Until = None,
    limit: Most = 100,
    json: Json = False,
) -> None:
    """Messages, the newest first."""
    about = _subject() if subject else None
    with opened(read_settings(data=data)) as home, busy("Searching"):
        subjects = None if about is None else keyed_hashes(home.keys(), about.encode())
        wanted = MessageFilter(contract, sender, system, state, subjects, since, until)
        found = joined(lambda size, cursor: home.queries.messages(wanted, size=size, cursor=cursor), limit)
    if json:
        from adapters.rest.answers import summary

        printing.print_json(out, [summary(each) for each in found])
    else:
        printing.messages(out, found)


def _subject() -> str:
    """Never an argument: those stand in the shell's history, and in the list of processes for everybody to read."""
    return str(typer.prompt("subject", hide_input=True)) if sys.stdin.isatty() else sys.stdin.read().rstrip("\n")
