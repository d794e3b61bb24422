"""Contract: what one kind of message must be."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from contracts.model import LONGEST_REPLY, MOST_ATTACHMENTS
from documents.kinds.base import Document, Part
from documents.kinds.conversions import Conversions, Test
from documents.kinds.values import (
    Code,
    Count,
    Duration,
    Element,
    FilePath,
    Line,
    Name,
    Reference,
    Texts,
    Value,
    Version,
)

MAX_BYTES = 64 * 1024 * 1024  # design: the hard limit of a body
Selection = Annotated[str, Field(pattern=r"^[^\x00-\x1f]{0,300}$")]
FormatName = Literal["json", "xml"]


class MediaType(Value):
    """A media type without parameters (RFC 9110 §8.3.1)."""

    __slots__ = ()
    PATTERN = r"[a-z0-9][a-z0-9!#$&^_.+-]{0,60}/[a-z0-9][a-z0-9!#$&^_.+-]{0,100}"
    HINT = "a media type is written in small letters and without parameters: application/pdf, image/jpeg."


class Attachments(Part):
    """Files that may go along with a payload (SOAP with attachments)."""

    max: Count = Field(default=5, ge=1, le=MOST_ATTACHMENTS, description="At most so many.")
    max_bytes: Count = Field(default=10 * 1_048_576, ge=1, le=MAX_BYTES, description="Their bytes together, at most.")
    media_types: list[MediaType] = Field(min_length=1, description="What they may be: [application/pdf, image/jpeg].")

    def allow(self, narrow: "Attachments") -> bool:
        """Whether everything goes here that goes there."""
        return (
            narrow.max <= self.max
            and narrow.max_bytes <= self.max_bytes
            and set(narrow.media_types) <= set(self.media_types)
        )


class Payload(Part):
    """One payload: how it is written and what it must be."""

    format: FormatName = Field(description="How it is written: json or xml.")
    schema_path: FilePath = Field(
        alias="schema", description="Its JSON Schema (2020-12) or XSD, a file of the province."
    )
    element: Element | None = Field(default=None, description='The root element of XML: "{namespace}Name".')
    subject: Selection | None = Field(
        default=None, description="Whom the message is about: a JSON Pointer, or an XPath for XML."
    )
    personal_data: list[Selection] = Field(
        default_factory=list,
        description="Where personal data stand: JSON Pointers, * for every member; XPaths for XML.",
    )
    namespaces: dict[str, str] = Field(default_factory=dict, description="Prefixes for the XPaths of this payload.")
    attachments: Attachments | None = Field(
        default=None, description="Files that may go along with it, over SOAP; none where nothing is said."
    )

    @model_validator(mode="after")
    def _coherent(self) -> "Payload":
        if self.format == "xml" and self.element is None:
            raise ValueError('a payload of XML names its root: element: "{namespace}Name".')
        if self.format == "json" and (self.element is not None or self.namespaces):
            raise ValueError("`element` and `namespaces` belong to `format: xml`.")
        return self


class Fault(Part):
    """A fault that the receiver may answer with."""

    format: FormatName | None = Field(
        default=None, description="How its body is written; as the reply where nothing is said."
    )
    schema_path: FilePath | None = Field(
        default=None, alias="schema", description="What its body must be: a JSON Schema or XSD."
    )
    root: Element | None = Field(default=None, description="The root element of its body, where that is XML.")
    element: Element | None = Field(
        default=None, description='How a SOAP receiver says it: the element of the detail, "{ns}Name".'
    )
    status: Count | None = Field(
        default=None, ge=400, le=599, description="How a REST receiver says it: the HTTP status."
    )
    personal_data: list[Selection] = Field(default_factory=list, description="Where personal data stand in its body.")


class ContractLimits(Part):
    """Bounds of size and time."""

    max_bytes: Count = Field(default=1_048_576, ge=1, le=MAX_BYTES, description="The largest body, in bytes.")
    timeout: Duration = Field(
        default=Duration("PT30S"), description="How long one call may take; a request lives as long."
    )
    time_to_live: Duration = Field(
        default=Duration("P7D"), description="How long delivery of a document or event is tried."
    )


class Retention(Part):
    """How long what is kept."""

    body: Duration = Field(default=Duration("P90D"), description="How long bodies are kept.")
    evidence: Duration = Field(
        default=Duration("P10Y"), description="How long it is kept that a message was exchanged."
    )


class Examples(Part):
    """Payloads that `lgsp check` tries."""

    valid: list[FilePath] = Field(default_factory=list, description="Requests that must pass.")
    invalid: list[FilePath] = Field(default_factory=list, description="Requests that must be refused.")


class Migration(Conversions):
    """How messages of a former contract go on to the receivers of this one. Only the newest version's is in force."""

    from_: Reference = Field(
        alias="from", description="The former contract, with its major: health.patient-referral@1."
    )
    tests: list[Test] = Field(default_factory=list, description="Examples of the conversions, which `lgsp check` runs.")


