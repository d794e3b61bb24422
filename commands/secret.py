"""`lgsp secret`: the secrets of agencies, never shown."""

import sys

import typer

from bus.settings import read_settings
from commands.terminal import Data, Json, err, opened, out
from running import printing

app = typer.Typer(no_args_is_help=True, help="Passwords and keys of the systems that the bus calls.")


@app.command("set")
def secret_set(agency: str, name: str, data: Data = None) -> None:
    """Set a secret of an agency, read from the terminal or from standard input."""
    from documents.references import unasked
    from documents.store import read

    settings = read_settings(data=data)
    value = typer.prompt(f"{agency}/{name}", hide_input=True) if sys.stdin.isatty() else sys.stdin.read().rstrip("\n")
    with opened(settings) as home:
        home.prepare()
        home.set_secret(agency, name, value)
        out.print(f"Secret {name} of {agency} is set.")
        for warning in unasked(read(home.queries), agency, name):
            err.print(printing.plain(f"But {warning}"), style="yellow")


@app.command("list")
def secret_list(agency: str, data: Data = None, json: Json = False) -> None:
    """The names of an agency's secrets."""
    with opened(read_settings(data=data)) as home:
        printing.names(out, home.secrets.list(agency), json=json)
