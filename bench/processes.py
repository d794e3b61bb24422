"""The processes that are measured: started, looked at, and ended by their ids."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bus.settings import Settings, read_settings
from running.apply import apply_folder
from running.home import Home
from tests.services import postgresql, rabbitmq

LGSP: Final = str(Path(sys.executable).parent / "lgsp")

END_WITHIN: Final = 60
"""Seconds."""

LOOPBACK: Final = '["127.0.0.0/8"]'

DATABASE: Final = {"shared_buffers": "256MB", "max_wal_size": "4GB"}
"""What PostgreSQL runs with that is not its default; fsync and synchronous_commit are."""

SERVERS: Final = {"postgres": "postgresql", "beam.smp": "rabbitmq"}
"""The servers' processes, by the names that the machine knows them by."""


@contextmanager
def started(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Iterator[tuple[int, str]]:
    """A child process and the first line it prints; it is ended by its id."""
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, env=os.environ | (environment or {}), text=True
    ) as process:
        try:
            if process.stdout is None:
                raise TypeError
            yield process.pid, process.stdout.readline().strip()
        finally:
            process.terminate()
            process.wait(timeout=END_WITHIN)


@contextmanager
def server(kind: str) -> Iterator[str]:
    with started([sys.executable, "-m", "bench.servers", kind]) as (_, port):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def embedded(data: Path, province: Path, endpoints: Mapping[str, str], sender: str) -> Iterator[tuple[str, str, int]]:
    """`lgsp up` on a folder of its own: its URL, a token of the sender, its process id."""
    token = prepared(read_settings(data=data), province, sender)
    command = [LGSP, "up", "--data", str(data), "--port", "0", *overrides(endpoints)]
    with started(command) as (pid, line):
        yield line.removeprefix("lgsp serves ").partition(" ")[0], token, pid


def prepared(settings: Settings, province: Path, sender: str) -> str:
    """A journal with the documents of a province, and a token of the sender."""
    home = Home(settings, "user:bench")
    try:
        home.prepare()
        given = apply_folder(home, province)
        if not given.done:
            raise RuntimeError(given.problems)
        return home.token(sender)
    finally:
        home.close()


def overrides(endpoints: Mapping[str, str]) -> list[str]:
    return [option for name, url in endpoints.items() for option in ("--endpoint", f"{name}={url}")]


@dataclass(frozen=True, slots=True)
class Servers:
    """A PostgreSQL and a RabbitMQ of one's own."""

    postgresql: str
    rabbitmq: rabbitmq.Server

    @contextmanager
    def journal(self) -> Iterator[str]:
        """The URL of a fresh database."""
        with postgresql.database(self.postgresql) as url:
            yield url

    @contextmanager
    def broker(self, name: str) -> Iterator[str]:
        """The URL of a fresh virtual host."""
        self.rabbitmq.control("add_vhost", name)
        self.rabbitmq.control("set_permissions", "-p", name, "guest", ".*", ".*", ".*")
        try:
            yield f"{self.rabbitmq.url}/{name}"
        finally:
            self.rabbitmq.control("delete_vhost", name)


@contextmanager
def servers() -> Iterator[Servers]:
    """Both, from the installed binaries, and ended afterwards. Raises `Missing` of either."""
    with postgresql.server() as journal, rabbitmq.server() as broker:
        journal.stop()
        journal.start(**DATABASE)
        yield Servers(journal.url, broker)


@dataclass(frozen=True, slots=True)
class Bus:
    """Gateways and workers as a province would run them. `token` is of the sender, `pids` of the parents by their
    part; its documents were applied in `prepared` seconds."""

    url: str
    token: str
    pids: Mapping[str, int]
    prepared: float


@contextmanager
def bus(
    each: Servers, folder: Path, province: Path, endpoints: Mapping[str, str], *, gateways: int, workers: int
) -> Iterator[tuple[Bus, str, str]]:
    """A bus on a fresh journal and a fresh broker, and the URLs of both; without workers nothing is delivered."""
    with each.journal() as database, each.broker(folder.name) as broker:
        began = time.perf_counter()
        token = prepared(read_settings(data=folder, database_url=database), province, "sender")
        seconds = time.perf_counter() - began
        environment = {
            "LGSP_DATA": str(folder),
            "LGSP_DATABASE_URL": database,
            "LGSP_BROKER": broker,
            "LGSP_EGRESS": LOOPBACK,
            "LGSP_LOG": str(folder / "lgsp.jsonl"),
            "LGSP_GRACE": "0",
        }
        serve = [LGSP, "serve", "--port", "0", "--workers", str(gateways)]
        with started(serve, environment) as (gateway, line):
            pids = {"gateway": gateway}
            url = line.removeprefix("lgsp serves ").partition(" ")[0]
            if not workers:
                yield Bus(url, token, pids, seconds), database, broker
                return
            work = [LGSP, "work", "--workers", str(workers), *overrides(endpoints)]
            with started(work, environment) as (worker, _):
                yield Bus(url, token, pids | {"worker": worker}, seconds), database, broker


def processor(pids: Mapping[str, int]) -> dict[str, float]:
    """Processor seconds that each part has used with all its children, and PostgreSQL and RabbitMQ where they are
    children of ours (Linux; elsewhere nothing)."""
    known = dict(_processes())
    below: dict[int, list[int]] = {}
    for pid, (parent, _, _) in known.items():
        below.setdefault(parent, []).append(pid)

    def family(pid: int) -> Iterator[int]:
        yield pid
        for child in below.get(pid, ()):
            yield from family(child)

    used = {part: sum(known[each][2] for each in family(pid) if each in known) for part, pid in pids.items()}
    for pid in family(os.getpid()):
        if part := SERVERS.get(known.get(pid, (0, "", 0.0))[1]):
            used[part] = used.get(part, 0.0) + known[pid][2]
    return used


def _processes() -> Iterator[tuple[int, tuple[int, str, float]]]:
    """Each process's parent, name, and processor seconds with those of its ended children."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            head, _, tail = path.read_text().rpartition(")")
        except OSError:
            continue
        fields = tail.split()
        ticks = sum(int(each) for each in fields[11:15])
        yield int(path.parent.name), (int(fields[1]), head.partition("(")[2], ticks / os.sysconf("SC_CLK_TCK"))


def memory(pid: int) -> float:
    """MiB that a process holds and shares with nobody, the largest of it and its children (Linux; elsewhere 0)."""
    own = [pid, *(child for child, (parent, _, _) in _processes() if parent == pid)]
    return max((_private(each) for each in own), default=0.0)


def _private(pid: int) -> float:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0.0
    lines = (line.split() for line in text.splitlines() if line.startswith("Private_"))
    return sum(int(fields[1]) for fields in lines) / 1024


def measured(pids: Mapping[str, int]) -> Callable[[int], dict[str, int]]:
    """From now on; what is returned tells microseconds of processor time for each of so many messages."""
    before = processor(pids)

    def so_far(count: int) -> dict[str, int]:
        after = processor(pids)
        return {part: round((after[part] - before.get(part, 0.0)) / count * 1e6) for part in sorted(after)}

    return so_far


def environment_of(passwords: Mapping[str, str]) -> dict[str, str]:
    return os.environ | {"PROVINCE_SECRETS": json.dumps(passwords)}
