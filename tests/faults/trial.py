"""One run: traffic, faults at their moments, the wait until everything has come to its end, and the judgement."""

import json
import random
import signal
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from rich.console import Console

from bus.states import TERMINAL
from journal.chain import GENESIS, link_hash
from journal.database import open_engine
from journal.queries import Queries
from tests.faults.faults import Fault, Holds, Missed, plan, sweeper
from tests.faults.judge import Delivery, Record, Verdict, judge
from tests.faults.report import Struck, document
from tests.faults.stage import Aborted, Stage

WARMUP = 5.0
"""Seconds of traffic before the first fault."""

HANDS = 6
"""Faults at the same time, at most."""

DRAINED_WITHIN = 300.0
"""Seconds after the last fault within which every delivery must have ended."""

EVERY = 10.0
"""Seconds between two words of how it goes."""

ANSWERED = frozenset({"200", "202", "504"})
"""What a sender is told where nothing is refused; 504: accepted, and nobody answered the question in time."""

OPEN = (
    "SELECT count(*) FROM deliveries WHERE state NOT IN (" + ", ".join(f"'{state}'" for state in sorted(TERMINAL)) + ")"
)
DELIVERIES = (
    "SELECT d.id, d.message, m.contract, d.state, d.reason FROM deliveries d JOIN messages m ON m.id = d.message"
)


