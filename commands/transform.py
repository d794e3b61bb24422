"""`lgsp transform`: try how one shape becomes another."""

from pathlib import Path
from typing import Annotated

import typer

from bus.settings import read_settings
from commands.terminal import Data, Json, busy, err, opened, out, require
from documents.model import Documents
from running import verdicts

app = typer.Typer(no_args_is_help=True, help="How one shape becomes another: propose it, try it before messages do.")


@app.callback()
def group() -> None:
    """Propose and try transforms."""


@app.command("try")
def transform_try(
    transform: Annotated[str, typer.Argument(help="Name of the transform.")],
    document: Annotated[Path, typer.Argument(help="What it is given: JSON, or XML where it ends in .xml.")],
    folder: Annotated[
        Path | None, typer.Option(help="Folder of a province's documents.", show_default="what was applied")
    ] = None,
    expect: Annotated[
        Path | None, typer.Option(help="What must come out.", show_default="what a route's test says")
    ] = None,
    on: Annotated[str, typer.Option(help="The route, where several use it: CONTRACT@MAJOR/SYSTEM.")] = "",
    data: Data = None,
    json: Json = False,
) -> None:
    """Show what it makes of a document, side by side, and what differs from what was expected."""
    from documents.trying import Attempt, try_bounded
    from running.trying import show

    given, expected = _read(document), (str(expect), _read(expect)) if expect else None
    documents = _documents(folder, data)
    with busy("Trying"):
        trial = try_bounded(documents, Attempt(transform, str(document), given, on, expected))
    require(show(out, err, trial, as_json=json))


@app.command("propose")
def transform_propose(
    source: Annotated[
        str, typer.Option("--from", help="What comes: CONTRACT[@VERSION][#reply], or a schema's FILE[#ELEMENT].")
    ],
    target: Annotated[str, typer.Option("--to", help="What it is to become, named likewise.")],
    name: Annotated[str, typer.Option(help="Name of the transform.")] = "proposed",
    folder: Annotated[
        Path | None, typer.Option(help="Folder of a province's documents.", show_default="what was applied")
    ] = None,
    into: Annotated[Path | None, typer.Option("--out", help="File to write.", show_default="the terminal")] = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Propose a mapping by names and types: a document to go on with, which says of each field how sure it is."""
    from documents.proposals import Order, propose_bounded
    from running.proposing import show

    if into is not None and into.exists():
        raise typer.BadParameter(f"{into} is there already: take another name.")
    documents = _documents(folder, data)
    with busy("Comparing"):
        found = propose_bounded(documents, Order(source, target, name))
    try:
        show(out, err, found, into, as_json=json)
    except OSError:
        raise typer.BadParameter(f"{into} cannot be written.") from None


def _documents(folder: Path | None, data: Path | None) -> Documents:
    from documents.load import load
    from documents.store import read

    if folder is None:
        with opened(read_settings(data=data)) as home:
            return read(home.queries).in_force()
    loaded = load(folder)
    verdicts.problems(err, loaded.problems)
    return loaded.documents


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise typer.BadParameter(f"{path} cannot be read: is it there?") from None
