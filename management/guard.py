"""What every call of the management plane meets first, before Connexion looks at it."""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adapters.rest.answers import problem_answer
from adapters.rest.reading import InFlight, read_body
from bus.errors import BusError, ElsewhereRefused
from bus.languages import negotiate

LARGEST: Final = 16 * 1024 * 1024
"""Bytes of a call's body: a whole province with its schemas."""

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})

ALWAYS: Final = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline';"
    " script-src 'self' 'unsafe-inline'; frame-ancestors 'none'",
}
"""The page of the description brings its own styles and one script in the page itself."""


class Guard:
    """Bounds bodies in bytes and time, refuses changes that another site makes a browser send, and says of every answer
    that it is to be kept nowhere."""

    def __init__(self, app: ASGIApp, body_timeout: float) -> None:
        self._app = app
        self._body_timeout = body_timeout
        self._in_flight = InFlight()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def careful(message: Message) -> None:
            if message["type"] == "http.response.start":
                there = {name for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *((name.encode(), value.encode()) for name, value in ALWAYS.items() if name.encode() not in there),
                ]
            await send(message)

        request = Request(scope, receive)
        try:
            # A browser that has signed in would send the password along with what another site made it send.
            if request.method not in SAFE and request.headers.get("sec-fetch-site", "none") in {
                "cross-site",
                "same-site",
            }:
                raise ElsewhereRefused
            with self._in_flight.holding() as take:
                body = await read_body(request, LARGEST, self._body_timeout, take)
                await self._app(scope, _again(body, receive), careful)
        except BusError as refused:
            answer: Response = problem_answer(refused, negotiate(request.headers.get("accept-language")))
            await answer(scope, receive, careful)


def _again(body: bytes, receive: Receive) -> Receive:
    """The body that was read, once more; then whatever comes."""
    given = False

    async def again() -> Any:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
