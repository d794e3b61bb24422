"""`lgsp send`, `lgsp token` and `lgsp status`: act as a system, and see what waits."""

import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from bus.settings import Settings, read_settings
from commands.terminal import Data, Json, lgsp, opened, out, require
from running import printing
from running.home import served_at
from running.systems import blocked, known_system, warn


def send(
    contract: Annotated[str, typer.Argument(help="Contract, or contract@version.")],
    file: Annotated[Path, typer.Argument(help="The body; `-` reads standard input.")],
    sender: Annotated[str, typer.Option("--as", help="The system that sends.")],
    data: Data = None,
    wait: Annotated[int | None, typer.Option(help="Seconds to wait for the end of it.")] = None,
    key: Annotated[str | None, typer.Option(help="Idempotency-Key.")] = None,
    url: Annotated[str | None, typer.Option(help="Where the bus answers, if not out of the data folder.")] = None,
    json: Json = False,
) -> None:
    """Send a message through the gateway, as its system would."""
    from running.client import Client

    with opened(read_settings(data=data, url=url)) as home:
        body = read_body(file)
        answer = Client(gateway(home.settings), home, known_system(home, sender)).send(
            contract, body, wait=wait, key=key
        )
    require(printing.answer(out, answer, lgsp(home.settings.data), json=json))


def status(data: Data = None, json: Json = False) -> None:
    """What waits, where, whether the bus is running, and which systems are paused or answer nobody."""
    with opened(read_settings(data=data)) as home:
        present = home.queries.present()
        url, counts = served_at(home.settings), home.queries.counts()
        now = home.clock.now()
        living = Counter(process.role for process in present.processes if process.lease_until > now)
        printing.status(out, url, present.revision, counts, blocked(present), living, json=json)
        if not json:
            warn(out, present, lgsp(home.settings.data))


def token(system: Annotated[str, typer.Argument(help="The system.")], data: Data = None) -> None:
    """A token with which an operator can act as a system, for half an hour."""
    with opened(read_settings(data=data)) as home:
        out.print(home.token(known_system(home, system)), markup=False)


def read_body(file: Path) -> bytes:
    """A body; `-` is standard input."""
    if str(file) == "-":
        return sys.stdin.buffer.read()
    try:
        return file.read_bytes()
    except OSError as failed:
        raise typer.BadParameter(f"{file}: {failed.strerror}") from None


def gateway(settings: Settings) -> str:
    """Where the bus answers."""
    url = settings.url.rstrip("/") or served_at(settings)
    if url is None:
        start = lgsp(settings.data)("up")
        raise typer.BadParameter(
            f"no bus is serving {settings.data}: start one with `{start}`, or say with --url where one answers"
        )
    return url
