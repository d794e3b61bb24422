"""The `lgsp` command: parse, call, print."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console

from bus.errors import AgencyCodeInvalid, BusError, DeliveryUnknown, MessageUnknown, QueryInvalid, SettingInvalid
from bus.languages import Language, negotiate, say
from bus.settings import Settings, read_settings
from bus.states import State
from documents.plan import Plan
from journal.commands import Replay
from running import printing
from running.home import Home, me, served_at, serving

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="The integration bus of a province: contracts, messages, evidence.",
)
dead = typer.Typer(no_args_is_help=True, help="Dead letters: deliveries that wait for a person.")
audit = typer.Typer(no_args_is_help=True, help="What happened to a message, and proof of it.")
credential = typer.Typer(no_args_is_help=True, help="What systems prove themselves with.")
secret = typer.Typer(no_args_is_help=True, help="Passwords and keys of the systems that the bus calls.")
for name, group in (("dead", dead), ("audit", audit), ("credential", credential), ("secret", secret)):
    app.add_typer(group, name=name)

WIDE = 10_000
"""Characters of a line that goes into a file or a pipe: there a row is a line, however long."""

out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else WIDE)
err = Console(stderr=True, highlight=False, soft_wrap=True, width=None if sys.stderr.isatty() else WIDE)

MAY_HAVE_ACTED = ("outcome-unknown", "reply-invalid")
"""Reasons of dead letters whose receiver was reached: one that knows no duplicates would do twice what was asked."""

WRONG_USE = (AgencyCodeInvalid, QueryInvalid, SettingInvalid)
"""What only whoever typed the command can mend."""

Data = Annotated[Path | None, typer.Option("--data", help="Data folder of the bus.", show_default="var/lgsp")]
Folder = Annotated[Path, typer.Argument(help="Folder of a province's documents.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def main() -> None:
    """Exit 0: done; 1: failed, the reason on standard error; 2: wrong use."""
    os.umask(0o077)  # what the bus keeps is for nobody else to read: bodies, keys, logs
    try:
        app()
    except BusError as failed:
        err.print(printing.plain(f"lgsp: {say(failed, _language())}"), style="red")
        sys.exit(2 if isinstance(failed, WRONG_USE) else 1)
    except KeyboardInterrupt:
        sys.exit(130)


@app.command()
def up(
    data: Data = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0: a free one.", show_default="8080")] = None,
    province: Annotated[Path | None, typer.Option(help="Folder of documents to apply first.")] = None,
    endpoint: Annotated[list[str] | None, typer.Option(help="SYSTEM=URL: call it there instead.")] = None,
) -> None:
    """Serve the whole bus in one process: no server needed."""
    from running.apply import apply_folder
    from running.up import Serve
    from running.up import up as serve

    settings = read_settings(data=data, host=host, port=port)
    overrides = dict(_pair(each) for each in endpoint or ())
    with serving(settings), _home(settings) as home:
        home.prepare()
        if province:
            given = apply_folder(home, province, lambda plan: printing.plan(err, plan))
            printing.problems(err, given.problems)
            _require(given.done)
        serve(Serve(settings, overrides, lambda url, _: out.print(f"lgsp serves {url} (stop with Ctrl-C)")), home)


@app.command()
def check(folder: Folder, data: Data = None, json: Json = False) -> None:
    """Check documents: everything wrong with them, their examples and their routes' tests."""
    from running.apply import check_here

    with _home(read_settings(data=data)) as home, _busy("Checking"):
        report = check_here(home, folder)
    _require(printing.checked(out, err, report, json=json))


@app.command()
def apply(
    folder: Folder,
    data: Data = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    prune: Annotated[bool, typer.Option(help="Remove what the folder does not have.")] = False,
    dry_run: Annotated[bool, typer.Option(help="Show the plan only.")] = False,
) -> None:
    """Make the store as the documents say; shows the plan first."""
    from running.apply import apply_folder

    with _home(read_settings(data=data)) as home:
        home.prepare()

        def agreed(plan: Plan) -> bool:
            printing.plan(out, plan)
            return not dry_run and (yes or typer.confirm("Apply?"))

        applied = apply_folder(home, folder, agreed, prune=prune)
        _require(printing.applied(out, err, applied) or (dry_run and applied.plan is not None))


