"""`lgsp audit`: what happened to a message, and who did what."""

from typing import Annotated

import typer

from bus.errors import MessageUnknown
from bus.settings import read_settings
from commands.terminal import Data, Json, Most, Since, Until, busy, joined, opened, out, uuid
from journal.searching import EventFilter
from running import printing

app = typer.Typer(no_args_is_help=True, help="What happened to a message, who did what, and proof of it.")


@app.command("show")
def audit_show(message: str, data: Data = None, json: Json = False) -> None:
    """The timeline of one message."""
    with opened(read_settings(data=data)) as home:
        view = home.queries.message(uuid(message))
        if view is None:
            raise MessageUnknown
        printing.timeline(out, view, home.queries.timeline(view.envelope.message), json=json)


@app.command("search")
def audit_search(
    data: Data = None,
    event: Annotated[str | None, typer.Option(help="Only this event: message.refused, system.paused …")] = None,
    actor: Annotated[str | None, typer.Option(help="Only what this system, process or person did.")] = None,
    message: Annotated[str | None, typer.Option(help="Only of this message.")] = None,
    system: Annotated[str | None, typer.Option(help="Only events that name this system.")] = None,
    contract: Annotated[
        str | None, typer.Option(help="Only events that name this contract: NAME, NAME@1, NAME@1.2.0.")
    ] = None,
    since: Since = None,
    until: Until = None,
    limit: Most = 100,
    json: Json = False,
) -> None:
    """Audit events, the newest first."""
    wanted = EventFilter(event, actor, uuid(message) if message else None, system, contract, since, until)
    with opened(read_settings(data=data)) as home, busy("Searching"):
        found = joined(lambda size, cursor: home.queries.events(wanted, size=size, cursor=cursor), limit)
    printing.events(out, found, json=json)
