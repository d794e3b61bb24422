"""`lgsp up`, `lgsp serve`, `lgsp work` and `lgsp demo`: the processes of the bus."""

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from bus.settings import Settings, read_settings
from commands.terminal import Data, err, lgsp, opened, out, require
from running import printing, verdicts
from running.home import serving
from running.task import Task

Host = Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")]
Port = Annotated[int | None, typer.Option(help="Port to listen on; 0: a free one.", show_default="8080")]
Workers = Annotated[int, typer.Option(min=1, max=64, help="Processes.")]
Metrics = Annotated[int | None, typer.Option(help="Port for /metrics.", show_default="none")]
Manage = Annotated[int | None, typer.Option(help="Port of the management plane.", show_default="8081")]
ManageHost = Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")]
Endpoint = Annotated[list[str] | None, typer.Option(help="SYSTEM=URL: call it there instead.")]


def up(
    data: Data = None,
    host: Host = None,
    port: Port = None,
    province: Annotated[Path | None, typer.Option(help="Folder of documents to apply first.")] = None,
    endpoint: Endpoint = None,
    metrics_port: Metrics = None,
    manage_port: Manage = None,
) -> None:
    """Serve the whole bus in one process: no server needed."""
    from running.apply import apply_folder
    from running.up import Serve
    from running.up import up as run

    settings = read_settings(data=data, host=host, port=port, metrics_port=metrics_port, manage_port=manage_port)
    addresses: list[str] = []

    def ready(url: str, _: Callable[[], None]) -> None:
        out.print(f"lgsp serves {url} (stop with Ctrl-C)")
        out.print(f"people run it at {addresses[0]}")

    overrides = dict(_pair(each) for each in endpoint or ())
    with serving(settings), opened(settings) as home:
        home.prepare()
        if province:
            given = apply_folder(home, province, lambda plan: verdicts.plan(err, plan))
            verdicts.problems(err, given.problems)
            require(given.done)
        run(Serve(settings, overrides, ready, _managed(settings, addresses.append)), home)


def manage(data: Data = None, manage_host: ManageHost = None, manage_port: Manage = None) -> None:
    """Serve the management plane: its API, and the page that describes it."""
    from management.serving import manage as run

    settings = read_settings(data=data, manage_host=manage_host, manage_port=manage_port)
    with opened(settings) as home:
        home.prepare()
        run(settings, home, lambda url: out.print(f"lgsp is run at {url}/v1/ui/ (stop with Ctrl-C)"))


def serve(
    data: Data = None,
    host: Host = None,
    port: Port = None,
    workers: Workers = 1,
    metrics_port: Metrics = None,
) -> None:
    """Serve the data plane in several processes that share a journal and a broker."""
    from running.listening import listen
    from running.parent import require_servers
    from running.tls import server_context

    settings = read_settings(data=data, host=host, port=port, metrics_port=metrics_port)
    require_servers(settings)
    with listen(settings.host, settings.port) as listening:
        scheme = "https" if server_context(settings) else "http"
        url = f"{scheme}://{settings.host}:{listening.getsockname()[1]}"
        task = Task("gateway", _for_many(settings), listening.fileno())
        _keep(settings, task, workers, f"serves {url}", listening.close)


def work(data: Data = None, workers: Workers = 1, endpoint: Endpoint = None, metrics_port: Metrics = None) -> None:
    """Deliver what gateways accept, in several processes, and sweep."""
    from running.parent import require_servers

    settings = read_settings(data=data, metrics_port=metrics_port)
    require_servers(settings)
    overrides = dict(_pair(each) for each in endpoint or ())
    task = Task("worker", _for_many(settings), endpoints=overrides)
    _keep(settings, task, workers, "works")


def demo(
    data: Annotated[Path, typer.Option(help="Data folder; emptied first.")] = Path("var/demo"),
    once: Annotated[bool, typer.Option(help="Run the flows and leave.")] = False,
    port: Annotated[int, typer.Option(help="Port of the bus; 0: a free one.")] = 8080,
) -> None:
    """Watch real messages travel through a model province."""
    from running.demo import run

    sys.exit(run(out, data, lgsp(data), once=once, port=port, beside=_managed))


def _managed(settings: Settings, told: Callable[[str], None]) -> Callable[[], AbstractAsyncContextManager[None]]:
    """The management plane beside a bus that is served; `told` its address."""

    @asynccontextmanager
    async def beside() -> AsyncIterator[None]:
        from management.serving import managing

        with opened(settings) as home:
            async with managing(settings, home) as (_, url):
                told(f"{url}/v1/ui/")
                yield

    return beside


def _for_many(settings: Settings) -> dict[str, Any]:
    """Processes together log to standard error, unless a file is named."""
    return settings.model_copy(update={"log": settings.log or "-"}).model_dump(mode="json")


def _keep(settings: Settings, task: Task, count: int, does: str, ending: Callable[[], None] = lambda: None) -> NoReturn:
    """Until it is told to end."""
    import asyncio

    from running.metrics import gathered
    from running.parent import Parent

    each = "1 process" if count == 1 else f"{count} processes"

    def ready() -> None:
        out.print(f"lgsp {does} in {each} (stop with Ctrl-C)")

    def told(what: str) -> None:
        err.print(printing.plain(f"lgsp: {what}"))

    async def keep() -> int:
        with gathered(settings) as metrics:
            return await Parent(task, count, ready, told, ending, metrics.gone, metrics.environment).run()

    sys.exit(asyncio.run(keep()))


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise typer.BadParameter("write SYSTEM=URL", param_hint="--endpoint")
    return name, value
