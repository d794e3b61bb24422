"""The network between the bus's processes, their database and their broker: every connection goes through a relay of
its process's own, which can be cut or stalled; that to the database can be cut at a COMMIT."""

from contextlib import ExitStack

from tests.faults.part import Answer, obey
from tests.services.proxy import Cut, Proxy, Relay, proxy, relay


class Network:
    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._databases: dict[str, Proxy] = {}
        self._brokers: dict[str, list[Relay]] = {}

    def open(self, process: str, database: str, brokers: list[int]) -> Answer:
        """The database's URL, and the broker's ports, as this process is to be told them."""
        self._databases[process] = self._stack.enter_context(proxy(database))
        self._brokers[process] = [self._stack.enter_context(relay(port)) for port in brokers]
        return {"database": self._databases[process].url, "brokers": [each.port for each in self._brokers[process]]}

    def commit(self, process: str, how: str) -> None:
        """Cut the connection at its next COMMIT."""
        self._databases[process].cut = Cut(how)

    def committed(self, process: str) -> Answer:
        """Whether that has happened; what was held back reaches the server now."""
        happened = self._databases[process].cut is None
        self._databases[process].cut = None
        self._databases[process].release()
        return {"happened": happened}

    def cut(self, process: str, what: str) -> None:
        """Cut every connection, and let nobody through until `mend`."""
        for each in self._relays(process, what):
            each.closed = True
            each.sever()

    def stall(self, process: str, what: str) -> None:
        """Pass nothing on until `mend`, and tell nobody."""
        for each in self._relays(process, what):
            each.stall()

    def mend(self, process: str, what: str) -> None:
        for each in self._relays(process, what):
            each.closed = False
            each.resume()

    def whose(self, port: int) -> Answer:
        """The process whose connection reaches the database from this port."""
        found = (process for process, each in self._databases.items() if each.reaches_from(port))
        return {"process": next(found, None)}

    def _relays(self, process: str, what: str) -> list[Relay]:
        return [self._databases[process]] if what == "database" else self._brokers[process]


def main() -> None:
    with ExitStack() as stack:
        network = Network(stack)
        obey(
            {
                "open": network.open,
                "commit": network.commit,
                "committed": network.committed,
                "cut": network.cut,
                "stall": network.stall,
                "mend": network.mend,
                "whose": network.whose,
            }
        )


if __name__ == "__main__":
    main()
