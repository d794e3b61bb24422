"""The HTTP server: uvicorn as the bus configures it, and the bounds on a connection that uvicorn leaves open.

With httptools uvicorn bounds neither the size of a request's head nor the time it takes, reads on for ever after an
answer that came before the end of a body, drops a client that closes its sending side before it has its answer, loses
the body of a request that offers to go on in another protocol, and says what is wrong with HTTP itself in plain text.
"""

import logging
import ssl
from asyncio import AbstractEventLoop, TimerHandle, Transport
from typing import Any, Final, NoReturn, cast

import httptools
import orjson
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from adapters.peers import SHOWN
from adapters.problem import MEDIA_TYPE, problem
from adapters.rest.reading import WHOLE
from bus.errors import BusError, HeadTimeout, HeadTooLarge, MethodNotAllowed, RequestMalformed
from bus.languages import negotiate
from identity.certificates import fingerprint

MOST_HEAD: Final = 64 * 1024
"""Bytes of a request line with its headers, and of trailers (uvicorn with h11: 64 KiB, nginx: 32, node.js: 16)."""

MOST_HEADERS: Final = 100
"""Fields of a head (Apache's LimitRequestFields: 100)."""

LINGER: Final = 5.0
"""Seconds, and `MOST_LINGERED` bytes, for which what is still being sent is read and thrown away after an answer that
did not want it: a connection closed at once takes the answer with it (nginx's lingering_timeout: 5 s; Go: 256 KiB)."""

MOST_LINGERED: Final = 256 * 1024

STALLED: Final = 60.0
"""Seconds in which a client must take something of its answer (nginx's send_timeout: 60 s)."""

CONTINUE: Final = b"HTTP/1.1 100 "
"""How an interim answer begins (RFC 9110 §10.1.1): the client waits for it."""

DRAIN: Final = 20
"""Seconds that requests under way are given to end."""


class Serving(uvicorn.Config):
    """How the data plane is served. `patience` is how many seconds a request's head may take; `tls`: how TLS is ended,
    None: in plain HTTP; `closing`: every answer closes its connection."""

    def __init__(self, app: ASGIApp, patience: float, tls: ssl.SSLContext | None = None) -> None:
        self.patience = patience
        self.closing = False
        super().__init__(
            cast("Any", app),
            http=Connection,
            ws="none",
            lifespan="off",
            log_config=None,
            # Its errors hold the text of exceptions; the application tells of what nobody foresaw.
            log_level=logging.CRITICAL,
            access_log=False,
            server_header=False,
            # Anybody can write X-Forwarded-For, and it would be told in audit events.
            proxy_headers=False,
            timeout_graceful_shutdown=DRAIN,
            ssl_context_factory=(lambda *_: tls) if tls else None,
        )


