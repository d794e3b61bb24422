"""What every adapter makes of every way in which a call can end (design §3)."""

import asyncio
import gzip
import socket
import zlib
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import aiohttp
import pytest

from adapters.auth import Basic, Tls
from adapters.call import Outcome, Result
from adapters.egress import EVERYWHERE, Egress
from adapters.http import open_session
from bus.envelope import Body, Format


async def test_an_answer_is_answered(kind: Any, stand_in: Any, session: aiohttp.ClientSession) -> None:
    """A 2xx with an answer of the protocol's own is answered, and its payload is the reply."""
    stand_in.answers(kind.answer, kind.content_type)
    outcome = await kind.adapter(stand_in.url, session).call(kind.call)
    assert outcome == Outcome(Result.ANSWERED, "http-200", 200, kind.reply)


async def test_headers_of_the_bus_are_sent(kind: Any, stand_in: Any, session: aiohttp.ClientSession) -> None:
    """The headers of the call and those that authenticate reach the system."""
    await kind.adapter(stand_in.url, session, Basic("bus", "p:ä")).call(kind.call)
    (received,) = stand_in.received
    assert received.headers["Idempotency-Key"] == "k-1"
    assert received.headers["Authorization"] == "Basic YnVzOnA6w6Q="
    assert "Cookie" not in received.headers


async def test_a_refused_connection_was_not_sent(kind: Any, session: aiohttp.ClientSession) -> None:
    """Where nothing listens, nothing was sent."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        outcome = await kind.adapter(f"http://127.0.0.1:{port}", session).call(kind.call)
    assert outcome == Outcome(Result.NOT_SENT, "connection-refused")


async def test_an_unknown_name_was_not_sent(
    kind: Any, session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that does not resolve is no fault of the message's."""

    def unresolved(*_args: object, **_options: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setattr(socket, "getaddrinfo", unresolved)
    outcome = await kind.adapter("http://system.invalid", session).call(kind.call)
    assert outcome == Outcome(Result.NOT_SENT, "dns")


async def test_a_name_that_cannot_be_asked_for_is_misconfigured(kind: Any, session: aiohttp.ClientSession) -> None:
    """A host of impossible length is for people to mend."""
    outcome = await kind.adapter(f"http://{'a' * 70}.invalid", session).call(kind.call)
    assert outcome == Outcome(Result.MISCONFIGURED, "endpoint")


async def test_loopback_is_refused_unless_named(kind: Any, stand_in: Any) -> None:
    """A network that merely contains loopback does not open it, neither as a number nor behind a name."""
    async with open_session(Egress(EVERYWHERE)) as session:
        for host in ("127.0.0.1", "[::ffff:127.0.0.1]", "localhost"):
            outcome = await kind.adapter(f"http://{host}:{stand_in.port}", session).call(kind.call)
            assert outcome == Outcome(Result.MISCONFIGURED, "egress"), host
    assert stand_in.received == []


async def test_a_name_that_changes_its_address_is_refused(
    kind: Any, stand_in: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address that is connected to is the one that is checked, whatever a name resolved to before."""
    inet = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", stand_in.port))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: [inet])
    async with open_session(Egress([ip_network("0.0.0.0/0")])) as session:
        outcome = await kind.adapter(f"http://system.invalid:{stand_in.port}", session).call(kind.call)
    assert outcome == Outcome(Result.MISCONFIGURED, "egress")


async def test_the_bus_does_not_call_itself(kind: Any, stand_in: Any) -> None:
    """The bus's own listener is refused even in a network that is named."""
    async with open_session(Egress([ip_network("127.0.0.0/8")], [("0.0.0.0", stand_in.port)])) as session:
        outcome = await kind.adapter(stand_in.url, session).call(kind.call)
    assert outcome == Outcome(Result.MISCONFIGURED, "egress")


@pytest.mark.parametrize(
    ("status", "result"),
    [
        (301, Result.MISCONFIGURED),
        (302, Result.MISCONFIGURED),
        (307, Result.MISCONFIGURED),
        (400, Result.REFUSED),
        (401, Result.MISCONFIGURED),
        (403, Result.MISCONFIGURED),
        (404, Result.REFUSED),
        (405, Result.REFUSED),
        (407, Result.MISCONFIGURED),
        (409, Result.REFUSED),
        (422, Result.REFUSED),
        (429, Result.NOT_SENT),
        (500, Result.TROUBLE),
        (502, Result.TROUBLE),
        (503, Result.NOT_SENT),
        (599, Result.TROUBLE),
    ],
)
async def test_a_status_without_a_payload_speaks(
    kind: Any, stand_in: Any, session: aiohttp.ClientSession, status: int, result: Result
) -> None:
    """A status outside 2xx means the same in every protocol, and no redirect is followed."""
    stand_in.answers(b"<html>no</html>", "text/html", f"{status} Odd", [f"Location: {stand_in.url}/else"])
    outcome = await kind.adapter(stand_in.url, session).call(kind.call)
    assert outcome == Outcome(result, f"http-{status}", status)
    assert len(stand_in.received) == 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), ("99999999999999999999", 86_400.0), ("Sun, 06 Nov 1994 08:49:37 GMT", 0.0), ("soon", None)],
)
async def test_a_system_says_when_to_come_back(
    kind: Any, stand_in: Any, session: aiohttp.ClientSession, header: str, seconds: float | None
) -> None:
    """Retry-After is seconds or a date, never more than a day, and nothing where it cannot be read."""
    stand_in.answers(status="503 Busy", headers=[f"Retry-After: {header}"])
    outcome = await kind.adapter(stand_in.url, session).call(kind.call)
    assert outcome == Outcome(Result.NOT_SENT, "http-503", 503, retry_after=seconds)


