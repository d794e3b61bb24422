"""Systems that speak REST."""

from typing import Any

import aiohttp
import jmespath
import pytest
from structlog.testing import capture_logs

from adapters.auth import ApiKey, Basic, Bearer, HttpAuth
from adapters.call import Call, FaultRule, Outcome, Result
from adapters.rest.outbound import Failure, RestAdapter, RestOperation, RestSettings
from bus.envelope import Body, Format
from bus.errors import SettingInvalid


def adapter(url: str, session: aiohttp.ClientSession, operation: RestOperation, **settings: Any) -> RestAdapter:
    return RestAdapter(RestSettings(url, {"do": operation}, **settings), session)


def call(data: bytes = b'{"n":1}', format_: Format = Format.JSON, faults: tuple[FaultRule, ...] = ()) -> Call:
    return Call("do", Body(format_, data), faults=faults)


async def test_the_senders_own_bytes_go_out(stand_in: Any, session: aiohttp.ClientSession) -> None:
    """Without fields in the path or the query the body is sent as it is, spaces and all."""
    data = b'{ "n" : 1.0 }'
    await adapter(stand_in.url + "/api/", session, RestOperation("post", "/x")).call(call(data))
    (received,) = stand_in.received
    assert received.line == "POST /api/x HTTP/1.1"
    assert (received.body, received.headers["Content-Type"]) == (data, "application/json")


async def test_xml_goes_out_as_xml(stand_in: Any, session: aiohttp.ClientSession) -> None:
    """A body in XML says so."""
    await adapter(stand_in.url, session, RestOperation()).call(call(b"<a/>", Format.XML))
    assert stand_in.received[0].headers["Content-Type"] == "application/xml; charset=utf-8"


async def test_a_system_without_operations_is_posted_to(stand_in: Any, session: aiohttp.ClientSession) -> None:
    """An endpoint alone is enough for a system that only takes messages."""
    plain = RestAdapter(RestSettings(stand_in.url + "/hook"), session)
    await plain.call(Call(None, Body(Format.JSON, b"{}")))
    assert stand_in.received[0].line == "POST /hook HTTP/1.1"


async def test_fields_fill_the_path_and_the_query_and_leave_the_body(
    stand_in: Any, session: aiohttp.ClientSession
) -> None:
    """What stands in the address is not sent twice."""
    operation = RestOperation("PUT", "/records/{id}", query={"dry-run": "dryRun"})
    await adapter(stand_in.url, session, operation).call(call(b'{"id":"a/b","dryRun":true,"n":1}'))
    (received,) = stand_in.received
    assert (received.line, received.body) == ("PUT /records/a%2Fb?dry-run=true HTTP/1.1", b'{"n":1}')


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_get_and_delete_send_no_body(stand_in: Any, session: aiohttp.ClientSession, method: str) -> None:
    """Fields that are neither in the path nor named in the query stay at home."""
    operation = RestOperation(method, "/records/{id}", query={"q": "q"})
    await adapter(stand_in.url, session, operation).call(call(b'{"id":7,"q":"x","secret":"y"}'))
    (received,) = stand_in.received
    assert (received.line, received.body) == (f"{method} /records/7?q=x HTTP/1.1", b"")
    assert "Content-Type" not in received.headers


@pytest.mark.parametrize("data", [b'{"id":".."}', b'{"id":""}', b"{}", b'{"id":{}}', b"[]"])
async def test_a_path_that_cannot_be_filled_is_refused(
    stand_in: Any, session: aiohttp.ClientSession, data: bytes
) -> None:
    """Nothing is sent to an address that the message does not give."""
    outcome = await adapter(stand_in.url, session, RestOperation(path="/x/{id}")).call(call(data))
    assert outcome == Outcome(Result.REFUSED, "path-value")
    assert stand_in.received == []


