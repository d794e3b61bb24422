"""Every look, one after the other; what one cannot see stops none of the others."""

from collections.abc import Callable, Iterator
from types import MappingProxyType
from typing import Final

from bus.errors import BusError
from running.doctor import affairs, broker, journal, machine
from running.doctor.finding import Finding, failure
from running.home import Home

Look = Callable[[Home], Iterator[Finding]]

LOOKS: Final[tuple[tuple[str, Look], ...]] = (
    ("data folder", machine.folder),
    ("master key", machine.master_key),
    ("disk", machine.disk),
    ("open files", machine.open_files),
    ("journal", journal.examined),
    ("broker", broker.nodes),
    ("documents", affairs.documents),
    ("processes", affairs.live),
    ("systems", affairs.systems),
    ("dead letters", affairs.dead_letters),
)

HINTS: Final = MappingProxyType(
    {
        "journal": "start the database, or set LGSP_DATABASE_URL right; the server's own log says more",
        "broker": "set LGSP_BROKER right",
        "documents": "the journal must be there first",
    }
)


def examine(home: Home) -> Iterator[Finding]:
    """Look at everything, and change nothing."""
    for what, look in LOOKS:
        try:
            yield from look(home)
        except BusError as refused:
            yield failure(what, refused.text, HINTS.get(what, "mend it, then look again"))
