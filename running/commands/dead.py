"""`lgsp dead`: look at dead letters, and try them again."""

from typing import Annotated

import typer

from bus.errors import DeliveryUnknown
from bus.settings import read_settings
from bus.states import State
from journal.commands import Replay
from running import printing
from running.commands.terminal import Data, Json, err, lgsp, opened, out, uuid
from running.home import me

MAY_HAVE_ACTED = ("outcome-unknown", "reply-invalid")
"""Reasons of dead letters whose receiver was reached: one that knows no duplicates would do twice what was asked."""

app = typer.Typer(no_args_is_help=True, help="Dead letters: deliveries that wait for a person.")


@app.command("list")
def dead_list(
    data: Data = None,
    system: Annotated[str | None, typer.Option(help="Only of this system.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
    json: Json = False,
) -> None:
    """Dead letters, the newest first."""
    with opened(read_settings(data=data)) as home:
        printing.dead_letters(out, home.queries.dead_letters(system=system, limit=limit), json=json)


@app.command("show")
def dead_show(delivery: str, data: Data = None, json: Json = False) -> None:
    """One dead letter: why it died, and every attempt before."""
    with opened(read_settings(data=data)) as home:
        view = home.queries.delivery(uuid(delivery))
        if view is None:
            raise DeliveryUnknown(delivery=delivery)
        printing.delivery(out, view, home.queries.timeline(view.message), lgsp(home.settings.data), json=json)


@app.command("replay")
def dead_replay(
    delivery: str,
    data: Data = None,
    again: Annotated[bool, typer.Option("--again", help="Also where it was delivered already.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Try one delivery again; its life begins anew."""
    with opened(read_settings(data=data)) as home:
        view = home.queries.delivery(uuid(delivery))
        if view is None:
            raise DeliveryUnknown(delivery=delivery)
        if view.state is State.DELIVERED and not again:
            raise typer.BadParameter(f"{view.system} has it already: --again would call it once more")
        if view.reason in MAY_HAVE_ACTED and not yes:
            err.print(
                printing.plain(f"{view.system} was called and may have acted on it ({view.reason}): ask it first.")
            )
            typer.confirm("Call it again?", abort=True, err=True)
        before = home.write(Replay(view.id, me()))
        out.print(f"{delivery} was {before} and will be tried again.")
        out.print(
            printing.plain(f"see what becomes of it:\n  {lgsp(home.settings.data)('audit', 'show', view.message)}")
        )
