"""A PostgreSQL server for tests: one that runs already, named by TEST_POSTGRESQL_URL, or one started from the installed
binaries on a free port of the loopback, with a data folder of its own."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from tests.processes import children, lives
from tests.services.ports import free_port

ACCOUNT = "postgres"
"""PostgreSQL refuses to run as root; Debian's package makes this account."""

SETTINGS: Mapping[str, str] = MappingProxyType(
    {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "shared_buffers": "32MB"}
)
LOOKS = 300
"""How often a starting server is asked, a tenth of a second apart, before it is given up."""


class Missing(Exception):
    """There is no PostgreSQL on this machine."""


@dataclass
class Server:
    """A server with a data folder of its own; it can be stopped in any way and started again."""

    folder: Path
    port: int
    environment: Mapping[str, str] = field(default_factory=dict)
    """What its processes find in their environment beside ours."""

    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"postgresql://{ACCOUNT}@127.0.0.1:{self.port}/postgres"

    @property
    def runs(self) -> bool:
        """Whether its process is there: it may have ended by itself."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    def start(self, **settings: str) -> None:
        """Start it, and wait until it lets clients in."""
        options = [f"--{name}={value}" for name, value in {**SETTINGS, "port": str(self.port), **settings}.items()]
        command = [str(binaries() / "postgres"), "-D", str(self.folder), *options]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, env=os.environ | self.environment, cwd=self.folder, **_account()
            )
        for _ in range(LOOKS):
            try:
                psycopg.connect(self.url, connect_timeout=2).close()
            except psycopg.OperationalError:
                try:
                    self._process.wait(0.1)
                except subprocess.TimeoutExpired:
                    continue
                break
            return
        raise AssertionError((self.folder / "log").read_text())

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT: it ends its clients and shuts down. SIGQUIT: it leaves at once, as after a crash. SIGKILL: its
        children hear of that a moment later, and until then no other can be started on the folder."""
        if self._process:
            its = children(self._process.pid)
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None
            for _ in range(LOOKS):
                if not any(lives(child) for child in its):
                    return
                time.sleep(0.1)


@contextmanager
def server(
    parent: Path | None = None, environment: Mapping[str, str] | None = None, **settings: str
) -> Iterator[Server]:
    """A running server of one's own, ended and removed afterwards. Its data lie in a folder below `parent`, which the
    server's account must be able to enter. Raises `Missing`."""
    initdb = str(binaries() / "initdb")
    # Not below pytest's folder: that one is closed to the server's account.
    folder = Path(tempfile.mkdtemp(prefix="lgsp-postgresql-", dir=parent))
    own = Server(folder, free_port(), environment or {})
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, ACCOUNT, ACCOUNT)
        how = ["--username", ACCOUNT, "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        subprocess.run([initdb, "-D", str(folder), *how], check=True, capture_output=True, **_account(), cwd=folder)
        own.start(**settings)
        yield own
    finally:
        own.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def some_server() -> Iterator[str]:
    """The URL of a server on which databases may be made. Raises `Missing`."""
    if running := os.environ.get("TEST_POSTGRESQL_URL"):
        yield running
        return
    with server() as own:
        yield own.url


@contextmanager
def database(server_url: str, template: str = "template1", encoding: str = "UTF8") -> Iterator[str]:
    """The URL of a fresh database, a copy of the one that the URL `template` names, removed afterwards."""
    name = f"lgsp_{uuid4().hex}"
    original = urlsplit(template).path.removeprefix("/") or template
    with psycopg.connect(server_url, autocommit=True) as connection:
        make = sql.SQL("CREATE DATABASE {} TEMPLATE {} ENCODING {}")
        connection.execute(make.format(sql.Identifier(name), sql.Identifier(original), encoding))
        try:
            yield urlsplit(server_url)._replace(path=f"/{name}").geturl()
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def missing() -> NoReturn:
    """Skip on a desk, so that one sees it; fail where tests must be whole."""
    reason = "no PostgreSQL: neither TEST_POSTGRESQL_URL nor installed binaries"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def binaries() -> Path:
    """The folder of `initdb` and `postgres`: the newest of Debian's, else the one on the path. Raises `Missing`."""
    of_debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    if not of_debian and not on_path:
        raise Missing
    return of_debian[-1].parent if of_debian else Path(str(on_path)).parent


def _account() -> dict[str, Any]:
    """How to start a process as the server's account, as a child of ours whose id is the server's own."""
    if os.geteuid() != 0:
        return {}
    return {"user": ACCOUNT, "group": ACCOUNT, "extra_groups": []}
