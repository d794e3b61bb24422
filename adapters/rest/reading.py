"""Reading a body from a connection that may be slow, endless or lying."""

import asyncio
from email.message import Message

from starlette.requests import ClientDisconnect, Request

from bus.envelope import Format
from bus.errors import BodyTimeout, BodyTooLarge, CharsetUnsupported, EncodingUnsupported, HeaderInvalid


async def read_body(request: Request, limit: int, seconds: float) -> bytes:
    """The whole body, refused as soon as it is known to be too large, or slower than so many seconds.

    Raises `BodyTooLarge`, `BodyTimeout`, `EncodingUnsupported`.
    """
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise EncodingUnsupported
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise BodyTooLarge(limit=limit)
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                size += len(chunk)
                if size > limit:
                    raise BodyTooLarge(limit=limit)
                chunks.append(chunk)
    except TimeoutError:
        raise BodyTimeout(limit=round(seconds)) from None
    except ClientDisconnect:
        raise BodyTimeout(limit=round(seconds)) from None
    return b"".join(chunks)


def declared_format(content_type: str | None) -> Format | None:
    """JSON or XML by the media type, its structured suffixes (RFC 6839) included; None for anything else.

    Raises `CharsetUnsupported` where another character set than UTF-8 is declared.
    """
    message = Message()
    message["Content-Type"] = content_type or "application/octet-stream"
    charset = message.get_content_charset("utf-8")
    if charset.lower() not in {"utf-8", "utf8", "us-ascii"}:
        raise CharsetUnsupported
    kind = message.get_content_type()
    if kind in {"application/json", "text/json"} or kind.endswith("+json"):
        return Format.JSON
    if kind in {"application/xml", "text/xml"} or kind.endswith("+xml"):
        return Format.XML
    return None


def header_text(request: Request, name: str, longest: int) -> str | None:
    """A header that goes into the journal: printable ASCII, bounded. Raises `HeaderInvalid`."""
    text = request.headers.get(name)
    if text is None:
        return None
    if not 0 < len(text) <= longest or not text.isascii() or not text.isprintable():
        raise HeaderInvalid(name=name, hint=f"1 to {longest} printable ASCII characters")
    return text


def bearer(request: Request) -> str | None:
    """The token of ``Authorization: Bearer`` (RFC 6750 §2.1); the scheme's case does not matter."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None