@app.command()
def send(
    contract: Annotated[str, typer.Argument(help="Contract, or contract@version.")],
    file: Annotated[Path, typer.Argument(help="The body; `-` reads standard input.")],
    sender: Annotated[str, typer.Option("--as", help="The system that sends.")],
    data: Data = None,
    wait: Annotated[int | None, typer.Option(help="Seconds to wait for the end of it.")] = None,
    key: Annotated[str | None, typer.Option(help="Idempotency-Key.")] = None,
    json: Json = False,
) -> None:
    """Send a message through the gateway, as its system would."""
    from running.client import Client

    with _home(read_settings(data=data)) as home:
        body = sys.stdin.buffer.read() if str(file) == "-" else _read(file)
        url = _url(home.settings)
        answer = Client(url, home, _known_system(home, sender)).send(contract, body, wait=wait, key=key)
    _require(printing.answer(out, answer, _lgsp(home.settings.data), json=json))


@app.command()
def status(data: Data = None, json: Json = False) -> None:
    """What waits, where, and whether the bus is running."""
    with _home(read_settings(data=data)) as home:
        printing.status(out, served_at(home.settings), home.queries.revision(), home.queries.counts(), json=json)


@app.command()
def token(system: Annotated[str, typer.Argument(help="The system.")], data: Data = None) -> None:
    """A token with which an operator can act as a system, for half an hour."""
    with _home(read_settings(data=data)) as home:
        out.print(home.token(_known_system(home, system)), markup=False)


@app.command()
def demo(
    data: Annotated[Path, typer.Option(help="Data folder; emptied first.")] = Path("var/demo"),
    once: Annotated[bool, typer.Option(help="Run the flows and leave.")] = False,
    port: Annotated[int, typer.Option(help="Port of the bus; 0: a free one.")] = 8080,
) -> None:
    """Watch real messages travel through a model province."""
    from running.demo import run

    sys.exit(run(out, data, _lgsp(data), once=once, port=port))


