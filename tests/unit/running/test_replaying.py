"""Many dead letters tried again: which are meant, each once, paced, told as a whole, and broken off safely."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import orjson
import pytest
import typer

from bus.envelope import Body, Envelope, Exchange, Format
from bus.errors import ContractUnknown, IllegalTransition, ReplyGone, ReplyInvalid, RouteMissing
from bus.settings import read_settings
from bus.states import Change, State
from commands import dead as commands
from contracts.model import Part
from documents.compile import Compiled
from journal.commands import Accept, Claim, Claimed, Event, NewDelivery, Replay, Reply, Settle
from journal.dead import DeadFilter
from routes.model import Route
from running import replaying
from running.home import Home
from running.replaying import MAY_HAVE_ACTED, Pace, Replayed, Retaking, letters, meant, replay, total
from tests.unit.routes.conftest import PART, a_contract

REQUEST = a_contract(Exchange.REQUEST)


@pytest.fixture
def home(tmp_path: Path, migrated: Path) -> Iterator[Home]:
    (tmp_path / "journal.sqlite").write_bytes(migrated.read_bytes())
    home = Home(read_settings(data=tmp_path), "user:an")
    yield home
    home.close()


def dead(home: Home, reason: str = "refused", reply: Reply | None = None, system: str = "his") -> UUID:
    """A dead delivery."""
    message, delivery = home.clock.new_id(), home.clock.new_id()
    envelope = Envelope(message, "a.b", "1.0.0", Exchange.REQUEST, "one-stop", 1, 2, "00-1", Format.JSON)
    born = NewDelivery(delivery, system, State.QUEUED, repeatable=False)
    event = Event("message.accepted", "one-stop", message)
    home.write(Accept(envelope, b"{}", b"s", "d", 60_000, 600_000, (born,), event))
    claimed = home.write(Claim(delivery, "worker", 30_000))
    assert isinstance(claimed, Claimed)
    kill, code = Change.KILL, "http-422"
    settle = Settle(
        delivery, message, system, 1, kill, "refused", code, "w", 1, 1, 1, reason, reply=reply, reply_life=60_000
    )
    assert home.write(settle)
    return delivery


def told(home: Home, event: str) -> list[dict[str, object]]:
    every = (orjson.loads(row.content) for writer in home.queries.writers() for row in home.queries.chain(writer))
    return [each for each in every if each["event"] == event]


def quick() -> Pace:
    return Pace(1_000, lambda: 0.0, lambda seconds: None)


def test_what_may_have_acted_is_left_out_unless_named(home: Home) -> None:
    """A replay by filter leaves out deliveries whose receiver may have acted, unless their reason is named."""
    of = {reason: dead(home, reason) for reason in ("refused", *MAY_HAVE_ACTED)}
    now = home.clock.now()
    assert [each.delivery.id for each in letters(home, meant(DeadFilter(system="his"), now))] == [of["refused"]]
    for reason in MAY_HAVE_ACTED:
        named = meant(DeadFilter(reason=reason), now)
        assert [each.delivery.id for each in letters(home, named)] == [of[reason]]
    kept = meant(DeadFilter(system="his"), now, reply=True)
    assert [each.delivery.id for each in letters(home, kept)] == [of["reply-invalid"]]


def test_each_is_tried_once(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Page by page, the oldest first, each is tried once; one that somebody else took up is passed over, and what dies
    meanwhile is not meant."""
    monkeypatch.setattr(replaying, "PAGE", 2)
    every = [dead(home) for _ in range(5)]
    wanted = meant(DeadFilter(system="his"), home.clock.now())
    assert total(home.queries.dead_counts(wanted), None) == 5
    run = replay(home, letters(home, wanted), quick(), "user:bình")
    assert next(run) == Replayed(1, 0)
    home.write(Replay(every[1], "user:other"))
    assert list(run)[-1] == Replayed(4, 1)
    again = told(home, "delivery.replayed")
    assert [each["delivery"] for each in again] == [str(each) for each in every]
    assert [each["actor"] for each in again] == ["user:bình", "user:other", *["user:bình"] * 3]
    assert list(letters(home, wanted)) == []


