"""How fast is `lgsp up`, the whole bus in one process on SQLite, and what does it add to a call?"""

import json
import secrets
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Final
from urllib.request import urlopen

from bench import limits, mapping
from bench.figures import Run, out, show
from bench.limits import BODY, CONNECTIONS
from bench.load import drive, post
from bench.processes import embedded, environment_of, measured, server
from bus.settings import read_settings
from provinces.model.applications.runner import applications
from running.home import Home

HERE: Final = Path(__file__).parent
MODEL: Final = HERE.parent / "provinces" / "model"


def measure(run: Run, folder: Path) -> None:
    limits.sqlite_inserts(run, folder)
    accepting(run, folder)
    end_to_end(run, folder)
    soap_call(run, folder)
    limits.bare_starlette(run, everyday_too=True)
    run.figures["mappingMicroseconds"] = round(mapping.run()["fourteenFields"], 1)


def accepting(run: Run, folder: Path) -> None:
    """Accepted durably and handed to the broker, for a receiver that never answers its one call."""
    province, endpoints = HERE / "province", {}
    with server("silent") as silent:
        endpoints["silent"] = silent
        with embedded(folder / "accept", province, endpoints, "sender") as (url, token, pid):
            request = message(url, "bench.kept", token)
            drive(url, [request], count=500, connections=CONNECTIONS, expected=202)
            spent = measured({"bus": pid})
            result = drive(url, [request], count=run.count(20_000), connections=CONNECTIONS, expected=202)
            run.figures["acceptCpuMicroseconds"] = spent(result.count)["bus"]
            limits.everyday(run, "accepted", f"{url}/messages/bench.kept", {"Authorization": f"Bearer {token}"})
    run.keep("accepted", result)


def end_to_end(run: Run, folder: Path) -> None:
    """Accepted, delivered and settled, from the first request to the last arrival."""
    with (
        server("sink") as sink,
        embedded(folder / "flow", HERE / "province", {"sink": sink}, "sender") as (url, token, pid),
    ):
        request = message(url, "bench.reading", token)
        drive(url, [request], count=200, connections=CONNECTIONS, expected=202)
        settled(sink, 200)
        count = run.count(10_000)
        spent = measured({"bus": pid})
        began = time.perf_counter()
        result = drive(url, [request], count=count, connections=CONNECTIONS, expected=202)
        settled(sink, 200 + count)
        seconds = time.perf_counter() - began
        run.figures["endToEndCpuMicroseconds"] = spent(count)["bus"]
    run.keep("acceptedWhileDelivering", result)
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
        process = stack.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, env=environment_of(passwords)))
        stack.callback(process.terminate)
        while not ports.exists():
            time.sleep(0.02)
        endpoints = json.loads(ports.read_bytes())
        url, token, _ = stack.enter_context(
            embedded(folder / "soap", unlimited(folder), endpoints, "one-stop.province")
        )
        body = (MODEL / "population" / "examples" / "verify-citizen.json").read_bytes()
        asked = message(url, "population.citizen-verification", token, body)
        service = endpoints["population.register"]
        direct = post(
            service, envelope(passwords["population.register"]), {"Content-Type": "text/xml", "SOAPAction": '""'}
        )
        for target, request in ((service, direct), (url, asked)):
            drive(target, [request], count=50, connections=1, expected=200)
        run.keep("soapDirect", drive(service, [direct], count=run.count(1_000), connections=1, expected=200))
        run.keep("soapThroughBus", drive(url, [asked], count=run.count(1_000), connections=1, expected=200))
        many = drive(url, [asked], count=run.count(4_000), connections=CONNECTIONS, expected=200)
        run.keep("soapThroughBusConcurrent", many)
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


def message(url: str, contract: str, token: str, body: bytes = BODY, media_type: str = "application/json") -> bytes:
    headers = {"Content-Type": media_type, "Authorization": f"Bearer {token}"}
    return post(f"{url}/messages/{contract}", body, headers)


def tell(run: Run) -> None:
    figures = run.figures
    bare = figures["bareStarlettePerSecond"]
    rows = {
        "bare Starlette: read the body, answer 202": "bareStarlettePerSecond",
        "durable inserts, each alone": "durableInsertsAlonePerSecond",
        "durable inserts, fifty to a commit": "durableInsertsFiftyPerSecond",
        "accepted": "acceptedPerSecond",
        "end to end": "endToEndPerSecond",
        "REST→SOAP, answered, 32 at once": "soapThroughBusConcurrentPerSecond",
    }
    show(
        "`lgsp up`: SQLite, 1 KiB JSON, one process",
        ("per second", "of bare Starlette"),
        {name: (figures[figure], round(figures[figure] / bare, 2)) for name, figure in rows.items()},
    )
    both = (figures["bareStarletteByAiohttpPerSecond"], figures["acceptedByAiohttpPerSecond"])
    out.print(f"as aiohttp clients see it: bare {both[0]:,}/s, accepted {both[1]:,}/s, {both[1] / both[0]:.2f} of it")
    lone, added, direct = (figures[name] for name in ("soapThroughBusP50Ms", "addedToLoneCallMs", "soapDirectP50Ms"))
    out.print(f"a lone REST→SOAP call: {lone} ms, of which the bus {added} ms, the service {direct} ms")
    accept, whole = figures["acceptCpuMicroseconds"], figures["endToEndCpuMicroseconds"]
    out.print(f"processor time of the bus for a message: accepted {accept} µs, end to end {whole} µs")
    out.print(f"a mapping of fourteen fields: {figures['mappingMicroseconds']} µs")
    out.print()