async def test_xml_has_no_fields_for_a_path(stand_in: Any, session: aiohttp.ClientSession) -> None:
    """A path is filled from a JSON view alone."""
    outcome = await adapter(stand_in.url, session, RestOperation(path="/x/{id}")).call(call(b"<a/>", Format.XML))
    assert outcome == Outcome(Result.REFUSED, "path-value")


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        (Basic("u", "p"), "Authorization", "Basic dTpw"),
        (Bearer("t"), "Authorization", "Bearer t"),
        (ApiKey("X-Key", "k"), "X-Key", "k"),
    ],
)
async def test_the_bus_says_who_it_is(
    stand_in: Any, session: aiohttp.ClientSession, auth: HttpAuth, header: str, value: str
) -> None:
    """Each scheme puts its secret where it belongs, over any static header of that name."""
    await adapter(stand_in.url, session, RestOperation(headers={header.lower(): "no"}), auth=auth).call(call())
    assert stand_in.received[0].headers[header] == value


async def test_static_headers_are_sent(stand_in: Any, session: aiohttp.ClientSession) -> None:
    """An operation's header wins over its system's, and both over what the bus would send."""
    operation = RestOperation(headers={"content-type": "application/vnd.x+json", "X-A": "operation"})
    await adapter(stand_in.url, session, operation, headers={"X-A": "system", "X-B": "system"}).call(call())
    headers = stand_in.received[0].headers
    assert headers["content-type"] == "application/vnd.x+json"
    assert "Content-Type" not in headers
    assert (headers["X-A"], headers["X-B"]) == ("operation", "system")


async def test_a_declared_fault_by_status(stand_in: Any, session: aiohttp.ClientSession) -> None:
    """A status that the contract declares is a fault with the body as its reply, not a refusal."""
    stand_in.answers(b'{"why":"full"}', "application/json", "409 Conflict")
    outcome = await adapter(stand_in.url, session, RestOperation()).call(call(faults=(FaultRule("full", status=409),)))
    reply = Body(Format.JSON, b'{"why":"full"}')
    assert outcome == Outcome(Result.FAULT, "declared-fault", 409, reply, fault="full")


async def test_an_empty_answer_has_no_reply(stand_in: Any, session: aiohttp.ClientSession) -> None:
    """A 2xx without a body is answered."""
    stand_in.answers(b" \n", status="201 Created")
    assert await adapter(stand_in.url, session, RestOperation()).call(call()) == Outcome(
        Result.ANSWERED, "http-201", 201
    )


CODED = Failure(
    when=lambda value: jmespath.search("errorCode != '0'", value) is True,
    code=jmespath.compile("errorCode").search,
    faults={"42": "incomplete", "43": "undeclared"},
    retry=frozenset({"99"}),
)
UNCODED = Failure(when=CODED.when, faults={"200": "incomplete"}, retry=frozenset({"202"}))
INCOMPLETE = (FaultRule("incomplete"),)


@pytest.mark.parametrize(
    ("failure", "status", "code", "result", "word"),
    [
        (CODED, 200, "0", Result.ANSWERED, "http-200"),
        (CODED, 200, "42", Result.FAULT, "declared-fault"),
        (CODED, 400, "42", Result.FAULT, "declared-fault"),
        (CODED, 200, "99", Result.TROUBLE, "failure-in-reply"),
        (CODED, 500, "99", Result.TROUBLE, "failure-in-reply"),
        (CODED, 200, "1", Result.REFUSED, "failure-in-reply"),
        (CODED, 200, "43", Result.REFUSED, "failure-in-reply"),
        (CODED, 503, "1", Result.NOT_SENT, "http-503"),
        (UNCODED, 200, "1", Result.FAULT, "declared-fault"),
        (UNCODED, 202, "1", Result.TROUBLE, "failure-in-reply"),
        (UNCODED, 201, "1", Result.REFUSED, "failure-in-reply"),
        (UNCODED, 200, "0", Result.ANSWERED, "http-200"),
    ],
)
async def test_a_failure_inside_an_answer(
    stand_in: Any, session: aiohttp.ClientSession, failure: Failure, status: int, code: str, result: Result, word: str
) -> None:
    """The operation's rule finds the failure, its code says whether it is a declared fault, trouble or a refusal."""
    stand_in.answers(b'{"errorCode":"%s"}' % code.encode(), "application/json", f"{status} Odd")
    outcome = await adapter(stand_in.url, session, RestOperation(failure=failure)).call(call(faults=INCOMPLETE))
    assert (outcome.result, outcome.code, outcome.http_status) == (result, word, status)
    assert outcome.fault == ("incomplete" if result is Result.FAULT else "")
    assert (outcome.reply is not None) == (result in {Result.FAULT, Result.ANSWERED})


