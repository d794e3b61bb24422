"""RabbitMQ servers for tests: one that runs already, named by TEST_AMQP_URL, or one or several started from Debian's
binaries on free ports of the loopback, with their own node names, name server (epmd), cookie and data folders."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NoReturn
from uuid import uuid4

import pytest

from routes.rabbitmq.topology import Queue, Topology
from tests.services.ports import free_port

BINARIES = Path("/usr/lib/rabbitmq/bin")
"""Debian's wrapper in /usr/sbin drops the environment, and with it node name and ports; these scripts keep it."""

LOOKS = 1_200
"""How often a starting server is asked, a tenth of a second apart, before it is given up."""


class Missing(Exception):
    """There is no RabbitMQ on this machine."""


@dataclass
class Server:
    """A node with a data folder of its own; it can be stopped in any way and started again with what it had."""

    folder: Path
    port: int
    names: int
    """Port of the name server."""
    cookie: str = field(repr=False)
    config: str = ""
    """Further lines of rabbitmq.conf."""
    node: str = field(default_factory=lambda: f"test-{uuid4().hex[:12]}@localhost")
    _distribution: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it lets clients in."""
        secret = self.folder / ".erlang.cookie"
        if not secret.exists():
            secret.write_text(self.cookie)
            secret.chmod(0o400)
        (self.folder / "rabbitmq.conf").write_text(f"listeners.tcp.default = 127.0.0.1:{self.port}\n{self.config}\n")
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(BINARIES / "rabbitmq-server")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment(),
                cwd=self.folder,
            )
        if not _listens(self.port, self._process):
            raise AssertionError((self.folder / "log").read_text())

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """SIGTERM: it closes its connections and shuts down. SIGKILL: it leaves at once, as after a crash."""
        if self._process:
            self._process.send_signal(how)
            self._process.wait(60)
            self._process = None

    def freeze(self) -> None:
        """Its connections stay, and nothing answers; until `thaw`."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, which: signal.Signals) -> None:
        if self._process:
            self._process.send_signal(which)

    def control(self, *arguments: str) -> str:
        """What `rabbitmqctl` answers; takes a second or two."""
        command = [str(BINARIES / "rabbitmqctl"), "--quiet", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, env=self._environment()).stdout

    def evaluate(self, expression: str) -> str:
        """What the node makes of an Erlang expression: `{ok, ANSWER}`. At once, where `control` starts a machine."""
        command = ["erl_call", "-c", self.cookie, "-n", self.node, "-e"]
        form, environment = f"{expression}\n", self._environment()
        answer = subprocess.run(command, input=form, check=True, capture_output=True, text=True, env=environment).stdout
        if not answer.startswith("{ok, "):
            raise AssertionError(answer)
        return answer

    def part(self, *others: "Server") -> None:
        """Cut this node off from these, until `heal`; all go on, and what else they are connected to. From all of them
        in one moment: where a node sees one that another does not see, RabbitMQ itself cuts off more."""
        self.evaluate(
            f"[begin {self._trusting(f'not-{self.cookie}')}, erlang:disconnect_node(N) end || {_each(others)}]."
        )

    def heal(self, *others: "Server") -> None:
        """They find each other again by themselves, within some seconds."""
        self.evaluate(f"[{self._trusting(self.cookie)} || {_each(others)}].")

    def _trusting(self, cookie: str) -> str:
        """An Erlang node lets in who has the cookie; here, this one node needs another. One side is enough."""
        return f"erlang:set_cookie(N, '{cookie}')"

    def _environment(self) -> dict[str, str]:
        """Nothing of the machine's own RabbitMQ: neither its configuration, nor its plug-ins, nor its cookie."""
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(self.folder),
            "ERL_EPMD_PORT": str(self.names),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": self.node,
            "RABBITMQ_DIST_PORT": str(self._distribution),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none",
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": str(self.folder / "none"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(self.folder / "none"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            # The script then becomes the server, whose process id is the child's own.
            "RUNNING_UNDER_SYSTEMD": "true",
        }


def _each(nodes: Sequence[Server]) -> str:
    """N is each of these, in Erlang."""
    return f"N <- [{', '.join(repr(node.node) for node in nodes)}]"


class Passing(Topology):
    """A topology whose queues go by themselves when they have not been used for a minute."""

    def steady(self, system: str) -> Queue:
        return _passing(super().steady(system))

    def fast(self, system: str) -> Queue:
        return _passing(super().fast(system))


def _passing(queue: Queue) -> Queue:
    return replace(queue, arguments={**queue.arguments, "x-expires": 60_000})


@contextmanager
def server(config: str = "") -> Iterator[Server]:
    """A running server of one's own, ended and removed afterwards. Raises `Missing`."""
    with cluster(1, config) as (own,):
        yield own


@contextmanager
def cluster(count: int, config: str = "") -> Iterator[tuple[Server, ...]]:
    """Running servers that know each other. Raises `Missing`.

    `stop` and `start` serve each of them, `part` and `heal` two; of `config`, `cluster_partition_handling` says what
    becomes of a node that is cut off.
    """
    if not (BINARIES / "rabbitmq-server").exists():
        raise Missing
    names, cookie = free_port(), uuid4().hex
    with ExitStack() as stack:
        folders = [Path(tempfile.mkdtemp(prefix="lgsp-rabbitmq-")) for _ in range(count)]
        for folder in folders:
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
        stack.enter_context(_name_server(names))
        nodes = tuple(Server(folder, free_port(), names, cookie, config) for folder in folders)
        for node in nodes:
            # At its first start each joins the first one.
            node.config += f"\ncluster_formation.classic_config.nodes.1 = {nodes[0].node}"
            stack.callback(node.stop, signal.SIGKILL)
            node.start()
        yield nodes


@contextmanager
def some_server() -> Iterator[str]:
    """The URL of a server on which queues may be made. Raises `Missing`."""
    if running := os.environ.get("TEST_AMQP_URL"):
        yield running
        return
    with server() as own:
        yield own.url


def missing() -> NoReturn:
    """Skip on a desk, so that one sees it; fail where tests must be whole."""
    reason = "no RabbitMQ: neither TEST_AMQP_URL nor Debian's package rabbitmq-server"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def _name_server(port: int) -> Iterator[None]:
    """Our own child: the one that a node starts for itself outlives it."""
    command = ["epmd", "-port", str(port), "-address", "127.0.0.1"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _listens(port, process)
            yield
        finally:
            process.kill()


def _listens(port: int, process: subprocess.Popen[bytes]) -> bool:
    """Wait until the port takes connections; false when its process has ended, or takes too long."""
    for _ in range(LOOKS):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return True
        if process.poll() is not None:
            return False
        time.sleep(0.1)
    return False
