"""A peer, since users compare: a Node-RED flow that validates, publishes persistently and confirmed, and answers 202.

It keeps no journal, knows no sender and calls nobody. Node-RED is fetched by npm into a cache folder outside the
repository, at the versions of bench/node_red/package.json; where that cannot be done its lines stay empty.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import orjson
import pika

from bench.figures import Run, of_command
from bench.limits import BODY, JSON
from bench.load import drive, pace, post
from bench.processes import Servers, measured
from routes.rabbitmq.topology import Topology

HERE: Final = Path(__file__).parent
FLOW: Final = HERE / "node_red"
QUEUE: Final = "peer"

FETCH_WITHIN: Final = 300
START_WITHIN: Final = 60
"""Seconds."""


class Missing(Exception):
    """Node-RED cannot be had here."""


def measure(run: Run, folder: Path, each: Servers, connections: Sequence[int]) -> None:
    """Measured again, each figure stays the better of both: a machine has its moods, and they are not to be ours."""
    try:
        installed = fetched()
    except Missing as missing:
        note = f"Node-RED was not measured: {missing}"
        run.notes = [*(known for known in run.notes if known != note), note]
        return
    wanted = orjson.loads((FLOW / "package.json").read_bytes())["dependencies"]
    run.versions |= {"node": of_command("node", "--version"), **wanted}
    with each.broker(QUEUE) as broker, node_red(installed, folder / "node-red", broker) as (url, pid):
        target = f"{url}/messages/bench.reading"
        requests = [post(target, BODY, JSON)]
        drive(target, requests, count=1_000, connections=8, expected=202)
        for count in connections:
            _empty(broker)
            spent = measured({"peer": pid})
            result = drive(target, requests, seconds=run.seconds(6), connections=count, expected=202)
            name = f"peerAt{count}"
            if result.rate > run.figures.get(f"{name}PerSecond", 0):
                run.keep(name, result)
                run.figures |= {f"{name}Cpu{part.title()}Us": us for part, us in spent(result.count).items()}
        _empty(broker)
        half = run.figures[f"peerAt{connections[-1]}PerSecond"] / 2
        run.keep("peerAtHalf", pace(target, requests, rate=half, seconds=run.seconds(6), expected=202))


def fetched() -> Path:
    """The folder with Node-RED and what its flow needs. Raises `Missing`."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise Missing("there is no npm and node on this machine")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lgsp-bench" / "node-red"
    cache.mkdir(parents=True, exist_ok=True)
    wanted, kept = (FLOW / "package.json").read_bytes(), cache / "package.json"
    if (cache / "node_modules" / "node-red").exists() and kept.exists() and kept.read_bytes() == wanted:
        return cache
    kept.write_bytes(wanted)
    command = [npm, "install", "--no-audit", "--no-fund", "--no-package-lock", "--omit=dev"]
    try:
        subprocess.run(command, cwd=cache, check=True, capture_output=True, timeout=FETCH_WITHIN)
    except (subprocess.SubprocessError, OSError):
        kept.unlink(missing_ok=True)
        raise Missing("npm could not fetch it") from None
    return cache


@contextmanager
def node_red(installed: Path, folder: Path, broker: str) -> Iterator[tuple[str, int]]:
    """The flow in a Node-RED of its own: its URL and its process id."""
    folder.mkdir(exist_ok=True)
    _declare(broker)
    # What a settings file requires is looked for beside it.
    shutil.copy(FLOW / "settings.js", installed)
    shutil.copy(FLOW / "flow.json", folder)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = os.environ | {
        "NODE_ENV": "production",
        "PEER_BROKER": broker,
        "PEER_QUEUE": QUEUE,
        "PEER_SCHEMA": str(HERE / "province" / "reading.json"),
    }
    red = ["node", "node_modules/node-red/red.js", "--settings", str(installed / "settings.js")]
    command = [*red, "--userDir", str(folder), "--port", str(port), str(folder / "flow.json")]
    with subprocess.Popen(
        command, cwd=installed, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    ) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            _await(url)
            yield url, process.pid
        finally:
            process.terminate()
            process.wait(30)


def _await(url: str) -> None:
    """Until the flow answers as it should."""
    request = [post(f"{url}/messages/bench.reading", BODY, JSON)]
    end = time.monotonic() + START_WITHIN
    while time.monotonic() < end:
        with suppress(OSError):
            if not drive(url, request, count=1, connections=1, expected=202).unexpected:
                return
        time.sleep(0.2)
    raise TimeoutError(url)


def _declare(broker: str) -> None:
    """The same kind of queue as the bus publishes to, but without its bound."""
    arguments = {
        name: value
        for name, value in Topology().steady(QUEUE).arguments.items()
        if name not in {"x-max-length", "x-overflow"}
    }
    with pika.BlockingConnection(pika.URLParameters(broker)) as connection:
        connection.channel().queue_declare(QUEUE, durable=True, arguments=arguments)


def _empty(broker: str) -> None:
    with pika.BlockingConnection(pika.URLParameters(broker)) as connection:
        connection.channel().queue_purge(QUEUE)
