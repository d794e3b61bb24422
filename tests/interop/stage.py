"""A bus and what talks to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.interop.bus import bus
from tests.interop.conversations import Conversations
from tests.interop.stacks import STACKS
from tests.services.ports import free_port


@contextmanager
def stage(migrated: Path, folder: Path) -> Iterator[Conversations]:
    """`migrated` is an empty journal, to be copied."""
    ports = {each.name: free_port() for each in STACKS if each.server}
    with bus(migrated, folder, ports) as running:
        yield Conversations(running, folder, ports)
