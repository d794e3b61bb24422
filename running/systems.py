"""How do the systems stand? What the command shows of paused and silent ones, of what waits, and of who serves; and how
a person pauses and resumes one."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from rich.console import Console

from bus.clock import iso
from bus.errors import QueryInvalid
from journal.conditions import Condition, Pause, Resume
from journal.queries import Present
from routes.shares import share
from running.home import Home
from running.printing import Lgsp, plain, print_json, table


@dataclass(frozen=True, slots=True)
class Standing:
    """One system as it stands. `state` is serving, paused or open (its circuit: it answers nobody); `by` paused it, or
    is the code of the attempt that opened it; `next_try` is when one delivery is tried. `shares`: how many calls each
    living worker may make at the same time."""

    system: str
    state: str
    since: str = ""
    by: str = ""
    next_try: str = ""
    failed_tries: int = 0
    waiting: int = 0
    in_broker: int = 0
    oldest: str = ""
    shares: Mapping[str, int] | None = None


def standing(condition: Condition) -> Standing:
    """What the journal has of a system."""
    told = Standing(
        condition.system,
        "serving",
        waiting=condition.waiting,
        in_broker=condition.queued,
        oldest=iso(condition.oldest) if condition.oldest and condition.waiting else "",
    )
    if condition.opened_at is not None:
        told = replace(
            told,
            state="open",
            since=iso(condition.opened_at),
            by=condition.code,
            next_try=iso(condition.probe_at) if condition.probe_at else "",
            failed_tries=max(0, condition.trips - 1),
        )
    if condition.paused_at is not None:
        told = replace(told, state="paused", since=iso(condition.paused_at), by=condition.paused_by, next_try="")
    return told


def standings(limits: Mapping[str, int], present: Present, now: int) -> list[Standing]:
    """Every system of the documents, by its limit of calls at the same time, and whatever else something waits for."""
    conditions = {each.system: each for each in present.conditions}
    others = {name for name, each in conditions.items() if each.waiting or each.blocked}
    workers = [each.name for each in present.processes if each.role != "gateway" and each.lease_until > now]
    told = []
    for name in sorted(limits.keys() | others):
        stands = standing(conditions.get(name) or Condition(name))
        serving = workers if name in limits and stands.state == "serving" else []
        told.append(replace(stands, shares={each: share(limits[name], name, workers, each) for each in serving}))
    return told


def known_system(home: Home, system: str) -> str:
    """A system of the documents in force. Raises `QueryInvalid` where there is no such system."""
    names = sorted(each.name for each in home.queries.documents("System"))
    if system not in names:
        raise QueryInvalid(name="system", hint=f"there is no system {system}; there is {', '.join(names)}")
    return system


def pause(home: Home, system: str, actor: str, reason: str = "") -> bool:
    """Have it called no more; False: it was paused already. Raises `QueryInvalid`."""
    return home.write(Pause(known_system(home, system), actor, reason))


def resume(home: Home, system: str, actor: str) -> bool:
    """Have it called again; False: it was neither paused nor silent. Raises `QueryInvalid`."""
    return home.write(Resume(known_system(home, system), actor))


def show(out: Console, told: Sequence[Standing], *, json: bool) -> None:
    """All of them, a line each."""
    if json:
        print_json(out, [asdict(each) for each in told])
        return
    columns = ["system", "state", "since", "by", "next try", "waiting", "in broker", "oldest", "shares"]
    rows = [
        (
            each.system,
            each.state,
            each.since,
            each.by,
            each.next_try,
            each.waiting,
            each.in_broker,
            each.oldest,
            " ".join(f"{worker}={calls}" for worker, calls in (each.shares or {}).items()),
        )
        for each in told
    ]
    table(out, columns, rows, "no systems")


def blocked(present: Present) -> dict[str, str]:
    """The systems that are not served: paused, or open."""
    return {each.system: standing(each).state for each in present.conditions if each.blocked}


def warn(out: Console, present: Present, lgsp: Lgsp) -> None:
    """A sentence for each system that is paused or answers nobody."""
    for condition in present.conditions:
        told = standing(condition)
        if told.state == "paused":
            out.print(plain(f"{told.system} is paused since {told.since} by {told.by}; to go on:"), style="yellow")
            out.print(plain(f"  {lgsp('system', 'resume', told.system)}"))
        elif told.state == "open":
            out.print(
                plain(f"{told.system} answers nobody since {told.since} ({told.by}); next try {told.next_try}"),
                style="red",
            )
