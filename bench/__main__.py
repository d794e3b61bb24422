"""``make bench``: what the bus does in a second, and what it adds to a call, each beside the raw limit of the same run.

Everything runs on loopback, is bounded in count, and ends with the processes it started. The result is printed and
written to ``bench/results/embedded-DATE.json``. Options: ``--quick`` for a tenth of the messages.
"""

import json
import os
import platform
import secrets
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import orjson
from rich.console import Console
from rich.table import Table

from bench import mapping
from bench.load import Result, drive, drive_with_aiohttp, post
from bus.settings import read_settings
from provinces.model.applications.runner import applications
from running.home import Home

HERE = Path(__file__).parent
MODEL = HERE.parent / "provinces" / "model"
CONNECTIONS = 32
SOAP = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'}
BODY = (HERE / "province" / "reading.example.json").read_bytes()

out = Console(highlight=False)


@dataclass
class Run:
    """One run of everything; `scale` makes it shorter."""

    scale: float
    figures: dict[str, Any] = field(default_factory=dict)

    def count(self, full: int) -> int:
        return max(50, round(full * self.scale))


@contextmanager
def started(command: Sequence[str], environment: dict[str, str] | None = None) -> Iterator[tuple[int, str]]:
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
            process.wait(timeout=30)


@contextmanager
def server(kind: str) -> Iterator[str]:
    with started([sys.executable, "-m", "bench.servers", kind]) as (_, port):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def bus(data: Path, province: Path, endpoints: dict[str, str], sender: str) -> Iterator[tuple[str, str, int]]:
    """A bus on a folder of its own: its URL, a token of the sender, its process id."""
    overrides = [option for name, url in endpoints.items() for option in ("--endpoint", f"{name}={url}")]
    lgsp = str(Path(sys.executable).parent / "lgsp")
    command = [lgsp, "up", "--data", str(data), "--port", "0", "--province", str(province), *overrides]
    with started(command) as (pid, line):
        url = line.removeprefix("lgsp serves ").partition(" ")[0]
        home = Home(read_settings(data=data), "user:bench")
        token = home.token(sender)
        home.close()
        time.sleep(2)  # until the bus has seen the credential
        yield url, token, pid


