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
