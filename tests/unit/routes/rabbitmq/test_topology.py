"""What the bus keeps in RabbitMQ."""

from routes.rabbitmq.topology import MOST_WAITING, Topology


def test_steady_lane_loses_nothing() -> None:
    """A quorum queue, which refuses what is too much for it and never drops what comes back often."""
    queue = Topology().steady("his")
    assert queue.arguments["x-queue-type"] == "quorum"
    assert queue.arguments["x-overflow"] == "reject-publish"
    assert queue.arguments["x-max-length"] == MOST_WAITING
    # 4.x: without it, dropped after 20; 3.10: must not be negative.
    assert int(queue.arguments["x-delivery-limit"]) > 1_000_000


def test_fast_lane_is_bounded_too() -> None:
    """A classic queue, which refuses what is too much for it."""
    queue = Topology().fast("his")
    assert queue.arguments == {"x-queue-type": "classic", "x-max-length": MOST_WAITING, "x-overflow": "reject-publish"}


def test_nothing_that_the_next_server_removes_is_declared() -> None:
    """No mirroring, no lazy mode, no priorities, no transient queue that is shared (deprecated in 4.0)."""
    topology = Topology()
    known = {"x-queue-type", "x-max-length", "x-overflow", "x-delivery-limit"}
    assert topology.steady("his").arguments.keys() | topology.fast("his").arguments.keys() == known


def test_two_buses_share_no_name() -> None:
    """Queues and keys begin with the name of the exchange, and lanes and processes do not mix."""
    queues = [
        queue
        for topology in (Topology("one"), Topology("two"))
        for queue in (topology.steady("x"), topology.fast("x"), topology.signals("x"))
    ]
    assert len({queue.key for queue in queues}) == len(queues)
    assert all(queue.name in {"", queue.key} for queue in queues)
