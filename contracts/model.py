"""A contract as the hot path uses it: compiled, immutable."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from bus.envelope import Attachment, Body, Exchange, Format
from bus.errors import Finding


class Validator(Protocol):
    """A compiled schema."""

    def check(self, body: Body) -> tuple[object, Sequence[Finding]]:
        """Parse and check a body: what was parsed (JSON values, or an lxml element) and at most 50 findings.

        Raises a `SenderFault` where the bytes cannot be parsed safely at all.
        """


MOST_ATTACHMENTS: Final = 20
"""Of one payload; each is named in the evidence."""

LONGEST_REPLY: Final = 16 * 1024 * 1024
"""Bytes of an answer that are read, with all that goes along with it."""


@dataclass(frozen=True, slots=True)
class Attachments:
    """What may go along with a payload: at most so many, of at most so many bytes together, of these media types."""

    most: int
    max_bytes: int
    media_types: frozenset[str]

    def refusal(self, given: Sequence[Attachment]) -> str:
        """Why these may not; empty: they may."""
        if len(given) > self.most:
            return f"at most {self.most}"
        if sum(len(each.data) for each in given) > self.max_bytes:
            return f"at most {self.max_bytes} bytes together"
        if not all(each.media_type in self.media_types for each in given):
            return f"of the media types {', '.join(sorted(self.media_types))}"
        return ""


NONE: Final = "the contract takes none"


def attachments_refusal(part: "Part | None", given: Sequence[Attachment]) -> str:
    """Why these may not go along with a payload; empty: they may."""
    if not given:
        return ""
    return part.attachments.refusal(given) if part and part.attachments else NONE


@dataclass(frozen=True, slots=True)
class Part:
    """One payload of a contract: its request, its reply or one of its faults.

    `personal_data` are JSON Pointers in which ``*`` stands for every member, or XPaths. `subject` finds in a parsed
    body whom the message is about. `attachments` None: it has none.
    """

    format: Format
    validator: Validator = field(repr=False)
    personal_data: tuple[str, ...] = ()
    subject: Callable[[object], str | None] | None = field(default=None, repr=False)
    attachments: Attachments | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that the receiver may answer with, and how it says so."""

    name: str
    part: Part | None = None
    status: int | None = None
    element: str | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, times in seconds."""

    max_bytes: int = 1_048_576
    timeout: float = 30.0
    time_to_live: float = 7 * 86_400.0


@dataclass(frozen=True, slots=True)
class Retention:
    """How long a body and the evidence are kept, in seconds."""

    body: float = 90 * 86_400.0
    evidence: float = 10 * 365 * 86_400.0


@dataclass(frozen=True, slots=True)
class Contract:
    """One version of one named exchange.

    Under a `retired` one nothing is accepted, but what was accepted before is delivered; `instead` is the version to
    use, ``name@1.2.0``, if there is one. `headers` are what answers under a deprecated one say besides.
    """

    name: str
    version: str
    exchange: Exchange
    owner: str
    request: Part
    reply: Part | None = None
    faults: Mapping[str, Fault] = field(default_factory=dict)
    limits: Limits = Limits()
    retention: Retention = Retention()
    title: Mapping[str, str] = field(default_factory=dict)
    retired: bool = False
    instead: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    reference: str = field(init=False)  # name@major, as grants and routes name it

    def __post_init__(self) -> None:
        object.__setattr__(self, "reference", f"{self.name}@{self.version.partition('.')[0]}")

    @property
    def life(self) -> float:
        """Seconds from acceptance to expiry: a request lives as long as its caller may wait."""
        return self.limits.timeout if self.exchange is Exchange.REQUEST else self.limits.time_to_live
