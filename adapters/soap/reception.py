"""What every call over SOAP goes through before it is known what it wants: its envelope is read, and who sends it is
proved."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from ipaddress import ip_address
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from adapters.entrance import Entrance
from adapters.peers import peer
from adapters.rest.reading import InFlight, read_body, read_pieces
from adapters.soap.addressing import UNDERSTOOD, addressing
from adapters.soap.answers import Call, fault_answer
from adapters.soap.multipart import Related, RelatedReader, related, takes_xop
from adapters.soap.receiving import ROOM, Received, receive, version_of
from adapters.soap.signatures import signed
from adapters.soap.tokens import Proved, is_understood, proved, security_of
from adapters.soap.wss import SECURITY, SIGNATURE
from bus.clock import Clock
from bus.envelope import Attachment
from bus.errors import (
    AttachmentsRefused,
    AuthenticationMissing,
    BusError,
    CredentialInvalid,
    HeaderNotUnderstood,
    PathUnknown,
    SecurityInvalid,
)
from bus.languages import Language, negotiate
from contracts.model import NONE
from routes.model import Snapshot
from routes.offload import off_the_loop

MOST_OF_STRANGERS: Final = 64 * 1024 * 1024
"""Bytes of envelopes that a process holds whose senders are yet to be known, since that stands inside."""


class Reception:
    """For one process. `url` is where it answers; empty: where each caller came to."""

    def __init__(self, entrance: Entrance, clock: Clock, body_timeout: float, url: str = "") -> None:
        self._entrance = entrance
        self._clock = clock
        self._body_timeout = body_timeout
        self._url = url.rstrip("/")
        self._strangers = InFlight(MOST_OF_STRANGERS)

    def begin(self, request: Request) -> Call:
        """What is known of a call at its beginning. Raises `MediaTypeUnsupported`."""
        known: Call = Call(answer_id=f"urn:uuid:{self._clock.new_id()}")
        request.state.call = known
        content_type = request.headers.get("content-type", "")
        known.version = version_of(content_type)
        known.takes_xop = takes_xop(content_type, request.headers.get("accept", ""))
        return known

    def holding(self, system: str | None) -> AbstractContextManager[Callable[[int], None]]:
        """Where the bytes of an envelope count, from whom it is known to be or from a stranger."""
        return (self._strangers if system is None else self._entrance.in_flight).holding()

    async def received(
        self,
        request: Request,
        known: Call,
        most: int,
        take: Callable[[int], None],
        plain: Callable[[bytes], bytes] | None = None,
        attached: int = 0,
    ) -> Received:
        """The envelope around a body of at most so many bytes, with attachments of `attached` bytes at most. Raises as
        `read_body`, `RelatedReader`, `receive` and `addressing` do, and `AttachmentsRefused` where it may have none."""
        kind = request.headers.get("content-type", "")
        attachments: tuple[Attachment, ...] = ()
        if said := related(kind):
            kind, data, attachments = await self._related(request, said, most + ROOM, attached, take)
            known.version = version_of(kind)
        else:
            data = await read_body(request, most + ROOM, self._body_timeout, take)
        received = await off_the_loop(len(data), receive, data, kind, plain)
        known.addressing = addressing(received.headers)
        return replace(received, attachments=attachments) if attachments else received

    async def _related(
        self, request: Request, said: Related, limit: int, attached: int, take: Callable[[int], None]
    ) -> tuple[str, bytes, tuple[Attachment, ...]]:
        """The envelope, its media type before it, of a body in several parts, which are told apart as they come; and
        what it does not include."""
        reader = RelatedReader(said)
        await read_pieces(request, limit + attached, self._body_timeout, take, reader.feed)
        kind, data, attachments = await off_the_loop(reader.size, reader.envelope, limit)
        take(max(0, len(data) - reader.size))
        if attachments and not attached:
            raise AttachmentsRefused(hint=NONE)
        return kind, data, attachments

    async def proof(
        self, request: Request, received: Received, snapshot: Snapshot, system: str | None, now: int
    ) -> tuple[Proved, Received]:
        """Who sends, as Authorization or a certificate (`system`), a UsernameToken and a signature say with one voice;
        and what was sent, which is what was signed, where there is a signature.

        Raises `AuthenticationMissing`, and as `Entrance.certified`, `proved` and `signed` do.
        """
        security = security_of(received.headers)
        proofs = [] if system is None else [Proved(system)]
        if security is not None:
            told = proved(security, snapshot, now, private=self._is_private(request))
            proofs += [told] if told else []
            if security.find(SIGNATURE) is not None:
                if received.attachments:
                    raise SecurityInvalid(hint="a signature covers no attachments: prove in another way who sends")
                sign = await asyncio.to_thread(signed, received, security, snapshot, now)
                proofs.append(sign.proof)
                received = replace(received, child=sign.child)
        if not proofs:
            self._entrance.certified(request, snapshot)  # raises what is wrong with its certificate, where it shows one
            raise AuthenticationMissing
        if len({each.system for each in proofs}) > 1:
            raise CredentialInvalid
        return proofs[-1], received

    def _is_private(self, request: Request) -> bool:
        """Whether nobody overhears: by TLS, up to whoever ends it before us, or without leaving this machine."""
        if request.scope["scheme"] == "https" or self._url.startswith("https://"):
            return True
        with suppress(ValueError):
            return all(ip_address(each).is_loopback for each in (peer(request), self._entrance.source(request)))
        return False

    def base(self, request: Request) -> str:
        """The address of the bus; never what Host says: anybody could have others call anywhere."""
        host, port = request.scope.get("server") or ("localhost", None)
        name = f"[{host}]" if ":" in host else host
        return self._url or f"{request.scope['scheme']}://{name}{f':{port}' if port else ''}"


def require_understood(received: Received) -> None:
    """Raises `HeaderNotUnderstood` for a header that must be understood and is not."""
    for each in received.mandatory():
        if str(each.tag) not in UNDERSTOOD and not (each.tag == SECURITY and is_understood(each)):
            raise HeaderNotUnderstood


def refuse(request: Request, error: BusError) -> Response:
    """An error as a fault."""
    known: Call = request.state.call
    return fault_answer(known, error, language(request))


def language(request: Request) -> Language:
    return negotiate(request.headers.get("accept-language"))


def asked(request: Request) -> tuple[str, str]:
    """Which document a query asks for: tools write ?wsdl, ?WSDL, ?xsd=0. Raises `PathUnknown`."""
    for name, value in request.query_params.items():
        if name.lower() in {"wsdl", "wsdl12", "xsd"}:
            return name.lower(), value
    raise PathUnknown
