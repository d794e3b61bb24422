"""`lgsp dead`: look at dead letters, and try them again."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from bus.clock import iso
from bus.errors import BusError, DeliveryUnknown
from bus.settings import read_settings
from bus.states import State
from commands.terminal import Data, Json, Since, Until, err, lgsp, opened, out, require, uuid
from journal.commands import Replay
from journal.dead import DeadFilter
from running import printing
from running.home import Home

if TYPE_CHECKING:
    from running.replaying import Replayed

EXAMPLES = 5
"""Dead letters that are shown before many are tried again."""

INTERRUPTED = 130
"""The exit status of what was broken off (128 + SIGINT)."""

app = typer.Typer(no_args_is_help=True, help="Dead letters: deliveries that wait for a person.")


System = Annotated[str | None, typer.Option(help="Only to this system.")]
Contract = Annotated[str | None, typer.Option(help="Only of this contract: NAME, NAME@1, NAME@1.2.0.")]
Reason = Annotated[str | None, typer.Option(help="Only dead for this reason.")]
Code = Annotated[str | None, typer.Option(help="Only with this code of the last attempt.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@app.command("list")
def dead_list(
    data: Data = None,
    system: System = None,
    contract: Contract = None,
    reason: Reason = None,
    code: Code = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
    json: Json = False,
) -> None:
    """Dead letters, the newest first."""
    wanted = DeadFilter(system, contract, reason, code, since, until)
    with opened(read_settings(data=data)) as home:
        printing.dead_letters(out, home.queries.dead_letters(wanted, limit=limit), json=json)


@app.command("show")
def dead_show(delivery: str, data: Data = None, json: Json = False) -> None:
    """One dead letter: why it died, and every attempt before."""
    with opened(read_settings(data=data)) as home:
        view = home.queries.delivery(uuid(delivery))
        if view is None:
            raise DeliveryUnknown(delivery=delivery)
        printing.delivery(out, view, home.queries.timeline(view.message), lgsp(home.settings.data), json=json)


@app.command("replay")
def dead_replay(
    delivery: Annotated[str | None, typer.Argument(help="One delivery; or say by options which are meant.")] = None,
    data: Data = None,
    system: System = None,
    contract: Contract = None,
    reason: Reason = None,
    code: Code = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many, the oldest first.")] = None,
    rate: Annotated[float, typer.Option(min=0.1, max=10_000, help="So many a second.")] = 20,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what is meant, and do nothing.")] = False,
    reply: Annotated[
        bool, typer.Option("--reply", help="Call nobody: read the kept answer again, which broke the contract.")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="Also where it was delivered already.")] = False,
    out_of_order: Annotated[
        bool, typer.Option("--out-of-order", help="Also past a later one of the same order.")
    ] = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Try one delivery again, or all that the options mean; their life begins anew."""
    wanted = DeadFilter(system, contract, reason, code, since, until)
    with opened(read_settings(data=data)) as home:
        if delivery is None:
            if wanted == DeadFilter():
                raise typer.BadParameter("name a delivery, or say which are meant: --system, --contract, --reason …")
            how = Many(wanted, limit, rate, dry_run, reply, out_of_order, yes, json)
            _many(home, how)
        elif wanted != DeadFilter() or limit is not None or dry_run:
            raise typer.BadParameter("name a delivery, or say by options which are meant; not both")
        elif reply:
            _reply(home, delivery, json=json)
        else:
            _one(home, delivery, again=again, out_of_order=out_of_order, yes=yes, json=json)


def _one(home: Home, delivery: str, *, again: bool, out_of_order: bool, yes: bool, json: bool) -> None:
    from running.replaying import MAY_HAVE_ACTED

    view = home.queries.delivery(uuid(delivery))
    if view is None:
        raise DeliveryUnknown(delivery=delivery)
    if view.state is State.DELIVERED and not again:
        raise typer.BadParameter(f"{view.system} has it already: --again would call it once more")
    if view.reason in MAY_HAVE_ACTED and not yes:
        err.print(printing.plain(f"{view.system} was called and may have acted on it ({view.reason}): ask it first."))
        typer.confirm("Call it again?", abort=True, err=True)
    before = home.write(Replay(view.id, home.actor, out_of_order))
    if json:
        printing.print_json(out, {"delivery": delivery, "message": str(view.message), "stateBefore": before})
        return
    out.print(f"{delivery} was {before} and will be tried again.")
    out.print(printing.plain(f"see what becomes of it:\n  {lgsp(home.settings.data)('audit', 'show', view.message)}"))


