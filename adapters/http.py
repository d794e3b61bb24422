"""HTTP as every adapter uses it: one session a process, one try a call, and every failure an outcome."""

import asyncio
import ssl
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from enum import StrEnum
from types import SimpleNamespace
from typing import ParamSpec, TypeVar

import aiohttp
import structlog
from aiohttp import hdrs
from yarl import URL

from adapters.call import Call, Outcome, Result
from adapters.egress import Egress, EgressRefused
from bus.clock import Clock

CONNECT_TIMEOUT = 10.0  # seconds; a filtered address would else hold its place for the whole call
# Seconds that an idle connection is kept: less than servers keep theirs (gunicorn 2, Apache and node.js 5), since a
# request written just as the server hangs up has an unknown outcome.
KEEP_ALIVE = 1.5
OFF_LOOP = 65_536  # bytes; what is longer is read in a thread
RETRY_AFTER_MAX = 86_400.0

log = structlog.get_logger(__name__)
P = ParamSpec("P")
T = TypeVar("T")


class Defect(StrEnum):
    """Why an answer's body could not be read to its end."""

    CUT = "reply-cut"  # the connection ended, or the time, before the body did
    TOO_LARGE = "reply-too-large"
    UNDECODABLE = "reply-undecodable"  # not in the encoding or the character set it claims


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request; `url` holds values, so it is never shown."""

    method: str
    url: URL = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer. `data` is whole and decompressed, or empty where there is a `defect`."""

    status: int
    content_type: str = field(default="", repr=False)
    data: bytes = field(default=b"", repr=False)
    defect: Defect | None = None
    retry_after: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


Prepare = Callable[[Call], Request | Outcome]
Read = Callable[[Call, Answer], Outcome]


def open_session(egress: Egress) -> aiohttp.ClientSession:
    """The process's one session; call it in the running loop, and close it.

    No cookies, proxies or passwords out of the environment. No bound on connections, since one system that is slow
    must not use up another's: concurrency is bounded for each system by whoever calls.
    """
    connector = aiohttp.TCPConnector(
        limit=0, socket_factory=egress.socket, keepalive_timeout=KEEP_ALIVE, ttl_dns_cache=10
    )
    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(_started)
    trace.on_connection_create_end.append(_connected)
    trace.on_connection_reuseconn.append(_connected)
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        auto_decompress=False,
        trace_configs=[trace],
        headers={hdrs.USER_AGENT: "lgsp", hdrs.ACCEPT_ENCODING: "gzip, deflate"},
    )


async def perform(session: aiohttp.ClientSession, clock: Clock, call: Call, prepare: Prepare, read: Read) -> Outcome:
    """One call from beginning to end: prepare the request, exchange it, read the answer.

    A failure of our own is logged by the name of its type alone, since foreign errors quote values, and says no more
    than is known: before the exchange nothing was sent, after it there was an answer.
    """
    stage = Outcome(Result.REFUSED, "internal")
    try:
        size = len(call.body.data) + sum(len(each.data) for each in call.attachments)
        request = await _off_loop(size, prepare, call)
        if isinstance(request, Outcome):
            return request
        stage = Outcome(Result.UNKNOWN, "internal")
        answer = await exchange(session, request, call)
        if isinstance(answer, Outcome):
            return answer
        stage = Outcome(Result.REPLY_INVALID, "internal", answer.status)
        if answer.defect:
            return by_defect(answer) if answer.is_success else by_status(answer, clock)
        return await _off_loop(len(answer.data), read, call, answer)
    except Exception as error:  # noqa: BLE001  nothing passes this seam
        log.error("adapter-failed", error=type(error).__name__)
        return stage


async def exchange(session: aiohttp.ClientSession, request: Request, call: Call) -> Answer | Outcome:
    """Send one request once and read its answer; an outcome where there was none."""
    # Until the session's trace says otherwise, believe the worse: that the request was written.
    progress = _Progress()
    try:
        async with asyncio.timeout(call.timeout):
            response = progress.response = await _send(session, request, progress)
            return await _read(response, call.max_bytes)
    except (TimeoutError, aiohttp.ClientError, OSError, UnicodeError) as error:
        if progress.response is not None:
            return _answer(progress.response, b"", Defect.CUT)
        return failure(error, written=progress.written)
    finally:
        if progress.response is not None:
            progress.response.close()


def failure(error: Exception, *, written: bool) -> Outcome:
    """What an error in place of an answer means (design §3); `written`: whether a connection had been made."""
    match error:
        case aiohttp.ClientConnectorError():
            return _unconnected(error)
        case aiohttp.InvalidURL() | UnicodeError():  # a host that no name server could be asked for
            return Outcome(Result.MISCONFIGURED, "endpoint")
        case TimeoutError():
            return Outcome(Result.UNKNOWN, "timeout") if written else Outcome(Result.NOT_SENT, "connect-timeout")
        case aiohttp.ClientResponseError():
            return Outcome(Result.UNKNOWN, "reply-not-http")
        case _ if _is_certificate_alert(error):
            return Outcome(Result.MISCONFIGURED, "tls")
    return Outcome(Result.UNKNOWN, "connection-reset")


def _unconnected(error: aiohttp.ClientConnectorError) -> Outcome:
    match error, error.os_error:
        case aiohttp.ClientConnectorDNSError(), _:
            return Outcome(Result.NOT_SENT, "dns")
        case ((aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError()), _):
            return Outcome(Result.MISCONFIGURED, "tls")
        case _, EgressRefused():
            return Outcome(Result.MISCONFIGURED, "egress")
        case _, ConnectionRefusedError():
            return Outcome(Result.NOT_SENT, "connection-refused")
    return Outcome(Result.NOT_SENT, "connection-failed")


