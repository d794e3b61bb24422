"""`lgsp check` and `lgsp apply`: the documents of a province."""

from pathlib import Path
from typing import Annotated

import typer

from bus.settings import read_settings
from commands.terminal import Data, Json, busy, err, opened, out, password, require
from documents.plan import Plan
from running import printing, verdicts

Folder = Annotated[Path, typer.Argument(help="Folder of a province's documents.")]


def check(folder: Folder, data: Data = None, json: Json = False) -> None:
    """Check documents: everything wrong with them, their examples and their routes' tests."""
    from running.apply import check_here

    with opened(read_settings(data=data)) as home, busy("Checking"):
        report = check_here(home, folder)
    require(verdicts.checked(out, err, report, json=json))


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
        verdicts.in_the_way(err, folder, over)
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
    to: Annotated[str | None, typer.Option(help="URL of a management plane: apply there, as --as.")] = None,
    name: Annotated[str | None, typer.Option("--as", help="Who signs in there.")] = None,
    password_stdin: Annotated[bool, typer.Option(help="Read the password from standard input.")] = False,
) -> None:
    """Make the store as the documents say; shows the plan first. With --to, by the management API of a bus elsewhere:
    new versions of contracts and grants are proposed there, for another person to approve."""
    from running import reuse
    from running.apply import apply_folder

    if to is not None:
        if prune or data is not None:
            raise typer.BadParameter("goes with neither --prune nor --data", param_hint="--to")
        _send(folder, to, name, yes=yes, dry_run=dry_run, password_stdin=password_stdin)
        return
    with opened(read_settings(data=data)) as home:
        home.prepare()

        def agreed(plan: Plan) -> bool:
            verdicts.plan(out, plan)
            reuse.tell_new(out, reuse.near_new(home, folder, plan.created))
            return not dry_run and (yes or typer.confirm("Apply?"))

        applied = apply_folder(home, folder, agreed, prune=prune)
        require(verdicts.applied(out, err, applied) or (dry_run and applied.plan is not None))


def _send(folder: Path, to: str, name: str | None, *, yes: bool, dry_run: bool, password_stdin: bool) -> None:
    from running.sending import Manager, Told, send_folder

    if name is None:
        raise typer.BadParameter("say who signs in", param_hint="--as")
    manager = Manager(to, name, password(name, from_input=password_stdin))

    def agreed(told: Told) -> bool:
        for line in told.lines():
            out.print(printing.plain(line))
        return not dry_run and (yes or typer.confirm("Apply?"))

    told = send_folder(manager, folder, agreed)
    verdicts.problems(err, told.problems)
    if told.refused:
        err.print(printing.plain(f"lgsp: {told.refused}"), style="red")
    if told.is_empty and told.plan:
        out.print("Nothing to change.")
    elif told.plan.get("done"):
        out.print("Sent. What is proposed or requested waits for another person to approve it.")
    require(bool(told.plan) and not told.refused and (dry_run or told.is_empty or bool(told.plan.get("done"))))