def test_broken_off_leaves_the_rest(home: Home) -> None:
    """Whoever breaks off finds the rest as it was, and the same filter goes on with it; a limit is one way to."""
    every = [dead(home) for _ in range(5)]
    wanted = meant(DeadFilter(system="his"), home.clock.now())
    assert list(replay(home, letters(home, wanted, 3), quick(), "user:bình"))[-1] == Replayed(3, 0)
    assert [each.delivery.id for each in letters(home, wanted)] == every[3:]
    assert total(home.queries.dead_counts(wanted), 1) == 1
    next(replay(home, letters(home, wanted), quick(), "user:bình"))
    assert [each.delivery.id for each in letters(home, wanted)] == every[4:]


def test_replay_is_told_as_a_whole(home: Home) -> None:
    """One audit event names the filter, how many it means, and who asked."""
    wanted = DeadFilter(system="his", code="http-422", until=5, without=MAY_HAVE_ACTED)
    replaying.tell(home, wanted, 7, "user:bình")
    (event,) = told(home, "replay.started")
    assert {name: event[name] for name in ("actor", "count", "system", "code", "until", "without")} == {
        "actor": "user:bình",
        "count": 7,
        "system": "his",
        "code": "http-422",
        "until": "1970-01-01T00:00:00.005Z",
        "without": "outcome-unknown reply-invalid",
    }


def test_pace_is_even() -> None:
    """At four a second each turn comes a quarter of a second after the one before."""
    now, slept = 10.0, []

    def sleep(seconds: float) -> None:
        nonlocal now
        slept.append(seconds)
        now += seconds

    pace = Pace(4, lambda: now, sleep)
    for _ in range(5):
        pace.turn()
    assert slept == [0.25] * 4


def by(home: Home, part: Part = PART, *routes: Route) -> Retaking:
    contract = a_contract(Exchange.REQUEST, reply=part)
    led = {"a.b@1": routes or (Route("a.b", 1, "his"),)}
    return Retaking(home, "user:bình", 9, Compiled({"a.b": (contract,)}, led))


def test_kept_answer_is_taken_or_left(home: Home) -> None:
    """A kept answer that is right by now makes its delivery delivered; one that is still wrong changes nothing, and
    says why."""
    good, bad = (dead(home, "reply-invalid", Reply("raw", Body(Format.JSON, data))) for data in (b'"good"', b'"bad"'))
    views = [home.queries.delivery(each) for each in (good, bad)]
    assert views[0]
    assert views[1]
    by(home).take(views[0])
    with pytest.raises(ReplyInvalid) as wrong:
        by(home).take(views[1])
    assert [each.rule for each in wrong.value.findings] == ["const"]
    states = [view.state for each in (good, bad) if (view := home.queries.delivery(each))]
    assert states == [State.DELIVERED, State.DEAD]
    assert [(each["delivery"], each["actor"]) for each in told(home, "reply.taken")] == [(str(good), "user:bình")]
    with pytest.raises(IllegalTransition):
        by(home).take(views[0])


def test_kept_answer_needs_its_contract_and_route(home: Home) -> None:
    """Without its contract, its route, or the answer itself there is nothing to read again."""
    delivery = dead(home, "reply-invalid", Reply("raw", Body(Format.JSON, b'"good"')))
    view = home.queries.delivery(delivery)
    assert view
    with pytest.raises(RouteMissing):
        by(home, PART, Route("a.b", 1, "other")).take(view)
    with pytest.raises(ContractUnknown):
        Retaking(home, "user:bình", 9, Compiled()).take(view)
    bare = home.queries.delivery(dead(home, "reply-invalid"))
    assert bare
    with pytest.raises(ReplyGone):
        by(home).take(bare)
    other = home.queries.delivery(dead(home, "refused"))
    assert other
    with pytest.raises(IllegalTransition):
        by(home).take(other)


def test_ctrl_c_leaves_the_rest(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever breaks off is told how many were tried, and how to go on; the rest is as it was."""
    every = [dead(home) for _ in range(5)]
    turns = iter([None, None])

    def turn(_: Pace) -> None:
        if next(turns, every) is every:
            raise KeyboardInterrupt

    monkeypatch.setattr(Pace, "turn", turn)
    with pytest.raises(typer.Exit) as left:
        commands._many(home, commands.Many(DeadFilter(system="his"), rate=1_000, yes=True))
    assert left.value.exit_code == 130
    assert [each.delivery.id for each in letters(home, DeadFilter(system="his"))] == every[2:]
    assert [each["count"] for each in told(home, "replay.started")] == [5]
