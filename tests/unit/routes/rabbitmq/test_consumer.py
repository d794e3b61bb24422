"""A consumer, without a server."""

import asyncio
from typing import Any, cast

import pytest

from routes.rabbitmq.consumer import Consumer
from routes.rabbitmq.topology import Topology


class Slow:
    """A connection that never comes, and takes leave slowly."""

    def __init__(self) -> None:
        self.may_go = asyncio.Event()

    async def next(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await self.may_go.wait()


async def test_giving_up_on_closing_is_heard() -> None:
    """Whoever is told to end while a consumer takes its leave ends, and does not take it for the consumer's end."""
    keeper = Slow()
    consumer = Consumer(
        cast("Any", keeper), "lgsp", Topology().steady("his"), 1, lambda _, __: None, lambda: None, lambda: 0.0
    )
    await asyncio.sleep(0)
    closing = asyncio.create_task(consumer.close())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    closing.cancel()
    keeper.may_go.set()
    with pytest.raises(asyncio.CancelledError):
        await closing
