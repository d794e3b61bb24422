"""What the commands share: where they print, the options that many have, and the bus's home that they open."""

import locale
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from typing import Annotated, TypeVar
from uuid import UUID

import typer
from rich.console import Console

from bus.clock import instant
from bus.errors import PasswordUnfit
from bus.languages import Language, negotiate
from bus.settings import Settings, read_settings
from identity.grants import CIVIL_TIME
from journal.searching import LARGEST, Page
from running.home import Home, me
from running.printing import Lgsp

T = TypeVar("T")

WIDE = 10_000
"""Characters of a line that goes into a file or a pipe: there a row is a line, however long."""

out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else WIDE)
err = Console(stderr=True, highlight=False, soft_wrap=True, width=None if sys.stderr.isatty() else WIDE)


def moment(text: str) -> int:
    """Milliseconds since the epoch; a time without a zone is one of this country."""
    try:
        return instant(text, CIVIL_TIME)
    except ValueError:
        raise typer.BadParameter("write a time as 2026-11-22T09:55:00Z, or a day as 2026-11-22") from None


Data = Annotated[Path | None, typer.Option("--data", help="Data folder of the bus.", show_default="var/lgsp")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Since = Annotated[int | None, typer.Option(parser=moment, metavar="TIME", help="Only since then.")]
Until = Annotated[int | None, typer.Option(parser=moment, metavar="TIME", help="Only until then.")]
Most = Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most so many.")]


def lgsp(data: Path) -> Lgsp:
    """`lgsp` as it was typed: where it is on the PATH by its name alone, else by its place from here."""
    typed = Path(sys.argv[0])
    found = which("lgsp")
    program = "lgsp" if found and typed.absolute() == Path(found) else os.path.relpath(typed)
    return Lgsp(program, None if data == read_settings().data else data)


@contextmanager
def opened(settings: Settings) -> Iterator[Home]:
    home = Home(settings, me())
    try:
        yield home
    finally:
        home.close()


@contextmanager
def busy(what: str) -> Iterator[None]:
    """Something to look at while work takes longer than a second."""
    with err.status(f"{what} …"):
        yield


def joined(ask: Callable[[int, str | None], Page[T]], limit: int) -> list[T]:
    """So many of what is searched, page after page; `ask` takes the size of a page and its cursor."""
    page = ask(min(limit, LARGEST), None)
    found = list(page.items)
    while page.next is not None and len(found) < limit:
        page = ask(min(limit - len(found), LARGEST), page.next)
        found += page.items
    return found


def language() -> Language:
    """The language of whoever reads the terminal."""
    return negotiate((locale.getlocale()[0] or "en").replace("_", "-"))


def require(done: bool) -> None:
    if not done:
        sys.exit(1)


def uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not an id of a message or delivery") from None


def password(name: str, *, from_input: bool, twice: bool = False) -> str:
    """Asked at the terminal, or the first line of standard input. Raises `PasswordUnfit` where there is neither."""
    if from_input:
        return sys.stdin.readline().rstrip("\r\n")
    if sys.stdin.isatty():
        return str(typer.prompt(f"Password of {name}", hide_input=True, confirmation_prompt=twice))
    raise PasswordUnfit(hint="there is no terminal to ask at; give it on standard input with --password-stdin")
