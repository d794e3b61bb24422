"""What is done to the bus: each fault strikes, lasts, and is mended again; what it harms is its own for that time."""

import random
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from tests.faults.province import KINDS
from tests.faults.stage import BROKER, DATABASE, GATEWAYS, WORKERS, Stage, limit_files
from tests.services.proxy import Cut

PROCESSES = (*GATEWAYS, *WORKERS)
SYSTEMS = tuple(kind.system for kind in KINDS)

Strike = Callable[[Stage, str, random.Random], None]


class Missed(Exception):
    """The fault could not strike: there was nothing to be struck at that moment."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of harm; `targets` are those of which each stroke takes one, `weight` how often it comes."""

    name: str
    weight: int
    targets: tuple[str, ...]
    strike: Strike


# --- processes of the bus -------------------------------------------------------------------------------------------


def killed(stage: Stage, target: str, chance: random.Random) -> None:
    """`kill -9` of it and of whoever looks after it, and started again after a moment."""
    stage.processes[target].kill()
    try:
        stage.rest(chance.uniform(0, 3))
    finally:
        stage.start(target)


def child_killed(stage: Stage, target: str, chance: random.Random) -> None:
    """`kill -9`; whoever looks after it starts another."""
    process = stage.processes[target]
    process.kill_children()
    stage.rest(chance.uniform(1, 3))
    stage.until(process.ready, f"{target} does not come back")


def ended(stage: Stage, target: str, chance: random.Random) -> None:
    """SIGTERM: it drains, and must end well."""
    process = stage.processes[target]
    process.end()
    if status := process.gone():
        raise AssertionError(f"{target} ended with {status}")
    stage.start(target)


def frozen(stage: Stage, target: str, chance: random.Random) -> None:
    """Stopped in the middle of whatever it does, longer than some leases, and let go on as if nothing had been."""
    stage.processes[target].send(signal.SIGSTOP)
    try:
        stage.rest(chance.choice([1, 4, 9, 22]))
    finally:
        stage.processes[target].send(signal.SIGCONT)


# --- the database ---------------------------------------------------------------------------------------------------


def database_ended(stage: Stage, _: str, chance: random.Random) -> None:
    """Stopped in one of three ways, from good manners to kill -9, and started again."""
    stage.database.stop(chance.choice([signal.SIGINT, signal.SIGQUIT, signal.SIGKILL]))
    try:
        stage.rest(chance.uniform(0, 5))
    finally:
        stage.start_database()


def clock_jumps(stage: Stage, _: str, chance: random.Random) -> None:
    """The database's clock jumps by seconds to minutes, forward or back, and sometimes back again."""
    if not stage.clock.there:
        raise Missed
    before = stage.clock.ahead
    stage.clock.set(before + chance.choice([-1, 1]) * chance.choice([2.0, 15.0, 40.0, 90.0]))
    stage.rest(chance.uniform(2, 6))
    if abs(stage.clock.ahead) > 60 or chance.random() < 0.5:
        stage.clock.set(0.0)


def disk_full(stage: Stage, _: str, chance: random.Random) -> None:
    """Not a byte is left for the journal; what the server makes of that is its own affair. Then there is room again."""
    own = stage.disk.own
    if own:
        stage.disk.fill()
    else:
        limit_files(stage.database.pid, 0)
    try:
        stage.rest(chance.uniform(2, 6))
    finally:
        if own:
            stage.disk.room()
        else:
            stage.database.stop(signal.SIGQUIT)  # a limit once lowered stays with whoever has it
        if not stage.database.runs:
            stage.database.stop()
            stage.start_database()


# --- the network ----------------------------------------------------------------------------------------------------


def cut_at_commit(stage: Stage, target: str, chance: random.Random) -> None:
    """The connection to the database is cut at a COMMIT: before it, after it, or with the COMMIT still on its way."""
    stage.network.tell("commit", process=target, how=chance.choice(list(Cut)))
    stage.rest(chance.uniform(0.5, 2))
    if not stage.network.tell("committed", process=target)["happened"]:
        raise Missed


def cut_off(what: str, how: str) -> Strike:
    """A process's way to the database or the broker is cut, or passes nothing on for a while."""

    def strike(stage: Stage, target: str, chance: random.Random) -> None:
        stage.network.tell(how, process=target, what=what)
        try:
            stage.rest(chance.uniform(1, 8))
        finally:
            stage.network.tell("mend", process=target, what=what)

    return strike


# --- the broker -----------------------------------------------------------------------------------------------------


def node_killed(stage: Stage, _: str, chance: random.Random) -> None:
    """`kill -9` of one of three, and started again."""
    node = chance.choice(stage.nodes)
    node.stop(signal.SIGKILL)
    try:
        stage.rest(chance.uniform(0, 6))
    finally:
        node.start()


def node_parted(stage: Stage, _: str, chance: random.Random) -> None:
    """One of three hears and sees nothing of the other two; clients reach all of them."""
    node = chance.choice(stage.nodes)
    others = [each for each in stage.nodes if each is not node]
    node.part(*others)
    try:
        stage.rest(chance.uniform(3, 10))
    finally:
        node.heal(*others)


