"""What does it cost to come in by SOAP? One contract of JSON and one of XML, each sent through all three front doors:
``POST /messages``, ``/soap`` and ``/rest``; on PostgreSQL and RabbitMQ, with one gateway.

*One-way*: accepted and published, with nobody who takes anything out, as in `bench.production`. *Answered*: a request,
with one worker and a receiver that sends back at once what it was sent. The doors are measured in turns, so that what
else goes on on the machine harms each of them alike, and the processor time of the gateway is what their ratio is of.
"""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from types import MappingProxyType
from typing import Any, Final
from urllib.request import Request, urlopen

import orjson
from lxml import etree
from zeep import Client

from adapters.soap.envelope import SoapVersion, enclose
from bench import limits
from bench.figures import Run, show
from bench.limits import BODY, CONNECTIONS
from bench.load import Result, drive, post
from bench.processes import Bus, Servers, bus, processor, server, servers

HERE: Final = Path(__file__).parent

RECEIVERS: Final = 8
"""Systems that nobody serves; a queue takes ten thousand messages, and no measurement may come so far."""

ROUNDS: Final = 8
FORMATS: Final = ("json", "xml")
DOORS: Final = MappingProxyType({"messages": "/messages", "soap": "/soap", "rest": "/rest"})
KINDS: Final = MappingProxyType({"told": "one-way", "asked": "answered"})
MEDIA_TYPES: Final = MappingProxyType({"json": "application/json", "xml": "application/xml"})
XML: Final = (HERE / "doors" / "reading.example.xml").read_bytes()

KEPT: Final = """\
---
kind: System
name: kept-%(number)d
agency: H99
adapter: rest
endpoint: https://kept.example.internal/
operations:
  json: {method: POST, path: /json}
  xml: {method: POST, path: /xml}
"""

TOLD: Final = """\
---
kind: Contract
name: bench.told-%(format)s-%(number)d
version: 1.0.0
title: {vi: Báo, en: Told}
owner: H99
exchange: document
request: %(request)s
"""

REQUESTS: Final = MappingProxyType(
    {
        "json": "{format: json, schema: reading.json}",
        "xml": '{format: xml, schema: reading.xsd, element: "{urn:bench}Reading"}',
    }
)

LED: Final = """\
---
kind: Route
contract: %(contract)s@1
to: %(system)s
operation: %(operation)s
repeatable: true
---
kind: Grant
contract: %(contract)s@1
system: sender
may: send
purpose: Đo
legalBasis: Quy chế nội bộ
---
kind: Grant
contract: %(contract)s@1
system: %(system)s
may: receive
purpose: Đo
legalBasis: Quy chế nội bộ
"""


def measure(run: Run, folder: Path) -> None:
    province = written(folder / "doors")
    with servers() as each, server("echo") as echo:
        limits.bare_starlette(run)
        one_way(run, folder, each, province)
        answered(run, folder, each, province, echo)
    for name in KINDS:
        for each_format in FORMATS:
            start = f"{name}{each_format.title()}"
            for door in DOORS:
                run.ratio(
                    f"{start}{door.title()}OfStarlette", f"{start}{door.title()}PerSecond", "bareStarlettePerSecond"
                )
            for door in ("messages", "rest"):
                run.ratio(f"{start}SoapOf{door.title()}", f"{start}SoapPerSecond", f"{start}{door.title()}PerSecond")
                run.ratio(
                    f"{start}SoapCpuOf{door.title()}", f"{start}SoapCpuGatewayUs", f"{start}{door.title()}CpuGatewayUs"
                )


def written(folder: Path) -> Path:
    """A province whose contracts all mean the same, in JSON and in XML."""
    shutil.copytree(HERE / "doors", folder)
    shutil.copy(HERE / "province" / "reading.json", folder)
    parts = [(folder / "documents.yaml").read_text(encoding="utf-8")]
    parts += [LED % {"contract": f"bench.ask-{each}", "system": "echo", "operation": f"ask-{each}"} for each in FORMATS]
    for number in range(1, RECEIVERS + 1):
        parts.append(KEPT % {"number": number})
        for each in FORMATS:
            parts.append(TOLD % {"format": each, "number": number, "request": REQUESTS[each]})
            contract = f"bench.told-{each}-{number}"
            parts.append(LED % {"contract": contract, "system": f"kept-{number}", "operation": each})
    (folder / "documents.yaml").write_text("".join(parts), encoding="utf-8")
    return folder


