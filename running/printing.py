"""What the command shows: tables for people, JSON for programs.

Everything that came from outside is printed with terminal control characters made visible.
"""

import json
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from bus.clock import iso
from bus.errors import Finding
from bus.states import State
from identity.credentials import Credential

if TYPE_CHECKING:
    from journal.dead import DeadCount
    from journal.views import AuditRow, DeadLetter, DeliveryView, MessageView
    from running.client import Answer

SHOWN_APART = {"actor", "at", "event", "message", "number", "writer"}
"""Fields of an audit event that have columns of their own."""

NOTHING = "nothing is recorded"

WHOLE = {"at", "created", "credential", "delivery", "message", "since"}
"""Columns of ids and times, which are to be copied and so never folded."""

GAP = 2
"""Characters between two columns."""

FOLDED = 28
"""Characters of a word that may be broken where it is longer: no name of a system, but hashes and lists."""


@dataclass(frozen=True, slots=True)
class Lgsp:
    """How `lgsp` is typed here, so that a command that is suggested can be pasted; `data` where it must be named."""

    program: str = "lgsp"
    data: Path | None = None

    def __call__(self, *words: object) -> str:
        named = () if self.data is None else ("--data", self.data)
        return shlex.join(map(str, (self.program, *words, *named)))


def plain(text: object) -> Text:
    """Text as it is, but for what a terminal would obey."""
    return Text("".join(each if each.isprintable() or each == "\n" else f"\\x{ord(each):02x}" for each in str(text)))


MOST_FINDINGS = 50


def print_json(out: Console, document: object) -> None:
    """JSON that programs can read, in which nothing is left that a terminal would obey."""
    text = orjson.dumps(document, option=orjson.OPT_INDENT_2, default=str).decode()
    out.print(Text("".join(each if each.isprintable() or each == "\n" else json.dumps(each)[1:-1] for each in text)))


def table(out: Console, columns: Sequence[str], rows: Iterable[Sequence[object]], nothing: str) -> None:
    """Columns with a heading each, or a sentence where there is nothing; where there is no room for columns, a line for
    each field."""
    cells = [[plain(cell) for cell in row] for row in rows]
    if not cells:
        out.print(nothing)
    elif shown := columned(columns, cells, out.width):
        out.print(shown)
    else:
        longest = max(map(len, columns))
        records = (
            "\n".join(f"{name:<{longest}}  {cell}" for name, cell in zip(columns, row, strict=True)) for row in cells
        )
        out.print(Text("\n\n".join(records)))


def columned(columns: Sequence[str], rows: Sequence[Sequence[Text]], room: int) -> Table | None:
    """A table of at most so many characters a line, in which no id or time is folded and no short word is broken; None
    where there is no room for one. Columns of numbers stand at the right."""
    widths = _widths([[Text(name), *cells] for name, cells in zip(columns, zip(*rows, strict=True), strict=True)], room)
    if widths is None:
        return None
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for name, width, cells in zip(columns, widths, zip(*rows, strict=True), strict=True):
        number = all(cell.plain.isdecimal() for cell in cells)
        shown.add_column(name, width=width, overflow="fold", justify="right" if number else "left")
    for row in rows:
        shown.add_row(*row)
    return shown


def _widths(columns: Sequence[Sequence[Text]], room: int) -> list[int] | None:
    """Each column as wide as its longest word, and of what is left as much as it could use; None: too little."""
    whole = [column[0].plain in WHOLE for column in columns]
    most = [max(cell_len(line) for cell in column for line in cell.plain.split("\n")) for column in columns]
    least = [
        wide if uncut else min(FOLDED, max(cell_len(word) for cell in column for word in (cell.plain.split() or [""])))
        for column, wide, uncut in zip(columns, most, whole, strict=True)
    ]
    wanted = [wide - narrow for wide, narrow in zip(most, least, strict=True)]
    left = room - sum(least) - GAP * (len(columns) - 1)
    if left < 0:
        return None
    share = min(1.0, left / sum(wanted)) if sum(wanted) else 0.0
    return [narrow + int(want * share) for narrow, want in zip(least, wanted, strict=True)]


def answer(out: Console, given: "Answer", lgsp: Lgsp, *, json: bool) -> bool:
    """What the gateway answered; whether the message was accepted."""
    document = given.json()
    if json:
        print_json(
            out,
            {
                "status": given.status,
                "location": given.headers.get("location"),
                "body": document or given.body.decode(),
            },
        )
    else:
        message = given.headers.get("location", "").rpartition("/")[2]
        told = pretty(document) if document else given.body.decode(errors="replace")
        out.print(plain(f"accepted: message {message}" if given.status == 202 else told))
        if message:
            out.print(plain(f"see what becomes of it:\n  {lgsp('audit', 'show', message)}"))
    return given.status < 400


def pretty(document: object) -> str:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()


def status(
    out: Console,
    url: str | None,
    revision: int,
    counts: Mapping[str, Mapping[State, int]],
    blocked: Mapping[str, str],
    living: Mapping[str, int],
    *,
    json: bool,
) -> None:
    """`blocked` are the systems that are not served, and how they stand; `living` the processes, by their role."""
    if json:
        systems = {system: {state.value: count for state, count in of.items()} for system, of in counts.items()}
        told = {"serving": url, "processes": living, "revision": revision, "systems": systems, "blocked": blocked}
        print_json(out, told)
        return
    roles = " and ".join(f"{count} {role}{'s' * (count > 1)}" for role, count in sorted(living.items()))
    out.print(f"serving {url}" if url else f"{roles} live" if living else "not serving")
    out.print(f"documents at revision {revision}")
    states = list(State)
    rows = [[system, *(of.get(state, 0) for state in states)] for system, of in sorted(counts.items())]
    table(out, ["system", *states], rows, "no message has been accepted yet")


