"""A cluster of three RabbitMQ nodes that loses one of them, or a connection between two."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from signal import SIGKILL
from uuid import uuid4

import pytest

from routes.rabbitmq.broker import RabbitBroker
from routes.rabbitmq.topology import Topology
from tests.faults.carrying import Arrivals, taken, until
from tests.services import rabbitmq
from tests.services.rabbitmq import Server
from tests.unit.routes.conftest import a_delivery

pytestmark = pytest.mark.timeout(240)

Nodes = tuple[Server, ...]


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    """Three nodes of this module's own, which it may ill-treat."""
    try:
        with rabbitmq.cluster(3, "cluster_partition_handling = pause_minority") as own:
            yield own
    except rabbitmq.Missing:
        rabbitmq.missing()


@pytest.fixture
async def broker(nodes: Nodes) -> AsyncIterator[RabbitBroker]:
    """Begins with the first node, and goes on to the next ones."""
    hosts = ",".join(f"127.0.0.1:{node.port}" for node in nodes)
    broker = RabbitBroker(f"amqp://{hosts}", topology=Topology(uuid4().hex), chance=lambda: -1.0)
    yield broker
    await broker.close()


async def members(node: Server, broker: RabbitBroker) -> tuple[str, str]:
    """The leader of the queue, and all its members, as the server writes them."""
    listed = await asyncio.to_thread(node.control, "list_queues", "name", "leader", "members")
    (line,) = [line for line in listed.splitlines() if line.startswith(broker._topology.steady("his").name)]
    _, leader, others = line.split("\t")
    return leader, others


async def test_queue_outlives_its_leader(nodes: Nodes, broker: RabbitBroker) -> None:
    """A queue has a member on each node: one that is killed takes nothing with it, and publishing goes on elsewhere."""
    before = [a_delivery() for _ in range(100)]
    await taken(broker, *before)
    leader, everywhere = await members(nodes[0], broker)
    assert all(node.node in everywhere for node in nodes)
    (killed,) = [node for node in nodes if node.node == leader]
    await asyncio.to_thread(killed.stop, SIGKILL)
    try:
        meanwhile = [a_delivery() for _ in range(100)]
        await taken(broker, *meanwhile)
        arrivals = Arrivals()
        await broker.subscribe("his", 50, arrivals)
        came = await arrivals.until(meanwhile[-1])
        assert {each.delivery for each in [*before, *meanwhile]} <= {each.delivery for each in came}
    finally:
        await asyncio.to_thread(killed.start)


async def test_lost_node_is_replaced_by_another(nodes: Nodes, broker: RabbitBroker) -> None:
    """What was connected to a node that dies is connected to another, subscriptions and all."""
    arrivals = Arrivals()
    await broker.subscribe("his", 5, arrivals)
    link = await broker._incoming.now()
    assert link
    await asyncio.to_thread(nodes[0].stop, SIGKILL)
    try:
        await link.lost
        sent = a_delivery()
        await taken(broker, sent)
        await arrivals.until(sent)
    finally:
        await asyncio.to_thread(nodes[0].start)


async def test_minority_that_was_cut_off_comes_back(nodes: Nodes, broker: RabbitBroker) -> None:
    """A node that is cut off from both others stops serving; healed, it serves again, and nothing is missing."""
    arrivals = Arrivals()
    first = a_delivery()
    await taken(broker, first)
    link = await broker._incoming.now()
    assert link
    alone, *others = nodes
    try:
        # Nodes that had just found each other may do so once more.
        while not link.lost.done():
            await asyncio.to_thread(alone.part, *others)
            await asyncio.wait([link.lost], timeout=10)
        meanwhile = a_delivery()
        await taken(broker, meanwhile)
    finally:
        await asyncio.to_thread(alone.heal, *others)
    await broker.subscribe("his", 5, arrivals)
    came = await arrivals.until(meanwhile)
    assert first in came

    async def whole() -> bool:
        running = await asyncio.to_thread(alone.evaluate, "rabbit_mnesia:cluster_nodes(running).")
        return all(node.node in running for node in nodes)

    await until(whole)
