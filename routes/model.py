"""What the hot path decides by: routes, systems, and the snapshot that holds everything of one revision."""

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Final

from adapters.call import Adapter
from adapters.rest.paths import Paths
from adapters.soap.offers import Offer
from bus.envelope import Body
from contracts.descriptions.model import Subject
from contracts.model import Contract
from identity.certificates import Holder
from identity.credentials import Credential
from identity.grants import Grants
from identity.keyring import KeyRing

Convert = Callable[[Body], Body]
"""From one shape and format to another; raises `TransformFailed`, or a `SenderFault` where the bytes cannot be read."""

VISIBILITY: Final = 120.0
"""Seconds for which what a system fetched is its own, where its document says nothing."""

Condition = Callable[[object], bool]
"""Over the parsed body: JSON values, or an lxml element."""


@dataclass(frozen=True, slots=True)
class Retry:
    """When to try again, in seconds: `first`, doubled each time, at most `max`, until the message's life ends."""

    first: float = 5.0
    max: float = 900.0


@dataclass(frozen=True, slots=True)
class Route:
    """One way from a contract to a system. A conversion of None passes the bytes on as they are."""

    contract: str
    major: int
    system: str
    operation: str | None = None
    condition: Condition | None = field(default=None, repr=False)
    request: Convert | None = field(default=None, repr=False)
    reply: Convert | None = field(default=None, repr=False)
    faults: Mapping[str, Convert] = field(default_factory=dict, repr=False)
    repeatable: bool = False
    retry: Retry = Retry()
    order_by: Callable[[object], str | None] | None = field(default=None, repr=False)
    apart: Executor | None = field(default=None, repr=False)
    """Where to call conversions, if one of them waits for another process."""

    granted: str = ""
    """The contract, ``name@major``, for which the system needs a grant to receive, where that is not the route's own:
    its messages are migrated to it."""

    @property
    def reference(self) -> str:
        return f"{self.contract}@{self.major}"


@dataclass(frozen=True, slots=True)
class Quota:
    """How much a system may send through all gateways together. `burst`: at once, after a pause; None: a second's."""

    per_second: float | None = None
    burst: int | None = None
    per_day: int | None = None

    @property
    def most_at_once(self) -> float:
        return self.burst or max(1.0, self.per_second or 1.0)


@dataclass(frozen=True, slots=True)
class System:
    """One application of one agency. `adapter` is None where it cannot be called, for the time being (a secret is
    missing) or at all: it only sends, or `fetches` its messages, which are its own for `visibility` seconds each time.
    Limits as in its document."""

    name: str
    agency: str
    adapter: Adapter | None = field(default=None, repr=False)
    concurrency: int = 8
    rate_per_second: float | None = None
    backlog: int = 1_000_000
    fetches: bool = False
    quota: Quota | None = None
    visibility: float = VISIBILITY


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything of one revision, immutable, swapped whole. `contracts` are versions by name, the one that is meant
    where a sender leaves it open before the others, retired ones last; `routes` by reference ``name@major``; `describe`
    gives what a contract's descriptions are made of, `original` the service that a system describes itself as; both
    block. `paths` are the operations of REST systems that others may call as they are. `clients` says whose certificate
    a caller shows in TLS, `signers` whose it signs with over SOAP, both by fingerprint."""

    revision: int
    contracts: Mapping[str, tuple[Contract, ...]]
    routes: Mapping[str, tuple[Route, ...]]
    systems: Mapping[str, System]
    grants: Grants
    credentials: Mapping[str, Credential]
    keys: KeyRing
    describe: Callable[[Contract], Subject] | None = field(default=None, repr=False)
    original: Callable[[str], Offer | None] | None = field(default=None, repr=False)
    paths: Mapping[str, Paths] = field(default_factory=dict, repr=False)
    clients: Mapping[bytes, Holder] = field(default_factory=dict, repr=False)
    signers: Mapping[bytes, Holder] = field(default_factory=dict, repr=False)

    def fetching(self) -> frozenset[str]:
        """The systems that fetch their messages."""
        return frozenset(name for name, system in self.systems.items() if system.fetches)

    def version(self, name: str, version: str) -> Contract | None:
        return next((contract for contract in self.contracts.get(name, ()) if contract.version == version), None)

    def route(self, reference: str, system: str) -> Route | None:
        return next((route for route in self.routes.get(reference, ()) if route.system == system), None)
