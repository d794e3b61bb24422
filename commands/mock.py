"""`lgsp mock`: a stand-in for a system."""

import time
from pathlib import Path
from typing import Annotated

import typer

from bus.settings import read_settings
from commands.terminal import Data, opened, out

FolderOption = Annotated[
    Path | None, typer.Option("--folder", help="Take the documents of this folder instead of the store's.")
]


def mock(
    system: Annotated[str, typer.Argument(help="The system to stand in for.")],
    folder: FolderOption = None,
    port: Annotated[int, typer.Option(help="Where to listen on loopback; 0: any free port.")] = 8090,
    data: Data = None,
) -> None:
    """Stand in for a system until Ctrl-C: checks what it is asked by contract or WSDL, and answers with samples.

    ``Prefer: code=404`` asks a REST stand-in for the declared fault of that status.
    """
    from running import mocking

    with opened(read_settings(data=data)) as home, mocking.mocked(home, folder, system, port) as endpoint:
        out.print(f"{system} is stood in for at {endpoint}; Ctrl-C ends it.")
        out.print(f"To have the bus call it: lgsp up --endpoint {system}={endpoint}")
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            pass
