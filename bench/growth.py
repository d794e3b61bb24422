"""What do more contracts cost: 1 to 500 of them, each with a schema of its own, on PostgreSQL and RabbitMQ?

*Applied*: checked, planned and written. *Loaded*: read from the journal and compiled, as each process does when
it begins. *Again*: the same when one document has changed. *Accepted*: messages of every contract in turn.
"""

import asyncio
import time
from pathlib import Path
from typing import Final

from adapters.egress import EVERYWHERE, Egress
from adapters.http import open_session
from bench.embedded import message
from bench.figures import Run, show
from bench.load import drive
from bench.processes import Servers, bus, memory, servers
from bench.provinces import many
from bus.settings import read_settings
from documents.kinds import Agency
from documents.model import Documents, Written
from documents.snapshot import Builder
from running.home import Home
from running.registry import Registry
from transforms.apart.pool import Pool

CONTRACTS: Final = (1, 10, 100, 500)

AGENCY: Final = Written(
    Agency.model_validate({"kind": "Agency", "code": "H99.99", "name": {"vi": "Cơ quan mới", "en": "A new agency"}})
)

SYSTEMS: Final = 50
"""At most, of those that receive."""


def measure(run: Run, folder: Path) -> None:
    with servers() as each:
        for contracts in CONTRACTS:
            growing(run, folder, each, contracts)


def growing(run: Run, folder: Path, each: Servers, contracts: int) -> None:
    province = many(folder / f"province-{contracts}", contracts, min(contracts, SYSTEMS))
    data = folder / f"many-{contracts}"
    name = f"with{contracts}"
    with bus(each, data, province, {}, gateways=1, workers=0) as (served, database, _):
        run.figures[f"{name}AppliedSeconds"] = round(served.prepared, 2)
        first, again = loading(data, database)
        run.figures[f"{name}LoadedSeconds"], run.figures[f"{name}AgainSeconds"] = round(first, 3), round(again, 3)
        requests = [message(served.url, f"bench.reading-{number}", served.token) for number in range(1, contracts + 1)]
        drive(served.url, requests, count=1_000, connections=64, expected=202)
        run.keep(
            f"{name}Accepted",
            drive(served.url, requests, seconds=run.seconds(5), connections=64, expected=202),
        )
        run.figures[f"{name}GatewayMiB"] = round(memory(served.pids["gateway"]))


def loading(data: Path, database: str) -> tuple[float, float]:
    """Seconds for one whole snapshot, and for the next one, when an agency has been added."""
    home = Home(read_settings(data=data, database_url=database), "user:bench")

    async def load() -> tuple[float, float]:
        async with open_session(Egress(EVERYWHERE, [])) as session:
            pool = Pool()  # starts nothing before it is asked
            builder = Builder(home.queries, home.keys, home.credentials, home.secrets, session, home.clock, pool)
            began = time.perf_counter()
            builder.load()
            first = time.perf_counter() - began
            Registry(home.queries, home.write, home.clock).propose(home.actor, Documents({AGENCY.key: AGENCY}))
            began = time.perf_counter()
            builder.load()
            return first, time.perf_counter() - began

    try:
        return asyncio.run(load())
    finally:
        home.close()


def tell(run: Run) -> None:
    keys = ("AppliedSeconds", "LoadedSeconds", "AgainSeconds", "GatewayMiB", "AcceptedPerSecond", "AcceptedP99Ms")
    show(
        "Contracts, each with a schema of its own",
        ("applied s", "loaded s", "again s", "gateway MiB", "accepted/s", "p99 ms"),
        {f"{each}": [run.figures.get(f"with{each}{key}") for key in keys] for each in CONTRACTS},
    )