async def test_a_time_out_after_the_request_is_unknown(
    kind: Any, stand_in: Any, session: aiohttp.ClientSession
) -> None:
    """A system that took the request and says nothing may have acted."""
    stand_in.hangs()
    outcome = await kind.adapter(stand_in.url, session).call(replace(kind.call, timeout=0.2))
    assert outcome == Outcome(Result.UNKNOWN, "timeout")


async def test_a_time_out_before_the_request_was_not_sent(
    kind: Any, stand_in: Any, session: aiohttp.ClientSession
) -> None:
    """While TLS is not agreed upon, nothing was sent."""
    url = f"https://127.0.0.1:{stand_in.port}"
    outcome = await kind.adapter(url, session).call(replace(kind.call, timeout=0.2))
    assert outcome == Outcome(Result.NOT_SENT, "connect-timeout")


async def test_a_reset_is_unknown_and_not_tried_again(kind: Any, stand_in: Any, session: aiohttp.ClientSession) -> None:
    """A connection that breaks after the request leaves its outcome unknown, and the adapter does not call twice."""
    stand_in.answers(kind.answer, kind.content_type)
    adapter = kind.adapter(stand_in.url, session)
    await adapter.call(kind.call)
    stand_in.says(b"", reset=True)
    assert await adapter.call(kind.call) == Outcome(Result.UNKNOWN, "connection-reset")
    assert len(stand_in.received) == 2


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"HTTP/1.1 banana OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 10_000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 1_000_000 + b"\r\n\r\n",
        b"\x15\x03\x03\x00\x02\x02\x46",
    ],
    ids=["ssh", "status", "length", "headers", "header", "tls-alert"],
)
async def test_garbage_is_unknown(kind: Any, stand_in: Any, session: aiohttp.ClientSession, raw: bytes) -> None:
    """What is not HTTP says nothing of what was done."""
    stand_in.says(raw, reset=True)
    outcome = await kind.adapter(stand_in.url, session).call(kind.call)
    assert outcome.result is Result.UNKNOWN
    assert outcome.code in {"reply-not-http", "connection-reset"}