def dead_letters(out: Console, letters: "Sequence[DeadLetter]", *, json: bool) -> None:
    rows = [
        {
            "delivery": str(each.delivery.id),
            "system": each.delivery.system,
            "contract": f"{each.contract}@{each.version}",
            "sender": each.sender,
            "reason": each.delivery.reason,
            "code": each.code,
            "attempts": each.delivery.attempt,
            "since": iso(each.delivery.changed_at),
        }
        for each in letters
    ]
    if json:
        print_json(out, rows)
    else:
        columns = ["delivery", "system", "contract", "sender", "reason", "code", "attempts", "since"]
        table(out, columns, ([row[column] for column in columns] for row in rows), "no dead letters")


def dead_counts(out: Console, counts: "Sequence[DeadCount]") -> None:
    columns = ["count", "system", "contract", "reason"]
    table(out, columns, ([each.count, each.system, each.contract, each.reason] for each in counts), "no dead letters")


def findings(out: Console, found: Sequence[Finding]) -> None:
    """What is wrong with a body, a line each; at most fifty."""
    for each in found[:MOST_FINDINGS]:
        out.print(plain(f"  {each.place or '/'}: {each.rule} {each.limit}".rstrip()))


@contextmanager
def progress(out: Console, what: str, total: int) -> Iterator[Callable[[], None]]:
    """A bar that grows with each call."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=out, transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda: bar.advance(task)


def delivery(out: Console, view: "DeliveryView", rows: "Sequence[AuditRow]", lgsp: Lgsp, *, json: bool) -> None:
    events = [event for event in _events(rows) if event.get("delivery") in {None, str(view.id)}]
    if json:
        document = {"delivery": str(view.id), "message": str(view.message), "system": view.system, "state": view.state}
        print_json(out, document | {"reason": view.reason, "attempts": view.attempt, "events": events})
        return
    out.print(plain(f"delivery {view.id} of message {view.message} to {view.system}: {view.state} {view.reason}"))
    _event_table(out, events)
    if view.state is State.DEAD:
        out.print(plain(f"try it again:\n  {lgsp('dead', 'replay', view.id)}"))


def timeline(out: Console, view: "MessageView", rows: "Sequence[AuditRow]", *, json: bool) -> None:
    events = _events(rows)
    envelope = view.envelope
    if json:
        print_json(out, {"message": str(envelope.message), "state": view.state, "events": events})
        return
    out.print(
        plain(
            f"message {envelope.message}: {envelope.contract}@{envelope.version} from {envelope.sender},"
            f" {view.size} bytes, {view.state}"
        )
    )
    _event_table(out, events)


def events(out: Console, rows: "Sequence[AuditRow]", *, json: bool) -> None:
    """Audit events of whichever message, or of none."""
    found = _events(rows)
    if json:
        print_json(out, found)
    else:
        table(out, ["at", "event", "actor", "message", "facts"], (_row(each, "message") for each in found), NOTHING)


def messages(out: Console, views: "Sequence[MessageView]") -> None:
    """Messages, as their senders see them."""
    rows = [
        (
            view.envelope.message,
            iso(view.envelope.accepted_at),
            f"{view.envelope.contract}@{view.envelope.version}",
            view.envelope.sender,
            " ".join(each.system for each in view.deliveries),
            view.state,
        )
        for view in views
    ]
    table(out, ["message", "at", "contract", "sender", "to", "state"], rows, "no messages")


def _events(rows: "Sequence[AuditRow]") -> list[dict[str, Any]]:
    return [orjson.loads(row.content) for row in rows]


def _event_table(out: Console, events: Sequence[dict[str, Any]]) -> None:
    table(out, ["at", "event", "actor", "facts"], map(_row, events), NOTHING)


def _row(event: Mapping[str, Any], *more: str) -> tuple[object, ...]:
    facts = " ".join(f"{k}={v}" for k, v in event.items() if k not in SHOWN_APART)
    return (event["at"], event["event"], event["actor"], *(event[name] or "" for name in more), facts)


def credentials(out: Console, found: Sequence[Credential], now: int, *, json: bool) -> None:
    rows = [
        {"credential": each.id, "system": each.system, "created": iso(each.created_at), "live": each.live(now)}
        for each in found
    ]
    if json:
        print_json(out, rows)
    else:
        table(out, ["credential", "system", "created", "live"], (row.values() for row in rows), "no credentials")  # type: ignore[misc]


def issued(out: Console, credential: Credential, secret: str, lgsp: Lgsp, *, json: bool) -> None:
    if json:
        print_json(out, {"credential": credential.id, "client_id": credential.system, "client_secret": secret})
        return
    out.print(plain(f"client_id      {credential.system}"))
    out.print(plain(f"client_secret  {secret}"))
    out.print(plain(f"The secret is not shown again. To end it:\n  {lgsp('credential', 'revoke', credential.id)}"))


def names(out: Console, found: Sequence[str], *, json: bool) -> None:
    if json:
        print_json(out, found)
    else:
        out.print(plain("\n".join(found) or "none"))
