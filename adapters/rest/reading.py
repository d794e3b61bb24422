"""Reading a body from a connection that may be slow, endless or lying."""

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Final

from starlette.requests import ClientDisconnect, Request

from bus.envelope import Format
from bus.errors import (
    BodyCut,
    BodyTimeout,
    BodyTooLarge,
    CharsetUnsupported,
    EncodingUnsupported,
    HeaderInvalid,
    Overloaded,
)

MOST_IN_FLIGHT: Final = 256 * 1024 * 1024
"""Bytes of bodies that a process holds at a time, from their arrival to their commit: four of the largest."""

WHOLE: Final = "lgsp.whole"
"""An extension of ASGI (specification of HTTP, "Extensions"): a function that says whether the whole body has come."""

CHARSET = re.compile(r';[ \t]*charset\*?="?([^";,\s]*)', re.IGNORECASE)


class InFlight:
    """Counts the bytes of every body that this process holds."""

    def __init__(self, most: int = MOST_IN_FLIGHT) -> None:
        self._most = most
        self.held = 0

    @contextmanager
    def holding(self) -> Iterator[Callable[[int], None]]:
        """What is taken by calling the result is given back at the end. Taking raises `Overloaded`."""
        mine = 0

        def take(size: int) -> None:
            nonlocal mine
            if self.held + size > self._most:
                raise Overloaded(retry_after=1)
            self.held += size
            mine += size

        try:
            yield take
        finally:
            self.held -= mine


async def read_body(request: Request, limit: int, seconds: float, take: Callable[[int], None]) -> bytes:
    """The whole body, refused as soon as it is known to be too large, slower than so many seconds, or more than this
    process can hold; each piece is taken before it is kept.

    Raises `BodyTooLarge`, `BodyTimeout`, `EncodingUnsupported`, `Overloaded`.
    """
    pieces: list[bytes] = []
    await read_pieces(request, limit, seconds, take, pieces.append)
    return b"".join(pieces)


async def read_pieces(
    request: Request, limit: int, seconds: float, take: Callable[[int], None], keep: Callable[[bytes], None]
) -> None:
    """The same, piece by piece as they come; `keep` may refuse to go on."""
    if any(each.strip().lower() not in {"", "identity"} for each in request.headers.getlist("content-encoding")):
        raise EncodingUnsupported
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise BodyTooLarge(limit=limit)
    size = 0
    try:
        async with nullcontext() if _is_whole(request) else asyncio.timeout(seconds):
            async for chunk in request.stream():
                size += len(chunk)
                if size > limit:
                    raise BodyTooLarge(limit=limit)
                take(len(chunk))
                keep(chunk)
    except TimeoutError:
        raise BodyTimeout(limit=round(seconds)) from None
    except ClientDisconnect:
        raise BodyCut from None


def _is_whole(request: Request) -> bool:
    """Whether all of the body is here, as the server says: a timer for it would cost as much as parsing it."""
    whole = request.scope.get("extensions", {}).get(WHOLE)
    return whole is not None and whole()


def declared_format(content_type: str | None) -> Format | None:
    """JSON or XML by the media type, its structured suffixes (RFC 6839) included; None for anything else.

    Raises `CharsetUnsupported` where another character set than UTF-8 is declared.
    """
    declared = content_type or ""
    if any(charset.lower() not in {"utf-8", "utf8", "us-ascii"} for charset in CHARSET.findall(declared)):
        raise CharsetUnsupported
    kind = declared.partition(";")[0].strip().lower()
    if kind in {"application/json", "text/json"} or kind.endswith("+json"):
        return Format.JSON
    if kind in {"application/xml", "text/xml"} or kind.endswith("+xml"):
        return Format.XML
    return None


def header_text(request: Request, name: str, longest: int) -> str | None:
    """A header that goes into the journal: once, printable ASCII, bounded. Raises `HeaderInvalid`."""
    sent = request.headers.getlist(name)
    if not sent:
        return None
    text = sent[0]
    if len(sent) > 1 or not 0 < len(text) <= longest or not text.isascii() or not text.isprintable():
        raise HeaderInvalid(name=name, hint=f"once, 1 to {longest} printable ASCII characters")
    return text


def bearer(request: Request) -> str | None:
    """The token of ``Authorization: Bearer`` (RFC 6750 §2.1); the scheme's case does not matter."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None
