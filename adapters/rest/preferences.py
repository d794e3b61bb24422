"""The Prefer header (RFC 7240): how long a caller waits for the reply."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bus.errors import HeaderInvalid

LONGEST_WAIT = 120.0
"""Seconds; proxies cut longer silences anyway (nginx: 60 s, HAProxy: 50 s by default)."""


@dataclass(frozen=True, slots=True)
class Preference:
    """`wait` in seconds; None: as long as the contract gives a request, and not at all for anything else. `later`:
    whether the caller takes an answer that comes afterwards."""

    wait: float | None = None
    applied: str = ""
    later: bool = False


def preference(headers: list[str]) -> Preference:
    """Out of every Prefer header of a request. ``respond-async`` alone waits for nothing; with ``wait`` it waits that
    long (§4.3). Of one given twice the first counts, and unknown ones are ignored (§2). Raises `HeaderInvalid` for a
    wait that is no number."""
    preferred = dict(reversed([*_each(headers)]))
    later = "respond-async" in preferred
    if "wait" in preferred:
        wait = min(_seconds(preferred["wait"]), LONGEST_WAIT)
        return Preference(wait, f"wait={wait:g}", later)
    return Preference(0.0, "respond-async", later) if later else Preference()


def _each(headers: list[str]) -> Iterator[tuple[str, str]]:
    """Names in lower case with their values; parameters of a preference are left out."""
    for header in headers:
        for part in header.split(","):
            name, _, value = part.partition(";")[0].partition("=")
            yield name.strip().lower(), value.strip().strip('"')


def _seconds(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,6}", text):
        raise HeaderInvalid(name="Prefer", hint="wait takes a number of seconds, as in Prefer: wait=10")
    return float(text)
