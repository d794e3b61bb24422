"""What the front doors of one process share: who calls, how much it may ask, and how an answer is counted."""

from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from starlette.requests import Request
from starlette.responses import Response

from adapters.peers import Peers
from adapters.rest.parameters import client
from adapters.rest.reading import InFlight, bearer
from bus.clock import Clock
from bus.errors import AuthenticationMissing, BusError, CredentialInvalid, InternalError, QuotaExceeded
from bus.measures import Measures
from identity.certificates import holder
from identity.credentials import authenticate
from routes.callers import Callers
from routes.health import Health
from routes.model import Snapshot
from routes.quotas import READS, Quotas
from routes.refusals import Refusals
from routes.snapshots import Snapshots

BASIC: Final = 'Basic realm="lgsp", charset="UTF-8"'

log = structlog.get_logger("gateway")

Endpoint = Callable[[Request], Awaitable[Response]]
Refuse = Callable[[Request, BusError], Response]
"""How a door says an error."""


class Entrance:
    """For one process."""

    def __init__(
        self,
        snapshots: Snapshots,
        refusals: Refusals,
        clock: Clock,
        measures: Measures | None = None,
        health: Health | None = None,
        peers: Peers | None = None,
    ) -> None:
        self.snapshots = snapshots
        self.refusals = refusals
        self.health = health or Health()
        self.in_flight = InFlight()
        self._clock = clock
        self._measures = measures or Measures()
        self._callers = Callers(clock)
        self._peers = peers or Peers()
        self._reads = Quotas(clock)

    async def caller(self, request: Request) -> tuple[Snapshot, str]:
        """The system that calls, by its token; without Authorization, by the certificate that it shows.

        Raises as `Callers.identify` and `certified` do, and `CredentialInvalid` where the certificate is another's.
        """
        snapshot = self.snapshots.current()
        try:
            return snapshot, self._caller(request, snapshot)
        except BusError as refused:
            await self.refusals.refused(self.source(request), refused)
            raise

    def _caller(self, request: Request, snapshot: Snapshot) -> str:
        token = bearer(request)
        if token is None and not request.headers.get("authorization"):
            system = self.certified(request, snapshot)
            if system is not None:
                return system
        system = self._callers.identify(snapshot, token).system
        return self._alone(request, snapshot, system)

    async def authorized(self, request: Request, *, elsewhere: bool = False) -> tuple[Snapshot, str | None]:
        """The system that Authorization names, by Bearer or by Basic, else a certificate; None where there is neither.
        `elsewhere`: it may yet prove who it is in another way, so nothing is said of a certificate that proves nothing.

        Raises also `AuthenticationMissing` for another scheme.
        """
        sent = request.headers.get("authorization", "")
        scheme = sent.partition(" ")[0].lower()
        if scheme == "bearer":
            return await self.caller(request)
        snapshot = self.snapshots.current()
        try:
            if not sent:
                return snapshot, self.certified(request, snapshot)
            if scheme != "basic":
                raise AuthenticationMissing
            name, secret = client(request, {})
            system = authenticate(snapshot.credentials.values(), name, secret, self._clock.now()).system
            return snapshot, self._alone(request, snapshot, system)
        except BusError as refused:
            if elsewhere and not sent:
                return snapshot, None
            await self.refusals.refused(self.source(request), refused)
            raise

    async def proved(self, request: Request) -> tuple[Snapshot, str]:
        """As `authorized`, of a call that can prove nowhere else who makes it. Raises `AuthenticationMissing`."""
        snapshot, system = await self.authorized(request)
        if system is None:
            refused = AuthenticationMissing()
            await self.refusals.refused(self.source(request), refused)
            raise refused
        return snapshot, system

    def certified(self, request: Request, snapshot: Snapshot) -> str | None:
        """The system whose certificate the caller shows; None where it shows none. Raises `CertificateUnknown`,
        `CertificateNotValid`, `HeaderInvalid`, `ProxyUnknown`."""
        shown = self._peers.certificate(request)
        return None if shown is None else holder(snapshot.clients, shown, self._clock.now())

    def source(self, request: Request) -> str:
        """Where a stranger calls from."""
        return self._peers.source(request)

    def _alone(self, request: Request, snapshot: Snapshot, system: str) -> str:
        """A certificate beside Authorization is not asked for, and may be a proxy's; but it is not another system's.
        Raises `CredentialInvalid`."""
        if snapshot.clients and (shown := self._peers.beside(request)):
            other = snapshot.clients.get(shown)
            if other and other.system != system:
                raise CredentialInvalid
        return system

    async def ask(self, system: str) -> None:
        """One more question. Raises `QuotaExceeded` where a system asks without a pause."""
        try:
            self._reads.take(system, READS)
        except QuotaExceeded as refused:
            await self.refusals.refused(system, refused)
            raise

    def answering(self, endpoint: Endpoint, refuse: Refuse) -> Endpoint:
        """Whatever an endpoint refuses is said as `refuse` says it; each call is counted and timed."""
        measures, name = self._measures, getattr(endpoint, "__name__", "call")

        async def answer(request: Request) -> Response:
            began, status = self._clock.monotonic(), 500
            measures.calls += 1
            try:
                try:
                    given = await endpoint(request)
                except BusError as refused:
                    given = refuse(request, refused)
                except Exception as unforeseen:  # noqa: BLE001 - no stack trace leaves the bus
                    log.error("request-failed", kind=type(unforeseen).__name__)
                    given = refuse(request, InternalError())
                status = given.status_code
            finally:
                measures.calls -= 1
                measures.observe("lgsp_request_seconds", self._clock.monotonic() - began, name, str(status))
            return given

        return answer
