"""What every stand-in has beside its own service: a door that is locked, a memory of what came, and moods.

``GET /_received`` tells what came in; ``DELETE`` forgets it. ``POST /_behave`` sets the mood; see `Manners`.
"""

import asyncio
import re
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

VIET_NAM = timezone(timedelta(hours=7))

Clock = Callable[[], datetime]
Lock = Callable[[Headers], bool]

ERROR_PAGE = "<!DOCTYPE html><html><head><title>Lỗi</title></head><body><h1>Hệ thống đang bảo trì</h1></body></html>"
KEPT_HEADERS = ("content-type", "soapaction", "idempotency-key", "ce-id", "traceparent", "bus-sequence")


def now() -> datetime:
    """The time by the clocks of Viet Nam."""
    return datetime.now(VIET_NAM)


class Mode(StrEnum):
    """The moods of an application."""

    NORMAL = "normal"
    SLOW = "slow"  # answers late
    DOWN = "down"  # 503, or an answer cut off in its middle
    RUDE = "rude"  # an error page with status 200, a fault with status 200, dates in another form


KINDS = {
    Mode.NORMAL: ("",),
    Mode.SLOW: ("",),
    Mode.DOWN: ("503", "cut"),
    Mode.RUDE: ("html", "fault-in-200", "dates"),
}


class Manners(BaseModel):
    """How the application behaves from now on; `times` counts the calls after which it is itself again.

    `kind` says which way of being down or rude; the first of `KINDS` where none is named. `seconds` is for slow.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: Mode = Mode.NORMAL
    kind: str = ""
    seconds: float = Field(default=2.0, ge=0, le=3600)
    times: int | None = Field(default=None, ge=1)

    @model_validator(mode="before")
    @classmethod
    def first_kind(cls, given: Any) -> Any:
        if isinstance(given, dict) and not given.get("kind") and given.get("mode") in set(Mode):
            return given | {"kind": KINDS[Mode(given["mode"])][0]}
        return given

    @model_validator(mode="after")
    def known_kind(self) -> "Manners":
        if self.kind not in KINDS[self.mode]:
            message = f"kind for {self.mode} is one of {KINDS[self.mode]}"
            raise ValueError(message)
        return self


@dataclass
class Received:
    """One call as it came, and the status it was answered with; 0 while it has none. Passwords are not kept."""

    number: int
    at: str
    method: str
    path: str
    headers: dict[str, str]
    body: str
    status: int = 0


@dataclass
class Memory:
    """What an application remembers between calls: its manners, and the last ten thousand calls of all it counted."""

    clock: Clock = now
    manners: Manners = field(default_factory=Manners)
    count: int = 0
    calls: deque[Received] = field(default_factory=lambda: deque(maxlen=10_000))

    def behaviour(self) -> Manners:
        """The manners of the next call: counts `times` down."""
        current = self.manners
        if current.times is not None:
            left = current.times - 1
            self.manners = current.model_copy(update={"times": left}) if left else Manners()
        return current

    def note(self, scope: Scope, body: bytes) -> Received:
        self.count += 1
        headers = Headers(scope=scope)
        call = Received(
            number=self.count,
            at=self.clock().isoformat(timespec="milliseconds"),
            method=scope["method"],
            path=scope["path"],
            headers={name: headers[name] for name in KEPT_HEADERS if name in headers},
            body=without_passwords(body).decode("utf-8", "replace"),
        )
        self.calls.append(call)
        return call

    def forget(self) -> None:
        self.count = 0
        self.calls.clear()


def without_passwords(body: bytes) -> bytes:
    """Blank the password of a WS-Security header."""
    return re.sub(rb"(<(?:[\w.-]+:)?Password\b[^>]*>)[^<]*", rb"\1***", body)


def stand_in(
    routes: Sequence[BaseRoute],
    memory: Memory,
    *,
    lock: Lock = lambda _headers: True,
    rude_fault: Callable[[], Response],
) -> Starlette:
    """An application out of its own routes, with its memory, its lock and its moods around them."""
    inner = Starlette(routes=list(routes))

    async def received(request: Request) -> Response:
        if request.method == "DELETE":
            memory.forget()
            return Response(status_code=204)
        return JSONResponse({"count": memory.count, "calls": [vars(call) for call in memory.calls]})

    async def behave(request: Request) -> Response:
        try:
            memory.manners = Manners.model_validate_json(await request.body())
        except ValidationError as error:
            problems = [{"field": ".".join(map(str, item["loc"])), "problem": item["msg"]} for item in error.errors()]
            return JSONResponse({"problems": problems}, status_code=400)
        return JSONResponse(memory.manners.model_dump())

    return Starlette(
        routes=[
            Route("/_received", received, methods=["GET", "DELETE"]),
            Route("/_behave", behave, methods=["POST"]),
            Mount("/", app=Mannered(inner, memory, lock, rude_fault)),
        ]
    )


class Mannered:
    """ASGI around an application: notes the call, behaves as told, and lets in only who has the key."""

    def __init__(self, app: ASGIApp, memory: Memory, lock: Lock, rude_fault: Callable[[], Response]) -> None:
        self.app = app
        self.memory = memory
        self.lock = lock
        self.rude_fault = rude_fault

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await Request(scope, receive).body()
        call = self.memory.note(scope, body)

        async def replay() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                call.status = message["status"]
            await send(message)

        manners = self.memory.behaviour()
        if manners.mode is Mode.SLOW:
            await asyncio.sleep(manners.seconds)
        if manners.kind == "cut":
            await cut_off(noted)
            return
        # Starlette's request carries the manners to the endpoint, which may have to write its dates otherwise.
        inner_scope = {**scope, "manners": manners}
        await (self.spoilt(manners, Headers(scope=scope)) or self.app)(inner_scope, replay, noted)

    def spoilt(self, manners: Manners, headers: Headers) -> Response | None:
        """What is answered instead of service, if anything."""
        match manners.kind:
            case "503":
                return PlainTextResponse("bảo trì", status_code=503, headers={"Retry-After": "1"})
            case "html":
                return HTMLResponse(ERROR_PAGE)
            case "fault-in-200":
                return self.rude_fault()
        if not self.lock(headers):
            return PlainTextResponse("không có quyền", status_code=401)
        return None


async def cut_off(send: Send) -> None:
    """Promise a hundred bytes, send one, and hang up: the server closes a connection whose answer is not complete."""
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"100")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b".", "more_body": True})


def odd_dates(request: Request) -> bool:
    """Whether this call is to be answered with dates in another form than promised."""
    return bool(request.scope["manners"].kind == "dates")
