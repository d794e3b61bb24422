"""RabbitMQ: does each node that the URL names answer, and let the bus in?"""

import asyncio
from collections.abc import Iterator

from pika import ConnectionParameters

from routes.rabbitmq.addresses import addresses
from routes.rabbitmq.connection import Link, Lost
from running.doctor.finding import Finding, failure, warning, well
from running.home import Home

OLDEST = (3, 10)
"""The first RabbitMQ that the bus is tested with."""


def nodes(home: Home) -> Iterator[Finding]:
    if home.settings.broker == "memory://":
        yield well("broker", "in memory, inside `lgsp up`")
        return
    every = addresses(home.settings.broker, "lgsp doctor")
    versions = asyncio.run(_versions(every))
    for address, version in zip(every, versions, strict=True):
        yield _node(f"{address.host}:{address.port}", version)
    if len(every) < 3:
        mend = "run three, and name all of them in LGSP_BROKER: one may then be lost without a pause"
        yield warning("broker", f"{len(every)} RabbitMQ node(s)", mend)


def _node(name: str, version: str | None) -> Finding:
    if version is None:
        mend = "start it; or set user, password, virtual host and certificates in LGSP_BROKER right"
        return failure("broker", f"{name} does not answer, or does not let the bus in", mend)
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
    if numbers < OLDEST:
        return failure("broker", f"{name} is RabbitMQ {version}", "3.10 is the oldest that will do")
    return well("broker", f"{name} is RabbitMQ {version}")


async def _versions(every: tuple[ConnectionParameters, ...]) -> list[str | None]:
    return await asyncio.gather(*(_version(address) for address in every))


async def _version(address: ConnectionParameters) -> str | None:
    """What the node says it is; None where it does not let us in."""
    try:
        link = await Link.open(address)
    except Lost:
        return None
    try:
        return link.version
    finally:
        await link.close()
