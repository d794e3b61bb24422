"""`lgsp transform`: try how one shape becomes another."""

from pathlib import Path
from typing import Annotated

import typer

from bus.settings import read_settings
from documents.model import Documents
from running import printing
from running.commands.terminal import Data, Json, busy, err, opened, out, require

app = typer.Typer(no_args_is_help=True, help="How one shape becomes another: try it before messages do.")


@app.callback()
def group() -> None:
    """A group, though it has one command."""


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


def _documents(folder: Path | None, data: Path | None) -> Documents:
    from documents.load import load
    from documents.store import read

    if folder is None:
        with opened(read_settings(data=data)) as home:
            return read(home.queries).in_force()
    loaded = load(folder)
    printing.problems(err, loaded.problems)
    return loaded.documents


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise typer.BadParameter(f"{path} cannot be read: is it there?") from None
