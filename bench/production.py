"""How fast is the bus as a province runs it, on PostgreSQL and RabbitMQ, and how fast is a peer?

*Accepted*: checked, in the journal, published to a quorum queue and confirmed, without anybody who takes it out. It is
kept up if, when the load ends, what is accepted and not yet in the broker is less than a tenth of a second's worth.
*End to end*: accepted, delivered to a receiver that answers at once, and settled, with one worker; see `bench.flow`.
"""

import time
from pathlib import Path
from typing import Any, Final

import pika
import psycopg

from bench import limits, peer
from bench.embedded import message
from bench.figures import Run, out, show
from bench.flow import Flow
from bench.load import drive, pace
from bench.processes import Servers, bus, measured, servers
from bench.provinces import many
from routes.rabbitmq.topology import Topology

GATEWAYS: Final = (1, 2)
CONNECTIONS: Final = (8, 64)

SILENT: Final = 8
"""Systems that nobody serves. A queue takes ten thousand messages, and no measurement may come so far: what waits in
the journal instead is accepted sooner."""

WINDOW: Final = 500
"""Messages under way at most, from sender to receiver."""

LATENCIES: Final = ("PerSecond", "P50Ms", "P99Ms")

GIVEN_UP: Final = 10.0
"""Seconds after which what is not in the broker does not come without a sweeper."""

GROWS: Final = 0.05
"""Of the rate: what waits grows, and not only by chance."""

LATE_BY: Final = 0.1
"""Seconds of accepted messages that may not be in the broker yet when a load ends."""


def measure(run: Run, folder: Path) -> None:
    with servers() as each:
        versions(run, each)
        limits.bare_starlette(run, connections=CONNECTIONS[-1])
        with each.journal() as database:
            limits.postgresql_inserts(run, database)
        with each.broker("raw") as broker:
            limits.pika_publishes(run, broker)
        peer.measure(run, folder, each, CONNECTIONS)
        for gateways in GATEWAYS:
            accepting(run, folder, each, gateways)
            delivering(run, folder, each, gateways)
        peer.measure(run, folder, each, CONNECTIONS)
    ratios(run)


def versions(run: Run, each: Servers) -> None:
    with psycopg.connect(each.postgresql) as connection:
        row = connection.execute("SHOW server_version").fetchone()
    run.versions["postgresql"] = str(row[0]) if row else ""
    run.versions["rabbitmq"] = each.rabbitmq.control("version").strip()


def accepting(run: Run, folder: Path, each: Servers, gateways: int) -> None:
    province = many(folder / f"silent-{gateways}", SILENT, SILENT)
    name = f"accepted{gateways}"
    with bus(each, folder / f"accept-{gateways}", province, {}, gateways=gateways, workers=0) as (served, _, broker):
        requests = [message(served.url, f"bench.reading-{number}", served.token) for number in range(1, SILENT + 1)]
        drive(served.url, requests, count=1_000, connections=64, expected=202)
        sent = 1_000
        for connections in CONNECTIONS:
            spent = measured(served.pids)
            result = drive(served.url, requests, seconds=run.seconds(6), connections=connections, expected=202)
            sent += result.count
            late, left = published(broker, sent)
            sent -= left
            run.figures[f"{name}At{connections}PublishedLateSeconds"] = late
            run.keep(f"{name}At{connections}", result)
            run.figures |= {f"{name}At{connections}Cpu{part.title()}Us": us for part, us in spent(result.count).items()}
            if late > LATE_BY:
                run.notes.append(f"{name} with {connections} connections is not kept up: {late} s late, {left} never")
        half = run.figures[f"{name}At{CONNECTIONS[-1]}PerSecond"] / 2
        run.keep(f"{name}AtHalf", pace(served.url, requests, rate=half, seconds=run.seconds(6), expected=202))


def published(broker: str, count: int) -> tuple[float, int]:
    """Seconds until the broker has everything that was accepted, and how many it does not get: what it did not confirm
    is rung again by the sweeper, which runs in workers."""
    began = time.monotonic()
    queues = [Topology().steady(f"receiver-{number}").name for number in range(1, SILENT + 1)]
    with pika.BlockingConnection(pika.URLParameters(broker)) as connection:
        channel = connection.channel()
        while True:
            held = sum(channel.queue_declare(queue, passive=True).method.message_count for queue in queues)
            if held >= count or time.monotonic() > began + GIVEN_UP:
                return round(time.monotonic() - began, 3), max(0, count - held)
            time.sleep(0.005)


