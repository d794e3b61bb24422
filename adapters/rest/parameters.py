"""What callers say in queries, forms and Basic credentials."""

import re
from base64 import b64decode
from datetime import UTC
from typing import Final
from urllib.parse import unquote_plus

from starlette.requests import Request

from bus.clock import instant
from bus.errors import CredentialInvalid, QueryInvalid
from bus.states import MessageState

MOST_LISTED: Final = 1_000


def client(request: Request, form: dict[str, list[str]]) -> tuple[str, str]:
    """Name and secret of the client; in Basic both are form-encoded first (RFC 6749 §2.3.1). Raises
    `CredentialInvalid` for what is no Basic."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return form.get("client_id", [""])[0], form.get("client_secret", [""])[0]
    try:
        name, _, secret = b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        raise CredentialInvalid from None
    return unquote_plus(name), unquote_plus(secret)


def state(text: str | None) -> MessageState | None:
    if text is None or text in set(MessageState):
        return MessageState(text) if text else None
    raise QueryInvalid(name="state", hint=f"one of {', '.join(MessageState)}")


def since(text: str | None) -> int:
    if text is None:
        return 0
    try:
        return instant(text, UTC)
    except ValueError:
        raise QueryInvalid(name="since", hint="a time as in 2026-11-22T09:55:00Z") from None


def limit(text: str | None) -> int:
    if text is None:
        return 100
    if not re.fullmatch("[0-9]{1,6}", text) or not 1 <= int(text) <= MOST_LISTED:
        raise QueryInvalid(name="limit", hint=f"a number from 1 to {MOST_LISTED}")
    return int(text)
