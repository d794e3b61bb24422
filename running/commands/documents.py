"""`lgsp check` and `lgsp apply`: the documents of a province."""

from pathlib import Path
from typing import Annotated

import typer

from bus.settings import read_settings
from documents.plan import Plan
from running import printing
from running.commands.terminal import Data, Json, busy, err, opened, out, require

Folder = Annotated[Path, typer.Argument(help="Folder of a province's documents.")]


def check(folder: Folder, data: Data = None, json: Json = False) -> None:
    """Check documents: everything wrong with them, their examples and their routes' tests."""
    from running.apply import check_here

    with opened(read_settings(data=data)) as home, busy("Checking"):
        report = check_here(home, folder)
    require(printing.checked(out, err, report, json=json))


def export(
    folder: Annotated[Path, typer.Argument(help="Folder to write into.")],
    data: Data = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Write over what is there.")] = False,
) -> None:
    """Write the documents in force, and the files they name, into a folder; applying that changes nothing."""
    from documents.export import exported
    from documents.importers.writing import differing, write
    from documents.load import load
    from documents.plan import plan
    from documents.store import read

    with opened(read_settings(data=data)) as home, busy("Writing"):
        documents = read(home.queries)
    files = exported(documents)
    over = () if yes else tuple(differing(folder, files))
    if over:
        printing.in_the_way(err, folder, over)
        require(done=False)
    try:
        write(folder, files)
    except OSError as failed:
        raise typer.BadParameter(f"{folder}: {failed.strerror}", param_hint="DIR") from None
    loaded = load(folder)
    planned = plan(documents, loaded.documents, prune=True)
    out.print(printing.plain(f"{len(documents.by_key)} documents and {len(documents.files)} files."))
    if loaded.problems or not planned.is_empty:  # other documents lay there before
        err.print(printing.plain("The folder holds more than what is in force:"), style="yellow")
        for line in (*map(str, loaded.problems), *planned.lines()):
            err.print(printing.plain(f"  {line}"))
        require(done=False)


def apply(
    folder: Folder,
    data: Data = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    prune: Annotated[bool, typer.Option(help="Remove what the folder does not have.")] = False,
    dry_run: Annotated[bool, typer.Option(help="Show the plan only.")] = False,
) -> None:
    """Make the store as the documents say; shows the plan first."""
    from running import reuse
    from running.apply import apply_folder

    with opened(read_settings(data=data)) as home:
        home.prepare()

        def agreed(plan: Plan) -> bool:
            printing.plan(out, plan)
            reuse.tell_new(out, reuse.near_new(home, folder, plan.created))
            return not dry_run and (yes or typer.confirm("Apply?"))

        applied = apply_folder(home, folder, agreed, prune=prune)
        require(printing.applied(out, err, applied) or (dry_run and applied.plan is not None))
