"""The seam between a delivery and a protocol: one call, one outcome."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from bus.envelope import Body


class Result(StrEnum):
    """What came of one call; `routes.outcome` says what happens next."""

    ANSWERED = "answered"
    FAULT = "fault"  # an answer with a fault that the contract declares
    NOT_SENT = "not-sent"  # surely not acted on: refused connection, DNS, 429, 503
    UNKNOWN = "unknown"  # time-out or reset after the request was written
    TROUBLE = "trouble"  # the receiver's own failure: other 5xx, SOAP Server/Receiver fault
    MISCONFIGURED = "misconfigured"  # 401, 403, 407, TLS, egress: people must mend settings
    REFUSED = "refused"  # the data were refused: 4xx, SOAP Client/Sender fault, no such transform
    REPLY_INVALID = "reply-invalid"  # an answer that cannot be read, or breaks the contract


@dataclass(frozen=True, slots=True)
class FaultRule:
    """How a receiver says one declared fault: by HTTP status, by the qualified name ``{namespace}local`` of the child
    of a SOAP detail, or by a name that the system's own failure rule yields."""

    name: str
    status: int | None = None
    element: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One try of one delivery.

    `headers` are those every protocol carries in HTTP: Idempotency-Key, traceparent, ce-id and the like. `timeout` is
    in seconds for the whole call; `max_bytes` bounds the answer after decompression.
    """

    operation: str | None
    body: Body
    headers: Mapping[str, str] = field(default_factory=dict)
    faults: tuple[FaultRule, ...] = ()
    timeout: float = 30.0
    max_bytes: int = 1_048_576


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a call, as the journal may keep it.

    `code` is a short stable word (``connection-refused``, ``http-500``, ``soap-server``), never text from outside.
    `reply` is the answer's payload: of a SOAP answer the one child of its Body, as a document of its own.
    `retry_after` is in seconds.
    """

    result: Result
    code: str
    http_status: int | None = None
    reply: Body | None = field(default=None, repr=False)
    fault: str = ""
    retry_after: float | None = None


class Adapter(Protocol):
    """A system's protocol and settings. It never raises past this seam, but for `asyncio.CancelledError`."""

    async def call(self, call: Call) -> Outcome: ...
