"""What a receiver answered, made into what the contract promised."""

from collections.abc import Sequence
from dataclasses import replace

from adapters.call import Outcome, Result
from bus.envelope import Body
from bus.errors import BusError, Finding, ReplyInvalid, ReplyMissing
from contracts.model import MOST_ATTACHMENTS, Contract, Part
from journal.commands import Reply
from routes.model import Convert, Route


def take(contract: Contract, route: Route, outcome: Outcome) -> tuple[Outcome, Reply | None]:
    """The outcome as it stands after the contract was asked, and the reply to store.

    An answer that cannot be converted or breaks the contract is kept raw, and its outcome is `REPLY_INVALID`.
    """
    match outcome.result:
        case Result.ANSWERED if contract.reply:
            return _with_attachments(contract.reply, *_checked(outcome, "reply", contract.reply, route.reply))
        case Result.FAULT:
            fault = contract.faults.get(outcome.fault)
            return _checked(outcome, "fault", fault.part if fault else None, route.faults.get(outcome.fault))
        case Result.REPLY_INVALID if outcome.reply:
            return outcome, Reply("raw", outcome.reply)
        case _:
            return outcome, None


def again(contract: Contract, route: Route, raw: Reply) -> Reply:
    """What a raw answer, kept because it was wrong, is by the present contract and route: the reply, or the fault that
    it was. Raises `ReplyInvalid` with the findings, or what the conversion refuses."""
    if raw.fault:
        fault = contract.faults.get(raw.fault)
        return _made("fault", fault.part if fault else None, route.faults.get(raw.fault), raw.body, raw.fault)
    if contract.reply is None:
        raise ReplyMissing(exchange=contract.exchange)
    made = _made("reply", contract.reply, route.reply, raw.body, "")
    if contract.reply.attachments is None:
        return made
    if refusal := contract.reply.attachments.refusal(raw.attachments):
        raise ReplyInvalid(findings=[Finding("", "attachments", refusal)])
    return replace(made, attachments=raw.attachments)


def _with_attachments(part: Part, outcome: Outcome, reply: Reply | None) -> tuple[Outcome, Reply | None]:
    """Where the contract knows of none, they are left away, as parts of an answer that nobody asked for are."""
    if part.attachments is None or reply is None or not outcome.attachments:
        return outcome, reply
    refusal = part.attachments.refusal(outcome.attachments)
    # Of too many are kept as many as show that: a contract that is mended does not make the first ones all.
    kept = outcome.attachments[: MOST_ATTACHMENTS + 1]
    if reply.kind == "raw" or not refusal:
        return outcome, replace(reply, attachments=kept)
    raw = Reply("raw", outcome.reply or reply.body, attachments=kept)
    return replace(outcome, result=Result.REPLY_INVALID, code="reply-attachments"), raw


def _checked(outcome: Outcome, kind: str, part: Part | None, convert: Convert | None) -> tuple[Outcome, Reply | None]:
    raw = outcome.reply
    if raw is None:
        missing = replace(outcome, result=Result.REPLY_INVALID, code="reply-empty")
        return (missing, None) if part else (outcome, None)
    try:
        return outcome, _made(kind, part, convert, raw, outcome.fault)
    except BusError as refused:
        kept = Reply("raw", raw, outcome.fault)
        return replace(outcome, result=Result.REPLY_INVALID, code=refused.code, fault=""), kept


def _made(kind: str, part: Part | None, convert: Convert | None, raw: Body, fault: str) -> Reply:
    body = convert(raw) if convert else raw
    if part and (findings := _findings(part, body)):
        raise ReplyInvalid(findings=findings)
    return Reply(kind, body, fault)


def _findings(part: Part, body: Body) -> Sequence[Finding]:
    if body.format is not part.format:
        return [Finding("", "format", part.format.media_type)]
    _, findings = part.validator.check(body)
    return findings
