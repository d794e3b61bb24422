"""The stage: the whole bus as a province runs it, on loopback, with everything that is needed to harm it.

Two gateways and two workers in processes of their own, a PostgreSQL on a small disk with a clock of its own, three
nodes of RabbitMQ, relays in between, senders and receivers. Whatever happens, all of it is ended by its id.
"""

import os
import resource
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import psycopg

from bus.settings import read_settings
from running.apply import apply_folder
from running.home import Home
from tests.faults import province
from tests.faults.part import Part, part
from tests.process import LGSP
from tests.services import postgresql, rabbitmq
from tests.services.ports import free_port

GATEWAYS = ("gateway-1", "gateway-2")
WORKERS = ("worker-1", "worker-2")
DATABASE = "database"
BROKER = "broker"

DISK = 3 * 1024**3
"""Bytes of the disk that the journal lies on, where one can be mounted."""

WORKS = b"lgsp works"
"""How a worker's log begins once it works, or nearly: within so many bytes."""

LOOKED_AT = 65_536

SETTINGS = {"max_wal_size": "256MB", "shared_buffers": "128MB", "checkpoint_timeout": "30s", "max_connections": "60"}

PARTITIONS = "cluster_partition_handling = pause_minority"
"""A node that has lost the others serves nobody."""

PATIENCE = 60.0


class Aborted(Exception):
    """The run is to end now."""


@dataclass
class Process:
    """One process of the bus, under the name by which faults know it."""

    name: str
    arguments: list[str]
    environment: dict[str, str]
    log: Path
    url: str = ""
    """Where a gateway answers."""

    starts: int = 0
    _read_from: int = 0
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.starts += 1
        self._read_from = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(LGSP), *self.arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | self.environment,
                start_new_session=True,
            )

    def send(self, what: signal.Signals) -> None:
        """To it and to its children, at once."""
        if self._process:
            for each in (self._process.pid, *self.children()):
                with suppress(ProcessLookupError):
                    os.kill(each, what)

    def children(self) -> list[int]:
        """The processes that do the work; the one that was started only looks after them."""
        if self._process and self._process.poll() is None:
            with suppress(OSError):
                return list(
                    map(int, Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split())
                )
        return []

    def end(self) -> None:
        """Ask it to end, as whoever supervises it would."""
        if self.runs and self._process:
            self._process.send_signal(signal.SIGTERM)

    def kill_children(self) -> None:
        """The one that was started starts others in their place."""
        for each in self.children():
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)

    def kill(self) -> None:
        self.send(signal.SIGKILL)
        self.gone()

    def gone(self) -> int:
        """Its exit status, once it has ended."""
        return self._process.wait(PATIENCE) if self._process else 0

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def ready(self) -> bool:
        """Whether it does its work: a gateway says so to whoever asks, a worker once, in its log."""
        if not self.url:
            with self.log.open("rb") as log:
                log.seek(self._read_from)
                return self.runs and WORKS in log.read(LOOKED_AT)
        with suppress(URLError, OSError), urlopen(f"{self.url}/health/ready", timeout=2) as answer:
            return bool(answer.status == 200)
        return False


class Clock:
    """The database's clock, where libfaketime is installed; it is `ahead` of the machine's by so many seconds."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"
        self._file.write_text("+0\n")
        self._file.chmod(0o644)
        self._library = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))), None)
        self.ahead = 0.0

    @property
    def there(self) -> bool:
        return self._library is not None

    @property
    def environment(self) -> dict[str, str]:
        if self._library is None:
            return {}
        return {
            "LD_PRELOAD": str(self._library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DISABLE_SHM": "1",
        }

    def set(self, ahead: float) -> None:
        aside = self._file.with_suffix(".new")
        aside.write_text(f"{ahead:+.3f}\n")
        aside.chmod(0o644)
        aside.replace(self._file)
        self.ahead = ahead


class Disk:
    """The disk of the journal: a small one of its own where the machine lets us mount it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=755", "tmpfs", str(folder)]
        mounted = os.geteuid() == 0 and shutil.which("mount")
        self.own = bool(mounted) and subprocess.run(mount, check=False, capture_output=True).returncode == 0
        folder.chmod(0o755)

    def fill(self) -> None:
        """Not a byte is left."""
        with (self.folder / "filler").open("ab") as filler:
            size = 64 * 1024 * 1024
            while size >= 4096:
                try:
                    os.posix_fallocate(filler.fileno(), filler.tell(), size)
                    filler.seek(0, os.SEEK_END)
                except OSError:
                    size //= 2

    def room(self) -> None:
        (self.folder / "filler").unlink(missing_ok=True)

    def close(self) -> None:
        if self.own:
            subprocess.run(["umount", "-l", str(self.folder)], check=False, capture_output=True)


