"""A stand-in for one system of the store or of a folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bus.errors import QueryInvalid
from documents.problems import meant
from running.contracts import documents_of
from running.home import Home
from running.stand_in import standing_in
from running.stand_in_rest import answerers


@contextmanager
def mocked(home: Home, folder: Path | None, system: str, port: int) -> Iterator[str]:
    """Where the stand-in answers. Raises `QueryInvalid` for a system that nobody calls, or that there is not."""
    documents = documents_of(home, folder).in_force()
    there = answerers(documents)
    if system not in there:
        raise QueryInvalid(name="system", hint=f"there is no system {system} that is called: {meant(system, there)}")
    with standing_in({system: there[system]}, port) as endpoints:
        yield endpoints[system]
