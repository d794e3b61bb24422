"""The Prefer header (RFC 7240): how long a caller waits for the reply."""

import re
from dataclasses import dataclass

from bus.errors import HeaderInvalid

LONGEST_WAIT = 120.0
"""Seconds; proxies cut longer silences anyway (nginx: 60 s, HAProxy: 50 s by default)."""

WAIT = re.compile(r'wait\s*=\s*"?([^"]*)"?', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Preference:
    """`wait` in seconds; None: as long as the contract gives a request, and not at all for anything else."""

    wait: float | None = None
    applied: str = ""


def preference(headers: list[str]) -> Preference:
    """Out of every Prefer header of a request. ``respond-async`` alone waits for nothing; with ``wait`` it waits that
    long (§4.3). Unknown preferences are ignored (§2). Raises `HeaderInvalid` for a wait that is no number."""
    wait: float | None = None
    asynchronous = False
    for part in ",".join(headers).split(","):
        if found := WAIT.fullmatch(part.strip()):
            wait = _seconds(found.group(1))
        asynchronous |= part.strip().lower() == "respond-async"
    if wait is not None:
        return Preference(min(wait, LONGEST_WAIT), f"wait={wait:g}")
    return Preference(0.0, "respond-async") if asynchronous else Preference()


def _seconds(text: str) -> float:
    if not re.fullmatch(r"\d{1,6}", text.strip()):
        raise HeaderInvalid(name="Prefer", hint="wait takes a number of seconds, as in Prefer: wait=10")
    return float(text)
