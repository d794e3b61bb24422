"""What the inboxes over HTTP and over SOAP share: bounds, quotas, and who still waits."""

import re
from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

from starlette.requests import Request

from adapters.entrance import Entrance
from bus.errors import DeliveryUnknown, QueryInvalid, QuotaExceeded
from routes.inbox import Inbox, Item
from routes.model import Quota
from routes.quotas import Quotas

LONGEST_WAIT: Final = 60
"""Seconds; proxies cut longer silences anyway (nginx: 60 s, HAProxy: 50 s by default)."""

MOST: Final = 100

MOST_ATTEMPTS: Final = 999_999

ANSWERS: Final = Quota(per_second=2_000, burst=10_000)
"""Every system's quota of acknowledgements."""


class Inboxes:
    """Every system's inbox, for whoever has proved to be that system."""

    def __init__(self, entrance: Entrance, inbox: Inbox, quotas: Quotas) -> None:
        self._entrance = entrance
        self.inbox = inbox
        self._quotas = quotas

    async def fetch(
        self, request: Request, system: str, most: int, wait: int, again: Callable[[], Awaitable[object]]
    ) -> tuple[Item, ...]:
        """What waits, as soon as there is something or the wait is over. `again` proves after the wait that the caller
        still is the system."""

        async def is_there() -> bool:
            await again()
            return not await request.is_disconnected()

        return await self.inbox.fetch(system, most, float(wait), is_there)

    async def answering(self, system: str) -> None:
        """One more answer. Raises `QuotaExceeded` where a system answers without a pause."""
        try:
            self._quotas.take(system, ANSWERS)
        except QuotaExceeded as refused:
            await self._entrance.refusals.refused(system, refused)
            raise


def delivery_id(text: str) -> UUID:
    """Raises `DeliveryUnknown`."""
    try:
        return UUID(text)
    except ValueError:
        raise DeliveryUnknown from None


def number(name: str, text: str | None, least: int, most: int, default: int) -> int:
    """Raises `QueryInvalid`."""
    if text is None:
        return default
    if not re.fullmatch("[0-9]{1,6}", text) or not least <= int(text) <= most:
        raise QueryInvalid(name=name, hint=f"a number from {least} to {most}")
    return int(text)
