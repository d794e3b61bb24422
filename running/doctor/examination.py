"""Every look, one after the other; what one cannot see stops those alone that need it."""

from collections.abc import Iterator

from sqlalchemy.exc import SQLAlchemyError

from bus.errors import BusError, JournalUnavailable
from running.doctor import affairs, broker, journal, machine
from running.doctor.finding import Finding, failure
from running.home import Home


def examine(home: Home) -> Iterator[Finding]:
    """Look at everything, and change nothing."""
    for look in (machine.folder, machine.master_key, machine.disk, machine.open_files, machine.tls):
        yield from look(home)
    try:
        yield from broker.nodes(home)
    except BusError as refused:
        yield failure("broker", refused.text, "set LGSP_BROKER right")
    try:
        yield from journal.examined(home)
        yield from affairs.examined(home)
    except (JournalUnavailable, SQLAlchemyError):
        mend = "start the database, or set LGSP_DATABASE_URL right; the server's own log says more"
        yield failure("journal", "the database does not answer, or does not let the bus in", mend)
    except BusError as refused:
        yield failure("journal", refused.text, "it says how; then look again")
