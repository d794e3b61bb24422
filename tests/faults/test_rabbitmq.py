"""A RabbitMQ server that is stopped, cut, filled, blocked and frozen under the broker's hands."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from signal import SIGKILL
from uuid import uuid4

import pika
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pika.adapters.blocking_connection import BlockingChannel

from bus.envelope import Exchange
from routes.broker import Carried, Signal
from routes.rabbitmq import connection, missing, publisher
from routes.rabbitmq.broker import RabbitBroker
from routes.rabbitmq.topology import Topology
from tests.faults.carrying import Arrivals, taken, until
from tests.services import rabbitmq
from tests.services.ports import free_port
from tests.services.rabbitmq import Server
from tests.unit.routes.conftest import a_delivery

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a self-signed certificate of 127.0.0.1 and its key."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "rabbitmq")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "certificate.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    how = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(key.private_bytes(*how))
    return folder


@pytest.fixture(scope="module")
def tls_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def server(certificate: Path, tls_port: int) -> Iterator[Server]:
    """A server of this module's own, which it may ill-treat."""
    config = f"""
        listeners.ssl.default = 127.0.0.1:{tls_port}
        ssl_options.cacertfile = {certificate}/certificate.pem
        ssl_options.certfile = {certificate}/certificate.pem
        ssl_options.keyfile = {certificate}/key.pem
    """
    try:
        with rabbitmq.server(config) as own:
            yield own
    except rabbitmq.Missing:
        rabbitmq.missing()


MakeBroker = Callable[..., RabbitBroker]


@pytest.fixture
async def make_broker(server: Server) -> AsyncIterator[MakeBroker]:
    """Brokers of one bus, closed afterwards."""
    bus, made = uuid4().hex, list[RabbitBroker]()

    def make(url: str = server.url, most_waiting: int = 10_000) -> RabbitBroker:
        made.append(RabbitBroker(url, topology=Topology(bus, most_waiting), chance=lambda: -1.0))
        return made[-1]

    yield make
    for broker in made:
        await broker.close()


@pytest.fixture
def broker(make_broker: MakeBroker) -> RabbitBroker:
    return make_broker()


@pytest.fixture
def direct(server: Server) -> Iterator[BlockingChannel]:
    """A channel past the broker: what an operator, or somebody else, does."""
    with pika.BlockingConnection(pika.URLParameters(server.url)) as connection, connection.channel() as channel:
        yield channel


def steady(broker: RabbitBroker, system: str = "his") -> str:
    return broker._topology.steady(system).name


def fast(broker: RabbitBroker, system: str = "his") -> str:
    return broker._topology.fast(system).name


async def in_thread(server: Server, *arguments: str) -> str:
    return await asyncio.to_thread(server.control, *arguments)


async def test_server_that_dies_under_traffic_loses_nothing_it_confirmed(server: Server, broker: RabbitBroker) -> None:
    """While the server is gone everything is refused; when it is back, it brings what it confirmed, and takes more."""
    arrivals, confirmed = Arrivals(), list[Carried]()
    await broker.subscribe("his", 50, arrivals)
    # A single 3.10 node that is killed within some seconds of making a quorum queue has forgotten what was in it.
    await asyncio.to_thread(server.stop)
    await asyncio.to_thread(server.start)
    refused = asyncio.Event()

    async def traffic() -> None:
        while True:
            batch = [a_delivery() for _ in range(20)]
            left = await broker.publish(batch)
            confirmed.extend(each for each in batch if each not in left)
            if left:
                refused.set()
                await asyncio.sleep(0.02)

    publishing = asyncio.create_task(traffic())
    await until(lambda: len(confirmed) > 200)
    await asyncio.to_thread(server.stop, SIGKILL)
    await refused.wait()
    before = len(confirmed)
    await asyncio.to_thread(server.start)
    await until(lambda: len(confirmed) > before + 200)
    publishing.cancel()
    last = a_delivery()
    await taken(broker, last)
    came = await arrivals.until(last)
    assert {each.delivery for each in confirmed} <= {each.delivery for each in came}


