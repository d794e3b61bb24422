"""What the front doors of one process share: who calls, how much it may ask, and how an answer is counted."""

from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from starlette.requests import Request
from starlette.responses import Response

from adapters.rest.parameters import client
from adapters.rest.reading import InFlight, bearer
from bus.clock import Clock
from bus.errors import AuthenticationMissing, BusError, InternalError, QuotaExceeded
from bus.measures import Measures
from identity.credentials import authenticate
from identity.tokens import Caller
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
    ) -> None:
        self.snapshots = snapshots
        self.refusals = refusals
        self.health = health or Health()
        self.in_flight = InFlight()
        self._clock = clock
        self._measures = measures or Measures()
        self._callers = Callers(clock)
        self._reads = Quotas(clock)

    async def bearer(self, request: Request) -> tuple[Snapshot, Caller]:
        """Whose token this is. Raises as `Callers.identify` does."""
        snapshot = self.snapshots.current()
        try:
            return snapshot, self._callers.identify(snapshot, bearer(request))
        except BusError as refused:
            await self.refusals.refused(source(request), refused)
            raise

    async def authorized(self, request: Request) -> tuple[Snapshot, str | None]:
        """The system that Authorization names, by Bearer or by Basic; None where there is no such header. Raises also
        `CredentialInvalid`, and `AuthenticationMissing` for another scheme."""
        sent = request.headers.get("authorization", "")
        scheme = sent.partition(" ")[0].lower()
        if scheme == "bearer":
            snapshot, caller = await self.bearer(request)
            return snapshot, caller.system
        snapshot = self.snapshots.current()
        if not sent:
            return snapshot, None
        try:
            if scheme != "basic":
                raise AuthenticationMissing
            name, secret = client(request, {})
            return snapshot, authenticate(snapshot.credentials.values(), name, secret, self._clock.now()).system
        except BusError as refused:
            await self.refusals.refused(source(request), refused)
            raise

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


def source(request: Request) -> str:
    """Where a stranger calls from."""
    return request.client.host if request.client else "-"
