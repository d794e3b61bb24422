"""One connection, and what is known of its end."""

from routes.rabbitmq.addresses import addresses
from routes.rabbitmq.connection import Link


async def test_connection_that_has_gone_already_is_lost(rabbitmq_server: str) -> None:
    """A connection that was cut before anybody could be called back is known to be lost, not waited for for ever."""
    (address,) = addresses(rabbitmq_server)
    link = await Link.open(address)
    await link.close()
    assert Link(link._connection).lost.done()