async def test_without_a_server_nothing_hangs_and_nothing_raises(server: Server, make_broker: MakeBroker) -> None:
    """A process may start before RabbitMQ: it is refused at once, and has what it asked for when the server comes."""
    await asyncio.to_thread(server.stop)
    broker, arrivals, heard = make_broker(), Arrivals(), asyncio.Queue[Signal]()
    sent = a_delivery()
    try:
        assert list(await broker.publish([sent])) == [sent]
        await broker.subscribe("his", 1, arrivals)
        await broker.listen("process-1", heard.put_nowait, lambda: None)
        await broker.signal("process-1", Signal(uuid4()))
    finally:
        await asyncio.to_thread(server.start)
    await taken(broker, sent)
    await arrivals.until(sent)
    signal = Signal(uuid4())

    async def told() -> bool:
        await broker.signal("process-1", signal)
        return not heard.empty()

    await until(told)
    assert heard.get_nowait() == signal


async def test_broker_that_never_reached_a_server_closes(make_broker: MakeBroker) -> None:
    """A broker may be closed while it is trying, and before it has begun to; it refuses afterwards."""
    nowhere = f"amqp://127.0.0.1:{free_port()}"
    unused, trying = make_broker(nowhere), make_broker(nowhere)
    await trying.subscribe("his", 1, Arrivals())
    for broker in (unused, trying):
        await broker.close()
        sent = a_delivery()
        assert list(await broker.publish([sent])) == [sent]
        await broker.signal("process-1", Signal(uuid4()))


async def test_first_node_that_answers_is_taken(server: Server, make_broker: MakeBroker) -> None:
    """Of several nodes one is enough, wherever it stands in the list."""
    for hosts in (f"127.0.0.1:{free_port()},127.0.0.1:{server.port}", f"127.0.0.1:{server.port},nowhere.invalid"):
        broker = make_broker(f"amqp://{hosts}")
        await taken(broker, a_delivery())


async def test_deleted_queue_is_made_again(broker: RabbitBroker, direct: BlockingChannel) -> None:
    """A delivery finds no queue where somebody has deleted it: the queue is made again, and consumed again."""
    arrivals = Arrivals()
    await broker.subscribe("his", 5, arrivals)
    first = a_delivery()
    await taken(broker, first)
    await arrivals.until(first)
    for delete in (steady, fast):
        direct.queue_delete(delete(broker))
    sent = [a_delivery(), a_delivery(exchange=Exchange.REQUEST)]
    for each in sent:
        await taken(broker, each)
        assert await arrivals.until(each)


