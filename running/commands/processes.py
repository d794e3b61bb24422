"""`lgsp up` and `lgsp demo`: the processes of the bus."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from bus.settings import read_settings
from running import printing
from running.commands.terminal import Data, err, lgsp, opened, out, require
from running.home import serving


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
    with serving(settings), opened(settings) as home:
        home.prepare()
        if province:
            given = apply_folder(home, province, lambda plan: printing.plan(err, plan))
            printing.problems(err, given.problems)
            require(given.done)
        serve(Serve(settings, overrides, lambda url, _: out.print(f"lgsp serves {url} (stop with Ctrl-C)")), home)


def demo(
    data: Annotated[Path, typer.Option(help="Data folder; emptied first.")] = Path("var/demo"),
    once: Annotated[bool, typer.Option(help="Run the flows and leave.")] = False,
    port: Annotated[int, typer.Option(help="Port of the bus; 0: a free one.")] = 8080,
) -> None:
    """Watch real messages travel through a model province."""
    from running.demo import run

    sys.exit(run(out, data, lgsp(data), once=once, port=port))


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise typer.BadParameter("write SYSTEM=URL", param_hint="--endpoint")
    return name, value
