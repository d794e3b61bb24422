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
from adapters.rest.reading import InFlight, read_body
from adapters.soap.addressing import UNDERSTOOD, addressing
from adapters.soap.answers import Call, fault_answer
from adapters.soap.receiving import ROOM, Received, receive, version_of
from adapters.soap.signatures import signed
from adapters.soap.tokens import Proved, is_understood, proved, security_of
from adapters.soap.wss import SECURITY, SIGNATURE
from bus.clock import Clock
from bus.errors import AuthenticationMissing, BusError, CredentialInvalid, HeaderNotUnderstood, PathUnknown
from bus.languages import Language, negotiate
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
        known.version = version_of(request.headers.get("content-type", ""))
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
    ) -> Received:
        """The envelope around a body of at most so many bytes. Raises as `read_body`, `receive` and `addressing` do."""
        data = await read_body(request, most + ROOM, self._body_timeout, take)
        received = await off_the_loop(len(data), receive, data, request.headers.get("content-type", ""), plain)
        known.addressing = addressing(received.headers)
        return received

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
