"""Conditional requests (RFC 9110 §13) and what caches are told (RFC 9111): an answer may be kept by who asked, and by
nobody else."""

import re
from collections.abc import Mapping

from starlette.requests import Request

from identity.keyring import KeyRing, keyed_hash

TAG = re.compile(r'(?:W/)?("[^"]*")')
MAX_AGE = re.compile(r'max-age="?([0-9]{1,9})')


def entity_tag(keys: KeyRing, sender: str, data: bytes) -> str:
    """A strong validator of these bytes for this sender; a keyed hash, so that nobody learns from it what they are."""
    _, _, digest = keyed_hash(keys, sender.encode() + b"\n" + data).partition(":")
    return f'"{digest[:32]}"'


def has_it(request: Request, tag: str) -> bool:
    """Whether the caller says that it has this (If-None-Match, RFC 9110 §13.1.2: compared weakly)."""
    return names(",".join(request.headers.getlist("if-none-match")), tag)


def names(given: str, tag: str) -> bool:
    """Whether If-None-Match names a validator of what there is, compared weakly."""
    return given.strip() == "*" or tag in TAG.findall(given)


def cache_headers(tag: str, max_age: float | None, age: int | None) -> Mapping[str, str]:
    """`max_age` is what the operation allows, in seconds, if anything; `age` that of an answer out of the journal, None
    where the provider has just given it."""
    control = f"private, max-age={max_age:.0f}" if max_age else "private, no-cache"
    told = {"ETag": tag, "Cache-Control": control, "Vary": "Authorization"}
    return told if age is None else {**told, "Age": str(age)}


def wanted_age(request: Request, allowed: float | None) -> float:
    """How old an answer the caller takes, in seconds, out of Cache-Control (RFC 9111 §5.2.1); 0: it wants a new one."""
    said = ",".join(request.headers.getlist("cache-control")).lower()
    if not allowed or "no-cache" in said or "no-store" in said:
        return 0.0
    given = MAX_AGE.search(said)
    return min(allowed, float(given[1])) if given else allowed
