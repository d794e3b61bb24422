"""`lgsp contract`: versions of contracts, held against each other, and their life."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bus.settings import read_settings
from commands.terminal import Data, Json, busy, err, opened, out, require
from running import printing, verdicts

if TYPE_CHECKING:
    from running.registry import Decided, Registry

Reference = Annotated[str, typer.Argument(help="A version of a contract: NAME@1.2.0.")]
FolderOption = Annotated[
    Path | None, typer.Option("--folder", help="Look for both in this folder of documents instead of in the store.")
]

app = typer.Typer(no_args_is_help=True, help="Contracts: their versions, their life, and what is like them.")


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


@app.command("list")
def list_(
    name: Annotated[str | None, typer.Argument(help="Of this contract alone.")] = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Every version and where it stands: draft, proposed, active, deprecated, retired."""
    from documents.store import read
    from running import contracts
    from running.registry import standings

    with opened(read_settings(data=data)) as home:
        found = standings(read(home.queries), "Contract")
    contracts.show_standings(out, [each for each in found if name in {None, each[0].name}], json=json)


@app.command()
def approve(version: Reference, data: Data = None) -> None:
    """Let a proposed version be used; somebody else must have proposed it. Exit 1 where it breaks what is in force."""
    _decide(data, f"{version} is active.", lambda registry, actor: registry.approve(actor, version))


@app.command()
def reject(version: Reference, data: Data = None) -> None:
    """Send a proposed version back: it is a draft, which may be changed and proposed again."""
    _decide(data, f"{version} is a draft.", lambda registry, actor: registry.reject(actor, version))


@app.command()
def deprecate(
    version: Reference,
    sunset: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d"], help="The day from which it may be retired: senders are told.")
    ],
    data: Data = None,
) -> None:
    """Tell those who use a version to use another before a day; again, to give another day."""
    day = sunset.date()
    _decide(data, f"{version} works until {day}.", lambda registry, actor: registry.deprecate(actor, version, day))


@app.command()
def retire(version: Reference, data: Data = None) -> None:
    """Accept nothing more under a deprecated version, on its day or later; what was accepted is delivered."""
    _decide(data, f"{version} is retired.", lambda registry, actor: registry.retire(actor, version))


def _decide(data: Path | None, done: str, call: "Callable[[Registry, str], Decided]") -> None:
    from running.registry import Registry

    with opened(read_settings(data=data)) as home, busy("Checking"):
        registry = Registry(home.queries, home.write, home.clock, home.settings.secrets_folder)
        decided = call(registry, home.actor)
    verdicts.problems(err, decided.problems)
    require(decided.revision is not None)
    out.print(printing.plain(done))
