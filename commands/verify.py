"""`lgsp verify`: a live system held against its contracts."""

from typing import Annotated

import typer

from bus.settings import read_settings
from commands.terminal import Data, Json, busy, opened, out, require


def verify(
    system: Annotated[str, typer.Argument(help="The system to call.")],
    writes: Annotated[bool, typer.Option("--writes", help="Also call what may change something there.")] = False,
    endpoint: Annotated[str | None, typer.Option(help="Call it here instead: a test system of theirs.")] = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Call a system by the examples of its contracts, past the journal, and say whether it answers as they promise.

    Exit 1 where an answer breaks its contract, or there is none.
    """
    from running import verifying

    with opened(read_settings(data=data)) as home:
        with busy("Calling"):
            found = verifying.verified(home, system, writes=writes, endpoint=endpoint)
        require(verifying.show(out, found, json=json))
