"""What a receiver answered, made into what the contract promised."""

from dataclasses import replace

import pytest

from adapters.call import Outcome, Result
from bus.envelope import Attachment, Body, Exchange, Format
from bus.errors import BusError, JsonMalformed, ReplyInvalid, ReplyMissing, TransformFailed
from contracts.model import MOST_ATTACHMENTS, Attachments, Fault
from journal.commands import Reply
from routes.model import Route
from routes.reply import again, take
from tests.unit.routes.conftest import a_contract

GOOD, BAD, XML = Body(Format.JSON, b'"good"'), Body(Format.JSON, b'"bad"'), Body(Format.XML, b"<good/>")
REQUEST = a_contract(Exchange.REQUEST)
PLAIN = Route("a.b", 1, "his")


def upper(body: Body) -> Body:
    return Body(Format.JSON, body.data.upper())


def spoil(body: Body) -> Body:
    return BAD


def fail(body: Body) -> Body:
    raise TransformFailed(transform="t", rule="r", place="p")


def cannot_read(body: Body) -> Body:
    raise JsonMalformed(line=1, column=1)


def answered(reply: Body | None) -> Outcome:
    return Outcome(Result.ANSWERED, "http-200", 200, reply)


def faulty(reply: Body | None, fault: str = "not-found") -> Outcome:
    return Outcome(Result.FAULT, "declared-fault", 404, reply, fault)


def test_valid_reply_is_stored_as_converted() -> None:
    """A reply goes to its caller in the contract's shape, and its outcome stands."""
    assert take(REQUEST, PLAIN, answered(GOOD)) == (answered(GOOD), Reply("reply", GOOD))
    route = Route("a.b", 1, "his", reply=upper)
    assert take(REQUEST, route, answered(GOOD)) == (answered(GOOD), Reply("reply", Body(Format.JSON, b'"GOOD"')))


@pytest.mark.parametrize(
    ("reply", "convert", "code"),
    [
        (BAD, None, "reply-invalid"),
        (GOOD, spoil, "reply-invalid"),
        (XML, None, "reply-invalid"),
        (GOOD, fail, "transform-failed"),
        (GOOD, cannot_read, "json-malformed"),
    ],
)
def test_reply_that_breaks_the_contract_is_kept_raw(reply: Body, convert: object, code: str) -> None:
    """What cannot be converted, is in another format or breaks the schema is kept as it came."""
    route = Route("a.b", 1, "his", reply=convert)  # type: ignore[arg-type]
    outcome, kept = take(REQUEST, route, answered(reply))
    assert (outcome.result, outcome.code, outcome.http_status) == (Result.REPLY_INVALID, code, 200)
    assert kept == Reply("raw", reply)


def test_missing_reply_is_invalid_where_one_was_promised() -> None:
    """An answer without a body breaks a contract that promises a reply, and nothing is kept."""
    outcome, kept = take(REQUEST, PLAIN, answered(None))
    assert (outcome.result, outcome.code, kept) == (Result.REPLY_INVALID, "reply-empty", None)


def test_answer_that_nobody_asked_for_is_not_kept() -> None:
    """Where the contract has no reply, whatever the receiver says besides yes is thrown away."""
    assert take(a_contract(), PLAIN, answered(BAD)) == (answered(BAD), None)


def test_declared_fault_is_a_reply_with_a_name() -> None:
    """A declared fault is stored under its name, converted by the fault's own transform; also for a document."""
    route = Route("a.b", 1, "his", faults={"not-found": upper})
    assert take(REQUEST, PLAIN, faulty(GOOD)) == (faulty(GOOD), Reply("fault", GOOD, "not-found"))
    assert take(a_contract(), route, faulty(GOOD))[1] == Reply("fault", Body(Format.JSON, b'"GOOD"'), "not-found")


@pytest.mark.parametrize(("reply", "code"), [(BAD, "reply-invalid"), (XML, "reply-invalid"), (None, "reply-empty")])
def test_fault_that_breaks_its_schema_is_no_fault(reply: Body | None, code: str) -> None:
    """A fault whose body breaks its schema is told to nobody as that fault; it is kept raw."""
    outcome, kept = take(REQUEST, PLAIN, faulty(reply))
    assert (outcome.result, outcome.code, outcome.fault) == (Result.REPLY_INVALID, code, "" if reply else "not-found")
    assert kept == (Reply("raw", reply, "not-found") if reply else None)


