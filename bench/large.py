"""How do rates fall as bodies grow: XML dossiers of 1 KiB to 10 MiB, checked by an XSD, on PostgreSQL and RabbitMQ.

*Accepted*: as in `bench.production`. *Mapped*: delivered as JSON that a mapping makes of it, to a REST receiver.
*Routed*: delivered as it came, by a route that looks into it (XPath).
"""

from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from bench.embedded import message
from bench.figures import Run, show
from bench.flow import Flow
from bench.load import drive
from bench.processes import Servers, bus, measured, servers

HERE: Final = Path(__file__).parent / "dossier"

SIZES: Final = MappingProxyType(
    {"1KiB": 2**10, "10KiB": 10 * 2**10, "100kB": 100_000, "1MB": 1_000_000, "10MiB": 10 * 2**20}
)

WINDOW: Final = 32 * 2**20
"""Bytes under way at most."""

WAYS: Final = MappingProxyType({"mapped": "bench.dossier", "routed": "bench.dossier-as-is"})

# WSO2 Micro Integrator 4.5 as its makers publish it: messages of 100 kB on two cores, the load from another machine.
# https://mi.docs.wso2.com/en/latest/observe-and-manage/performance-testing/performance-report/
PUBLISHED: Final = MappingProxyType({"mapped": 21, "routed": 70})


def dossier(size: int) -> bytes:
    """A dossier of about so many bytes, which its XSD allows."""
    head, paper, tail = _pieces()
    papers = max(1, round((size - len(head) - len(tail)) / len(paper)))
    return (
        head + b"".join(paper.replace(b"KS000001", b"KS%06d" % (number % 1_000_000)) for number in range(papers)) + tail
    )


def _pieces() -> tuple[bytes, bytes, bytes]:
    example = (HERE / "dossier.example.xml").read_bytes().strip()
    head, opening, rest = example.partition(b"<GiayTo>")
    paper, closing, tail = rest.partition(b"</GiayTo>")
    return head, opening + paper + closing, tail


def measure(run: Run, folder: Path) -> None:
    with servers() as each:
        accepting(run, folder, each)
        delivering(run, folder, each)
    for way, published in PUBLISHED.items():
        run.figures[f"{way}100kBOfPublishedWso2"] = round(run.figures[f"{way}100kBPerSecond"] / published, 1)


def accepting(run: Run, folder: Path, each: Servers) -> None:
    with bus(each, folder / "large-accept", HERE, {}, gateways=1, workers=0) as (served, *_):
        for name, size in SIZES.items():
            requests = [message(served.url, "bench.dossier", served.token, dossier(size), "application/xml")]
            connections = at_once(size, 32)
            drive(served.url, requests, count=connections, connections=connections, expected=202)
            result = drive(served.url, requests, seconds=run.seconds(4), connections=connections, expected=202)
            run.keep(f"accepted{name}", result)


def delivering(run: Run, folder: Path, each: Servers) -> None:
    with (
        Flow() as flow,
        bus(each, folder / "large-flow", HERE, {"sink": flow.url}, gateways=1, workers=1) as (served, *_),
    ):
        for way, contract in WAYS.items():
            for name, size in SIZES.items():
                requests = [message(served.url, contract, served.token, dossier(size), "application/xml")]
                window = at_once(size, 256)
                spent = measured(served.pids)
                passed = flow.windowed(
                    served.url, requests, window=window, seconds=run.seconds(5), connections=at_once(size, 32)
                )
                run.keep_flow(f"{way}{name}", passed)
                cpu = {f"{way}{name}Cpu{part.title()}Us": us for part, us in spent(passed.count).items()}
                run.figures |= cpu


def at_once(size: int, most: int) -> int:
    return max(2, min(most, WINDOW // size))


def tell(run: Run) -> None:
    rows: dict[str, list[Any]] = {}
    for name in SIZES:
        keys = [f"accepted{name}PerSecond", f"mapped{name}PerSecond", f"routed{name}PerSecond"]
        keys += [f"mapped{name}Cpu{part}Us" for part in ("Gateway", "Worker", "Postgresql", "Rabbitmq")]
        rows[name] = [run.figures.get(key) for key in keys]
    columns = ("accepted/s", "mapped/s", "routed/s", "µs: gateway", "worker", "PostgreSQL", "RabbitMQ")
    show("XML by its XSD, one gateway and one worker", columns, rows)
    figure = run.figures
    show(
        "100 kB beside WSO2 MI 4.5 as published for two cores",
        ("per second", "published", "times"),
        {
            way: [figure[f"{way}100kBPerSecond"], published, figure[f"{way}100kBOfPublishedWso2"]]
            for way, published in PUBLISHED.items()
        },
    )
