"""What the bus keeps in RabbitMQ, as data: nothing that 3.10 lacks, and nothing that 4.x has removed.

One durable direct exchange; a quorum queue for each system; beside it, for requests, a classic queue as fast lane,
durable itself because 4.x knows no other shared queue, with transient messages; and a queue for each connection that
hears the signals of its process, which goes with that connection.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

MOST_WAITING: Final = 10_000
"""Messages of a lane in the broker; past it publishing is refused, and the journal keeps them."""

MOST_REDELIVERIES: Final = 2**31 - 1
"""4.x would drop a message after 20. The -1 that says "no limit" to 4.x is refused by 3.10, and arguments of a queue
cannot change with the server's version: so the same large number everywhere."""


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue, bound to the exchange under its key. One without a name is named by the server, belongs to its
    connection alone and goes with it."""

    key: str
    name: str = ""
    lasting: bool = False
    """Whether its messages outlive the server's process."""
    arguments: Mapping[str, str | int] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Topology:
    """The names of one bus; two may share a virtual host under two names."""

    exchange: str = "lgsp"
    most_waiting: int = MOST_WAITING

    def steady(self, system: str) -> Queue:
        """Survives the loss of a node; everything but requests."""
        name = f"{self.exchange}.steady.{system}"
        return Queue(
            name,
            name,
            True,
            {
                "x-queue-type": "quorum",
                "x-max-length": self.most_waiting,
                "x-overflow": "reject-publish",
                "x-delivery-limit": MOST_REDELIVERIES,
            },
        )

    def fast(self, system: str) -> Queue:
        """Requests: whoever asked is waiting, and asks again if they are lost."""
        name = f"{self.exchange}.fast.{system}"
        return Queue(
            name,
            name,
            False,
            {"x-queue-type": "classic", "x-max-length": self.most_waiting, "x-overflow": "reject-publish"},
        )

    def signals(self, process: str) -> Queue:
        """After a cut the server may hold the former connection's queue for half a minute: no name, so no clash."""
        return Queue(f"{self.exchange}.process.{process}")
