"""What happens after a call: the outcome table, as a pure function."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from adapters.call import Outcome, Result
from bus.states import Change
from routes.model import Retry

SLOW = Retry(first=60.0, max=900.0)
"""For what people must mend first: a password rotated at 16:55 must neither kill the evening's messages nor be tried
every five seconds."""

JITTER = 0.2
"""Share of a delay by which it is varied either way, so that what failed together does not come back together."""

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "backlog": "The subscriber of an event had as many messages waiting as it is allowed.",
        "misconfigured": "People must mend credentials, certificates, addresses or documents; tried slowly until then.",
        "outcome-unknown": "The call was made or may have been, and nobody knows what came of it. Ask the receiver"
        " before you replay.",
        "receiver-not-granted": "The subscriber of an event had no valid grant to receive it.",
        "refused": "The receiver refused the data, or the bus could not transform them.",
        "reply-invalid": "The receiver answered, but not as the contract promises. The raw answer is kept.",
    }
)
"""Why a delivery is dead; an expired one, and one that waits, has the code of its last attempt."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A change of state, its reason, and for a retry the milliseconds until it."""

    change: Change
    reason: str = ""
    delay: int = 0


def decide(outcome: Outcome, *, attempt: int, repeatable: bool, retry: Retry, remaining: int, chance: float) -> Verdict:
    """`attempt` counts from 1, `remaining` is the delivery's life in milliseconds, `chance` lies in [-1, 1]."""
    match outcome.result:
        case Result.ANSWERED | Result.FAULT:
            return Verdict(Change.SUCCEED)
        case Result.REFUSED:
            return Verdict(Change.KILL, "refused")
        case Result.REPLY_INVALID:
            return Verdict(Change.KILL, "reply-invalid")
        case Result.UNKNOWN if not repeatable:
            return Verdict(Change.KILL, "outcome-unknown")
        case Result.MISCONFIGURED:
            return _again(SLOW, "misconfigured", outcome, attempt, remaining, chance)
        case _:
            return _again(retry, outcome.code, outcome, attempt, remaining, chance)


def _again(retry: Retry, reason: str, outcome: Outcome, attempt: int, remaining: int, chance: float) -> Verdict:
    """Later, by the retry policy or as the receiver asked; expired where later would be too late."""
    doubled = retry.first * 2 ** min(attempt - 1, 30)
    seconds = min(doubled, retry.max) * (1 + JITTER * chance)
    delay = round(1000 * max(seconds, outcome.retry_after or 0.0))
    return Verdict(Change.RETRY, reason, delay) if delay < remaining else Verdict(Change.EXPIRE, reason)
