"""A client of the gateway's HTTP front, for the command: it has no other way in than any system has."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

import orjson

from bus.errors import GatewayUnreachable
from documents.kinds import Contract
from documents.store import read
from running.home import Home

PATIENCE = 3.0
"""Seconds for a credential that was made just now to be known to the bus."""

GRACE = 10.0
"""Seconds beyond the longest wait that the bus may take for its answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    def json(self) -> dict[str, Any]:
        document = orjson.loads(self.body) if "json" in self.headers.get("content-type", "") else {}
        return document if isinstance(document, dict) else {}


class Client:
    """Acts as one system. Each call raises `GatewayUnreachable` where no answer comes."""

    def __init__(self, url: str, home: Home, system: str) -> None:
        self._url = url
        self._home = home
        self._system = system
        self._token = home.token(system)

    def send(
        self,
        contract: str,
        body: bytes,
        *,
        wait: int | None = None,
        key: str | None = None,
        media_type: str | None = None,
    ) -> Answer:
        """POST a message; its media type is guessed from its first character where none is given."""
        headers = {"Content-Type": media_type or _media_type(body)}
        if wait is not None:
            headers["Prefer"] = f"wait={wait}"
        if key is not None:
            headers["Idempotency-Key"] = key
        return self._call(
            "POST", f"/messages/{quote(contract, safe='@')}", headers, body, self._patience(contract, wait)
        )

    def message(self, message: str) -> dict[str, Any]:
        return self._call("GET", f"/messages/{message}", {}, None, 30).json()

    def reply(self, message: str) -> dict[str, Any]:
        return self._call("GET", f"/messages/{message}/reply", {}, None, 30).json()

    def fetch(self, most: int, wait: int) -> Answer:
        """At most so many out of the system's inbox."""
        return self._call("GET", f"/inbox?max={most}&wait={wait}", {}, None, 30 + wait)

    def acknowledge(self, delivery: str, attempt: int, body: bytes | None = None, fault: str | None = None) -> Answer:
        headers = {"Content-Type": _media_type(body)} if body else {}
        named = f"&fault={quote(fault, safe='')}" if fault else ""
        return self._call("POST", f"/inbox/{delivery}/ack?attempt={attempt}{named}", headers, body or b"", 30)

    def give_back(self, delivery: str, attempt: int, reason: str, *, retry: bool) -> Answer:
        body = orjson.dumps({"reason": reason, "retry": retry})
        headers = {"Content-Type": "application/json"}
        return self._call("POST", f"/inbox/{delivery}/nack?attempt={attempt}", headers, body, 30)

    def _patience(self, contract: str, wait: int | None) -> float:
        """How long the bus may wait itself: as it is asked to, else for a request as long as its contract gives it."""
        if wait is not None:
            return wait
        versions = (
            each for _, each in read(self._home.queries).of(Contract) if each.name == contract.partition("@")[0]
        )
        return max((each.limits.timeout.seconds for each in versions), default=0.0)

    def _call(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None, seconds: float) -> Answer:
        """A token that is not known yet is tried again: other processes see a new credential within a second or two."""
        end = time.monotonic() + PATIENCE
        while True:
            answer = self._once(method, path, headers, body, seconds)
            if answer.json().get("code") != "token-revoked" or time.monotonic() > end:
                return answer
            time.sleep(0.2)

    def _once(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None, seconds: float) -> Answer:
        given = {"Authorization": f"Bearer {self._token}", "Accept-Language": "en"} | dict(headers)
        request = Request(self._url + path, body, given, method=method)  # noqa: S310 - the address of our own gateway
        return ask(self._url, request, seconds + GRACE)


class _Here(HTTPRedirectHandler):
    """Goes where it was sent and nowhere else: another host would be handed the token, or the password."""

    def redirect_request(self, *_: object) -> None:
        return None


# Nor by way of a proxy that the environment names.
_OPENER = build_opener(ProxyHandler({}), _Here)


def ask(url: str, request: Request, seconds: float) -> Answer:
    """The answer to one request, whatever its status, from the bus at `url`. Raises `GatewayUnreachable`."""
    try:
        return _answer(request, seconds)
    except (OSError, HTTPException):
        raise GatewayUnreachable(url=url) from None


def _answer(request: Request, seconds: float) -> Answer:
    try:
        answer = _OPENER.open(request, timeout=seconds)
    except HTTPError as refused:
        answer = refused
    with answer:
        headers = _lower(answer.headers)
        if "content-length" not in headers and answer.status != 204:
            raise HTTPException  # the head was cut off, which http.client takes for its end
        return Answer(answer.status, headers, answer.read())


def _media_type(body: bytes) -> str:
    return "application/xml" if body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") else "application/json"


def _lower(headers: object) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}  # type: ignore[attr-defined]
