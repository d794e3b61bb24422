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
def similar(
    contract: Annotated[str, typer.Argument(help="The contract: NAME, NAME@MAJOR or NAME@1.2.0.")],
    folder: Annotated[
        Path | None, typer.Option("--folder", help="Look for it in this folder of documents as well as in the store.")
    ] = None,
    most: Annotated[int, typer.Option(min=1, max=50, help="How many to show.")] = 5,
    data: Data = None,
    json: Json = False,
) -> None:
    """The contracts that are nearest to it: what they have of it, what they lack, and whom to ask for a grant."""
    from running import reuse

    with opened(read_settings(data=data)) as home, busy("Comparing"):
        found = reuse.similar(home, folder, contract, most)
    reuse.show(out, found, json=json)


@app.command("reuse")
def reuse_(data: Data = None, json: Json = False) -> None:
    """How much each contract is used: systems that send and receive, messages, and links that nobody had to build."""
    from running import reuse

    with opened(read_settings(data=data)) as home:
        reuse.show_uses(out, reuse.uses(home), json=json)


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
