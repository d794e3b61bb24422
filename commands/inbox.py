"""`lgsp inbox`: look into a system's inbox, and do by hand what the system would."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bus.clock import iso
from bus.errors import DeliveryUnknown
from bus.settings import read_settings
from bus.states import State
from commands.messages import gateway, read_body
from commands.terminal import Data, Json, lgsp, opened, out, require, uuid
from journal.views import Waiting
from running import printing
from running.home import Home
from running.systems import known_system

if TYPE_CHECKING:
    from running.client import Answer, Client

app = typer.Typer(no_args_is_help=True, help="Inboxes: what systems fetch that cannot be called.")

System = Annotated[str, typer.Option("--as", help="The system whose inbox it is.")]
Delivery = Annotated[str, typer.Argument(help="The delivery's id.")]
Attempt = Annotated[int | None, typer.Option(min=1, help="The attempt that is meant; else the present one.")]
Url = Annotated[str | None, typer.Option(help="Where the bus answers, if not out of the data folder.")]


@app.command("list")
def inbox_list(
    system: System,
    data: Data = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
    json: Json = False,
) -> None:
    """What waits for a system and what it holds, the oldest first; nothing is fetched."""
    with opened(read_settings(data=data)) as home:
        found = home.queries.open_of(known_system(home, system), limit)
    rows = [_row(each) for each in found]
    if json:
        printing.print_json(out, rows)
    else:
        printing.table(out, list(COLUMNS), ([row[name] for name in COLUMNS] for row in rows), "an empty inbox")


COLUMNS = ("delivery", "contract", "sender", "state", "attempts", "until")


def _row(each: Waiting) -> dict[str, object]:
    """`until`: the end of the lease, or when it can be fetched."""
    delivery = each.delivery
    return {
        "delivery": str(delivery.id),
        "contract": f"{each.contract}@{each.version}",
        "sender": each.sender,
        "state": delivery.state,
        "attempts": delivery.attempt,
        "until": iso(delivery.wake_at) if delivery.wake_at and delivery.state is not State.HELD else "",
    }


@app.command("fetch")
def inbox_fetch(
    system: System,
    data: Data = None,
    most: Annotated[int, typer.Option("--max", min=1, max=100, help="At most so many.")] = 1,
    wait: Annotated[int, typer.Option(min=0, max=60, help="Seconds to wait for one.")] = 0,
    url: Url = None,
    json: Json = False,
) -> None:
    """Fetch messages with their bodies; they are the system's until their lease ends."""
    with opened(read_settings(data=data, url=url)) as home:
        answer = _client(home, system).fetch(most, wait)
        command = lgsp(home.settings.data)
    _failed(answer)
    items = answer.json()["deliveries"]
    if json:
        printing.print_json(out, items)
        return
    if not items:
        out.print("an empty inbox")
    for item in items:
        out.print(printing.plain(printing.pretty(item)))
        done = command("inbox", "ack", item["id"], "--as", system, "--attempt", str(item["attempt"]))
        out.print(printing.plain(f"when it is done:\n  {done}"))


@app.command("ack")
def inbox_ack(
    delivery: Delivery,
    system: System,
    file: Annotated[Path | None, typer.Argument(help="The reply to a request; `-` reads standard input.")] = None,
    data: Data = None,
    attempt: Attempt = None,
    fault: Annotated[str | None, typer.Option(help="The reply is this fault, which the contract declares.")] = None,
    url: Url = None,
) -> None:
    """Say that it is done."""
    with opened(read_settings(data=data, url=url)) as home:
        body = read_body(file) if file else None
        number = attempt or _present(home, delivery)
        answer = _client(home, system).acknowledge(str(uuid(delivery)), number, body, fault)
    _failed(answer)
    out.print("acknowledged")


@app.command("nack")
def inbox_nack(
    delivery: Delivery,
    system: System,
    data: Data = None,
    reason: Annotated[str, typer.Option(help="Why: busy, duplicate, failed, invalid, other, unknown.")] = "other",
    retry: Annotated[bool, typer.Option(help="To be fetched again later; else it is dead.")] = True,
    attempt: Attempt = None,
    url: Url = None,
) -> None:
    """Give it back: for later, or for good."""
    with opened(read_settings(data=data, url=url)) as home:
        number = attempt or _present(home, delivery)
        answer = _client(home, system).give_back(str(uuid(delivery)), number, reason, retry=retry)
    _failed(answer)
    out.print("given back" if retry else "given back for good: a dead letter")


def _client(home: Home, system: str) -> "Client":
    from running.client import Client

    return Client(gateway(home.settings), home, known_system(home, system))


def _present(home: Home, delivery: str) -> int:
    view = home.queries.delivery(uuid(delivery))
    if view is None:
        raise DeliveryUnknown(delivery=delivery)
    return max(1, view.attempt)


def _failed(answer: "Answer") -> None:
    """Print what was refused, and end."""
    if answer.status >= 400:
        out.print(printing.plain(printing.pretty(answer.json())))
    require(answer.status < 400)
