"""What a receiver answered, made into what the contract promised."""

from dataclasses import replace

from adapters.call import Outcome, Result
from bus.envelope import Body
from bus.errors import BusError
from contracts.model import Contract, Part
from journal.commands import Reply
from routes.model import Convert, Route


def take(contract: Contract, route: Route, outcome: Outcome) -> tuple[Outcome, Reply | None]:
    """The outcome as it stands after the contract was asked, and the reply to store.

    An answer that cannot be converted or breaks the contract is kept raw, and its outcome is `REPLY_INVALID`.
    """
    match outcome.result:
        case Result.ANSWERED if contract.reply:
            return _checked(outcome, "reply", contract.reply, route.reply)
        case Result.FAULT:
            fault = contract.faults.get(outcome.fault)
            return _checked(outcome, "fault", fault.part if fault else None, route.faults.get(outcome.fault))
        case Result.REPLY_INVALID if outcome.reply:
            return outcome, Reply("raw", outcome.reply)
        case _:
            return outcome, None


def _checked(outcome: Outcome, kind: str, part: Part | None, convert: Convert | None) -> tuple[Outcome, Reply | None]:
    raw = outcome.reply
    if raw is None:
        missing = replace(outcome, result=Result.REPLY_INVALID, code="reply-empty")
        return (missing, None) if part else (outcome, None)
    code = "reply-invalid"
    try:
        body = convert(raw) if convert else raw
        if part is None or _valid(part, body):
            return outcome, Reply(kind, body, outcome.fault)
    except BusError as refused:
        code = refused.code
    return replace(outcome, result=Result.REPLY_INVALID, code=code, fault=""), Reply("raw", raw)


def _valid(part: Part, body: Body) -> bool:
    if body.format is not part.format:
        return False
    _, findings = part.validator.check(body)
    return not findings
