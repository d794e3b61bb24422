"""`lgsp system`: how systems stand; pause and resume them."""

from typing import Annotated

import typer

from bus.settings import read_settings
from commands.terminal import Data, Json, lgsp, opened, out, require
from running.printing import plain
from running.systems import pause, resume, show, standings

app = typer.Typer(no_args_is_help=True, help="The systems that the bus calls: how they stand, pause and resume.")


@app.command("list")
def system_list(data: Data = None, json: Json = False) -> None:
    """Every system: served, paused or silent, what waits for it, and who serves it."""
    from documents import kinds
    from documents.store import read

    with opened(read_settings(data=data)) as home:
        documents = read(home.queries)
        limits = {str(each.name): int(each.at_once) for _, each in documents.of(kinds.System)}
        show(out, standings(limits, home.queries.present(), home.clock.now()), json=json)


@app.command("pause")
def system_pause(
    system: str,
    data: Data = None,
    reason: Annotated[str, typer.Option(help="Why, for the audit event.")] = "",
) -> None:
    """Call it no more, from within two seconds; what comes for it waits, and calls under way end."""
    with opened(read_settings(data=data)) as home:
        paused = pause(home, system, home.actor, reason)
        out.print(plain(f"{system} is paused." if paused else f"{system} was paused already."))
        out.print(plain(f"to go on:\n  {lgsp(home.settings.data)('system', 'resume', system)}"))


@app.command("validate")
def system_validate(system: str, data: Data = None, json: Json = False) -> None:
    """Ask a REST system whether it wants the events that are routed to it (CloudEvents web hooks, docs/events.md).

    Exit 1 where it does not agree, or to less than its document says.
    """
    from running import consent

    with opened(read_settings(data=data)) as home:
        require(consent.show(out, consent.said(home, system), json=json))


@app.command("resume")
def system_resume(system: str, data: Data = None) -> None:
    """Call it again: what waits for it is due at once. One that answers nobody is tried at once."""
    with opened(read_settings(data=data)) as home:
        resumed = resume(home, system, home.actor)
        out.print(plain(f"{system} is called again." if resumed else f"{system} was neither paused nor silent."))


@app.command("confirm")
def system_confirm(system: str, data: Data = None) -> None:
    """Let it have its secrets again after somebody has moved it to another host."""
    from running.registry import Registry

    with opened(read_settings(data=data)) as home:
        registry = Registry(home.queries, home.write, home.clock, home.settings.secrets_folder)
        registry.confirm(home.actor, system)
        out.print(plain(f"{system} gets its secrets at its new address, within two seconds."))
