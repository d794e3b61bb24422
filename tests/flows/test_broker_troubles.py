"""RabbitMQ in trouble under a whole bus: senders notice nothing, and everything arrives once it is mended."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from uuid import uuid4

import httpx2 as httpx
import orjson
import pytest

from routes.rabbitmq.topology import Topology
from tests.flows.conftest import Bus, Province
from tests.services import rabbitmq
from tests.services.rabbitmq import Passing, Server

pytestmark = pytest.mark.timeout(240)

SENT = 60


@pytest.fixture(scope="module")
def rabbit() -> Iterator[Server]:
    """A server of this module's own, which it may ill-treat."""
    try:
        with rabbitmq.server() as own:
            yield own
    except rabbitmq.Missing:
        rabbitmq.missing()


@pytest.fixture
def rabbitmq_server(rabbit: Server) -> str:
    return rabbit.url


@pytest.fixture
def stack() -> str:
    return "servers"


@pytest.fixture
def topology() -> Topology:
    """Queues that are full with five."""
    return Passing(f"test-{uuid4().hex}", most_waiting=5)


async def send(client: httpx.AsyncClient, first: int, count: int = SENT) -> None:
    """Documents, numbered; each is accepted at once, whatever the broker does."""
    for number in range(first, first + count):
        answer = await client.post("/messages/tell", json={"number": number})
        assert answer.status_code == 202


async def arrived(province: Province, count: int) -> None:
    """All have arrived, and none twice: calls to this receiver must not be repeated."""
    his = province.receivers["his"]
    while len(his.calls) < count:
        await asyncio.sleep(0.05)
    numbers = Counter(orjson.loads(call.body.data)["number"] for call in his.calls)
    assert numbers == Counter(range(count))


async def test_a_full_queue(bus: Bus, province: Province) -> None:
    """What a full queue refuses stays due, and is delivered as there is room."""
    province.receivers["his"].delay = 0.05
    async with bus() as (_, client):
        await send(client, 0)
        await arrived(province, SENT)


async def test_a_queue_that_somebody_deletes(bus: Bus, province: Province, rabbit: Server, topology: Topology) -> None:
    """A queue that is deleted, with what it held, is made again: the journal has it all."""
    province.receivers["his"].delay = 0.05
    async with bus() as (_, client):
        await send(client, 0, SENT // 2)
        await asyncio.to_thread(rabbit.control, "delete_queue", topology.steady("his").name)
        await send(client, SENT // 2, SENT // 2)
        # What went with the queue is rung again when its publish lease has ended.
        await arrived(province, SENT)


async def test_a_server_without_memory(bus: Bus, province: Province, rabbit: Server) -> None:
    """A server whose alarm blocks all who publish holds up deliveries, never a sender."""
    async with bus() as (_, client):
        await send(client, 0, 5)
        await arrived(province, 5)
        await asyncio.to_thread(rabbit.control, "set_vm_memory_high_watermark", "0.000001")
        try:
            await send(client, 5)
        finally:
            await asyncio.to_thread(rabbit.control, "set_vm_memory_high_watermark", "0.4")
        await arrived(province, SENT + 5)


async def test_a_server_that_is_away(bus: Bus, province: Province, rabbit: Server) -> None:
    """While the server is down everything is accepted, and all of it goes out when it is back."""
    async with bus() as (_, client):
        await send(client, 0, 5)
        await arrived(province, 5)
        await asyncio.to_thread(rabbit.stop)
        try:
            await send(client, 5)
        finally:
            await asyncio.to_thread(rabbit.start)
        await arrived(province, SENT + 5)
