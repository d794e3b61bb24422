"""`lgsp audit`: what happened to a message."""

import typer

from bus.errors import MessageUnknown
from bus.settings import read_settings
from running import printing
from running.commands.terminal import Data, Json, opened, out, uuid

app = typer.Typer(no_args_is_help=True, help="What happened to a message, and proof of it.")


@app.command("show")
def audit_show(message: str, data: Data = None, json: Json = False) -> None:
    """The timeline of one message."""
    with opened(read_settings(data=data)) as home:
        view = home.queries.message(uuid(message))
        if view is None:
            raise MessageUnknown
        printing.timeline(out, view, home.queries.timeline(view.envelope.message), json=json)
