"""`lgsp contract`: versions of contracts, held against each other."""

from pathlib import Path
from typing import Annotated

import typer

from bus.settings import read_settings
from running.commands.terminal import Data, Json, busy, opened, out, require

Reference = Annotated[str, typer.Argument(help="A version of a contract: NAME@1.2.0.")]
FolderOption = Annotated[
    Path | None, typer.Option("--folder", help="Look for both in this folder of documents instead of in the store.")
]

app = typer.Typer(no_args_is_help=True, help="Contracts: what a new version does to those who keep to the former one.")


@app.callback()
def group() -> None:
    """Contracts."""


@app.command()
def diff(
    former: Reference, newer: Reference, folder: FolderOption = None, data: Data = None, json: Json = False
) -> None:
    """Compare two versions: compatible, breaking or unknown, for senders and for receivers, with an example of each
    break. Exit 1 where the newer one breaks, or may break, senders of the former under the same major."""
    from running import contracts

    with opened(read_settings(data=data)) as home, busy("Comparing"):
        found = contracts.compared(contracts.documents_of(home, folder), former, newer)
    contracts.show(out, found, json=json)
    require(found.allowed)