def durable_inserts(run: Run, folder: Path) -> None:
    """Bare SQLite: rows of one kibibyte, committed alone and fifty at a time."""
    connection = sqlite3.connect(folder / "raw.sqlite", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE raw (id BLOB PRIMARY KEY, data BLOB) WITHOUT ROWID")
    for name, batch, count in (("alone", 1, run.count(2_000)), ("fifty", 50, run.count(20_000))):
        began = time.perf_counter()
        for _ in range(count // batch):
            connection.execute("BEGIN")
            rows = [(secrets.token_bytes(16), BODY) for _ in range(batch)]
            connection.executemany("INSERT INTO raw VALUES (?, ?)", rows)
            connection.execute("COMMIT")
        run.figures[f"durableInserts{name.title()}PerSecond"] = round(count / (time.perf_counter() - began))
    connection.close()


def bare_starlette(run: Run) -> None:
    with server("bare") as url:
        request = post(f"{url}/messages/bench.reading", BODY, {"Content-Type": "application/json"})
        drive(url, [request], count=500, connections=CONNECTIONS, expected=202)
        result = drive(url, [request], count=run.count(20_000), connections=CONNECTIONS, expected=202)
        everyday(run, "bareStarlette", f"{url}/messages/bench.reading", {})
    keep(run, "bareStarlette", result)


def accepting(run: Run, folder: Path) -> None:
    """Accepted durably and handed to the broker, for a receiver that never answers its one call."""
    with server("silent") as silent, bus(folder / "accept", HERE / "province", {"silent": silent}, "sender") as served:
        url, token, pid = served
        request = message(url, "bench.kept", token)
        drive(url, [request], count=500, connections=CONNECTIONS, expected=202)
        cpu = cpu_seconds(pid)
        result = drive(url, [request], count=run.count(20_000), connections=CONNECTIONS, expected=202)
        run.figures["acceptCpuMicroseconds"] = round((cpu_seconds(pid) - cpu) / result.count * 1e6)
        everyday(run, "accepted", f"{url}/messages/bench.kept", {"Authorization": f"Bearer {token}"})
    keep(run, "accepted", result)


def everyday(run: Run, name: str, url: str, headers: dict[str, str]) -> None:
    """The same as an everyday client (aiohttp) sees it."""
    rate = drive_with_aiohttp(
        url, BODY, headers | {"Content-Type": "application/json"}, count=run.count(10_000), connections=CONNECTIONS
    )
    run.figures[f"{name}ByAiohttpPerSecond"] = round(rate)


def end_to_end(run: Run, folder: Path) -> None:
    """Accepted, delivered and settled, from the first request to the last arrival."""
    with server("sink") as sink, bus(folder / "flow", HERE / "province", {"sink": sink}, "sender") as (url, token, pid):
        request = message(url, "bench.reading", token)
        drive(url, [request], count=200, connections=CONNECTIONS, expected=202)
        settled(sink, 200)
        count = run.count(10_000)
        cpu = cpu_seconds(pid)
        began = time.perf_counter()
        result = drive(url, [request], count=count, connections=CONNECTIONS, expected=202)
        settled(sink, 200 + count)
        seconds = time.perf_counter() - began
        run.figures["endToEndCpuMicroseconds"] = round((cpu_seconds(pid) - cpu) / count * 1e6)
    keep(run, "acceptedWhileDelivering", result)
    run.figures["endToEndPerSecond"] = round(count / seconds)


def settled(sink: str, count: int) -> None:
    """Wait until the sink has received so many; bounded."""
    end = time.monotonic() + 300
    while time.monotonic() < end:
        with urlopen(f"{sink}/count") as answer:
            if int(answer.read()) >= count:
                return
        time.sleep(0.02)
    raise TimeoutError(sink)


def soap_call(run: Run, folder: Path) -> None:
    """A lone REST call answered by the SOAP population service, beside the call to the service itself."""
    passwords = {system: secrets.token_urlsafe(16) for system in applications()}
    ports = folder / "ports.json"
    command = [sys.executable, "-m", "provinces.model.applications", "--ports-file", str(ports)]
    home = Home(read_settings(data=folder / "soap"), "user:bench")
    home.prepare()
    for system, application in applications().items():
        home.secrets.set(application.agency, application.secret, passwords[system])
    home.close()
    with ExitStack() as stack:
        process = stack.enter_context(
            subprocess.Popen(
                command, stdin=subprocess.PIPE, env=os.environ | {"PROVINCE_SECRETS": json.dumps(passwords)}
            )
        )
        stack.callback(process.terminate)
        while not ports.exists():
            time.sleep(0.02)
        endpoints = json.loads(ports.read_bytes())
        url, token, _ = stack.enter_context(bus(folder / "soap", unlimited(folder), endpoints, "one-stop.province"))
        body = (MODEL / "population" / "examples" / "verify-citizen.json").read_bytes()
        asked = message(url, "population.citizen-verification", token, body)
        service = endpoints["population.register"]
        direct = post(
            service, envelope(passwords["population.register"]), {"Content-Type": "text/xml", "SOAPAction": '""'}
        )
        for target, request in ((service, direct), (url, asked)):
            drive(target, [request], count=50, connections=1, expected=200)
        keep(run, "soapDirect", drive(service, [direct], count=run.count(1_000), connections=1, expected=200))
        keep(run, "soapThroughBus", drive(url, [asked], count=run.count(1_000), connections=1, expected=200))
        many = drive(url, [asked], count=run.count(4_000), connections=CONNECTIONS, expected=200)
        keep(run, "soapThroughBusConcurrent", many)
    run.figures["addedToLoneCallMs"] = round(run.figures["soapThroughBusP50Ms"] - run.figures["soapDirectP50Ms"], 2)


def unlimited(folder: Path) -> Path:
    """The model province with a population service that may be called as fast as can be."""
    province = Path(shutil.copytree(MODEL, folder / "province", ignore=shutil.ignore_patterns("*.py", "__pycache__")))
    document = province / "population" / "population.yaml"
    text = document.read_text(encoding="utf-8")
    document.write_text(text.replace("concurrency: 8, ratePerSecond: 50", "concurrency: 64"), encoding="utf-8")
    return province


def envelope(password: str) -> bytes:
    """What the bus sends the population service, as a client of the service itself would."""
    body = (MODEL / "population" / "tests" / "verify-citizen.xml").read_text().partition("?>")[2].strip()
    wsse = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
    return (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Header>'
        f'<w:Security xmlns:w="{wsse}"><w:UsernameToken><w:Username>truc-lien-thong</w:Username>'
        f"<w:Password>{password}</w:Password></w:UsernameToken></w:Security></e:Header><e:Body>{body}</e:Body></e:Envelope>"
    ).encode()


def message(url: str, contract: str, token: str, body: bytes = BODY) -> bytes:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    return post(f"{url}/messages/{contract}", body, headers)


def keep(run: Run, name: str, result: Result) -> None:
    run.figures[f"{name}PerSecond"] = round(result.rate)
    run.figures[f"{name}P50Ms"] = round(result.p50, 2)
    run.figures[f"{name}P99Ms"] = round(result.p99, 2)
    if result.unexpected:
        raise RuntimeError(name, result.unexpected)


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used (Linux; elsewhere 0)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def show(figures: dict[str, Any]) -> None:
    bare = figures["bareStarlettePerSecond"]
    rows = {
        "bare Starlette: read the body, answer 202": "bareStarlettePerSecond",
        "durable inserts, each alone": "durableInsertsAlonePerSecond",
        "durable inserts, fifty to a commit": "durableInsertsFiftyPerSecond",
        "accepted": "acceptedPerSecond",
        "end to end": "endToEndPerSecond",
        "REST→SOAP, answered, 32 at once": "soapThroughBusConcurrentPerSecond",
    }
    table = Table("what, 1 KiB JSON, one process", "per second", "of bare Starlette", box=None)
    for name, figure in rows.items():
        table.add_row(name, f"{figures[figure]:,}", f"{figures[figure] / bare:.2f}")
    out.print(table)
    both = (figures["bareStarletteByAiohttpPerSecond"], figures["acceptedByAiohttpPerSecond"])
    out.print(f"as aiohttp clients see it: bare {both[0]:,}/s, accepted {both[1]:,}/s, {both[1] / both[0]:.2f} of it")
    lone, added, direct = (figures[name] for name in ("soapThroughBusP50Ms", "addedToLoneCallMs", "soapDirectP50Ms"))
    out.print(f"a lone REST→SOAP call: {lone} ms, of which the bus {added} ms, the service {direct} ms")
    accept, whole = figures["acceptCpuMicroseconds"], figures["endToEndCpuMicroseconds"]
    out.print(f"processor time of the bus for a message: accepted {accept} µs, end to end {whole} µs")
    out.print(f"a mapping of fourteen fields: {figures['mappingMicroseconds']} µs")


def main() -> None:
    # Ended from outside, the bench still ends what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    run = Run(0.1 if "--quick" in sys.argv else 1.0)
    with tempfile.TemporaryDirectory(prefix="lgsp-bench-") as temporary:
        folder = Path(temporary)
        for step in (durable_inserts, accepting, end_to_end, soap_call):
            with out.status(step.__name__.replace("_", " ")):
                step(run, folder)
        with out.status("bare starlette"):
            bare_starlette(run)
    run.figures["mappingMicroseconds"] = round(mapping.run()["fourteenFields"], 1)
    machine = f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}, Python {platform.python_version()}"
    now = datetime.now(UTC)
    document = {
        "at": now.isoformat(timespec="seconds"),
        "machine": machine,
        "command": "make bench",
        "figures": run.figures,
    }
    if run.scale == 1.0:
        results = HERE / "results"
        results.mkdir(exist_ok=True)
        (results / f"embedded-{now:%Y-%m-%d}.json").write_bytes(
            orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n"
        )
    show(run.figures)
    out.print(machine)


if __name__ == "__main__":
    main()
