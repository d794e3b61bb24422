"""What the tests of a RabbitMQ that is in trouble ask of the broker: that it takes, and that it brings."""

import asyncio
from collections.abc import Awaitable, Callable

from routes.broker import Carried
from routes.rabbitmq.broker import RabbitBroker


class Arrivals(asyncio.Queue[Carried]):
    """What a subscription brings, acknowledged at once."""

    def __call__(self, carried: Carried, acknowledge: Callable[[], None]) -> None:
        acknowledge()
        self.put_nowait(carried)

    async def until(self, wanted: Carried) -> list[Carried]:
        """Everything that came, up to the delivery that is waited for."""
        came: list[Carried] = []
        while wanted not in came:
            came.append(await self.get())
        return came


async def until(true: Callable[[], bool | Awaitable[bool]]) -> None:
    """Ask again and again; the test's own limit of time is the only one."""
    while True:
        answer = true()
        if answer if isinstance(answer, bool) else await answer:
            return
        await asyncio.sleep(0.02)


async def taken(broker: RabbitBroker, *deliveries: Carried) -> None:
    """Publish until every one of them is confirmed."""
    left: list[Carried] = list(deliveries)

    async def confirmed() -> bool:
        left[:] = await broker.publish(left)
        return not left

    await until(confirmed)
