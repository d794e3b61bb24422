"""Does a system want the events that the bus sends it? Its own word, asked for by the handshake of web hooks."""

import asyncio
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from math import ceil

from rich.console import Console
from yarl import URL

from adapters.call import CODES
from adapters.egress import EVERYWHERE, Egress
from adapters.http import open_session
from adapters.rest.webhook import ask
from bus.errors import QueryInvalid, SettingInvalid
from documents import kinds
from documents.compile import newest
from documents.model import Documents
from documents.snapshot import Builder
from documents.store import read
from running.home import Home
from running.printing import plain, print_json, table
from transforms.apart.pool import Pool


@dataclass(frozen=True, slots=True)
class Said:
    """What a system said at the address of one operation. `agreed`: it may be called there as its document says;
    `rate`: how many calls a minute it allows, None: any number."""

    operation: str
    path: str
    agreed: bool
    rate: int | None = None
    why: str = ""


def said(home: Home, system: str) -> list[Said]:
    """Ask a REST system at every address to which events go. Raises `QueryInvalid`, `SettingInvalid`, and what stands
    in the way of calling it, as `SecretMissing`."""
    origin = URL(home.settings.url).host if home.settings.url else None
    if not origin:
        raise SettingInvalid(name="LGSP_URL", hint="say where the bus answers: systems know it by that name")
    documents = read(home.queries)
    document = next((each for _, each in documents.of(kinds.System) if each.name == system), None)
    if document is None or document.adapter != "rest" or not document.endpoint:
        raise QueryInvalid(name="system", hint=f"there is no REST system {system} that is called")
    found = dict(_operations(documents, document))
    if not found:
        raise QueryInvalid(name="system", hint=f"no route leads an event to {system}")
    return asyncio.run(_said(home, document, str(document.endpoint), origin, found))


def _operations(documents: Documents, system: kinds.System) -> Iterator[tuple[str, str]]:
    """The operations to which events go, and the path of each."""
    contracts = newest(documents)
    for _, route in documents.of(kinds.Route):
        contract = contracts.get(route.contract)
        if route.to == system.name and contract is not None and contract.exchange == "event":
            operation = system.operation(route.operation)
            yield route.operation or "", operation.path if operation else ""


async def _said(
    home: Home, document: kinds.System, address: str, origin: str, operations: dict[str, str]
) -> list[Said]:
    async with open_session(Egress(home.settings.egress or EVERYWHERE)) as session:
        with Pool() as pool:
            own = (home.queries, home.keys, home.credentials, home.secrets)
            builder = Builder(*own, session, home.clock, pool)
            await asyncio.to_thread(builder.load)
            settings = builder.rest_settings(document, address)
        rate = document.limits.rate_per_second
        most = ceil(float(rate) * 60) if rate else None
        answers = []
        for name, path in operations.items():
            if "{" in path:
                answers.append(Said(name, path, agreed=True, why="left out: its address is made of the message"))
                continue
            consent = await ask(session, settings, path, origin, most)
            answers.append(_judged(name, path, consent.why, consent.rate, most))
    return answers


def _judged(name: str, path: str, why: str, allowed: int | None, most: int | None) -> Said:
    if why != "agreed":
        meant = "it names neither the bus nor everybody as who may call" if why == "not-agreed" else CODES.get(why, why)
        return Said(name, path, agreed=False, why=meant)
    if allowed is not None and (most is None or most > allowed):
        hint = f"it allows {allowed} calls a minute: write limits: {{ratePerSecond: {allowed / 60:.4g}}}"
        return Said(name, path, agreed=False, rate=allowed, why=hint)
    return Said(name, path, agreed=True, rate=allowed)


def show(out: Console, answers: list[Said], *, json: bool) -> bool:
    """The report; whether the system agrees to all of it."""
    if json:
        print_json(out, [asdict(each) for each in answers])
    else:
        rows = [
            (each.operation, each.path, "yes" if each.agreed else "no", each.rate or "", each.why) for each in answers
        ]
        table(out, ("operation", "path", "agreed", "a minute", "because"), rows, "")
        if not all(each.agreed for each in answers):
            out.print(plain("Nothing is held back for it: who runs the system says whether it is to be called."))
    return all(each.agreed for each in answers)
