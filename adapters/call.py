"""The seam between a delivery and a protocol: one call, one outcome."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

from bus.envelope import Attachment, Body


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
    in seconds for the whole call; `max_bytes` bounds the answer after decompression. `event` has the attributes of an
    event (CloudEvents 1.0 §3), for systems that take them as such; `dataschema` in it is a path of the gateway.
    `attachments` go along with the body, to a SOAP system alone.
    """

    operation: str | None
    body: Body
    headers: Mapping[str, str] = field(default_factory=dict)
    faults: tuple[FaultRule, ...] = ()
    timeout: float = 30.0
    max_bytes: int = 1_048_576
    event: Mapping[str, str] = field(default_factory=dict)
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a call, as the journal may keep it.

    `code` is a short stable word, never text from outside: one of `CODES`, or ``http-`` and the status.
    `reply` is the answer's payload: of a SOAP answer the one child of its Body, as a document of its own.
    `retry_after` is in seconds. `attachments` came along with the reply.
    """

    result: Result
    code: str
    http_status: int | None = None
    reply: Body | None = field(default=None, repr=False)
    fault: str = ""
    retry_after: float | None = None
    attachments: tuple[Attachment, ...] = ()


# Every code that an outcome may have beside http-NNN, and what it tells the people who run the bus.
CODES: Mapping[str, str] = MappingProxyType(
    {
        "connection-refused": "Nothing listens at the system's address.",
        "connection-failed": "No connection could be made to the system.",
        "connect-timeout": "No connection could be made to the system in time.",
        "dns": "The system's name does not resolve.",
        "egress": "The system's address lies outside the networks that the bus may call, or is the bus's own.",
        "endpoint": "The system's address cannot be used.",
        "tls": "The certificates of the bus and the system do not agree, or the system does not speak TLS.",
        "timeout": "The system took the request and did not answer in time.",
        "connection-reset": "The connection broke after the request was written.",
        "declared-fault": "The system answered with a fault that the contract declares.",
        "failure-in-reply": "The system said in its answer's body that it failed.",
        "reply-attachments": "Along with the system's answer came attachments that the contract does not allow.",
        "reply-cut": "The system's answer broke off before its end.",
        "reply-empty": "The system answered without a body where its WSDL promises one.",
        "reply-html": "The system answered with a web page, perhaps for logging in.",
        "reply-not-http": "What answered does not speak HTTP.",
        "reply-not-json": "The system's answer is not JSON, and only there could it tell success from failure.",
        "reply-not-soap": "The system's answer is not a SOAP envelope with one element in its Body.",
        "reply-too-large": "The system's answer is larger than the contract allows.",
        "reply-unrelated": "The system's answer says that it answers another message (WS-Addressing RelatesTo).",
        "reply-unsigned": "The system's answer is not signed by the certificate of its `signedBy`, or too long ago.",
        "reply-undecodable": "The system's answer is not in the compression or the character set that it claims.",
        "soap-action": "The system does not know the operation's SOAP action.",
        "soap-addressing": "The system wants WS-Addressing headers (`soap: {addressing}`), or another address in them.",
        "soap-client": "The system says by a SOAP fault that the message is wrong.",
        "soap-encoding": "The system does not take the encoding of the message.",
        "soap-fault": "The system answered with a SOAP fault of its own kind.",
        "soap-must-understand": "The system does not understand a header of the message.",
        "soap-security": "The system does not accept the credentials of the bus (WS-Security).",
        "soap-server": "The system says by a SOAP fault that it failed.",
        "soap-version": "The system speaks another version of SOAP.",
        "body-not-xml": "The message is not XML, which a SOAP system needs: its route lacks a transform.",
        "body-inexpressible": "A name in the message has characters that the system's `requestCharset` has not.",
        "header-invalid": "A header that would go along with the message holds control characters.",
        "operation-unknown": "The route names an operation that the system does not have.",
        "path-value": "A field that belongs into the operation's address is missing or cannot stand there.",
        "internal": "The bus failed at this through a fault of its own; its log has the kind of error.",
    }
)


class Adapter(Protocol):
    """A system's protocol and settings. It never raises past this seam, but for `asyncio.CancelledError`."""

    async def call(self, call: Call) -> Outcome: ...
