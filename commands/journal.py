"""`lgsp journal`: the tables of the journal, brought up to date and kept up."""

from dataclasses import asdict
from typing import Annotated

import typer

from bus.settings import read_settings
from commands.terminal import Data, Json, busy, opened, out
from journal.database import migrate
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


@app.command("maintain")
def journal_maintain(data: Data = None, json: Json = False) -> None:
    """Make room for what comes, and let go what has had its time. Who serves does so by itself, once an hour."""
    with opened(read_settings(data=data)) as home, busy("Keeping up"):
        done = home.keep_up()
    if json:
        print_json(out, asdict(done))
        return
    for what, names in (("Made", done.made), ("Dropped", done.dropped)):
        if names:
            out.print(f"{what}: {', '.join(names)}.")
    for what, counts in (("Deleted", done.deleted), ("Moved", done.moved)):
        for table, count in counts.items():
            out.print(f"{what}: {count} rows of {table}.")
    for reason in done.kept:
        out.print(f"Kept: {reason}.")