async def test_half_an_answer_is_unknown(kind: Any, stand_in: Any, session: aiohttp.ClientSession) -> None:
    """An answer that is cut short might have been a fault."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind.content_type}\r\nContent-Length: 5000\r\n\r\n".encode()
    adapter = kind.adapter(stand_in.url, session)
    stand_in.says(head + kind.answer, reset=True)
    assert await adapter.call(kind.call) == Outcome(Result.UNKNOWN, "reply-cut", 200)
    stand_in.hangs(head + kind.answer)
    assert await adapter.call(replace(kind.call, timeout=0.2)) == Outcome(Result.UNKNOWN, "reply-cut", 200)


async def test_an_answer_past_the_limit_is_invalid(kind: Any, stand_in: Any, session: aiohttp.ClientSession) -> None:
    """Reading stops at the limit, also in a body without end, and nothing of it is kept."""
    chunk = b"%x\r\n%s\r\n" % (len(kind.answer), kind.answer)

    async def endless(_reader: Any, writer: Any) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not writer.is_closing():
            writer.write(chunk)
            await writer.drain()

    stand_in.behaviour = endless
    outcome = await kind.adapter(stand_in.url, session).call(replace(kind.call, max_bytes=100_000))
    assert outcome == Outcome(Result.REPLY_INVALID, "reply-too-large", 200)


@pytest.mark.parametrize("limit", [-1, 0])
async def test_the_limit_is_exact(kind: Any, stand_in: Any, session: aiohttp.ClientSession, limit: int) -> None:
    """An answer of as many bytes as are allowed is read, one of a byte more is not."""
    stand_in.answers(gzip.compress(kind.answer), kind.content_type, headers=["Content-Encoding: gzip"])
    call = replace(kind.call, max_bytes=len(kind.answer) + limit)
    outcome = await kind.adapter(stand_in.url, session).call(call)
    assert outcome.code == ("http-200" if limit == 0 else "reply-too-large")


@pytest.mark.parametrize(
    ("coding", "compress"),
    [
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda data: zlib.compress(data, wbits=-15)),
        ("identity", bytes),
    ],
)
async def test_compressed_answers_are_read(
    kind: Any, stand_in: Any, session: aiohttp.ClientSession, coding: str, compress: Callable[[bytes], bytes]
) -> None:
    """Gzip and deflate are understood, the latter also without the header that it should have."""
    stand_in.answers(compress(kind.answer), kind.content_type, headers=[f"Content-Encoding: {coding}"])
    outcome = await kind.adapter(stand_in.url, session).call(kind.call)
    assert outcome == Outcome(Result.ANSWERED, "http-200", 200, kind.reply)


async def test_a_compression_bomb_is_too_large(kind: Any, stand_in: Any, session: aiohttp.ClientSession) -> None:
    """What is counted are the bytes after decompression."""
    stand_in.answers(gzip.compress(b" " * 50_000_000), kind.content_type, headers=["Content-Encoding: gzip"])
    outcome = await kind.adapter(stand_in.url, session).call(kind.call)
    assert outcome == Outcome(Result.REPLY_INVALID, "reply-too-large", 200)


@pytest.mark.parametrize(
    ("coding", "data", "code"),
    [
        ("br", b"anything", "reply-undecodable"),
        ("gzip", b"not gzip at all", "reply-undecodable"),
        ("gzip", gzip.compress(b"{}") + gzip.compress(b"{}"), "reply-undecodable"),
    ],
)
async def test_broken_compression_is_invalid(
    kind: Any, stand_in: Any, session: aiohttp.ClientSession, coding: str, data: bytes, code: str
) -> None:
    """A 2xx that cannot be decompressed whole is an invalid reply."""
    stand_in.answers(data, kind.content_type, headers=[f"Content-Encoding: {coding}"])
    outcome = await kind.adapter(stand_in.url, session).call(kind.call)
    assert outcome == Outcome(Result.REPLY_INVALID, code, 200)


async def test_compression_that_ends_early_is_cut(kind: Any, stand_in: Any, session: aiohttp.ClientSession) -> None:
    """A compressed stream without its end is half an answer."""
    stand_in.answers(gzip.compress(kind.answer)[:-9], kind.content_type, headers=["Content-Encoding: gzip"])
    outcome = await kind.adapter(stand_in.url, session).call(kind.call)
    assert outcome == Outcome(Result.UNKNOWN, "reply-cut", 200)


@pytest.mark.parametrize("charset", ["utf-8", "ebcdic-cp-be", "no-such-charset", "punycode", "utf-16"])
async def test_a_wrong_character_set_is_invalid(
    kind: Any, stand_in: Any, session: aiohttp.ClientSession, charset: str
) -> None:
    """Bytes that are not what they claim, or claim what is not read, are kept for people to look at."""
    data = b"<a>\xff</a>"
    stand_in.answers(data, f"{kind.content_type}; charset={charset}")
    outcome = await kind.adapter(stand_in.url, session).call(kind.call)
    assert outcome == Outcome(Result.REPLY_INVALID, "reply-undecodable", 200, Body(Format.XML, data))


async def test_a_page_is_nobodys_answer(kind: Any, stand_in: Any, session: aiohttp.ClientSession) -> None:
    """A log-in page with status 200 does not count as delivered."""
    page = b"<!DOCTYPE html><html><body>Log in</body></html>"
    stand_in.answers(page, "text/html; charset=utf-8")
    outcome = await kind.adapter(stand_in.url, session).call(kind.call)
    assert outcome == Outcome(Result.REPLY_INVALID, "reply-html", 200, Body(Format.XML, page))


async def test_nothing_is_an_answer_to_what_was_only_accepted(
    kind: Any, stand_in: Any, session: aiohttp.ClientSession
) -> None:
    """202 without a body is answered, without a reply."""
    stand_in.answers(status="202 Accepted")
    outcome = await kind.adapter(stand_in.url, session).call(kind.call)
    assert outcome == Outcome(Result.ANSWERED, "http-202", 202)


async def test_tls_with_a_known_authority(
    kind: Any, tls_stand_in: Any, session: aiohttp.ClientSession, authority: Any
) -> None:
    """A server is believed whose certificate the system's own authority signed."""
    tls_stand_in.answers(kind.answer, kind.content_type)
    outcome = await kind.adapter(tls_stand_in.url, session, tls=Tls(ca=authority.pem)).call(kind.call)
    assert outcome.result is Result.ANSWERED


