"""A bus and what talks to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.interop.bus import Target, bus
from tests.interop.conversations import Conversations, system_of, ways
from tests.interop.stacks import STACKS
from tests.services.ports import free_port


@contextmanager
def stage(migrated: Path, folder: Path) -> Iterator[Conversations]:
    """`migrated` is an empty journal, to be copied."""
    ports = {each.name: free_port() for each in STACKS if each.server}
    targets = {
        system_of(stack, case): Target(f"http://127.0.0.1:{ports[stack.name]}{way.path}", way.wsdl_port, way.manner)
        for stack in STACKS
        for case, way in ways(stack).items()
    }
    with bus(migrated, folder, targets) as running:
        yield Conversations(running, folder, ports)