def by_status(answer: Answer, clock: Clock) -> Outcome:
    """What a status outside 2xx means (design §3). Redirects are not followed: a new address is for people to set."""
    status, code = answer.status, f"http-{answer.status}"
    match status:
        case 429 | 503:
            return Outcome(Result.NOT_SENT, code, status, retry_after=retry_after(answer.retry_after, clock))
        case 401 | 403 | 407:
            return Outcome(Result.MISCONFIGURED, code, status)
        case _ if status < 400:
            return Outcome(Result.MISCONFIGURED, code, status)
        case _ if status < 500:
            return Outcome(Result.REFUSED, code, status)
        case _:
            return Outcome(Result.TROUBLE, code, status)


def by_defect(answer: Answer) -> Outcome:
    """What a 2xx whose body cannot be read means. Cut short, it might have named a fault or a failure, and the next
    try may bring it whole: unknown. Too large or undecodable, it will be so again: invalid."""
    result = Result.UNKNOWN if answer.defect is Defect.CUT else Result.REPLY_INVALID
    return Outcome(result, str(answer.defect), answer.status)


def retry_after(header: str, clock: Clock) -> float | None:
    """Seconds to wait, out of a Retry-After (RFC 9110 §10.2.3): a number or a date; at most a day, None if neither."""
    text = header.strip()
    if text.isascii() and text.isdecimal():
        return min(float(text[:12]), RETRY_AFTER_MAX)
    try:
        moment = parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(moment - clock.now() / 1000, 0.0), RETRY_AFTER_MAX)


@dataclass(slots=True)
class _Progress:
    written: bool = True
    response: aiohttp.ClientResponse | None = None


async def _started(_session: aiohttp.ClientSession, context: SimpleNamespace, _params: object) -> None:
    if isinstance(context.trace_request_ctx, _Progress):
        context.trace_request_ctx.written = False


async def _connected(_session: aiohttp.ClientSession, context: SimpleNamespace, _params: object) -> None:
    if isinstance(context.trace_request_ctx, _Progress):
        context.trace_request_ctx.written = True


class _Broken(aiohttp.ClientError):
    """A connection that broke while it carried a request."""


async def _once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep aiohttp from sending a PUT or DELETE again by itself: that decision is the journal's."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        if isinstance(error, TimeoutError):
            raise
        raise _Broken from error


async def _send(session: aiohttp.ClientSession, request: Request, progress: _Progress) -> aiohttp.ClientResponse:
    return await session.request(
        request.method,
        request.url,
        data=request.body,
        headers=request.headers,
        ssl=request.tls or True,
        skip_auto_headers=(hdrs.CONTENT_TYPE,),
        allow_redirects=False,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT),
        middlewares=(_once,),
        trace_request_ctx=progress,
    )


async def _read(response: aiohttp.ClientResponse, max_bytes: int) -> Answer:
    coding = response.headers.get(hdrs.CONTENT_ENCODING, "").strip().lower()
    if coding not in {"", "identity", "gzip", "x-gzip", "deflate"}:
        return _answer(response, b"", Defect.UNDECODABLE)
    inflater = None if coding in {"", "identity"} else _Inflater()
    received, data = 0, bytearray()
    async for chunk in response.content.iter_any():
        received += len(chunk)
        try:
            data += inflater.feed(chunk, max_bytes + 1 - len(data)) if inflater else chunk
        except zlib.error:
            return _answer(response, b"", Defect.UNDECODABLE)
        # Also what was received is bounded: deflate can carry any number of empty blocks.
        if max(len(data), received - 1024) > max_bytes:
            return _answer(response, b"", Defect.TOO_LARGE)
    whole = inflater is None or inflater.is_at_end or not received
    return _answer(response, bytes(data), None) if whole else _answer(response, b"", Defect.CUT)


def _answer(response: aiohttp.ClientResponse, data: bytes, defect: Defect | None) -> Answer:
    headers = response.headers
    content_type, after = headers.get(hdrs.CONTENT_TYPE, ""), headers.get(hdrs.RETRY_AFTER, "")
    return Answer(response.status, content_type, data, defect, after, headers)


class _Inflater:
    """Decompress gzip, zlib and the headless deflate that old servers send, never past a limit."""

    def __init__(self) -> None:
        self._stream: zlib._Decompress | None = None

    def feed(self, chunk: bytes, limit: int) -> bytes:
        """At most `limit` bytes more; there may be others behind them. Raises `zlib.error`."""
        if self._stream is None:
            # RFC 1950 §2.2 and RFC 1952 §2.3.1: the compression method, 8, is in the first byte or is gzip's magic.
            has_header = chunk[0] & 0x0F == 8 or chunk[0] == 0x1F
            self._stream = zlib.decompressobj(zlib.MAX_WBITS | 32 if has_header else -zlib.MAX_WBITS)
        data = self._stream.decompress(self._stream.unconsumed_tail + chunk, limit)
        if self._stream.unused_data:  # a second member would be lost in silence
            raise zlib.error
        return data

    @property
    def is_at_end(self) -> bool:
        return self._stream is not None and self._stream.eof


def _is_certificate_alert(error: BaseException | None) -> bool:
    """Whether the server turned our certificate down: with TLS 1.3 it says so only after the handshake."""
    while error is not None:
        if isinstance(error, ssl.SSLError) and any(word in (error.reason or "") for word in ("CERTIFICATE", "_CA")):
            return True
        error = error.__cause__ or error.__context__
    return False


async def _off_loop(size: int, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    if size <= OFF_LOOP:
        return function(*args, **kwargs)
    return await asyncio.to_thread(function, *args, **kwargs)