def node_frozen(stage: Stage, _: str, chance: random.Random) -> None:
    """One of three stands still, and holds its connections."""
    node = chance.choice(stage.nodes)
    node.freeze()
    try:
        stage.rest(chance.uniform(2, 10))
    finally:
        node.thaw()


def cluster_ended(stage: Stage, _: str, chance: random.Random) -> None:
    """All three are gone, and come back."""
    how = chance.choice([signal.SIGTERM, signal.SIGKILL])
    with ThreadPoolExecutor(3) as together:
        list(together.map(lambda node: node.stop(how), stage.nodes))
        try:
            stage.rest(chance.uniform(0, 5))
        finally:
            list(together.map(lambda node: node.start(), stage.nodes))


# --- the receivers --------------------------------------------------------------------------------------------------


def misbehaving(kind: str) -> Strike:
    def strike(stage: Stage, target: str, chance: random.Random) -> None:
        seconds = chance.uniform(2, 8)
        stage.receivers.tell("misbehave", system=target, kind=kind, seconds=seconds, share=chance.choice([0.2, 1.0]))
        stage.rest(seconds)

    return strike


SWEEPER = "SELECT client_port FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND granted"


def sweeper(stage: Stage) -> str:
    """The process that is sweeping at this moment. Raises `Missed`."""
    try:
        with psycopg.connect(stage.database.url, connect_timeout=3, autocommit=True) as connection:
            for _ in range(3_000):
                for (port,) in connection.execute(SWEEPER).fetchall():
                    found = stage.network.tell("whose", port=port)["process"]
                    if found in WORKERS:
                        return str(found)
    except psycopg.Error:
        pass
    raise Missed


FAULTS = (
    Fault("gateway killed", 6, GATEWAYS, child_killed),
    Fault("worker killed", 7, WORKERS, child_killed),
    Fault("gateway and its parent killed", 4, GATEWAYS, killed),
    Fault("worker and its parent killed", 4, WORKERS, killed),
    Fault("sweeper killed", 6, ("sweeper",), killed),
    Fault("gateway ended", 4, GATEWAYS, ended),
    Fault("worker ended", 4, WORKERS, ended),
    Fault("gateway frozen", 4, GATEWAYS, frozen),
    Fault("worker frozen", 5, WORKERS, frozen),
    Fault("database ended", 10, (DATABASE,), database_ended),
    Fault("database clock jumps", 10, (DATABASE,), clock_jumps),
    Fault("journal's disk full", 6, (DATABASE,), disk_full),
    Fault("cut at COMMIT", 16, PROCESSES, cut_at_commit),
    Fault("database cut off", 8, PROCESSES, cut_off("database", "cut")),
    Fault("database stalled", 6, PROCESSES, cut_off("database", "stall")),
    Fault("broker cut off", 7, PROCESSES, cut_off("broker", "cut")),
    Fault("broker stalled", 6, PROCESSES, cut_off("broker", "stall")),
    Fault("broker node killed", 8, (BROKER,), node_killed),
    Fault("broker node parted", 6, (BROKER,), node_parted),
    Fault("broker node frozen", 5, (BROKER,), node_frozen),
    Fault("broker cluster ended", 4, (BROKER,), cluster_ended),
    Fault("receiver silent", 8, SYSTEMS, misbehaving("silent")),
    Fault("receiver answers late", 9, SYSTEMS, misbehaving("late")),
    Fault("receiver resets", 9, SYSTEMS, misbehaving("reset")),
    Fault("receiver answers 500", 9, SYSTEMS, misbehaving("500")),
    Fault("receiver answers 503", 8, SYSTEMS, misbehaving("503")),
    Fault("receiver slow", 8, SYSTEMS, misbehaving("slow")),
    Fault("receiver refuses connections", 8, SYSTEMS, misbehaving("refused")),
)
"""Of the broker one fault at a time, so that two of its nodes are there but for a few seconds."""


class Holds:
    """What a fault harms is its own until it is mended."""

    def __init__(self) -> None:
        self._locks = {name: threading.Lock() for name in (*PROCESSES, *SYSTEMS, DATABASE, BROKER)}

    @contextmanager
    def of(self, target: str) -> Iterator[None]:
        with self._locks[target]:
            yield


def plan(count: int, seed: int, span: float) -> list[tuple[float, Fault, str, int]]:
    """Which faults strike when (seconds), on whom, and with which chance: each kind by its weight, in any order."""
    chance = random.Random(seed)
    whole = sum(fault.weight for fault in FAULTS)
    # Each kind at least once where there is room, and by its weight beyond that.
    drawn = chance.sample(FAULTS, min(count, len(FAULTS)))
    while len(drawn) < count:
        drawn.append(max(FAULTS, key=lambda fault: count * fault.weight / whole - drawn.count(fault)))
    chance.shuffle(drawn)
    moments = sorted(chance.uniform(0, span) for _ in drawn)
    return [
        (moment, fault, chance.choice(fault.targets), chance.randrange(2**31))
        for moment, fault in zip(moments, drawn, strict=True)
    ]