def delivering(run: Run, folder: Path, each: Servers, gateways: int) -> None:
    name = f"endToEnd{gateways}"
    province = Path(__file__).parent / "province"
    with (
        Flow() as flow,
        bus(each, folder / f"flow-{gateways}", province, {"sink": flow.url}, gateways=gateways, workers=1) as (
            served,
            *_,
        ),
    ):
        requests = [message(served.url, "bench.reading", served.token)]
        flow.windowed(served.url, requests, window=WINDOW, seconds=1)
        spent = measured(served.pids)
        passed = flow.windowed(served.url, requests, window=WINDOW, seconds=run.seconds(8))
        run.keep_flow(name, passed)
        run.figures |= {f"{name}Cpu{part.title()}Us": us for part, us in spent(passed.count).items()}
        half = flow.paced(served.url, requests, rate=passed.rate / 2, seconds=run.seconds(8))
        run.keep_flow(f"{name}AtHalf", half)
        most = flow.paced(served.url, requests, rate=passed.rate * 0.9, seconds=run.seconds(8))
        run.keep_flow(f"{name}AtNineTenths", most)
        run.figures[f"{name}AtNineTenthsGrowthPerSecond"] = round(most.growth, 1)
        if most.growth > GROWS * most.rate:
            run.notes.append(f"nine tenths of {name} is not kept up: {most.growth:.0f} more wait each second")


def ratios(run: Run) -> None:
    for gateways in GATEWAYS:
        accepted = f"accepted{gateways}At{CONNECTIONS[-1]}PerSecond"
        run.ratio(f"accepted{gateways}OfPika", accepted, "pikaPublishesPerSecond")
        run.ratio(f"accepted{gateways}OfInserts", accepted, "durableInsertsFiftyPerSecond")
        run.ratio(f"accepted{gateways}OfStarlette", accepted, "bareStarlettePerSecond")
        for connections in CONNECTIONS:
            run.ratio(
                f"accepted{gateways}At{connections}OfPeer",
                f"accepted{gateways}At{connections}PerSecond",
                f"peerAt{connections}PerSecond",
            )


def tell(run: Run) -> None:
    figures = run.figures
    show(
        "Raw limits of this run, 1 KiB",
        ("per second",),
        {
            "bare Starlette: read the body, answer 202": [figures["bareStarlettePerSecond"]],
            "durable inserts, each alone": [figures["durableInsertsAlonePerSecond"]],
            "durable inserts, fifty to a commit": [figures["durableInsertsFiftyPerSecond"]],
            "durable inserts, 500 to a commit": [figures["durableInserts500PerSecond"]],
            "bare Pika: confirmed, 500 in flight": [figures["pikaPublishesPerSecond"]],
        },
    )
    rows: dict[str, list[Any]] = {}
    names = {f"peerAt{each}": f"Node-RED, {each} connections" for each in CONNECTIONS}
    for gateways in GATEWAYS:
        many_of = "1 gateway" if gateways == 1 else f"{gateways} gateways"
        names |= {f"accepted{gateways}At{each}": f"{many_of}, {each} connections" for each in CONNECTIONS}
        names[f"accepted{gateways}AtHalf"] = f"{many_of}, half of that, paced"
    for key, name in names.items():
        rows[name] = [figures.get(f"{key}{each}") for each in (*LATENCIES, "GeneratorCores", "OfPeer")]
    show("Accepted and published, 1 KiB JSON", ("per second", "p50 ms", "p99 ms", "generator", "of Node-RED"), rows)
    rows = {}
    for gateways in GATEWAYS:
        many_of = "1 gateway" if gateways == 1 else f"{gateways} gateways"
        for key, what in (("", "at most"), ("AtHalf", "half, paced"), ("AtNineTenths", "nine tenths, paced")):
            ends = (*LATENCIES, "Accepted99Ms", "GeneratorCores")
            rows[f"{many_of}, {what}"] = [figures.get(f"endToEnd{gateways}{key}{end}") for end in ends]
    show("End to end, one worker", ("per second", "p50 ms", "p99 ms", "202 p99 ms", "generator"), rows)
    rows = {}
    for key, name in (("accepted1At64", "accepted"), ("endToEnd1", "end to end")):
        parts = ("Gateway", "Worker", "Postgresql", "Rabbitmq")
        rows[name] = [figures.get(f"{key}Cpu{part}Us") for part in parts]
    show("µs of processor for each message", ("gateway", "worker", "PostgreSQL", "RabbitMQ"), rows)
    for note in run.notes:
        out.print(note)
