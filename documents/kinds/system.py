"""System: one application of one agency, and how it is spoken to."""

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from documents.kinds.auth import Auth, WsseSignature, WsseUsername
from documents.kinds.base import Document, Part, values_of
from documents.kinds.soap import Soap
from documents.kinds.values import (
    Code,
    Count,
    Duration,
    Element,
    Endpoint,
    FilePath,
    Flag,
    HeaderName,
    HeaderText,
    Line,
    Name,
    Number,
    OperationName,
    Secret,
    Texts,
)

PLACEHOLDER = re.compile(r"\{([^{}/]+)\}")
AT_ONCE_OF_AN_INBOX = 100
"""Messages that a system may hold out of its inbox where its limits say nothing: it asks for many at a time."""

METHODS = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


class Tls(Part):
    """Certificates for this system, where the machine's own do not do."""

    ca: FilePath | None = Field(
        default=None, description="A file of PEM certificates to trust instead of the machine's own."
    )
    certificate: Secret | None = Field(
        default=None, description="The bus's certificate and key for it (PEM), as secret:NAME."
    )


class SystemLimits(Part):
    """What the system can bear."""

    concurrency: Count = Field(
        default=8,
        ge=1,
        le=1000,
        description="How many calls may be under way at the same time, of all workers together; of an inbox, how many"
        " messages its system may hold that it has not acknowledged: 100 where nothing is said.",
    )
    rate_per_second: Number | None = Field(
        default=None, gt=0, le=100_000, description="How many calls may begin in a second, of all workers together."
    )
    backlog: Count = Field(
        default=1_000_000,
        ge=1,
        le=100_000_000,
        description="How many messages may wait for it; past that: 503, or a dead letter of an event.",
    )


class Quota(Part):
    """How much the system may send, through all gateways together."""

    per_second: Number | None = Field(
        default=None, gt=0, le=100_000, description="How many messages a second, in the long run."
    )
    burst: Count | None = Field(
        default=None, ge=1, le=1_000_000, description="How many at once after a pause; else as many as in a second."
    )
    per_day: Count | None = Field(
        default=None, ge=1, le=1_000_000_000, description="How many in a day, from midnight to midnight."
    )

    @model_validator(mode="after")
    def _coherent(self) -> "Quota":
        if self.per_second is None and self.burst is not None:
            raise ValueError("`burst` belongs to `perSecond`: say how many messages a second.")
        return self


class Failure(Part):
    """How an operation says in its answer's body that it failed: an error inside HTTP 200."""

    when: Line = Field(description="A condition (JMESPath) over the answer: the call failed when it holds.")
    code: Line | None = Field(
        default=None, description="Selects the system's own error code (JMESPath); else it is the HTTP status."
    )
    fault: dict[str, Name] = Field(
        default_factory=dict, description="Error code: name of a fault that contracts declare."
    )
    retry: list[Line] = Field(default_factory=list, description="Error codes after which the call is tried again.")


class Operation(Part):
    """One operation of a REST system."""

    method: METHODS = Field(default="POST", description="The HTTP method.")
    path: str = Field(
        default="", description="What follows the endpoint; {field} is taken out of the body's top level."
    )
    headers: dict[Annotated[str, HeaderName], HeaderText] = Field(
        default_factory=dict, description="Fixed headers of this operation."
    )
    query: dict[str, str] = Field(default_factory=dict, description="Query parameter: field of the body's top level.")
    repeatable: Flag = Field(
        default=False, description="Calling twice does no harm: the default for routes to this operation."
    )
    max_age: Duration | None = Field(
        default=None,
        description="How old an answer may be that the bus gives again to who asks the same by /rest/SYSTEM; only for a"
        " repeatable GET.",
    )
    failure: Failure | None = Field(default=None, description="How an answer with HTTP 200 says that the call failed.")

    @field_validator("path")
    @classmethod
    def _path(cls, path: str) -> str:
        if path and (not path.startswith("/") or not re.fullmatch(r"[\x21-\x7e]+", path) or set(path) & set("?#")):
            raise ValueError("a path begins with /, and has neither spaces nor ?, such as /hoTich/{maHoSo}.")
        if set(PLACEHOLDER.sub("", path)) & set("{}"):
            raise ValueError("what is taken out of the body stands in one pair of braces: /hoTich/{maHoSo}.")
        return path

    @model_validator(mode="after")
    def _coherent(self) -> "Operation":
        if self.max_age is not None and not (self.method == "GET" and self.repeatable):
            raise ValueError(
                "`maxAge` belongs to `method: GET` with `repeatable: true`: nothing else may be answered again."
            )
        return self

    @property
    def placeholders(self) -> tuple[str, ...]:
        return tuple(PLACEHOLDER.findall(self.path))