@dataclass
class Trial:
    """`messages` at `rate` a second in all, with so many `faults` while they flow."""

    stage: Stage
    out: Console
    messages: int
    faults: int
    rate: float
    seed: int
    struck: list[Struck] = field(default_factory=list)
    _holds: Holds = field(default_factory=Holds)
    _began: float = 0.0
    _said: float = 0.0

    def run(self) -> dict[str, Any]:
        """What came of it. Raises what a fault could not mend."""
        self._began = time.monotonic()
        self._send()
        with ThreadPoolExecutor(HANDS) as hands:
            try:
                self._strike(hands)
                self._wait_for(lambda: not self.progress()["working"], "the senders do not come to their end", 900)
            except BaseException:
                self.stage.aborting.set()
                raise
        return self.finish()

    def away(self, minutes: float) -> dict[str, Any]:
        """The whole broker is gone for so many minutes under load."""
        self._began = time.monotonic()
        self._send()
        self._wait(WARMUP + 15)
        began, before = time.monotonic(), self.progress()["accepted"]
        with ThreadPoolExecutor(3) as together:
            # Cut as well: another server on this machine may come to listen where a node did.
            for name in self.stage.processes:
                self.stage.network.tell("cut", process=name, what="broker")
            list(together.map(lambda node: node.stop(signal.SIGTERM), self.stage.nodes))
            self._wait(60 * minutes)
            accepted = self.progress()["accepted"]
            list(together.map(lambda node: node.start(), self.stage.nodes))
            for name in self.stage.processes:
                self.stage.network.tell("mend", process=name, what="broker")
        back = time.monotonic()
        self._note(Struck("broker away", "broker", began, back))
        self._wait_for(lambda: not self.progress()["working"], "the senders do not come to their end", 900)
        told = self.finish()
        refused = sum(count for answer, count in told["answers"].items() if answer not in ANSWERED)
        return told | {
            "accepted_while_away": accepted - before,
            "refused": refused,
            "caught_up_in": round(self._caught_up(back) - back, 1),
            "holds": told["holds"] and not refused,
        }

    def _caught_up(self, back: float) -> float:
        """When the last of the messages arrived that had been accepted until then."""
        waited = {send["message"] for send in _lines(self.stage.folder / "sends.jsonl") if send["at"] < back}
        calls = _lines(self.stage.folder / "calls.jsonl")
        return max((float(call["start"]) for call in calls if call["message"] in waited), default=back)

    def finish(self) -> dict[str, Any]:
        """Wait until nothing is open, and judge."""
        calm = time.monotonic()
        self._wait_for(lambda: self._open() == 0, "not everything comes to its end", DRAINED_WITHIN, fatal=False)
        drained = time.monotonic() - calm
        progress = self.progress()
        verdict, calls = self.judged()
        for wrong in progress["wrong"]:
            verdict.blame("unexpected_ends", wrong)
        return document(
            verdict,
            self.struck,
            calls,
            versions=self.stage.versions(),
            seed=self.seed,
            rate=self.rate,
            seconds=round(time.monotonic() - self._began),
            drained_in=round(drained, 1),
            longest_send=progress["longest"],
            answers=progress["answers"],
            starts={name: process.starts for name, process in self.stage.processes.items()},
        )

    def judged(self) -> tuple[Verdict, list[Record]]:
        self.stage.receivers.tell("flush")
        calls = _lines(self.stage.folder / "calls.jsonl")
        sends = _lines(self.stage.folder / "sends.jsonl")
        deliveries = [Delivery(*map(str, row)) for row in self.stage.ask(DELIVERIES)]
        verdict = judge(sends, calls, deliveries)
        engine = open_engine(self.stage.database.url)
        for writer in broken_chains(Queries(engine)):
            verdict.blame("broken_chains", writer)
        engine.dispose()
        return verdict, calls

    def progress(self) -> dict[str, Any]:
        return self.stage.senders.tell("progress")

    def _send(self) -> None:
        self.stage.senders.tell(
            "start",
            gateways=[process.url for process in self.stage.processes.values() if process.url],
            tokens=self.stage.tokens,
            messages=self.messages,
            rate=self.rate,
            file=str(self.stage.folder / "sends.jsonl"),
        )

    def _strike(self, hands: ThreadPoolExecutor) -> None:
        """Each fault at its moment, or as soon as a hand is free and what it harms is whole."""
        span = self.messages / self.rate - WARMUP
        pending: list[Future[None]] = []
        start = time.monotonic() + WARMUP
        for moment, fault, target, seed in plan(self.faults, self.seed, span):
            self._wait(start + moment - time.monotonic())
            pending.append(hands.submit(self._one, fault, target, seed))
            _raise_first(pending)
        for each in pending:
            while not each.done():
                self._wait(0.5)
            each.result()

    def _one(self, fault: Fault, target: str, seed: int) -> None:
        for attempt in range(10):  # one that misses tries again: as many strike as were asked for
            try:
                found = sweeper(self.stage) if target == "sweeper" else target
                with self._holds.of(found):
                    if self.stage.aborting.is_set():
                        return
                    began = time.monotonic()
                    fault.strike(self.stage, found, random.Random(f"{seed} {attempt}"))
                    self._note(Struck(fault.name, found, began, time.monotonic()))
            except Missed:
                continue
            except Aborted:
                pass
            return

    def _note(self, struck: Struck) -> None:
        self.struck.append(struck)
        with (self.stage.folder / "struck.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(struck)) + "\n")

    def _open(self) -> int:
        try:
            return int(str(self.stage.ask(OPEN)[0][0]))
        except psycopg.Error:
            return -1

    def _wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.stage.rest(min(left, 1.0))
            self._say()

    def _wait_for(self, what: Callable[[], bool], complaint: str, patience: float, *, fatal: bool = True) -> None:
        end = time.monotonic() + patience
        while not what():
            if time.monotonic() > end:
                if fatal:
                    raise TimeoutError(complaint)
                self.out.print(complaint, style="red")
                return
            self.stage.rest(0.5)
            self._say()

    def _say(self) -> None:
        """Now and then, how it goes."""
        if time.monotonic() - self._said < EVERY:
            return
        self._said = time.monotonic()
        accepted, open_now = self.progress()["accepted"], self._open()
        seconds = time.monotonic() - self._began
        self.out.print(f"{seconds:5.0f} s  {accepted:,} accepted, {open_now:,} open, {len(self.struck)} faults")


def broken_chains(queries: Queries) -> list[str]:
    """The writers whose audit events are not numbered without a gap, each hashed over the one before."""
    broken = []
    for writer in queries.writers():
        head = GENESIS
        for number, row in enumerate(queries.chain(writer), 1):
            head = link_hash(head, row.content)
            if (row.number, row.hash) != (number, head):
                broken.append(f"{writer} {number}")
                break
    return broken


def _lines(file: Path) -> list[Record]:
    with file.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _raise_first(futures: list[Future[None]]) -> None:
    for each in futures:
        if each.done():
            each.result()
