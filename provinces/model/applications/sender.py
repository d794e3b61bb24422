"""How a department's own application sends: ask for a token, post the message, read the answer."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic

import aiohttp

EARLY = 60.0  # seconds before its end at which a token is no longer used


@dataclass(frozen=True)
class Answer:
    """What came back for one message; `message` is where it can be followed, empty where it was not accepted."""

    status: int
    message: str
    body: bytes = field(repr=False)


@dataclass
class Sender:
    """One system, at one bus. `secret` is what the bus issued to it; the token made of it is kept until it ends."""

    session: aiohttp.ClientSession = field(repr=False)
    bus: str
    system: str
    secret: str = field(repr=False)
    clock: Callable[[], float] = monotonic
    _token: str = field(default="", repr=False)
    _until: float = 0.0

    async def token(self) -> str:
        """OAuth 2.0 client credentials (RFC 6749, section 4.4). Raises `aiohttp.ClientResponseError`."""
        if self.clock() >= self._until:
            headers = {"Authorization": aiohttp.encode_basic_auth(self.system, self.secret)}
            form = {"grant_type": "client_credentials"}
            async with self.session.post(f"{self.bus}/token", data=form, headers=headers) as answer:
                answer.raise_for_status()
                granted = await answer.json()
            self._token = granted["access_token"]
            self._until = self.clock() + float(granted["expires_in"]) - EARLY
        return self._token

    async def send(self, contract: str, body: bytes, key: str, media_type: str = "application/json") -> Answer:
        """Send one message. `key` is the sender's own number of it: the same key twice is one message."""
        headers = {
            "Authorization": f"Bearer {await self.token()}",
            "Content-Type": media_type,
            "Idempotency-Key": key,
        }
        async with self.session.post(f"{self.bus}/messages/{contract}", data=body, headers=headers) as answer:
            return Answer(answer.status, answer.headers.get("Location", ""), await answer.read())


@asynccontextmanager
async def sender(bus: str, system: str) -> AsyncIterator[Sender]:
    """A sender whose secret comes from the environment, as SENDER_SECRET."""
    async with aiohttp.ClientSession() as session:
        yield Sender(session, bus.rstrip("/"), system, os.environ["SENDER_SECRET"])