@dead.command("list")
def dead_list(
    data: Data = None,
    system: Annotated[str | None, typer.Option(help="Only of this system.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
    json: Json = False,
) -> None:
    """Dead letters, the newest first."""
    with _home(read_settings(data=data)) as home:
        printing.dead_letters(out, home.queries.dead_letters(system=system, limit=limit), json=json)


@dead.command("show")
def dead_show(delivery: str, data: Data = None, json: Json = False) -> None:
    """One dead letter: why it died, and every attempt before."""
    with _home(read_settings(data=data)) as home:
        view = home.queries.delivery(_uuid(delivery))
        if view is None:
            raise DeliveryUnknown(delivery=delivery)
        printing.delivery(out, view, home.queries.timeline(view.message), _lgsp(home.settings.data), json=json)


@dead.command("replay")
def dead_replay(
    delivery: str,
    data: Data = None,
    again: Annotated[bool, typer.Option("--again", help="Also where it was delivered already.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Try one delivery again; its life begins anew."""
    with _home(read_settings(data=data)) as home:
        view = home.queries.delivery(_uuid(delivery))
        if view is None:
            raise DeliveryUnknown(delivery=delivery)
        if view.state is State.DELIVERED and not again:
            raise typer.BadParameter(f"{view.system} has it already: --again would call it once more")
        if view.reason in MAY_HAVE_ACTED and not yes:
            err.print(
                printing.plain(f"{view.system} was called and may have acted on it ({view.reason}): ask it first.")
            )
            typer.confirm("Call it again?", abort=True, err=True)
        before = home.write(Replay(view.id, me()))
        out.print(f"{delivery} was {before} and will be tried again.")
        out.print(
            printing.plain(f"see what becomes of it:\n  {_lgsp(home.settings.data)('audit', 'show', view.message)}")
        )


@audit.command("show")
def audit_show(message: str, data: Data = None, json: Json = False) -> None:
    """The timeline of one message."""
    with _home(read_settings(data=data)) as home:
        view = home.queries.message(_uuid(message))
        if view is None:
            raise MessageUnknown
        printing.timeline(out, view, home.queries.timeline(view.envelope.message), json=json)


@credential.command("issue")
def credential_issue(system: str, data: Data = None, json: Json = False) -> None:
    """A new credential; its secret is shown once."""
    with _home(read_settings(data=data)) as home:
        issued, value = home.issue_credential(_known_system(home, system))
        printing.issued(out, issued, value, _lgsp(home.settings.data), json=json)


@credential.command("list")
def credential_list(
    system: Annotated[str | None, typer.Argument()] = None, data: Data = None, json: Json = False
) -> None:
    """The credentials of a system, or of all."""
    with _home(read_settings(data=data)) as home:
        each = [one for one in home.credentials().values() if system in {None, one.system}]
        printing.credentials(out, each, home.clock.now(), json=json)


@credential.command("revoke")
def credential_revoke(credential: str, data: Data = None) -> None:
    """End a credential; the tokens it was used for end within two seconds."""
    with _home(read_settings(data=data)) as home:
        found = home.credentials().get(credential)
        if found is None:
            raise QueryInvalid(
                name="credential", hint=f"there is none; see {_lgsp(home.settings.data)('credential', 'list')}"
            )
        home.revoke_credential(found)
        out.print(f"Credential {credential} of {found.system} is revoked.")


@secret.command("set")
def secret_set(agency: str, name: str, data: Data = None) -> None:
    """Set a secret of an agency, read from the terminal or from standard input."""
    from documents.references import unasked
    from documents.store import read

    settings = read_settings(data=data)
    value = typer.prompt(f"{agency}/{name}", hide_input=True) if sys.stdin.isatty() else sys.stdin.read().rstrip("\n")
    with _home(settings) as home:
        home.prepare()
        home.set_secret(agency, name, value)
        out.print(f"Secret {name} of {agency} is set.")
        for warning in unasked(read(home.queries), agency, name):
            err.print(printing.plain(f"But {warning}"), style="yellow")


@secret.command("list")
def secret_list(agency: str, data: Data = None, json: Json = False) -> None:
    """The names of an agency's secrets."""
    with _home(read_settings(data=data)) as home:
        printing.names(out, home.secrets.list(agency), json=json)


def _lgsp(data: Path) -> printing.Lgsp:
    """`lgsp` as it was typed: where it is on the PATH by its name alone, else by its place from here."""
    typed = Path(sys.argv[0])
    found = which("lgsp")
    program = "lgsp" if found and typed.absolute() == Path(found) else os.path.relpath(typed)
    return printing.Lgsp(program, None if data == read_settings().data else data)


@contextmanager
def _home(settings: Settings) -> Iterator[Home]:
    home = Home(settings, me())
    try:
        yield home
    finally:
        home.close()


@contextmanager
def _busy(what: str) -> Iterator[None]:
    """Something to look at while work takes longer than a second."""
    with err.status(f"{what} …"):
        yield


def _require(done: bool) -> None:
    if not done:
        sys.exit(1)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise typer.BadParameter("write SYSTEM=URL", param_hint="--endpoint")
    return name, value


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not an id of a message or delivery") from None


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as failed:
        raise typer.BadParameter(f"{file}: {failed.strerror}") from None


def _url(settings: Settings) -> str:
    url = served_at(settings)
    if url is None:
        raise typer.BadParameter(f"no bus is serving {settings.data}: start one with `{_lgsp(settings.data)('up')}`")
    return url


def _known_system(home: Home, system: str) -> str:
    from documents.store import read

    names = {each.key.name for each in read(home.queries) if each.key.kind == "System"}
    if system not in names:
        raise QueryInvalid(name="system", hint=f"there is no system {system}; there is {', '.join(sorted(names))}")
    return system


def _language() -> Language:
    import locale

    return negotiate((locale.getlocale()[0] or "en").replace("_", "-"))