def limit_files(pid: int, size: int) -> None:
    """The quota where no disk can be mounted: from now on the process and its children write no file beyond `size`."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for each in (pid, *map(int, children)):
        with suppress(ProcessLookupError):
            resource.prlimit(each, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


@dataclass
class Stage:
    """Everything that runs. `aborting` is set when it is to end before its time."""

    folder: Path
    disk: Disk
    clock: Clock
    database: postgresql.Server
    nodes: tuple[rabbitmq.Server, ...]
    network: Part
    receivers: Part
    senders: Part
    processes: dict[str, Process] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    aborting: threading.Event = field(default_factory=threading.Event)

    def rest(self, seconds: float) -> None:
        """Wait. Raises `Aborted`."""
        if self.aborting.wait(seconds):
            raise Aborted

    def until(self, what: Callable[[], bool], complaint: str, patience: float = PATIENCE) -> None:
        end = time.monotonic() + patience
        while not what():
            if time.monotonic() > end:
                raise TimeoutError(complaint)
            self.rest(0.05)

    def start(self, name: str) -> None:
        """Start a process of the bus, and wait until it serves. One that finds neither database nor broker may give
        up: whoever supervises it starts it again."""
        process = self.processes[name]
        end = time.monotonic() + 2 * PATIENCE
        process.start()
        while not process.ready():
            if not process.runs:
                self.rest(0.5)
                process.start()
            if time.monotonic() > end:
                raise TimeoutError(name)
            self.rest(0.05)

    def start_database(self) -> None:
        """A server that was killed a moment ago may still hold what the next one needs."""
        for last in (False, False, True):
            try:
                self.database.start(**SETTINGS)
            except AssertionError:
                if last:
                    raise
                self.rest(1.0)
            else:
                return

    def versions(self) -> dict[str, str]:
        """Of the servers."""
        ((postgresql,),) = self.ask("SHOW server_version")
        return {"postgresql": str(postgresql), "rabbitmq": self.nodes[0].control("version").strip()}

    def ask(self, statement: str) -> list[tuple[object, ...]]:
        """A question to the journal, past the relays. Raises what the driver raises."""
        with psycopg.connect(self.database.url, connect_timeout=3, autocommit=True) as connection:
            return connection.execute(statement.encode()).fetchall()


@contextmanager
def stage(seed: int, keep: bool = False) -> Iterator[Stage]:
    """All of it, running and ready."""
    folder = Path(tempfile.mkdtemp(prefix="lgsp-faults-"))
    folder.chmod(0o755)
    with ExitStack() as stack:
        if not keep:
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
        disk, clock = Disk(folder / "disk"), Clock(folder)
        stack.callback(disk.close)
        database = stack.enter_context(postgresql.server(disk.folder, clock.environment, **SETTINGS))
        nodes = stack.enter_context(rabbitmq.cluster(3, PARTITIONS))
        network, receivers, senders = (stack.enter_context(part(each)) for each in ("network", "receiver", "senders"))
        own = Stage(folder, disk, clock, database, nodes, network, receivers, senders)
        _prepare(own, seed)
        for name in (*GATEWAYS, *WORKERS):
            own.processes[name] = _process(own, name)
        try:
            for name in own.processes:
                own.start(name)
            yield own
        finally:
            own.aborting.set()
            for process in own.processes.values():
                process.kill()


def _prepare(own: Stage, seed: int) -> None:
    """The province's documents in the journal, and a token for each sender."""
    systems = [kind.system for kind in province.KINDS]
    ports = own.receivers.tell("open", systems=systems, file=str(own.folder / "calls.jsonl"), seed=seed)
    endpoints = {system: f"http://127.0.0.1:{port}/" for system, port in ports.items()}
    province.write(own.folder / "province", endpoints)
    home = Home(read_settings(data=own.folder / "data", database_url=own.database.url), "user:faults")
    home.prepare()
    applied = apply_folder(home, own.folder / "province")
    assert applied.done, applied.problems
    own.tokens.update({kind.sender: home.token(kind.sender) for kind in province.KINDS})
    home.close()


def _process(own: Stage, name: str) -> Process:
    ways = own.network.tell("open", process=name, database=own.database.url, brokers=[node.port for node in own.nodes])
    environment = {
        "LGSP_DATA": str(own.folder / "data"),
        "LGSP_DATABASE_URL": ways["database"],
        "LGSP_BROKER": "amqp://guest:guest@" + ",".join(f"127.0.0.1:{port}" for port in ways["brokers"]),
        "LGSP_EGRESS": '["127.0.0.0/8"]',
        "LGSP_LOG": "-",
        "LGSP_GRACE": "1",
    }
    log = own.folder / f"{name}.log"
    if name in WORKERS:
        return Process(name, ["work"], environment, log)
    port = free_port()
    return Process(name, ["serve"], environment | {"LGSP_PORT": str(port)}, log, f"http://127.0.0.1:{port}")