async def test_queue_that_is_deleted_unheard_is_made_by_a_publication(
    broker: RabbitBroker, direct: BlockingChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nobody consumes, a message that comes back makes the queue when no consumer has done so, and is in it."""
    await taken(broker, a_delivery())
    direct.queue_delete(steady(broker))
    sent = a_delivery()
    assert list(await broker.publish([sent])) == [sent]
    monkeypatch.setattr(missing, "LEFT_TO_CONSUMERS", 0.0)
    await taken(broker, sent, a_delivery())
    assert direct.queue_declare(steady(broker), passive=True).method.message_count == 2


async def test_deleted_exchange_is_made_again(broker: RabbitBroker, direct: BlockingChannel) -> None:
    """The server closes the channel that publishes into an exchange that is no more; a new one makes it."""
    await taken(broker, a_delivery())
    direct.exchange_delete(broker._topology.exchange)
    assert await broker.publish([a_delivery()])
    await taken(broker, a_delivery())


async def test_closed_connections_come_back(server: Server, broker: RabbitBroker) -> None:
    """When an operator closes all connections, subscriptions and listeners are there again by themselves."""
    arrivals, heard = Arrivals(), asyncio.Queue[Signal]()
    await broker.subscribe("his", 5, arrivals)
    await broker.listen("process-1", heard.put_nowait, lambda: None)
    await taken(broker, a_delivery())
    link = await broker._incoming.now()
    assert link
    await in_thread(server, "close_all_connections", "maintenance")
    await link.lost
    sent = a_delivery()
    await taken(broker, sent)
    await arrivals.until(sent)

    async def told() -> bool:
        await broker.signal("process-1", Signal(uuid4()))
        return not heard.empty()

    await until(told)


async def test_memory_alarm_stops_publishing_and_nothing_else(server: Server, broker: RabbitBroker) -> None:
    """While the server is out of memory everything is refused, but what is there still drains, or it would stay so."""
    waiting = [a_delivery() for _ in range(100)]
    await taken(broker, *waiting)
    await in_thread(server, "set_vm_memory_high_watermark", "0")

    async def blocked() -> bool:
        return bool(await broker.publish([a_delivery()]))

    try:
        # The alarm reaches a connection some time after it was raised, and only when that publishes.
        await until(blocked)
        refused = [a_delivery() for _ in range(10)]
        assert list(await broker.publish(refused)) == refused
        arrivals = Arrivals()
        await broker.subscribe("his", 5, arrivals)
        await arrivals.until(waiting[-1])
        assert list(await broker.publish(refused)) == refused
        await broker.signal("process-1", Signal(uuid4()))
    finally:
        await in_thread(server, "set_vm_memory_high_watermark", "0.4")
    last = a_delivery()
    await taken(broker, last)
    await arrivals.until(last)


async def test_full_queue_refuses_and_takes_again_once_it_is_drained(make_broker: MakeBroker) -> None:
    """Past the bound deliveries are refused, and a neighbour's are not; with room again, they are taken."""
    broker = make_broker(most_waiting=20)

    async def full() -> bool:
        return bool(await broker.publish([a_delivery()]))

    await taken(broker, a_delivery("neighbour"))
    await until(full)
    await taken(broker, a_delivery("neighbour"))
    await broker.subscribe("his", 50, Arrivals())
    await taken(broker, a_delivery())


async def test_queue_of_another_make_serves_as_it_is(make_broker: MakeBroker, direct: BlockingChannel) -> None:
    """A queue that is there with other arguments, of an older bus or an operator's, is used and not fought over."""
    broker = make_broker(most_waiting=7)
    await taken(broker, a_delivery())
    later, arrivals = make_broker(most_waiting=8), Arrivals()
    await later.subscribe("his", 5, arrivals)
    sent = a_delivery()
    await taken(later, sent)
    await arrivals.until(sent)


async def test_requests_go_the_steady_way_while_their_own_is_closed(
    broker: RabbitBroker, direct: BlockingChannel
) -> None:
    """A fast lane that cannot be made, as one whose node is down, costs requests their speed and nothing else."""
    # Exclusive, it is locked for everybody else; nobody can tell that from a node that is down.
    direct.queue_declare(fast(broker), exclusive=True)
    sent = a_delivery(exchange=Exchange.REQUEST)
    await taken(broker, sent)
    arrivals = Arrivals()
    await broker.subscribe("his", 5, arrivals)
    await arrivals.until(sent)


async def test_requests_are_transient_and_everything_else_is_not(broker: RabbitBroker, direct: BlockingChannel) -> None:
    """A request travels in the fast lane and in memory; a document or an event outlives the server."""
    exchanges = {Exchange.REQUEST: fast(broker), Exchange.DOCUMENT: steady(broker), Exchange.EVENT: steady(broker)}
    for exchange, queue in exchanges.items():
        await taken(broker, a_delivery(exchange=exchange))
        _, properties, body = direct.basic_get(queue, auto_ack=True)
        assert body
        assert properties
        assert Carried.decode(body).envelope.exchange is exchange
        assert properties.delivery_mode == (1 if exchange is Exchange.REQUEST else 2)


async def test_what_no_bus_wrote_is_dropped(broker: RabbitBroker, direct: BlockingChannel) -> None:
    """Bytes that are no delivery, or no signal, take nobody's place and end no subscription."""
    arrivals, heard = Arrivals(), asyncio.Queue[Signal]()
    await broker.subscribe("his", 1, arrivals)
    await broker.listen("process-1", heard.put_nowait, lambda: None)
    for body in (b"", b"5\n", b"[1,2,3]\n", b"\xff\x00", b"[5,5,5,5,5,5,5,5,5,5,5,5,5]\n", b'["a",1,2,3]\n'):
        direct.basic_publish(broker._topology.exchange, steady(broker), body)
        direct.basic_publish(broker._topology.exchange, broker._topology.signals("process-1").key, body)
    sent, signal = a_delivery(), Signal(uuid4())
    await taken(broker, sent)
    await broker.signal("process-1", signal)
    assert await arrivals.until(sent) == [sent]
    assert await heard.get() == signal


async def test_more_than_the_window_is_confirmed_in_order(
    broker: RabbitBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several publishers at once, each with more than may be unconfirmed, all get through, each in its order."""
    monkeypatch.setattr(publisher, "CONFIRM_WITHIN", 120.0)
    await taken(broker, a_delivery())
    batches = [[a_delivery() for _ in range(publisher.WINDOW + 200)] for _ in range(3)]
    assert not any(await asyncio.gather(*(broker.publish(batch) for batch in batches)))
    arrivals = Arrivals()
    await broker.subscribe("his", 1000, arrivals)
    came = [await arrivals.get() for _ in range(1 + sum(map(len, batches)))]
    for batch in batches:
        assert [each for each in came if each in set(batch)] == batch


async def test_frozen_server_holds_nobody_up(
    server: Server, make_broker: MakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that takes everything and answers nothing costs a bounded wait, also on the way out."""
    broker = make_broker()
    await taken(broker, a_delivery())
    await broker.subscribe("his", 1, Arrivals())
    # Not before: a server that is only slow must not count as frozen.
    monkeypatch.setattr(publisher, "CONFIRM_WITHIN", 0.2)
    monkeypatch.setattr(connection, "ANSWER_WITHIN", 0.2)
    monkeypatch.setattr(connection, "CLOSE_WITHIN", 0.2)
    server.freeze()
    try:
        sent = [a_delivery() for _ in range(publisher.WINDOW + 1)]
        assert list(await broker.publish(sent)) == sent
        await broker.subscribe("new", 1, Arrivals())
        await broker.close()
    finally:
        server.thaw()


async def test_tls_and_virtual_host_by_url(
    server: Server, make_broker: MakeBroker, certificate: Path, tls_port: int
) -> None:
    """The bus checks the server's certificate against the named authority; the path names a virtual host of its own."""
    await in_thread(server, "add_vhost", "tinh/57")
    await in_thread(server, "set_permissions", "-p", "tinh/57", "guest", ".*", ".*", ".*")
    place = f"127.0.0.1:{tls_port}"
    strict = make_broker(f"amqps://{place}")
    assert await strict.publish([a_delivery()])
    trusting = make_broker(f"amqps://guest:guest@{place}/tinh%2F57?cacertfile={certificate}/certificate.pem")
    await taken(trusting, a_delivery())
    assert steady(trusting) in await in_thread(server, "list_queues", "-p", "tinh/57", "name")
    assert steady(trusting) not in await in_thread(server, "list_queues", "-p", "/", "name")
    assert "ssl\ttrue" in (await in_thread(server, "list_connections", "vhost", "ssl")).replace("tinh/57", "ssl")


async def test_connections_name_their_process(server: Server, broker: RabbitBroker) -> None:
    """An operator of RabbitMQ sees which connection is whose, and what for."""
    await taken(broker, a_delivery())
    await broker.subscribe("his", 1, Arrivals())
    listed = await in_thread(server, "list_connections", "client_properties")
    assert "lgsp publishes" in listed
    assert "lgsp consumes" in listed