async def test_tls_with_a_stranger_is_misconfigured(
    kind: Any, tls_stand_in: Any, session: aiohttp.ClientSession, stranger: Any
) -> None:
    """A server is not believed by authorities that are not named for it, nor by those of the machine."""
    for tls in (Tls(ca=stranger.pem), None):
        outcome = await kind.adapter(tls_stand_in.url, session, tls=tls).call(kind.call)
        assert outcome == Outcome(Result.MISCONFIGURED, "tls")
    assert tls_stand_in.received == []


async def test_tls_to_a_plain_server_is_misconfigured(kind: Any, stand_in: Any, session: aiohttp.ClientSession) -> None:
    """https:// for a server that speaks plain HTTP is for people to mend."""

    async def plain(_reader: Any, writer: Any) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    stand_in.at_once = plain
    outcome = await kind.adapter(f"https://127.0.0.1:{stand_in.port}", session).call(kind.call)
    assert outcome == Outcome(Result.MISCONFIGURED, "tls")


async def test_a_client_certificate_is_shown(
    kind: Any, strict_stand_in: Any, session: aiohttp.ClientSession, authority: Any, client_certificate: Any
) -> None:
    """A server that asks for a certificate gets the system's."""
    strict_stand_in.answers(kind.answer, kind.content_type)
    tls = Tls(authority.pem, client_certificate.pem_with_key)
    outcome = await kind.adapter(strict_stand_in.url, session, tls=tls).call(kind.call)
    assert outcome.result is Result.ANSWERED


async def test_a_missing_client_certificate_never_passes(
    kind: Any, strict_stand_in: Any, session: aiohttp.ClientSession, authority: Any
) -> None:
    """With TLS 1.3 a server refuses after the handshake: by an alert if it arrives, else the outcome is unknown."""
    outcome = await kind.adapter(strict_stand_in.url, session, tls=Tls(authority.pem)).call(kind.call)
    assert (outcome.result, outcome.code) in {(Result.MISCONFIGURED, "tls"), (Result.UNKNOWN, "connection-reset")}
    assert strict_stand_in.received == []


async def test_an_operation_nobody_knows_is_misconfigured(
    kind: Any, stand_in: Any, session: aiohttp.ClientSession
) -> None:
    """A route that names an operation that does not exist is for people to mend; one that names none means the only."""
    adapter = kind.adapter(stand_in.url, session)
    outcome = await adapter.call(replace(kind.call, operation="other"))
    assert outcome == Outcome(Result.MISCONFIGURED, "operation-unknown")
    assert stand_in.received == []
    stand_in.answers(kind.answer, kind.content_type)
    assert (await adapter.call(replace(kind.call, operation=None))).result is Result.ANSWERED


async def test_a_header_cannot_begin_another(kind: Any, stand_in: Any, session: aiohttp.ClientSession) -> None:
    """A value with a line break is refused and nothing is sent."""
    call = replace(kind.call, headers={"traceparent": "00-1\r\nX-Admin: yes"})
    outcome = await kind.adapter(stand_in.url, session).call(call)
    assert outcome == Outcome(Result.REFUSED, "header-invalid")
    assert stand_in.received == []


async def test_cancelling_is_not_swallowed(kind: Any, stand_in: Any, session: aiohttp.ClientSession) -> None:
    """Whoever cancels a call gets a cancelled task, and no outcome."""
    stand_in.hangs()
    task = asyncio.create_task(kind.adapter(stand_in.url, session).call(kind.call))
    while not stand_in.received:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
