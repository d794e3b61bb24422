"""The journal: is it there, is it this version's, does it keep what it confirms, does it agree on the time?"""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import text

from identity.keyring import Purpose
from journal.database import steps_left
from running.doctor.finding import Finding, failure, warning, well
from running.home import Home

SKEW: Final = 1_000
"""Milliseconds between the clocks of this machine and the database. Leases and lives go by the database's alone;
tokens, contract dates and identifiers by this machine's."""

DURABLE: Final = (
    ("fsync", "off", "what PostgreSQL has confirmed may be lost"),
    ("synchronous_commit", "off", "what PostgreSQL has confirmed may be lost"),
    ("full_page_writes", "off", "a crash may leave half a page behind"),
    ("autovacuum", "off", "tables grow without end, and become slow"),
)
"""Settings of PostgreSQL, the value that will not do, and what comes of it."""


def examined(home: Home) -> Iterator[Finding]:
    """One after the other: without the first there is no second."""
    for look in (_reachable, _tables, _durability, _clock, _keys):
        yield from look(home)


def _reachable(home: Home) -> Iterator[Finding]:
    number = home.queries.revision()
    kind = "PostgreSQL" if home.settings.database_url else "SQLite"
    yield well("journal", f"{kind}, documents at revision {number}")


def _tables(home: Home) -> Iterator[Finding]:
    if left := steps_left(home.url):
        yield warning("tables", f"steps of migration are left: {', '.join(left)}", "lgsp journal migrate --post")
        return
    yield well("tables", "as this version wants them")


def _durability(home: Home) -> Iterator[Finding]:
    """What starting would refuse, and what it lets pass."""
    home.open_store("doctor").close()
    if not home.settings.database_url:
        yield well("durability", "every commit is on disk before its answer")
        return
    with home.engine.connect() as connection:
        for name, bad, why in DURABLE:
            value = connection.execute(text("SELECT current_setting(:name)"), {"name": name}).scalar_one()
            if value == bad:
                yield failure("durability", f"{name} is {value}: {why}", f"set {name}=on in postgresql.conf")
                return
    yield well("durability", "every commit is on disk before its answer")


def _clock(home: Home) -> Iterator[Finding]:
    if not home.settings.database_url:
        return
    question = text("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::int8")
    with home.engine.connect() as connection:
        connection.execute(question)  # the first answer takes longer
        skew = connection.execute(question).scalar_one() - home.clock.now()
    if abs(skew) > SKEW:
        yield warning("clock", f"{skew} ms from the database's", "keep time by NTP (chrony) on both machines")
        return
    yield well("clock", f"{abs(skew)} ms from the database's")


def _keys(home: Home) -> Iterator[Finding]:
    ring = home.keys()
    missing = [purpose for purpose in Purpose if not ring.in_use(purpose)]
    for purpose in missing:
        yield warning("keys", f"there is none for {purpose}", "it is made when the bus next starts")
    if not missing:
        yield well("keys", "every key opens under the master key")