class Contract(Document):
    """A named, versioned definition of one exchange."""

    kind: Literal["Contract"] = Field(description="Contract")
    name: Name = Field(description="The name: health.patient-referral.")
    version: Version = Field(
        description="The version (semver): a version that was applied is never changed, only followed."
    )
    title: Texts = Field(description="What people call it, in Vietnamese (vi) and English (en).")
    owner: Code = Field(description="The code of the agency that answers for it.")
    exchange: Literal["request", "document", "event"] = Field(
        description="request: one provider answers; document: to one receiver; event: to every subscriber."
    )
    request: Payload = Field(description="The payload that is sent, in all three exchanges.")
    reply: Payload | None = Field(default=None, description="The payload of the answer.")
    faults: dict[Annotated[str, Name], Fault] = Field(
        default_factory=dict, description="Faults by name, which are answers too."
    )
    limits: ContractLimits = Field(default_factory=ContractLimits, description="Bounds of size and time.")
    retention: Retention = Field(default_factory=Retention, description="How long what is kept.")
    examples: Examples = Field(default_factory=Examples, description="Payloads that `lgsp check` tries.")
    migrates: Migration | None = Field(
        default=None,
        description="How messages of a former contract go on to the receivers of this one: `request` makes one of this"
        " contract, `reply` and `faults` make the former's answers.",
    )
    note: Line | None = Field(default=None, description="What is new in this version.")

    @property
    def key(self) -> tuple[str, str]:
        return self.name, self.version

    @property
    def major(self) -> int:
        return int(self.version.partition(".")[0])

    @property
    def reference(self) -> str:
        return f"{self.name}@{self.major}"

    def fault_format(self, fault: Fault) -> FormatName:
        """A fault is written as the reply is, where nothing else is said."""
        return fault.format or (self.reply or self.request).format

    def fault_payload(self, fault: Fault) -> Payload | None:
        """The body of a fault as a payload; None where it may be anything."""
        if fault.schema_path is None:
            return None
        written = {"format": self.fault_format(fault), "schema": str(fault.schema_path)}
        return Payload.model_validate(written | ({"element": fault.root} if fault.root else {}))

    @model_validator(mode="after")
    def _coherent(self) -> "Contract":
        if self.exchange == "request" and self.reply is None:
            raise ValueError("a request is answered: write `reply`, or make it `exchange: document`.")
        if self.exchange == "event" and (self.reply or self.faults):
            raise ValueError("nobody answers an event: leave `reply` and `faults` away.")
        beside = self.request.attachments
        if beside and self.limits.max_bytes + beside.max_bytes > MAX_BYTES:
            raise ValueError(f"body and attachments have {MAX_BYTES} bytes together at most: lower one `maxBytes`.")
        back = self.reply.attachments if self.reply else None
        if back and back.max_bytes >= LONGEST_REPLY:
            most = f"an answer has {LONGEST_REPLY} bytes at most, with its attachments"
            raise ValueError(f"{most}: lower `reply.attachments.maxBytes`.")
        for name, fault in self.faults.items():
            if fault.schema_path and self.fault_format(fault) == "xml" and fault.root is None:
                raise ValueError(f"the body of the fault {name} is XML: name its root.")
        return self
