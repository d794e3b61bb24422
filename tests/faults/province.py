"""The province of the trial: what is sent, to whom, and what may be repeated."""

from dataclasses import dataclass
from pathlib import Path

TIMEOUT = 3.0
"""Seconds that the bus waits for a receiver."""


@dataclass(frozen=True)
class Kind:
    """One contract, the system that receives it, and how much of all that is sent is of it."""

    contract: str
    system: str
    exchange: str
    repeatable: bool
    ordered: bool
    share: float
    lanes: int
    """Senders that each wait for the answer to one message before they send the next."""

    @property
    def sender(self) -> str:
        return f"sender.{self.system}"


KINDS = (
    Kind("trial.reading", "archive", "event", repeatable=True, ordered=False, share=0.3, lanes=6),
    Kind("trial.filing", "registry", "document", repeatable=False, ordered=False, share=0.25, lanes=6),
    Kind("trial.entry", "ledger", "document", repeatable=True, ordered=True, share=0.2, lanes=6),
    Kind("trial.deed", "notary", "document", repeatable=False, ordered=True, share=0.15, lanes=4),
    Kind("trial.question", "oracle", "request", repeatable=True, ordered=False, share=0.1, lanes=10),
)

KEYS = 4
"""Order keys of each lane."""

AGENCY = """kind: Agency
code: H99
name: {vi: Tỉnh thử, en: Province of trials}
"""

EXCHANGE = """---
kind: System
name: %(sender)s
agency: H99
adapter: rest
---
kind: System
name: %(system)s
agency: H99
adapter: rest
endpoint: %(endpoint)s
limits: {concurrency: 16}
---
kind: Contract
name: %(contract)s
version: 1.0.0
title: {vi: Thử, en: Trial}
owner: H99
exchange: %(exchange)s
request: {format: json, schema: trial.json}
%(reply)slimits: {timeout: PT3S}
examples: {valid: [trial.example.json]}
---
kind: Route
contract: %(contract)s@1
to: %(system)s
repeatable: %(repeatable)s
retry: {first: PT1S, max: PT4S}
%(order)s---
kind: Grant
contract: %(contract)s@1
system: %(sender)s
may: send
purpose: Thử
legalBasis: Quy chế nội bộ
---
kind: Grant
contract: %(contract)s@1
system: %(system)s
may: receive
purpose: Thử
legalBasis: Quy chế nội bộ
"""

SCHEMA = """{
  "type": "object",
  "required": ["lane", "number", "key"],
  "properties": {"lane": {"type": "string"}, "number": {"type": "integer"}, "key": {"type": "string"}}
}
"""


def write(folder: Path, endpoints: dict[str, str]) -> None:
    """The documents, with each system where it is to be called."""
    exchanges = [
        EXCHANGE
        % {
            "sender": kind.sender,
            "system": kind.system,
            "endpoint": endpoints[kind.system],
            "contract": kind.contract,
            "exchange": kind.exchange,
            "reply": "reply: {format: json, schema: trial.json}\n" if kind.exchange == "request" else "",
            "repeatable": str(kind.repeatable).lower(),
            "order": "orderBy: /key\n" if kind.ordered else "",
        }
        for kind in KINDS
    ]
    folder.mkdir(exist_ok=True)
    (folder / "trial.yaml").write_text(AGENCY + "".join(exchanges), encoding="utf-8")
    (folder / "trial.json").write_text(SCHEMA, encoding="utf-8")
    (folder / "trial.example.json").write_text('{"lane": "archive-0", "number": 0, "key": "archive-0-0"}')
