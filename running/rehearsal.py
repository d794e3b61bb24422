"""Trying an import before it is applied: on a bus of its own, with a stand-in, by a message to each operation."""

import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import orjson

from bus.errors import GatewayUnreachable
from bus.settings import read_settings
from documents import kinds
from documents.check import Report
from documents.importers.run import Order, Outcome, import_bounded
from documents.importers.target import consumer
from documents.model import Documents, Key, Written
from documents.plan import result
from running.apply import apply_documents
from running.client import Client
from running.home import Home, me, serving
from running.stand_in import standing_in
from running.stand_in_rest import answerers
from running.up import Serve, up

SENDER: Final = "trial"
"""The system that sends what is tried."""

PATIENCE: Final = 10.0
"""Seconds for what is not answered at once to be delivered."""

ENDED: Final = frozenset({"done", "failed", "expired"})


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What came of one operation: what was sent and answered. `status` is HTTP's, 0 where nothing was sent."""

    contract: str
    request: Any
    status: int
    answer: Any
    milliseconds: int
    ok: bool


def rehearse(order: Order) -> tuple[Outcome, list[Rehearsed]]:
    """Import, and call every operation once by JSON over HTTP. Nothing of it is kept, and nobody else is called."""
    sender = Written(kinds.System.model_validate(consumer(SENDER, order.target.agency)))
    around = Documents({Key("System", SENDER): sender})
    target = replace(order.target, consumers=(*order.target.consumers, SENDER))
    outcome = import_bounded(replace(order, target=target, current=around))
    if not outcome.ok:
        return outcome, []
    documents = _unlocked(result(around, outcome.documents))
    tried: list[Rehearsed] = []
    with tempfile.TemporaryDirectory(prefix="lgsp-try-") as folder, standing_in(answerers(documents)) as endpoints:
        settings = read_settings({}, data=Path(folder) / "data", port=0)
        with serving(settings):
            home = Home(settings, me())
            home.prepare()
            apply_documents(home, Report(documents))
            _served(home, dict(endpoints), lambda url: tried.extend(_all(Client(url, home, SENDER), outcome)))
            home.close()
    return outcome, tried


def _unlocked(documents: Documents) -> Documents:
    """The documents with systems that ask nobody who calls: a stand-in does not, and the secrets are not there yet."""
    opened = {
        key: replace(written, document=written.document.model_copy(update={"auth": None}))
        if isinstance(written.document, kinds.System)
        else written
        for key, written in documents.by_key.items()
    }
    return replace(documents, by_key=opened)


def _served(home: Home, endpoints: dict[str, str], call: Callable[[str], None]) -> None:
    """Serve a bus until `call`, which is told where it answers, is through."""
    threads: list[threading.Thread] = []

    def ready(url: str, stop: Callable[[], None]) -> None:
        def run() -> None:
            try:
                with suppress(GatewayUnreachable):  # whoever interrupts ends the bus first
                    call(url)
            finally:
                stop()

        threads.append(threading.Thread(target=run, daemon=True))
        threads[0].start()

    up(Serve(home.settings, endpoints, ready), home)
    for thread in threads:
        thread.join(PATIENCE)


def _all(client: Client, outcome: Outcome) -> Iterator[Rehearsed]:
    for contract in outcome.imported.of("Contract"):
        example, *_ = contract.get("examples", {}).get("valid", [None])
        if example is None:
            yield Rehearsed(contract["name"], None, 0, "no sample of the request can be made", 0, ok=False)
        else:
            yield _one(client, contract, outcome.imported.files[example])


def _one(client: Client, contract: dict[str, Any], body: bytes) -> Rehearsed:
    began = time.monotonic()
    answer = client.send(contract["name"], body)
    given: Any = answer.json()
    ok = answer.status == 200
    if contract["exchange"] != "request" and answer.status == 202:
        state = _ended(client, answer.headers["location"].rpartition("/")[2])
        given, ok = {"state": state}, state == "done"
    took = round((time.monotonic() - began) * 1000)
    return Rehearsed(contract["name"], _shown(body), answer.status, given, took, ok)


def _ended(client: Client, message: str) -> str:
    until = time.monotonic() + PATIENCE
    while (state := client.message(message).get("state", "")) not in ENDED and time.monotonic() < until:
        time.sleep(0.02)
    return str(state)


def _shown(body: bytes) -> Any:
    return orjson.loads(body) if not body.startswith(b"<") else body.decode()