class Joined:
    """The transport as one answer has it: its head waits for what comes next, and both leave together. Each write is a
    call of the system, which costs about as much as validating a message, and wakes the client."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._head: bytes | None = b""

    def write(self, data: bytes) -> None:
        if self._head is None or data.startswith(CONTINUE):
            self._transport.write(data)
        elif self._head:
            self._transport.writelines((self._head, data))
            self._head = None
        else:
            self._head = data

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def close(self) -> None:
        if self._head:
            self._transport.write(self._head)
        self._transport.close()


class Connection(HttpToolsProtocol):
    """One client's connection, bounded in bytes and time wherever it is not the application that waits."""

    def __init__(
        self,
        config: Serving,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._serving = config
        self._patience = config.patience
        self._deadline: TimerHandle | None = None
        self._stalled: TimerHandle | None = None
        self._refusal: BusError | None = None
        self._fruitless = 0  # bytes since the last of which a head, a piece of a body or an end was made
        self._lingered = 0
        self._deaf = False  # nothing that comes is understood any more
        self._extensions: dict[str, Any] = {}

    @property
    def _answering(self) -> RequestResponseCycle | None:
        """The newest request, as long as the application has not answered it."""
        return None if self.cycle is None or self.cycle.response_complete else self.cycle

    def close_after_this(self) -> None:
        """The answer that is on its way is the last one."""
        if waiting := self._answering:
            waiting.keep_alive = False

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if tls := transport.get_extra_info("ssl_object"):
            shown = tls.getpeercert(binary_form=True)
            self._extensions = {SHOWN: fingerprint(shown)} if shown else {}
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_waits()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            self._lingered += len(data)
            if self._lingered > MOST_LINGERED:
                self.transport.close()
            return
        self._unset_keepalive_if_required()
        self._fruitless += len(data)
        self._feed(data)
        if self._fruitless > MOST_HEAD and not self._deaf:
            self._refuse(HeadTooLarge(limit=MOST_HEAD))

    def eof_received(self) -> bool:  # type: ignore[override]
        """A client may close its sending side and still read its answer (RFC 9293 §3.6)."""
        waiting = self._answering
        if waiting is None or self._deaf or self.scope["scheme"] == "https":  # whose transport ends both ways at once
            return False
        waiting.keep_alive = False
        if waiting.more_body:
            self._forget(waiting)
        return not waiting.more_body

    def _feed(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            self._decline(data[offer.args[0] :])
        except httptools.HttpParserError:
            self._refuse(self._refusal or RequestMalformed())

    def _decline(self, rest: bytes) -> None:
        """Go on in HTTP/1.1 (RFC 9110 §7.8): Java's client offers HTTP/2 in each first request, also in one with a
        body, which httptools takes for the other protocol's."""
        line = b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())
        fields = [b"%b: %b" % field for field in self.headers if field[0] != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self._feed(b"\r\n".join([line, *fields, b"", rest]))

    def on_headers_complete(self) -> None:
        if self.parser.get_method() == b"CONNECT":
            self._raise(MethodNotAllowed())
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > MOST_HEAD or len(self.headers) > MOST_HEADERS:
            self._raise(HeadTooLarge(limit=MOST_HEAD))
        if self.parser.should_upgrade():
            return
        self._fruitless = 0
        self._end_deadline()
        whole = self.transport
        if self.parser.get_method() != b"HEAD":  # whose answer has no body to wait for
            self.transport = cast("Transport", Joined(whole))
        super().on_headers_complete()
        self.transport, cycle = whole, self.cycle
        self.scope["extensions"] = cast("Any", {WHOLE: lambda: not cycle.more_body, **self._extensions})
        if self._serving.closing:
            self.close_after_this()
        self.headers = []  # trailers go nowhere (RFC 9110 §6.5.1)

    def on_body(self, body: bytes) -> None:
        self._fruitless = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        if not self.parser.should_upgrade():
            self._fruitless = 0
            super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._answering or self.transport.is_closing():
            return
        if self.cycle.more_body:
            self._linger()
        else:
            self._expect_head()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch(None)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._stalled:
            self._stalled.cancel()

    def _raise(self, error: BusError) -> NoReturn:
        """Out of one of the parser's calls, through the parser."""
        self._refusal = error
        raise error

    def _refuse(self, error: BusError) -> None:
        """Say what is wrong with the request itself; after one that is being answered, say nothing."""
        self._deaf = True
        if (waiting := self._answering) and not waiting.more_body:
            waiting.keep_alive = False
            return
        if waiting:
            self._forget(waiting)
        fields = dict(self.scope["headers"]) if self.scope else {}
        language = negotiate(fields.get(b"accept-language", b"").decode("latin-1"))
        body = orjson.dumps(problem(error, language))
        head = (
            *self.server_state.default_headers,
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", b"%d" % len(body)),
            (b"connection", b"close"),
        )
        lines = (STATUS_LINE[error.status], *(b"%b: %b\r\n" % field for field in head), b"\r\n", body)
        self.transport.write(b"".join(lines))
        self._linger()

    def _forget(self, waiting: RequestResponseCycle) -> None:
        """The rest of its body will not come."""
        waiting.disconnected = True
        waiting.message_event.set()

    def _linger(self) -> None:
        self._deaf = True
        self._end_deadline()
        self._unset_keepalive_if_required()
        self.flow.resume_reading()
        if self.transport.can_write_eof() and not self.transport.is_closing():
            self.transport.write_eof()
        self._deadline = self.loop.call_later(LINGER, self.transport.close)

    def _expect_head(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(self._patience, self._head_late)

    def _head_late(self) -> None:
        self._deadline = None
        if self._fruitless:
            self._refuse(HeadTimeout(limit=round(self._patience)))
        else:
            self.transport.close()

    def _watch(self, before: int | None) -> None:
        """Give up on a client that has taken nothing of its answer since `before` bytes were left."""
        left = self.transport.get_write_buffer_size()
        if before is not None and left >= before:
            self.transport.abort()
        else:
            self._stalled = self.loop.call_later(STALLED, self._watch, left)

    def _end_deadline(self) -> None:
        if self._deadline:
            self._deadline.cancel()
            self._deadline = None

    def _end_waits(self) -> None:
        self._end_deadline()
        if self._stalled:
            self._stalled.cancel()