def one_way(run: Run, folder: Path, each: Servers, province: Path) -> None:
    with bus(each, folder / "doors-told", province, {}, gateways=1, workers=0) as (served, *_):
        for each_format in FORMATS:
            made: dict[str, list[bytes]] = {door: [] for door in DOORS}
            for number in range(1, RECEIVERS + 1):
                place = f"bench.told-{each_format}-{number}"
                for door, request in asking(served, each_format, place, f"kept-{number}/{each_format}").items():
                    made[door].append(request)
            in_turns(run, f"told{each_format.title()}", served, made, expected=202, count=run.count(2_500))


def answered(run: Run, folder: Path, each: Servers, province: Path, echo: str) -> None:
    with bus(each, folder / "doors-asked", province, {"echo": echo}, gateways=1, workers=1) as (served, *_):
        for each_format in FORMATS:
            made = {
                door: [request]
                for door, request in asking(
                    served, each_format, f"bench.ask-{each_format}", f"echo/{each_format}"
                ).items()
            }
            in_turns(run, f"asked{each_format.title()}", served, made, expected=200, count=run.count(1_000))


def asking(served: Bus, each: str, contract: str, operation: str) -> dict[str, bytes]:
    """The same message as each door takes it."""
    authorization = {"Authorization": f"Bearer {served.token}"}
    typed = authorization | {"Content-Type": MEDIA_TYPES[each]}
    body = BODY if each == "json" else XML
    soap = authorization | {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'}
    envelope = by_toolkit(served, contract) if each == "json" else enclose(SoapVersion.V11, XML)
    return {
        "messages": post(f"{served.url}/messages/{contract}", body, typed),
        "soap": post(f"{served.url}/soap/{contract}", envelope, soap),
        "rest": post(f"{served.url}/rest/{operation}", body, typed),
    }


def by_toolkit(served: Bus, contract: str) -> bytes:
    """The envelope that zeep writes who knows nothing but the WSDL."""
    asked = Request(f"{served.url}/soap/{contract}?wsdl", headers={"Authorization": f"Bearer {served.token}"})
    untyped: Any = Client
    with urlopen(asked) as wsdl:
        client = untyped(wsdl)
    message = client.create_message(client.service, "request", **orjson.loads(BODY))
    return etree.tostring(message, encoding="utf-8", xml_declaration=True)


def in_turns(
    run: Run, name: str, served: Bus, made: Mapping[str, Sequence[bytes]], *, expected: int, count: int
) -> None:
    """So many of each, several times over, and what one of them costs the bus."""
    for requests_ in made.values():
        drive(served.url, requests_, count=max(50, count // 5), connections=CONNECTIONS, expected=expected)
    results: dict[str, list[Result]] = {door: [] for door in made}
    spent: dict[str, dict[str, float]] = {door: dict.fromkeys(served.pids, 0.0) for door in made}
    for _ in range(ROUNDS):
        for door, requests_ in made.items():
            before = processor(served.pids)
            results[door].append(drive(served.url, requests_, count=count, connections=CONNECTIONS, expected=expected))
            after = processor(served.pids)
            for part in served.pids:
                spent[door][part] += after[part] - before[part]
    for door, each in results.items():
        run.keep(f"{name}{door.title()}", together(each))
        for part, seconds in spent[door].items():
            us = round(seconds * 1e6 / sum(result.count for result in each))
            run.figures[f"{name}{door.title()}Cpu{part.title()}Us"] = us


def together(results: Sequence[Result]) -> Result:
    """Several measurements of the same as one: the rate of the middle one, since others use the machine too."""
    return Result(
        sum(each.count for each in results),
        sum(each.seconds for each in results),
        median(each.rate for each in results),
        median(each.p50 for each in results),
        median(each.p99 for each in results),
        sum(each.unexpected for each in results),
        median(each.cpu for each in results),
    )


def tell(run: Run) -> None:
    figures = run.figures
    show("Raw limit", ("per second",), {"bare Starlette": [figures["bareStarlettePerSecond"]]})
    ends = ("PerSecond", "OfStarlette", "P50Ms", "P99Ms", "CpuGatewayUs", "CpuWorkerUs")
    for name, title in KINDS.items():
        rows = {
            f"{each.upper()} by {where}": [figures.get(f"{name}{each.title()}{door.title()}{end}") for end in ends]
            for each in FORMATS
            for door, where in DOORS.items()
        }
        show(title, ("per second", "of bare", "p50 ms", "p99 ms", "µs gateway", "worker"), rows)
    beside = ("OfMessages", "CpuOfMessages", "OfRest", "CpuOfRest")
    rows = {
        f"{each.upper()}, {title}": [figures.get(f"{name}{each.title()}Soap{end}") for end in beside]
        for name, title in KINDS.items()
        for each in FORMATS
    }
    show("/soap of the others", ("/messages", "its µs", "/rest", "its µs"), rows)