def _reply(home: Home, delivery: str, *, json: bool) -> None:
    from running.replaying import retaking

    view = home.queries.delivery(uuid(delivery))
    if view is None:
        raise DeliveryUnknown(delivery=delivery)
    try:
        with retaking(home, home.actor) as by:
            by.take(view)
    except BusError as wrong:
        if json:
            findings = [asdict(each) for each in wrong.findings[: printing.MOST_FINDINGS]]
            told = {"delivery": delivery, "delivered": False, "code": wrong.code, "findings": findings}
            printing.print_json(out, told)
        err.print(printing.plain(f"nothing has changed: {wrong.text}"))
        printing.findings(err, wrong.findings)
        require(done=False)
    if json:
        printing.print_json(out, {"delivery": delivery, "delivered": True})
    else:
        out.print(f"{delivery} is delivered: its answer is right by now, and nobody was called.")


@dataclass(frozen=True, slots=True)
class Many:
    """Which are to be tried again, and how."""

    wanted: DeadFilter
    limit: int | None = None
    rate: float = 20
    dry_run: bool = False
    reply: bool = False
    out_of_order: bool = False
    yes: bool = False
    json: bool = False


def _many(home: Home, how: Many) -> None:
    from running import replaying

    wanted = replaying.meant(how.wanted, home.clock.now(), reply=how.reply)
    counts = home.queries.dead_counts(wanted)
    count = replaying.total(counts, how.limit)
    told = {"counts": [asdict(each) for each in counts], "leftOut": wanted.without, "count": count}
    if not how.json:
        printing.dead_counts(out, counts)
    if wanted.without:
        err.print(printing.plain(f"left out unless named by --reason: {', '.join(wanted.without)}"), style="yellow")
    if how.json and (how.dry_run or not count):
        printing.print_json(out, told)
    elif how.dry_run and count:
        examples = home.queries.dead_letters(wanted, limit=min(EXAMPLES, count), newest_first=False)
        printing.dead_letters(out, examples, json=False)
    if how.dry_run or not count:
        return
    if wanted.reason in replaying.MAY_HAVE_ACTED and not how.reply:
        err.print(printing.plain(f"These systems were called and may have acted ({wanted.reason}): ask them first."))
    if not how.yes:
        typer.confirm(f"Try {count} again?", abort=True, err=True)
    replaying.tell(home, wanted, count, home.actor)
    so_far = _tried(home, how, wanted, count)
    if how.json:
        printing.print_json(out, told | {"done": so_far.done, "passed": so_far.passed})
        return
    passed = f"; {so_far.passed} were left as they are" if so_far.passed else ""
    become = "are delivered by their kept answers" if how.reply else "will be tried again"
    out.print(f"{so_far.done} {become}{passed}.")


def _tried(home: Home, how: Many, wanted: DeadFilter, count: int) -> "Replayed":
    from running import replaying

    found, pace = replaying.letters(home, wanted, how.limit), replaying.Pace(how.rate)
    done = (
        replaying.retake(home, found, pace, home.actor)
        if how.reply
        else replaying.replay(home, found, pace, home.actor, out_of_order=how.out_of_order)
    )
    so_far = replaying.Replayed()
    try:
        with printing.progress(err, "Trying again", count) as advance:
            for each in done:
                so_far = each
                advance()
    except KeyboardInterrupt:
        err.print(printing.plain(f"broken off after {so_far.done}; the same command with --until goes on:"))
        err.print(printing.plain(f"  --until {iso(wanted.until or 0)}"))
        raise typer.Exit(INTERRUPTED) from None
    return so_far
