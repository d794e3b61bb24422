"""A call of another system's operation, taken apart: which system, which operation, which contract, which message."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final
from urllib.parse import quote, unquote

from starlette.requests import Request

from adapters.rest.outbound import BODILESS
from adapters.rest.paths import Lead, Offer, Place
from adapters.rest.reading import declared_format, header_text
from adapters.rest.source import message
from bus.envelope import Format
from bus.errors import MediaTypeUnsupported, PathUnknown
from identity.grants import May
from routes.accept import Arrival
from routes.model import Snapshot

PREFIX: Final = "/rest/"


@dataclass(frozen=True, slots=True)
class Asked:
    """A call whose operation and contract are known."""

    snapshot: Snapshot
    sender: str
    request: Request
    system: str
    offer: Offer
    lead: Lead
    values: tuple[str, ...] = field(repr=False)
    query: Sequence[tuple[str, str]] = field(repr=False)

    @property
    def has_body(self) -> bool:
        headers = self.request.headers
        return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers

    @property
    def takes_none(self) -> bool:
        """Whether a body would not reach the provider."""
        return self.offer.method in BODILESS

    @property
    def is_read(self) -> bool:
        return self.offer.method == "GET"

    def message(self, body: bytes | None) -> bytes:
        """The contract's message; raises `SenderFault`."""
        return message(self.offer, self.lead, self.values, self.query, body)

    def arrival(self, read: Callable[[int], Awaitable[bytes]]) -> Arrival:
        """Raises `HeaderInvalid`, `CharsetUnsupported`."""
        return Arrival(
            self.sender,
            self.lead.contract,
            str(self.lead.major),
            self._format(),
            read,
            header_text(self.request, "idempotency-key", 255),
            self.request.headers.get("traceparent"),
        )

    def require_format(self) -> None:
        """Raises `MediaTypeUnsupported`, before anybody looks into a body of another kind."""
        if self._format() is not self.lead.format:
            raise MediaTypeUnsupported(expected=self.lead.format.media_type)

    def _format(self) -> Format | None:
        """Without a body the fields are all that there is, and they make JSON."""
        if self.takes_none or not self.has_body:
            return Format.JSON
        return declared_format(self.request.headers.get("content-type"))


def taken_apart(request: Request) -> tuple[str, str]:
    """The system's name, and the path that follows it, still percent-encoded. Raises `PathUnknown`."""
    raw = request.scope.get("raw_path") or quote(request.scope["path"]).encode()
    try:
        path = raw.partition(b"?")[0].decode("ascii")
    except UnicodeDecodeError:
        raise PathUnknown from None
    if not path.startswith(PREFIX):  # a slash of it was percent-encoded
        raise PathUnknown
    name, slash, rest = path[len(PREFIX) :].partition("/")
    return unquote(name), slash + rest


def allowed(places: Sequence[Place]) -> str:
    """The methods of every operation at these places, for Allow (RFC 9110 §10.2.1)."""
    methods = {method for place in places for method in place.offers}
    return ", ".join(sorted({*methods, "OPTIONS", *(["HEAD"] if "GET" in methods else [])}))


def chosen(
    places: Sequence[Place], request: Request, query: Sequence[tuple[str, str]]
) -> tuple[Offer, tuple[str, ...]] | None:
    """The operation that is called, and the values of its path. Of several with one method and path, the one that has
    all the parameters of the call, then the one of whose fixed headers the call has most."""
    method = "GET" if request.method == "HEAD" else request.method
    given = {name for name, _ in query}

    def likeness(offer: Offer) -> tuple[bool, int]:
        same = sum(request.headers.get(name) == text for name, text in offer.headers.items())
        return given <= set(offer.query), same

    for place in places:
        if offers := place.offers.get(method):
            return max(offers, key=likeness), place.values
    return None


def led(snapshot: Snapshot, system: str, offer: Offer, today: date) -> Lead:
    """The contract that this system may send; where it may send none, the first, which then refuses it."""
    granted = (each for each in offer.leads if snapshot.grants.allows(system, each.reference, May.SEND, today))
    return next(granted, offer.leads[0])
