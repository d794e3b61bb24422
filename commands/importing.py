"""`lgsp import`: what a department already has becomes documents."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from bus.settings import read_settings
from commands.terminal import Data, Json, busy, err, language, opened, out, require
from documents.plan import Plan
from running import verdicts

if TYPE_CHECKING:
    from documents.importers.run import Order


class Kind(StrEnum):
    """What is imported."""

    WSDL = "wsdl"
    OPENAPI = "openapi"
    XSD = "xsd"
    JSON_SCHEMA = "json-schema"
    EXAMPLES = "examples"


class Messages(StrEnum):
    """What contracts are written in."""

    JSON = "json"
    XML = "xml"


def import_(
    kind: Annotated[Kind, typer.Argument(help="What it is.", show_default=False)],
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="A file, a folder, a .zip; a URL with --fetch.")],
    system: Annotated[str, typer.Option(help="The system's name: his.provincial-hospital.")],
    agency: Annotated[str, typer.Option(help="The code of the agency whose system it is: H57.05.01.")],
    consumer: Annotated[list[str] | None, typer.Option(help="A system that may send; may be given again.")] = None,
    purpose: Annotated[str | None, typer.Option(help="What the grants are for.")] = None,
    legal_basis: Annotated[str | None, typer.Option(help="By which law, decree or decision.")] = None,
    version: Annotated[str, typer.Option(help="The version of the contracts.")] = "1.0.0",
    messages: Annotated[Messages, typer.Option(help="What contracts of a WSDL are written in.")] = Messages.JSON,
    endpoint: Annotated[str | None, typer.Option(help="Where the system answers, over what the source says.")] = None,
    service: Annotated[str | None, typer.Option(help="The service of a WSDL; else every one.")] = None,
    port: Annotated[str | None, typer.Option(help="The port of a WSDL; else one of each port type.")] = None,
    entry: Annotated[str | None, typer.Option(help="The file to begin with, where there are several.")] = None,
    folder: Annotated[Path | None, typer.Option("--out", help="Write the documents here; apply nothing.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; with --out, write over what is there.")] = False,
    dry_run: Annotated[bool, typer.Option(help="Show the plan only.")] = False,
    fetch: Annotated[bool, typer.Option("--fetch", help="Fetch SOURCE, from a host of LGSP_FETCH_HOSTS.")] = False,
    try_: Annotated[
        bool,
        typer.Option("--try", help="Call each operation once, on a stand-in made of the description; keep nothing."),
    ] = False,
    data: Data = None,
    json: Json = False,
) -> None:
    """Make documents out of what a department has: shows what would change, then applies it.

    Exit 0 with documents, 1 with the reasons why there are none.
    """
    from bus.clock import SystemClock
    from documents.importers.run import Order
    from documents.importers.target import Target
    from identity.grants import civil_date

    _checked(system, agency, version)
    target = Target(
        system,
        agency,
        version,
        messages=messages.value,
        consumers=tuple(consumer or ()),
        purpose=purpose,
        legal_basis=legal_basis,
        endpoint=endpoint,
        service=service,
        port=port,
    )
    today = civil_date(SystemClock().now())
    with _at_hand(source, fetch=fetch, json=json) as path:
        order = Order(kind.value, path, target, today, entry)
        _carry_out(order, folder, data, yes=yes, dry_run=dry_run, try_=try_, json=json)


@contextmanager
def _at_hand(source: str, *, fetch: bool, json: bool) -> Iterator[Path]:
    """The source as a path: fetched first, where that was asked for and is allowed."""
    from documents.importers import fetch as fetching
    from documents.importers.report import Imported, Note
    from documents.importers.run import Outcome
    from documents.importers.source import Refused

    if not fetching.is_address(source):
        yield Path(source)
        return
    if not fetch:
        notes = (Note(fetching.NOT_ASKED, source),)
        verdicts.imported(out, err, Outcome(Imported(notes=notes)), language(), json=json)
        require(done=False)
    settings = read_settings()
    try:
        with TemporaryDirectory(prefix="lgsp-fetch-") as folder:
            with busy("Fetching"):
                path = fetching.fetch(
                    source, Path(folder), fetching.Allowed(settings.fetch_hosts, tuple(settings.egress))
                )
            yield path
    except Refused as refused:
        verdicts.imported(out, err, Outcome(Imported(notes=refused.notes)), language(), json=json)
        require(done=False)


def _carry_out(
    order: "Order", folder: Path | None, data: Path | None, *, yes: bool, dry_run: bool, try_: bool, json: bool
) -> None:
    if try_:
        require(_try(order, json=json))
    elif folder is not None:
        require(_write(order, folder, yes=yes, json=json))
    else:
        require(_apply(order, data, yes=yes, dry_run=dry_run, json=json))


def _checked(system: str, agency: str, version: str) -> None:
    from documents.kinds import values

    checks = (
        ("--system", system, values.Name),
        ("--agency", agency, values.Code),
        ("--version", version, values.Version),
    )
    for option, text, value in checks:
        try:
            value.check(text)
        except ValueError as wrong:
            raise typer.BadParameter(str(wrong), param_hint=option) from None


def _try(order: "Order", *, json: bool) -> bool:
    """On a bus of its own; whether every operation answered as the source promises."""
    from running.rehearsal import rehearse

    if order.kind not in {Kind.WSDL, Kind.OPENAPI}:
        raise typer.BadParameter(
            "only a WSDL or an OpenAPI document says enough to stand in for its service", param_hint="--try"
        )
    with busy("Trying"):
        outcome, found = rehearse(order)
    if not outcome.ok:
        verdicts.imported(out, err, outcome, language(), json=json)
        return False
    return verdicts.rehearsed(out, found, json=json)


def _write(order: "Order", folder: Path, *, yes: bool, json: bool) -> bool:
    """Into a folder, where nothing that says something else is written over unasked."""
    from documents.importers.run import import_bounded
    from documents.importers.writing import differing, write, written

    with busy("Importing"):
        outcome = import_bounded(replace(order, folder=folder))
    files = written(outcome.imported, order.target.folder) if outcome.ok else {}
    over = () if yes else tuple(differing(folder, files))
    if over:
        verdicts.in_the_way(err, folder, over)
        return False
    try:
        write(folder, files)
    except OSError as failed:
        raise typer.BadParameter(f"{folder}: {failed.strerror}", param_hint="--out") from None
    verdicts.imported(out, err, outcome, language(), written=(folder, sorted(files)), json=json)
    return outcome.ok


def _apply(order: "Order", data: Path | None, *, yes: bool, dry_run: bool, json: bool) -> bool:
    """Into the store, once whoever imports has seen what would change."""
    from documents.check import Report
    from documents.importers.run import import_bounded
    from documents.plan import result
    from documents.store import read
    from running.apply import apply_documents

    with opened(read_settings(data=data)) as home:
        home.prepare()
        with busy("Importing"):
            outcome = import_bounded(replace(order, current=(current := read(home.queries))))
        verdicts.imported(out, err, outcome, language(), json=json)
        if not outcome.ok:
            return False
        told = err if json else out

        def agreed(plan: Plan) -> bool:
            verdicts.plan(told, plan)
            return not dry_run and (yes or typer.confirm("Apply?", err=json))

        applied = apply_documents(home, Report(result(current, outcome.documents)), agreed)
        return verdicts.applied(told, err, applied) or (dry_run and applied.plan is not None)
