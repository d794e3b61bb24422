"""`lgsp journal`: the tables of the journal, brought up to date."""

from typing import Annotated

import typer

from bus.settings import read_settings
from journal.database import migrate
from running.commands.terminal import Data, Json, busy, opened, out
from running.printing import print_json

app = typer.Typer(no_args_is_help=True, help="The journal itself: its tables, and their upkeep.")


@app.command("migrate")
def journal_migrate(
    data: Data = None,
    post: Annotated[bool, typer.Option("--post", help="Also what processes of an older version cannot bear.")] = False,
    json: Json = False,
) -> None:
    """Bring the tables to this version. Without --post it only adds, as each start does."""
    with opened(read_settings(data=data)) as home, busy("Migrating"):
        left = migrate(home.url, post=post)
    if json:
        print_json(out, {"left": list(left)})
    elif left:
        out.print(f"Left for `lgsp journal migrate --post`: {', '.join(left)}.")
    else:
        out.print("The tables are as this version wants them.")
