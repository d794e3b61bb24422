"""How systems stand, as the command tells it."""

import io
import json
from pathlib import Path

import orjson
import pytest
from rich.console import Console

from bus.errors import QueryInvalid
from bus.settings import read_settings
from journal.commands import Document, Event, PutDocuments
from journal.conditions import Condition, Process
from journal.queries import Present
from journal.searching import EventFilter
from running.home import Home
from running.printing import Lgsp
from running.systems import Standing, blocked, pause, resume, show, standings, warn

AT = 1_800_000_000_000
TIME = "2027-01-15T08:00:00.000Z"
PAUSED = Condition("paused", AT, "user:an", waiting=3, queued=1, oldest=AT)
OPEN = Condition("silent", opened_at=AT, code="dns", trips=3, probe_at=AT)
PRESENT = Present(
    (PAUSED, OPEN, Condition("gone", waiting=1), Condition("long-gone")),
    (
        Process("worker-1", "worker", "1", AT, AT + 1),
        Process("worker-2", "both", "1", AT, AT + 1),
        Process("worker-3", "worker", "1", AT, AT),
        Process("gateway-1", "gateway", "1", AT, AT + 1),
    ),
)
LIMITS = {"well": 3, "paused": 8, "silent": 8}


def printed(*, json: bool) -> str:
    out = io.StringIO()
    show(Console(file=out, width=200), standings(LIMITS, PRESENT, AT), json=json)
    return out.getvalue()


def test_whoever_asks_pauses_and_resumes(database: str, tmp_path: Path) -> None:
    """A system is paused and resumed once, for whoever asked, and only one that there is."""
    home = Home(read_settings(data=tmp_path, database_url=database), "user:an")
    home.write(PutDocuments((Document("System", "his", "", b"{}"),), Event("documents.applied", "user:an")))
    assert [pause(home, "his", "person:bình", "works") for _ in range(2)] == [True, False]
    assert [resume(home, "his", "person:bình") for _ in range(2)] == [True, False]
    events = [orjson.loads(row.content) for row in home.queries.events(EventFilter(system="his")).items]
    assert [(each["event"], each["actor"]) for each in events] == [
        ("system.resumed", "person:bình"),
        ("system.paused", "person:bình"),
    ]
    for change in (pause, resume):
        with pytest.raises(QueryInvalid):
            change(home, "other", "person:bình")
    home.close()


def test_every_system_stands_somehow() -> None:
    """Each system of the documents, and each other that something waits for, is told with its state, what waits, and
    the shares of the workers that live."""
    told = {each.system: each for each in standings(LIMITS, PRESENT, AT)}
    assert told.keys() == {"well", "paused", "silent", "gone"}
    shares = told["well"].shares
    assert shares
    assert sorted(shares.values()) == [1, 2]
    assert shares.keys() == {"worker-1", "worker-2"}
    assert told["paused"] == Standing(
        "paused", "paused", TIME, "user:an", waiting=3, in_broker=1, oldest=TIME, shares={}
    )
    assert told["silent"] == Standing("silent", "open", TIME, "dns", TIME, 2, shares={})


def test_list_is_for_people_and_programs() -> None:
    """The list is a line for each system, or JSON."""
    assert len(printed(json=False).splitlines()) == 5
    assert [each["system"] for each in json.loads(printed(json=True))] == ["gone", "paused", "silent", "well"]


def test_status_warns_of_what_is_not_served() -> None:
    """A paused system is told with who paused it and how to go on, a silent one with why."""
    out = io.StringIO()
    warn(Console(file=out, width=200), PRESENT, Lgsp("lgsp", Path("d")))
    assert blocked(PRESENT) == {"paused": "paused", "silent": "open"}
    paused, command, silent = out.getvalue().splitlines()
    assert "user:an" in paused
    assert command.strip() == "lgsp system resume paused --data d"
    assert "(dns)" in silent