class System(Document):
    """One application of one agency; it sends, receives, or both."""

    kind: Literal["System"] = Field(description="System")
    name: Name = Field(description="The name by which grants and routes know it: his.provincial-hospital.")
    title: Texts | None = Field(default=None, description="What people call it, in Vietnamese (vi) and English (en).")
    agency: Code = Field(description="The code of the agency whose system it is; its secrets are that agency's.")
    adapter: Literal["rest", "soap", "inbox"] = Field(description="How it is spoken to; an inbox fetches its messages.")
    endpoint: Endpoint | None = Field(
        default=None, description="Where it is called; a system that only sends has none."
    )
    wsdl: FilePath | None = Field(default=None, description="Its WSDL 1.1, a file of the province.")
    service: Element | None = Field(default=None, description="Which service of the WSDL, where there are several.")
    port: Element | None = Field(default=None, description="Which port of the service, where there are several.")
    soap: Soap | None = Field(
        default=None, description="How this server wants SOAP written, where it differs from others."
    )
    auth: Auth | None = Field(default=None, description="How the bus proves who is calling.")
    headers: dict[Annotated[str, HeaderName], HeaderText] = Field(
        default_factory=dict, description="Fixed headers of every call."
    )
    tls: Tls | None = Field(default=None, description="Certificates, where the machine's own do not do.")
    cloud_events: Literal["binary", "structured"] | None = Field(
        default=None,
        description="Give it the messages of `event` contracts as CloudEvents 1.0: attributes in headers (binary), or"
        " one JSON document with the data in it (structured).",
    )
    sign: Flag = Field(
        default=False, description="Sign what is sent to it (RFC 9421), so that it can tell that the bus sent it."
    )
    certificates: list[FilePath] = Field(
        default_factory=list,
        description="Certificates (PEM, one in a file) any of which it shows in TLS when it calls the bus: so it need"
        " send no token.",
    )
    signed_by: FilePath | None = Field(
        default=None, description="The certificate (PEM) whose key signs what it sends over SOAP (WS-Security)."
    )
    limits: SystemLimits = Field(default_factory=SystemLimits, description="What the system can bear.")
    quota: Quota | None = Field(default=None, description="How much it may send; without one, as much as it likes.")
    operations: dict[Annotated[str, OperationName], Operation] = Field(
        default_factory=dict, description="A REST system's operations."
    )
    visibility: Duration | None = Field(
        default=None,
        description="How long a message that was fetched out of an inbox is its system's before it is given out again:"
        " two minutes (PT2M) where nothing is said.",
    )

    @property
    def key(self) -> tuple[str, str]:
        return self.name, ""

    def operation(self, name: str | None) -> Operation | None:
        """The operation of that name; a route need not name the only one."""
        if name is None and len(self.operations) == 1:
            return next(iter(self.operations.values()))
        return self.operations.get(name or "")

    @property
    def at_once(self) -> int:
        """How many calls may be under way, or messages in its hands."""
        said = "concurrency" in self.limits.model_fields_set
        return AT_ONCE_OF_AN_INBOX if self.adapter == "inbox" and not said else self.limits.concurrency

    def secrets(self) -> Iterator[tuple[tuple[str | int, ...], Secret]]:
        """Each secret that the system names, and where it does so."""
        return values_of(self, Secret)

    @model_validator(mode="after")
    def _coherent(self) -> "System":
        if self.adapter == "soap" and self.wsdl is None and self.endpoint is not None:
            raise ValueError("a SOAP system that is called needs its `wsdl`, a file of the province.")
        if self.adapter != "soap" and (self.wsdl or self.service or self.port):
            raise ValueError("`wsdl`, `service` and `port` belong to `adapter: soap`.")
        if self.wsdl is None and self.soap:
            raise ValueError("`soap` belongs to a system with a `wsdl`: it says how that is spoken.")
        if self.adapter != "rest" and self.operations:
            raise ValueError("`operations` belong to `adapter: rest`; a SOAP system's stand in its WSDL.")
        if self.adapter != "rest" and (self.cloud_events or self.sign):
            raise ValueError("`cloudEvents` and `sign` belong to `adapter: rest`.")
        if self.adapter != "soap" and isinstance(self.auth, WsseUsername | WsseSignature):
            raise ValueError(f"`scheme: {self.auth.scheme}` belongs to `adapter: soap`.")
        if self.soap and self.soap.signed_answers and self.signed_by is None:
            raise ValueError("`signedAnswers` needs the certificate that signs them: `signedBy`.")
        if self.adapter != "inbox" and self.visibility is not None:
            raise ValueError("`visibility` belongs to `adapter: inbox`; a call has the contract's `timeout`.")
        return self

    @model_validator(mode="after")
    def _never_called(self) -> "System":
        if self.adapter != "inbox":
            return self
        for_calls = [name for name in ("endpoint", "auth", "tls", "headers") if name in self.model_fields_set]
        if for_calls:
            named = ", ".join(f"`{name}`" for name in for_calls)
            raise ValueError(
                f"an inbox is fetched by its system, which the bus never calls: leave {named} away."
                " The system shows who it is with a credential (`lgsp credential issue`)."
            )
        if self.limits.rate_per_second is not None:
            raise ValueError("an inbox is fetched as fast as its system likes: leave `ratePerSecond` away.")
        return self