def test_fault_without_a_schema_is_taken_as_it_comes() -> None:
    """A fault that the contract declares by name alone may have any body or none."""
    contract = a_contract(faults={"not-found": Fault("not-found")})
    assert take(contract, PLAIN, faulty(None)) == (faulty(None), None)
    assert take(contract, PLAIN, faulty(XML)) == (faulty(XML), Reply("fault", XML, "not-found"))


def test_unreadable_answer_is_kept() -> None:
    """What an adapter could not read is kept raw, if it has it."""
    unreadable = Outcome(Result.REPLY_INVALID, "reply-not-soap", 200, GOOD)
    assert take(REQUEST, PLAIN, unreadable) == (unreadable, Reply("raw", GOOD))
    without = Outcome(Result.REPLY_INVALID, "reply-too-large", 200)
    assert take(REQUEST, PLAIN, without) == (without, None)


@pytest.mark.parametrize(
    "result", [Result.NOT_SENT, Result.UNKNOWN, Result.TROUBLE, Result.MISCONFIGURED, Result.REFUSED]
)
def test_failed_call_has_no_reply(result: Result) -> None:
    """What a receiver says when it fails or refuses is nobody's reply."""
    failed = Outcome(result, "http-500", 500, GOOD)
    assert take(REQUEST, PLAIN, failed) == (failed, None)


def test_kept_answer_is_read_again_by_what_is_in_force() -> None:
    """A raw answer that a mended route or contract makes right is the reply, or the fault that it was."""
    route = Route("a.b", 1, "his", reply=upper)
    assert again(REQUEST, route, Reply("raw", BAD)) == Reply("reply", Body(Format.JSON, b'"BAD"'))
    faults = Route("a.b", 1, "his", faults={"not-found": upper})
    _, kept = take(REQUEST, PLAIN, faulty(BAD))
    assert kept == Reply("raw", BAD, "not-found")
    assert again(REQUEST, faults, kept) == Reply("fault", Body(Format.JSON, b'"BAD"'), "not-found")


@pytest.mark.parametrize(
    ("raw", "convert", "code", "rule"),
    [
        (BAD, None, "reply-invalid", "const"),
        (XML, None, "reply-invalid", "format"),
        (GOOD, fail, "transform-failed", None),
        (GOOD, cannot_read, "json-malformed", None),
    ],
)
def test_kept_answer_that_is_still_wrong_says_why(raw: Body, convert: object, code: str, rule: str | None) -> None:
    """What is wrong with it is told, with the findings of the contract."""
    route = Route("a.b", 1, "his", reply=convert)  # type: ignore[arg-type]
    with pytest.raises(BusError) as wrong:
        again(REQUEST, route, Reply("raw", raw))
    assert wrong.value.code == code
    assert [each.rule for each in wrong.value.findings] == ([rule] if rule else [])


def test_there_is_no_reply_where_none_was_promised() -> None:
    """A kept answer of a contract without a reply cannot become one."""
    with pytest.raises(ReplyMissing):
        again(a_contract(), PLAIN, Reply("raw", GOOD))


def test_files_of_an_answer_are_the_contracts() -> None:
    """What it allows comes along; what it does not is an invalid reply, kept whole; where it knows of none, they are
    left away."""
    file = Attachment("a", "text/plain", b"1")
    assert REQUEST.reply is not None
    allows = {
        most: replace(
            REQUEST, reply=replace(REQUEST.reply, attachments=Attachments(1, most, frozenset({"text/plain"})))
        )
        for most in (0, 1)
    }
    with_one = replace(answered(GOOD), attachments=(file,))
    assert take(REQUEST, PLAIN, with_one)[1] == Reply("reply", GOOD)
    assert take(allows[1], PLAIN, with_one) == (with_one, Reply("reply", GOOD, "", (file,)))
    outcome, kept = take(allows[0], PLAIN, with_one)
    assert (outcome.result, outcome.code) == (Result.REPLY_INVALID, "reply-attachments")
    assert kept == Reply("raw", GOOD, "", (file,))
    assert again(allows[1], PLAIN, kept) == Reply("reply", GOOD, "", (file,))
    with pytest.raises(ReplyInvalid):
        again(allows[0], PLAIN, kept)
    many = take(allows[1], PLAIN, replace(answered(GOOD), attachments=(file,) * 999))[1]
    assert many is not None
    assert len(many.attachments) == MOST_ATTACHMENTS + 1  # which no contract will ever allow
    wrong = take(allows[1], PLAIN, replace(with_one, reply=BAD))[1]
    assert wrong == Reply("raw", BAD, "", (file,))
