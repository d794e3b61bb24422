"""`lgsp demo`: the model province on this machine, real messages between its systems, and what came of each."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bus.errors import GatewayUnreachable, SettingInvalid
from bus.settings import Settings, read_settings
from identity.passwords import Passwords
from identity.people import Person
from identity.roles import Role
from provinces.model.applications.runner import applications
from provinces.model.flows import FOLDER, Flow, flows
from running import verdicts
from running.apply import apply_folder
from running.client import Client
from running.home import Home, me, serving
from running.people import change_people
from running.printing import Lgsp, columned, plain
from running.up import Serve, up

STARTING = 30.0
"""Seconds within which the stand-in applications must answer."""

SHOWING = 5.0
"""Seconds within which whoever shows the flows must notice that the bus has ended."""

MARK = "demonstration.txt"
"""The file by which a demonstration knows its own folder, however early an earlier one was interrupted."""

PORTS = "stand-ins.json"
"""The file that says where the stand-in applications answer."""

ROOMY = 120
"""Characters of a line from which on every fact has a column."""

WIDTH = 80
"""Characters of a line that is to be pasted."""

NAME = "demo"
"""Who signs in at the management plane."""

ENDED = {"done", "failed", "expired"}


@dataclass(frozen=True, slots=True)
class Shown:
    """What came of one flow."""

    flow: Flow
    outcome: str
    as_expected: bool
    milliseconds: int
    message: str


Beside = Callable[[Settings, Callable[[str], None]], Callable[[], AbstractAsyncContextManager[None]]]


def run(out: Console, data: Path, lgsp: Lgsp, *, once: bool, port: int, beside: Beside | None = None) -> int:
    """The exit status: 0 where every flow ended as expected. Serves until Ctrl-C unless `once`, and then also what is
    `beside`, where it is told the address."""
    settings = read_settings(data=data, port=0 if once else port)
    if _taken(settings.host, settings.port):
        out.print(f"Port {port} is taken: the bus will serve another.", markup=False)
        settings = read_settings(data=data, port=0)
    if _taken(settings.manage_host, settings.manage_at):
        settings = settings.model_copy(update={"manage_port": 0})
    _empty(data)
    home = Home(settings, me())
    passwords = {system: secrets.token_urlsafe(24) for system in applications()}
    shown: list[Shown] = []
    shows: list[threading.Thread] = []
    with serving(settings), _stand_ins(passwords, data / PORTS) as endpoints:
        out.print("[bold]The model province[/bold]: six department applications, each in its own old way, are running.")
        home.prepare()
        for system, application in applications().items():
            home.secrets.set(application.agency, application.secret, passwords[system])
        given = apply_folder(home, FOLDER)
        verdicts.problems(out, given.problems)
        if not given.done:
            return 1
        for sender in {flow.sender for flow in flows()}:
            home.issue_credential(sender)

        pages: list[str] = []

        def ready(url: str, stop: Callable[[], None]) -> None:
            end = stop if once else None
            shows.append(threading.Thread(target=_show, args=(out, home, lgsp, url, shown, pages, end), daemon=True))
            shows[0].start()

        serve = Serve(settings, endpoints, ready)
        if beside and not once:
            serve = replace(serve, beside=beside(settings, pages.append))
        up(serve, home)
        for show in shows:
            show.join(SHOWING)
    home.close()
    return 0 if len(shown) == len(flows()) and all(each.as_expected for each in shown) else 1


def _taken(host: str, port: int) -> bool:
    try:
        socket.create_server((host, port)).close()
    except OSError:
        return True
    return False


def _empty(data: Path) -> None:
    """Begin anew; refuses to empty a folder that no demonstration made."""
    if data.exists() and any(data.iterdir()):
        if not any((data / name).exists() for name in (MARK, PORTS)):
            raise SettingInvalid(name="data", hint=f"{data} is not the folder of a demonstration: name another")
        with serving(read_settings(data=data)):
            shutil.rmtree(data)
    data.mkdir(parents=True, exist_ok=True)
    (data / MARK).write_text("lgsp demo made this folder and empties it when it begins anew.\n", encoding="utf-8")


@contextmanager
def _stand_ins(passwords: dict[str, str], ports: Path) -> Iterator[dict[str, str]]:
    """The stand-in applications in a process of their own, which ends with us, however we end."""
    command = [sys.executable, "-m", "provinces.model.applications", "--ports-file", str(ports)]
    environment = os.environ | {"PROVINCE_SECRETS": json.dumps(passwords)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=environment, start_new_session=True) as process:  # noqa: S603 - our own module
        try:
            end = time.monotonic() + STARTING
            while not ports.exists():
                if process.poll() is not None or time.monotonic() > end:
                    raise SettingInvalid(name="demo", hint="the stand-in applications did not start")
                time.sleep(0.02)
            yield json.loads(ports.read_bytes())
        finally:
            process.terminate()


def _show(
    out: Console,
    home: Home,
    lgsp: Lgsp,
    url: str,
    shown: list[Shown],
    pages: Sequence[str],
    stop: Callable[[], None] | None,
) -> None:
    """Run every flow against the served bus, print what came of it, then say what to try or stop."""
    try:
        # Nobody answers any more where the bus was asked to end before all of them had ended.
        with suppress(GatewayUnreachable):
            with out.status("Messages travel …"):
                shown.extend(_run(home, url, flow) for flow in flows())
            out.print("\n[bold]What travelled[/bold]\n")
            out.print(_table(shown, out.width) or "The terminal is too narrow to show it.")
            if stop is None:
                _invite(out, lgsp, url, shown)
                for page in pages:
                    out.print(f"\nIts people run it at {page}", markup=False)
                    out.print(f"Sign in as {NAME}, with the password {_welcome(home)}", markup=False)
                out.print("\nStop with Ctrl-C.")
    finally:
        if stop:
            stop()


def _run(home: Home, url: str, flow: Flow) -> Shown:
    client = Client(url, home, flow.sender)
    began = time.monotonic()
    answer = client.send(flow.contract, flow.body)
    message = answer.headers.get("location", "").rpartition("/")[2]
    view = _ended(client, message, began + flow.wait) if message else {}
    took = round((time.monotonic() - began) * 1000)
    given, outcome = _reply(client, flow, answer.status, answer.json(), message)
    deliveries = {each["system"]: each["state"] for each in view.get("deliveries", [])}
    expected = flow.expected
    right = answer.status == expected.status and deliveries == dict(expected.deliveries)
    right = right and (given.get("fault") or "") == expected.fault
    value = given.get("body", given) if expected.fault else given
    right = right and all(_at(value, pointer) == wanted for pointer, wanted in expected.reply.items())
    return Shown(flow, outcome if right else _unexpected(outcome, view), right, took, message)


def _unexpected(outcome: str, view: dict[str, Any]) -> str:
    ends = (f"{each['state']} {each.get('reason', '')}".strip() for each in view.get("deliveries", []))
    return f"UNEXPECTED: {'; '.join(ends) or outcome}"


def _reply(
    client: Client, flow: Flow, status: int, given: dict[str, object], message: str
) -> tuple[dict[str, object], str]:
    """What was answered in the end, and that in words."""
    if status == 202 and (flow.expected.reply or flow.expected.fault):
        given = client.reply(message)
    if status >= 400 and "fault" not in given:
        return given, f"refused: {given.get('code')}"
    if "fault" in given:
        return given, f"fault {given['fault']}"
    return given, "answered" if status == 200 else "delivered"


def _ended(client: Client, message: str, until: float) -> dict[str, Any]:
    while (view := client.message(message)).get("state") not in ENDED and time.monotonic() < until:
        time.sleep(0.02)
    return view


def _at(value: object, pointer: str) -> object:
    """The value at a JSON Pointer; None where there is none."""
    for step in pointer.split("/")[1:]:
        if isinstance(value, list):
            value = value[int(step)] if step.isdecimal() and int(step) < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


def _table(shown: list[Shown], room: int) -> Table | None:
    """What travelled; on narrow paper sender and receivers stand in one column."""
    roomy = room >= ROOMY
    columns = ("", "what", "from", "to", "protocols", "outcome", "ms")
    rows = [list(_row(each, roomy=roomy)) for each in shown]
    return columned(columns if roomy else ("", "what", "from → to", *columns[4:]), rows, room)


def _row(each: Shown, *, roomy: bool) -> Iterator[Text]:
    flow, receivers = each.flow, list(each.flow.expected.deliveries)
    yield Text("✓", "green") if each.as_expected else Text("✗", "red")
    yield Text(flow.title["en"])
    if roomy:
        yield Text(flow.sender)
        yield Text("\n".join(receivers) or "—")
    else:
        yield Text("\n".join([f"{flow.sender} →" if receivers else flow.sender, *receivers]))
    yield Text(f"{flow.source} → {flow.target}")
    yield plain(each.outcome)
    yield Text(str(each.milliseconds))


def _invite(out: Console, lgsp: Lgsp, url: str, shown: list[Shown]) -> None:
    first = shown[0]
    example = FOLDER / first.flow.example
    if example.is_relative_to(Path.cwd()):
        example = example.relative_to(Path.cwd())
    out.print(f"\nThe bus goes on serving {url}. In another terminal:\n", markup=False)
    for command in (
        lgsp("audit", "show", first.message),
        lgsp("send", first.flow.contract, example, "--as", first.flow.sender),
        lgsp("status"),
        lgsp("dead", "list"),
    ):
        out.print(plain(_pasted(command)))


def _welcome(home: Home) -> str:
    """Somebody who may do all that one person can; the password."""
    password, now = secrets.token_urlsafe(12), home.clock.now()
    person = Person(NAME, "", frozenset(Role) - {Role.AUDITOR}, None, Passwords().hash(password), now, now)
    change_people(home, lambda people: people.add(person, home.actor))
    return password


def _pasted(command: str) -> str:
    """A command for the shell in lines of at most 80 characters, as far as its words let it."""
    lines = [""]
    for word in command.split(" "):
        if lines[-1] and len(f"  {lines[-1]} {word} \\") > WIDTH:
            lines.append("    " + word)
        else:
            lines[-1] = f"{lines[-1]} {word}".lstrip() if len(lines) == 1 else f"{lines[-1]} {word}"
    return "  " + " \\\n  ".join(lines)