async def test_a_number_is_a_code_too(stand_in: Any, session: aiohttp.ClientSession) -> None:
    """A code that the receiver writes as a number is found under its digits."""
    stand_in.answers(b'{"errorCode":42}', "application/json")
    outcome = await adapter(stand_in.url, session, RestOperation(failure=CODED)).call(call(faults=INCOMPLETE))
    assert outcome.fault == "incomplete"


async def test_an_answer_that_the_rule_cannot_read_is_invalid(stand_in: Any, session: aiohttp.ClientSession) -> None:
    """Where success is told inside the body, a body that is not JSON says nothing; at another status that speaks."""
    asked = adapter(stand_in.url, session, RestOperation(failure=CODED))
    stand_in.answers(b"<ok/>", "text/xml")
    assert await asked.call(call()) == Outcome(Result.REPLY_INVALID, "reply-not-json", 200, Body(Format.XML, b"<ok/>"))
    stand_in.answers(b"<ok/>", "text/xml", "502 Bad Gateway")
    assert await asked.call(call()) == Outcome(Result.TROUBLE, "http-502", 502)


async def test_a_rule_that_breaks_is_our_own_failure(stand_in: Any, session: aiohttp.ClientSession) -> None:
    """An error of our own becomes an outcome, and the log tells its type but not its text."""

    def broken(_value: object) -> bool:
        raise LookupError("marker-1")

    stand_in.answers(b"{}", "application/json")
    with capture_logs() as lines:
        outcome = await adapter(stand_in.url, session, RestOperation(failure=Failure(broken))).call(call())
    assert outcome == Outcome(Result.REPLY_INVALID, "internal", 200)
    assert "LookupError" in str(lines)
    assert "marker-1" not in str(lines)


async def test_large_answers_are_read_off_the_loop(stand_in: Any, session: aiohttp.ClientSession) -> None:
    """A large answer is the same answer."""
    data = b'{"errorCode":"0","x":"%s"}' % (b"x" * 200_000)
    stand_in.answers(data, "application/json")
    outcome = await adapter(stand_in.url, session, RestOperation(failure=CODED)).call(call())
    assert outcome.reply == Body(Format.JSON, data)


@pytest.mark.parametrize(
    ("endpoint", "hint"),
    [
        ("", "write http"),
        ("ftp://host/", "write http"),
        ("http://", "write http"),
        ("http://host:99999/", "write http"),
        ("http://u:p@host/", "into auth"),
        ("http://host/?a=1", "leave out"),
        ("http://host/#a", "leave out"),
    ],
)
async def test_endpoints_are_checked(session: aiohttp.ClientSession, endpoint: str, hint: str) -> None:
    """An address that cannot be used is said when the adapter is made, without being quoted."""
    with pytest.raises(SettingInvalid) as raised:
        RestAdapter(RestSettings(endpoint), session)
    assert hint in str(raised.value)
    assert "host" not in raised.value.facts["name"]


@pytest.mark.parametrize("headers", [{"X Y": "1"}, {"X": "1\r\nY: 2"}, {"Content-Length": "1"}, {"": "x"}])
async def test_static_headers_are_checked(session: aiohttp.ClientSession, headers: dict[str, str]) -> None:
    """A header that would break the request, or frame it, is said when the adapter is made."""
    with pytest.raises(SettingInvalid):
        RestAdapter(RestSettings("http://host", headers=headers), session)


async def test_secrets_are_checked_and_never_shown(session: aiohttp.ClientSession) -> None:
    """A secret that would break out of its header is refused, and no setting shows one."""
    with pytest.raises(SettingInvalid):
        RestAdapter(RestSettings("http://host", auth=Bearer("a\nb")), session)
    for auth in (Basic("u", "s3cret"), Bearer("s3cret"), ApiKey("X", "s3cret")):
        assert "s3cret" not in repr(RestSettings("http://host", auth=auth))
