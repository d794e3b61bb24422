"""The validation handshake of CloudEvents' HTTP 1.1 Web Hooks (§4): a sender asks by OPTIONS whether it may call, a
receiver says who may, and how often."""

import re
from dataclasses import dataclass
from typing import Final

import aiohttp
from yarl import URL

from adapters.call import Call, Outcome
from adapters.endpoint import endpoint, merged
from adapters.http import Request, exchange
from adapters.rest.outbound import RestSettings
from bus.envelope import Body, Format

ORIGIN: Final = re.compile(r"[A-Za-z0-9.:*_-]{1,255}")
"""A name of the DNS (§4.1.1)."""

TIMEOUT: Final = 10.0


@dataclass(frozen=True, slots=True)
class Consent:
    """`why` is ``agreed``, ``not-agreed`` where an answer names neither us nor everybody, or why there is no answer, as
    attempts tell it. `rate`: how many calls a minute; None: any number."""

    why: str
    rate: int | None = None


async def ask(
    session: aiohttp.ClientSession, settings: RestSettings, path: str, origin: str, rate: int | None
) -> Consent:
    """Ask at the address of an operation, on behalf of `origin`, for so many calls a minute.

    Raises `SettingInvalid`.
    """
    known = endpoint(settings.endpoint, auth=settings.auth, headers=settings.headers, tls=settings.tls)
    asked = {"WebHook-Request-Origin": origin} | ({"WebHook-Request-Rate": str(rate)} if rate else {})
    request = Request("OPTIONS", URL(known.url + path), merged(known.headers, asked), tls=known.tls)
    answer = await exchange(session, request, Call(None, Body(Format.JSON, b""), timeout=TIMEOUT))
    if isinstance(answer, Outcome):
        return Consent(answer.code)
    if not answer.is_success:
        return Consent(f"http-{answer.status}")
    allowed = answer.headers.get("WebHook-Allowed-Origin", "").strip().lower()
    if allowed not in {"*", origin.lower()}:
        return Consent("not-agreed")
    most = answer.headers.get("WebHook-Allowed-Rate", "*").strip()
    return Consent("agreed", int(most) if re.fullmatch("[0-9]{1,9}", most) else None)


def consent(origin: str) -> dict[str, str]:
    """What the bus answers: whoever has a token and a grant may send, and its quota says how much, call by call."""
    return {"Allow": "POST", "WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*"}
